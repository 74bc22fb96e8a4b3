/* What the tests of persons share. */
#ifndef XW_TESTS_PERSON_SUPPORT_H
#define XW_TESTS_PERSON_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "person/number.h"

static const struct xw_day today = {.year = 2026, .month = 11, .day = 23};

static inline struct xw_day day(int y, int m, int d)
{
    return (struct xw_day){.year = (int16_t)y, .month = (int8_t)m, .day = (int8_t)d};
}

#endif
