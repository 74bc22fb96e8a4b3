/* Counts every allocation of the whole process while counting is on, by standing in front of the
 * allocator (glibc only; under a sanitizer, which has its own, it says that it cannot).
 * Thread rule: counts are atomic; switch on and off from one thread. */
#ifndef XW_TEST_DSP_ALLOCATIONS_H
#define XW_TEST_DSP_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

bool xw_allocations_can_count(void);
void xw_allocations_begin(void);
uint64_t xw_allocations_end(void); /* calls that gave or took memory since begin */

#endif
