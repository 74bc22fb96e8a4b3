/* The suite's parts: lists of tests that run on either store. */
#ifndef XW_TESTS_STORE_CONFORMANCE_H
#define XW_TESTS_STORE_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

extern const struct CMUnitTest conformance_samples[], conformance_records[];
extern const size_t conformance_samples_n, conformance_records_n;

/* A store of the kind under test, in *state as struct ts. */
int conformance_setup(void **state);
int conformance_teardown(void **state);

#endif
