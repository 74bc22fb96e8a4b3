/* Command lines from a table: getopt_long inside, --help made from the same table.
 *
 *   static const struct xw_cli_option options[] = {
 *       {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &opt.record, "recording to read"},
 *       {"timing", 0, NULL, XW_CLI_FLAG, &opt.timing, "print samples per second"},
 *   };
 *
 * --help and --version are always there. Threads: main only. Ownership: texts point into argv. */
#ifndef XW_BASE_CLI_H
#define XW_BASE_CLI_H

#include "base/base.h"

#include <stdio.h>

enum xw_cli_type {
    XW_CLI_FLAG,     /* bool *: set to true */
    XW_CLI_TEXT,     /* const char ** */
    XW_CLI_INT,      /* int64_t * */
    XW_CLI_DURATION, /* int64_t *, µs */
    XW_CLI_BYTES,    /* int64_t * */
    XW_CLI_NUMBER,   /* double * */
    XW_CLI_TEXTS,    /* struct xw_cli_texts *: the option may be given up to 64 times */
};

enum { XW_CLI_TEXTS_MAX = 64 };

struct xw_cli_texts {
    const char *v[XW_CLI_TEXTS_MAX];
    size_t n;
};

struct xw_cli_option {
    const char *name;
    char letter;          /* 0 = no short form */
    const char *arg_name; /* NULL for a flag */
    enum xw_cli_type type;
    void *target;
    const char *help;
};

struct xw_cli {
    const char *program;
    const char *args;    /* what follows the options, "[GATEWAY…]" or NULL: none allowed */
    const char *summary; /* one sentence */
    const struct xw_cli_option *options;
    size_t options_n; /* at most 64 */
};

/* Parses argv. ret_first: index of the first argument that is no option. Returns 0 to go on, 1 when
 * --help or --version was answered (exit 0), -EINVAL after a message on stderr (exit 2). */
int xw_cli_parse(const struct xw_cli *cli, int argc, char **argv, int *ret_first) XW_MUST_CHECK;
void xw_cli_help(const struct xw_cli *cli, FILE *out);

#endif
