/* A message, from its bytes to observations and its answer. What comes out is within its limits,
 * and the same message again adds nothing. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hl7/mllp.h"
#include "hl7/observe.h"

static int on_observation(void *user, const Xw__Observation *o,
                          const uint8_t key[XW_OBSERVATION_KEY_SIZE])
{
    unsigned *n = user;
    assert(xw__observation__get_packed_size(o) < 2048);
    assert(!memcmp(key + 25, o->observation_id.data, 16));
    assert((o->absent == XW__ABSENT_REASON__ABSENT_NONE) ==
           (o->value_case == XW__OBSERVATION__VALUE_NUMBER));
    if (o->value_case == XW__OBSERVATION__VALUE_NUMBER)
        assert(isfinite(o->number));
    assert(strlen(o->reported_value) <= 64 && strlen(o->reported_unit) <= 64);
    ++*n;
    return 0;
}

static void check_texts(const struct xw_hl7_oru *oru)
{
    size_t n = strlen(oru->device_id);
    assert(n <= XW_HL7_DEVICE_MAX);
    assert(strspn(oru->device_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._:-") == n);
    for (size_t i = 0; i < strlen(oru->place);) {
        size_t k = xw_hl7_utf8_at(oru->place + i, strlen(oru->place) - i);
        assert(k > 0);
        i += k;
    }
}

static void answer(const struct xw_hl7_message *m, const struct xw_hl7_header *h)
{
    const struct xw_hl7_error error = {"OBX", "no"};
    struct xw_buf out;
    xw_buf_init(&out, 4096);
    for (int verdict = XW_HL7_ACCEPT; verdict <= XW_HL7_REJECT; verdict++) {
        xw_buf_clear(&out);
        assert(xw_hl7_ack(m, h, (enum xw_hl7_verdict)verdict, &error, "id", 0, &out) == 0);
        assert(out.n < 2048);
        /* What is answered is one frame. */
        struct xw_mllp mllp;
        size_t used = 0;
        xw_mllp_init(&mllp);
        assert(!out.n || xw_mllp_feed(&mllp, out.data, out.n, 0, &used) == 1);
        assert(used == out.n);
        xw_mllp_done(&mllp);
    }
    xw_buf_done(&out);
}

static void observe(const struct xw_hl7_header *h, const struct xw_hl7_oru *oru)
{
    static const struct xw_uuid attachment = {{7}};
    struct xw_observe_counts counts;
    struct xw_vitals_memory *memory = malloc(sizeof(*memory));
    struct xw_observe_context c = {.gateway_id = "g",
                                   .device_id = "d",
                                   .attachment = &attachment,
                                   .received_us = INT64_C(1795320000000000),
                                   .now_us = 1000000,
                                   .rule = {0, 60000000}};
    unsigned n = 0, again = 0;
    xw_vitals_memory_init(memory);
    assert(xw_observe(memory, &c, h, oru, on_observation, &n, &counts) == 0);
    assert(n == counts.new_n && n <= oru->readings_n);
    c.received_us += 5000000;
    c.now_us += 5000000;
    assert(xw_observe(memory, &c, h, oru, on_observation, &again, &counts) == 0);
    /* More channels than are remembered push one another out, but ids are remembered beside. */
    assert(again == 0);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_hl7_message m;
    struct xw_hl7_header h;
    struct xw_hl7_oru oru;
    struct xw_hl7_error error;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    int r = memchr(data, 0x0b, size) || memchr(data, 0x1c, size)
                ? -EBADMSG /* the framer lets none through */
                : xw_hl7_parse(copy, size, &m, &error);
    free(copy);
    if (r < 0)
        return 0;
    if (xw_hl7_header_read(&m, &h, &error) == 0 && xw_hl7_oru_read(&m, &h, &oru, &error) == 0) {
        check_texts(&oru);
        observe(&h, &oru);
        xw_hl7_oru_done(&oru);
    }
    answer(&m, &h);
    xw_hl7_done(&m);
    return 0;
}
