/* What the layer's own tests share: a folder, files of one value, children that are cut.
 *
 * Threads: one. */
#ifndef XW_TESTS_DISK_HELP_H
#define XW_TESTS_DISK_HELP_H

#include "disk/disk.h"

#include <sys/types.h>

enum { SEEDS = 120, N = 4096, SECTORS = N / 512 };

extern char dir[256]; /* of the test that runs */
int setup(void **state);
int teardown(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The path of a name in the folder; good for the next three. */
const char *at(const char *name);
/* In a child: ends it when the check failed. */
void must(bool held);
/* N bytes of one value at the beginning of a file. */
void put(const char *name, uint8_t value, bool sync);
void sync_folder(const char *path);
/* Runs body in a child under the rules and cuts its power when it returns; the child's status. */
int cut_after(const char *rules, void (*body)(void));
void expect_cut(const char *rules, void (*body)(void));
void with_seed(unsigned seed, const char *more, void (*body)(void));
/* How much was read; -1: no such file. */
ssize_t get(const char *name, uint8_t *bytes, size_t n);
bool all(const uint8_t *bytes, size_t n, uint8_t value);
/* How many whole sectors have this value; every sector has one value throughout. */
unsigned sectors_of(const uint8_t *bytes, uint8_t value);

#endif
