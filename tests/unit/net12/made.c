#include "unit/net12/made.h"

#include "dsp/core/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float xw_made_number(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (float)((int)(*state >> 53) - 1024) / 1024;
}

void xw_made_model(uint64_t seed, bool plain, struct xw_net12_model *m)
{
    memset(m, 0, sizeof(*m));
    snprintf(m->id, sizeof(m->id), "made %u", (unsigned)seed);
    m->members_n = 2;
    m->offered = 0x21;
    if (!plain) {
        m->shape.convs_n = 2;
        m->shape.conv[0] = (struct xw_net12_conv){.out_n = 5, .width = 7, .stride = 2};
        m->shape.conv[1] = (struct xw_net12_conv){.out_n = 6, .width = 5, .stride = 3};
        m->shape.segments_n = 3;
        m->shape.hidden_n = 7;
    }
    if (xw_net12_shape_complete(&m->shape))
        abort();
    size_t n = (size_t)m->members_n * m->shape.weights_n;
    m->weights = calloc(n, sizeof(*m->weights));
    if (!m->weights)
        abort();
    for (size_t i = 0; i < n; i++)
        m->weights[i] = xw_made_number(&seed) / 4;
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++) {
        m->mean[f] = xw_made_number(&seed);
        m->scale[f] = 1 + xw_made_number(&seed) / 2;
    }
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        m->slope[c] = 1 + xw_made_number(&seed) / 2;
        m->offset[c] = xw_made_number(&seed);
        m->limit[c] = 0.5F;
    }
}

uint8_t *xw_made_bytes(const struct xw_net12_model *model, size_t *ret_n)
{
    *ret_n = xw_net12_model_bytes(model);
    uint8_t *bytes = malloc(*ret_n);
    if (!bytes)
        abort();
    xw_net12_model_write(model, bytes);
    return bytes;
}

void xw_made_seal(uint8_t *bytes, size_t n)
{
    char hash[XW_NET12_HASH_BYTES];
    xw_dsp_sha256_text(bytes, n - XW_NET12_TAIL_BYTES, hash);
    memcpy(bytes + n - XW_NET12_TAIL_BYTES, hash, XW_NET12_TAIL_BYTES);
}

void xw_made_view(uint64_t seed, struct xw_net12_view *view)
{
    for (unsigned i = 0; i < XW_NET12_BEAT_N * XW_NET12_LEADS; i++)
        view->beat_mv[i] = xw_made_number(&seed);
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        view->figures[f] = f % 11 == 10 ? NAN : 2 * xw_made_number(&seed);
}
