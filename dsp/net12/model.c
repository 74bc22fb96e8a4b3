/* Models read and written. Every dimension is checked before anything is sized by it. */
#include "dsp/net12/model.h"

#include "dsp/core/sha256.h"

#include <math.h>
#include <string.h>

static const char MAGIC[8] = {'X', 'W', 'N', 'E', 'T', '1', '2', '\n'};
static const uint32_t FIXED[5] = {XW_NET12_LEADS, XW_NET12_BEAT_N, XW_NET12_GLOBALS,
                                  XW_NET12_FIGURES, XW_NET12_CLASSES};
enum { AT_VERSION = 8, AT_LENGTH = 12, AT_ID = 16, AT_FIXED = 48, AT_SHAPE = 68, AT_OFFERED = 84 };
enum { CONV_BYTES = 12, FLOATS_N = 2 * XW_NET12_FIGURES + 3 * XW_NET12_CLASSES };

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u32(uint8_t *p, uint32_t x)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(x >> 8 * i);
}

static float get_float(const uint8_t *p)
{
    uint32_t bits = get_u32(p);
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static void put_float(uint8_t *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    put_u32(p, bits);
}

static size_t weights_at(const struct xw_net12_model *m)
{
    return XW_NET12_HEAD_BYTES + (size_t)CONV_BYTES * m->shape.convs_n + sizeof(float) * FLOATS_N;
}

size_t xw_net12_model_bytes(const struct xw_net12_model *m)
{
    return weights_at(m) + sizeof(uint16_t) * m->members_n * (size_t)m->shape.weights_n +
           XW_NET12_TAIL_BYTES;
}

/* Printable ASCII, then NUL to the end. */
static bool take_id(const uint8_t *bytes, char *id)
{
    unsigned n = 0;
    while (n < XW_NET12_ID_BYTES && bytes[n] > ' ' - 1 && bytes[n] < 127 && bytes[n] != '"' &&
           bytes[n] != '\\')
        n++;
    for (unsigned i = n; i < XW_NET12_ID_BYTES; i++)
        if (bytes[i])
            return false;
    memcpy(id, bytes, XW_NET12_ID_BYTES);
    return n > 0 && n < XW_NET12_ID_BYTES;
}

static const char *take_shape(const uint8_t *bytes, size_t bytes_n, struct xw_net12_model *m,
                              size_t *at)
{
    const uint8_t *p = bytes + AT_SHAPE;
    *at = AT_SHAPE;
    m->members_n = get_u32(p);
    if (m->members_n < 1 || m->members_n > XW_NET12_MEMBERS_MAX)
        return "members: 1 to 16";
    m->shape.convs_n = get_u32(p + 4);
    m->shape.segments_n = get_u32(p + 8);
    m->shape.hidden_n = get_u32(p + 12);
    if (m->shape.convs_n > XW_NET12_CONVS_MAX)
        return "convolutions: 0 to 4";
    m->offered = get_u32(bytes + AT_OFFERED);
    *at = AT_OFFERED;
    if (m->offered >> XW_NET12_CLASSES)
        return "offers a class that there is not";
    *at = XW_NET12_HEAD_BYTES;
    if (bytes_n < XW_NET12_HEAD_BYTES + (size_t)CONV_BYTES * m->shape.convs_n)
        return "cut off within the convolutions";
    p = bytes + XW_NET12_HEAD_BYTES;
    for (unsigned k = 0; k < m->shape.convs_n; k++, p += CONV_BYTES)
        m->shape.conv[k] = (struct xw_net12_conv){
            .out_n = get_u32(p), .width = get_u32(p + 4), .stride = get_u32(p + 8)};
    return xw_net12_shape_complete(&m->shape);
}

const char *xw_net12_model_head(const uint8_t *bytes, size_t bytes_n, struct xw_net12_model *m,
                                size_t *at)
{
    memset(m, 0, sizeof(*m));
    *at = bytes_n;
    if (bytes_n < XW_NET12_HEAD_BYTES + XW_NET12_TAIL_BYTES)
        return "too short for a model";
    *at = 0;
    if (memcmp(bytes, MAGIC, sizeof(MAGIC)) != 0)
        return "not a model of this kind";
    *at = AT_VERSION;
    if (get_u32(bytes + AT_VERSION) != XW_NET12_VERSION)
        return "a version that is not known here";
    *at = AT_LENGTH;
    if (get_u32(bytes + AT_LENGTH) != bytes_n || bytes_n > XW_NET12_MODEL_BYTES_MAX)
        return "not as long as it says, or above 1 MiB";
    *at = AT_ID;
    if (!take_id(bytes + AT_ID, m->id))
        return "no id, or one that is not printable";
    for (unsigned i = 0; i < 5; i++) {
        *at = AT_FIXED + 4 * i;
        if (get_u32(bytes + *at) != FIXED[i])
            return "made for other inputs or classes";
    }
    const char *wrong = take_shape(bytes, bytes_n, m, at);
    if (wrong)
        return wrong;
    *at = AT_SHAPE;
    if ((size_t)m->members_n * m->shape.weights_n > XW_NET12_PARAMETERS_MAX)
        return "more than 200,000 parameters";
    *at = AT_LENGTH;
    return xw_net12_model_bytes(m) == bytes_n ? NULL : "its length is not that of its dimensions";
}

static const char *take_floats(const uint8_t *bytes, struct xw_net12_model *m, size_t *at)
{
    float *const list[] = {m->mean, m->scale, m->slope, m->offset, m->limit};
    const unsigned n[] = {XW_NET12_FIGURES, XW_NET12_FIGURES, XW_NET12_CLASSES, XW_NET12_CLASSES,
                          XW_NET12_CLASSES};
    for (unsigned k = 0; k < 5; k++)
        for (unsigned i = 0; i < n[k]; i++, *at += sizeof(float)) {
            list[k][i] = get_float(bytes + *at);
            if (!(fabsf(list[k][i]) < 1e9F))
                return "a scaling or calibration that is no number, or above 1e9";
        }
    return NULL;
}

const char *xw_net12_model_body(const uint8_t *bytes, size_t bytes_n, struct xw_net12_model *m,
                                char ret_hash[XW_NET12_HASH_BYTES], size_t *at)
{
    size_t end = bytes_n - XW_NET12_TAIL_BYTES;
    _Static_assert((int)XW_NET12_HASH_BYTES == (int)XW_DSP_SHA256_TEXT_BYTES, "one kind of hash");
    xw_dsp_sha256_text(bytes, end, ret_hash);
    *at = end;
    if (memcmp(bytes + end, ret_hash, XW_NET12_TAIL_BYTES) != 0)
        return "its hash is not that of its bytes";
    *at = XW_NET12_HEAD_BYTES + (size_t)CONV_BYTES * m->shape.convs_n;
    const char *wrong = take_floats(bytes, m, at);
    for (size_t i = 0; !wrong && *at < end; i++) {
        m->weights[i] = xw_net12_float((uint16_t)(bytes[*at] | bytes[*at + 1] << 8));
        if (isfinite(m->weights[i]))
            *at += sizeof(uint16_t);
        else
            wrong = "a weight that is no number";
    }
    return wrong;
}

void xw_net12_model_write(const struct xw_net12_model *m, uint8_t *bytes)
{
    size_t all = xw_net12_model_bytes(m), end = all - XW_NET12_TAIL_BYTES;
    memset(bytes, 0, all);
    memcpy(bytes, MAGIC, sizeof(MAGIC));
    put_u32(bytes + AT_VERSION, XW_NET12_VERSION);
    put_u32(bytes + AT_LENGTH, (uint32_t)all);
    memcpy(bytes + AT_ID, m->id, strnlen(m->id, XW_NET12_ID_BYTES - 1));
    for (unsigned i = 0; i < 5; i++)
        put_u32(bytes + AT_FIXED + (size_t)4 * i, FIXED[i]);
    const uint32_t shape[5] = {m->members_n, m->shape.convs_n, m->shape.segments_n,
                               m->shape.hidden_n, m->offered};
    for (unsigned i = 0; i < 5; i++)
        put_u32(bytes + AT_SHAPE + (size_t)4 * i, shape[i]);
    uint8_t *p = bytes + XW_NET12_HEAD_BYTES;
    for (unsigned k = 0; k < m->shape.convs_n; k++, p += CONV_BYTES) {
        put_u32(p, m->shape.conv[k].out_n);
        put_u32(p + 4, m->shape.conv[k].width);
        put_u32(p + 8, m->shape.conv[k].stride);
    }
    const float *const list[] = {m->mean, m->scale, m->slope, m->offset, m->limit};
    for (unsigned k = 0; k < 5; k++)
        for (unsigned i = 0; i < (k < 2 ? XW_NET12_FIGURES : XW_NET12_CLASSES); i++, p += 4)
            put_float(p, list[k][i]);
    for (size_t i = 0; p < bytes + end; i++, p += 2) {
        uint16_t half = xw_net12_half(m->weights[i]);
        p[0] = (uint8_t)half;
        p[1] = (uint8_t)(half >> 8);
    }
    char hash[XW_NET12_HASH_BYTES];
    xw_dsp_sha256_text(bytes, end, hash);
    memcpy(p, hash, XW_NET12_TAIL_BYTES);
}
