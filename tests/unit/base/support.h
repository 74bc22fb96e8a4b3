/* What the base tests share: cmocka with its needed headers, and a seeded generator whose seed is
 * printed and can be set by XW_SEED. */
#ifndef XW_TEST_BASE_SUPPORT_H
#define XW_TEST_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline uint64_t test_seed(void)
{
    const char *text = getenv("XW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 20240607;
    print_message("XW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* splitmix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

#endif
