/* Models and views made up from a seed, by integers and exact steps of floats alone, so that they
 * are the same bytes everywhere. */
#ifndef XW_TEST_NET12_MADE_H
#define XW_TEST_NET12_MADE_H

#include "dsp/net12/model.h"

/* A multiple of 2^-10 from -1 to below 1. */
float xw_made_number(uint64_t *state);
/* plain: without convolutions. Two members. free(ret_model->weights). */
void xw_made_model(uint64_t seed, bool plain, struct xw_net12_model *ret_model);
/* The model's bytes; free() them. */
uint8_t *xw_made_bytes(const struct xw_net12_model *model, size_t *ret_n);
/* Puts the hash right after a change of bytes. */
void xw_made_seal(uint8_t *bytes, size_t n);
void xw_made_view(uint64_t seed, struct xw_net12_view *ret_view);

#endif
