/* A folder of its own for a test's files, removed with all that is in it. */
#ifndef XW_TESTS_WFDB_SCRATCH_H
#define XW_TESTS_WFDB_SCRATCH_H

#include <stddef.h>

enum { SCRATCH_PATH_BYTES = 512 };

/* cmocka setup and teardown; the folder's path is in *state (char *). */
int scratch_setup(void **state);
int scratch_teardown(void **state);
/* FOLDER/NAME in a static buffer (the last two results stay valid). */
const char *scratch_path(void **state, const char *name);
void scratch_write(void **state, const char *name, const void *data, size_t data_n);

#endif
