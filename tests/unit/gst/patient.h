/* A synthetic patient with its stream header, for tests of elements and pipelines. */
#ifndef XW_TEST_GST_PATIENT_H
#define XW_TEST_GST_PATIENT_H

#include <stddef.h>
#include <stdint.h>

enum { PATIENT_RATE_HZ = 500, PATIENT_CHANNELS = 12 };

/* `seconds` of 12 leads, malloc'ed; scene as xw_synth_set_scene names it, from `at_s` on. */
int32_t *patient_samples(uint64_t seed, unsigned seconds, const char *scene, unsigned at_s);
/* The serialized StreamHeader, malloc'ed. */
uint8_t *patient_header(size_t *ret_size);

#endif
