/* Who made this binary: for --version, hello messages and analysis runs.
 *
 * Threads: any; constant strings. */
#ifndef XW_BASE_VERSION_H
#define XW_BASE_VERSION_H

#include "base/base.h"

const char *xw_version(void);     /* "0.1.0" */
const char *xw_version_git(void); /* commit, with -dirty when the tree was changed; "unknown" */
const char *xw_version_compiler(void); /* "gcc 12.2.0" */
const char *xw_version_isa(void); /* instruction set found at run time: "x86-64 sse4.2 avx2 fma" */
/* "PROGRAM 0.1.0 (commit, compiler, isa)"; returns ret_text. */
char *xw_version_line(const char *program, char *ret_text, size_t n_bytes);

#endif
