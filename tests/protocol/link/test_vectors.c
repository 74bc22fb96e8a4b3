/* The byte examples of the protocol: proto/vectors/ *.hex against the generated encoder, every kind
 * of message covered, and the hex in PROTOCOL.md against the vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/block.h"
#include "base/frame.h"
#include "base/uuid.h"
#include "dsp/codec/codec.h"
#include "link/wire.h"
#include "proto/device.pb-c.h"
#include "proto/health.pb-c.h"
#include "proto/link.pb-c.h"
#include "proto/live.pb-c.h"
#include "protocol/link/text_format.h"

enum { VECTORS_MAX = 128, FILE_MAX = 256 * 1024 };

struct vector {
    char name[64], type[64];
    char *text;
    uint8_t *data;
    size_t size;
};
static struct vector vectors[VECTORS_MAX];
static size_t vectors_n;

static const ProtobufCMessageDescriptor *const types[] = {
    &xw__link_message__descriptor,    &xw__device_message__descriptor,
    &xw__gateway_message__descriptor, &xw__browser_message__descriptor,
    &xw__live_message__descriptor,
};
/* What records and ephemeral messages carry. */
static const ProtobufCMessageDescriptor *const bodies[] = {
    &xw__observation__descriptor, &xw__clip__descriptor,           &xw__video_part__descriptor,
    &xw__video_want__descriptor,  &xw__video_status__descriptor,   &xw__alarm_probe__descriptor,
    &xw__alarm_proof__descriptor, &xw__gateway_report__descriptor,
};

static const ProtobufCMessageDescriptor *type_of(const char *name)
{
    for (size_t i = 0; i < XW_ARRAY_N(types); i++)
        if (!strcmp(types[i]->name, name))
            return types[i];
    for (size_t i = 0; i < XW_ARRAY_N(bodies); i++)
        if (!strcmp(bodies[i]->name, name))
            return bodies[i];
    return NULL;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, FILE_MAX);
    assert_non_null(file);
    assert_non_null(text);
    size_t n = fread(text, 1, FILE_MAX - 1, file);
    assert_true(n > 0 && n < FILE_MAX - 1);
    fclose(file);
    return text;
}

/* Appends the bytes of a line of hex; a '#' begins a comment. */
static void add_hex(const char *line, uint8_t **data, size_t *size)
{
    for (const char *p = line; *p && *p != '#';) {
        char digits[3] = {p[0], p[1], 0}, *end;
        if (*p == ' ' || *p == '\t' || *p == '\r') {
            p++;
            continue;
        }
        unsigned long value = strtoul(digits, &end, 16);
        assert_ptr_equal(end, digits + 2);
        *data = realloc(*data, *size + 1);
        assert_non_null(*data);
        (*data)[(*size)++] = (uint8_t)value;
        p += 2;
    }
}

static void add_text(struct vector *v, const char *line)
{
    size_t n = v->text ? strlen(v->text) : 0;
    char *grown = realloc(v->text, n + strlen(line) + 2);
    if (!grown)
        abort();
    v->text = grown;
    memcpy(v->text + n, line, strlen(line));
    memcpy(v->text + n + strlen(line), "\n", 2);
}

static void load(const char *path)
{
    char *text = read_file(path), *rest = text, *line;
    struct vector *v = NULL;
    enum { NONE, TEXT, HEX } in = NONE;
    while ((line = strsep(&rest, "\n"))) {
        if (line[0] == '[') {
            assert_true(vectors_n < VECTORS_MAX);
            v = &vectors[vectors_n++];
            snprintf(v->name, sizeof(v->name), "%.*s", (int)strcspn(line + 1, "]"), line + 1);
            in = NONE;
        } else if (!v) {
            continue; /* words before the first name */
        } else if (!strncmp(line, "type: ", 6)) {
            snprintf(v->type, sizeof(v->type), "%s", line + 6);
        } else if (!strcmp(line, "text:")) {
            in = TEXT;
        } else if (!strcmp(line, "hex:")) {
            in = HEX;
        } else if (in == TEXT) {
            add_text(v, line);
        } else if (in == HEX) {
            add_hex(line, &v->data, &v->size);
        }
    }
    free(text);
}

static int load_all(void **state)
{
    (void)state;
    load("proto/vectors/link.hex");
    load("proto/vectors/device.hex");
    load("proto/vectors/live.hex");
    load("proto/vectors/study.hex");
    return 0;
}

static const struct vector *find(const char *name)
{
    for (size_t i = 0; i < vectors_n; i++)
        if (!strcmp(vectors[i].name, name))
            return &vectors[i];
    fprintf(stderr, "no vector %s\n", name);
    fail();
    return NULL;
}

static void the_encoder_makes_exactly_these_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_n; i++) {
        const struct vector *v = &vectors[i];
        const ProtobufCMessageDescriptor *type = type_of(v->type);
        assert_non_null(type);
        ProtobufCMessage *message = text_format_parse(type, v->text);
        uint8_t *packed = malloc(protobuf_c_message_get_packed_size(message) + 1);
        assert_non_null(packed);
        size_t size = protobuf_c_message_pack(message, packed);
        if (size != v->size || memcmp(packed, v->data, size) != 0)
            fprintf(stderr, "vector %s differs\n", v->name);
        assert_int_equal(size, v->size);
        assert_memory_equal(packed, v->data, size);
        protobuf_c_message_free_unpacked(message, NULL);
        free(packed);
    }
}

static void the_decoder_reads_them_and_loses_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_n; i++) {
        const struct vector *v = &vectors[i];
        ProtobufCMessage *message =
            protobuf_c_message_unpack(type_of(v->type), NULL, v->size, v->data);
        assert_non_null(message);
        assert_int_equal(message->n_unknown_fields, 0);
        assert_int_equal(protobuf_c_message_get_packed_size(message), v->size);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void every_kind_of_message_has_one(void **state)
{
    (void)state;
    static const char *const groups[] = {"link", "device", "gateway", "browser", "live"};
    for (size_t t = 0; t < XW_ARRAY_N(types); t++)
        for (unsigned f = 0; f < types[t]->n_fields; f++) {
            char name[80];
            snprintf(name, sizeof(name), "%s-%s", groups[t], types[t]->fields[f].name);
            find(name);
        }
    for (size_t i = 0; i < XW_ARRAY_N(bodies); i++) {
        bool found = false;
        for (size_t k = 0; k < vectors_n && !found; k++)
            found = !strcmp(vectors[k].type, bodies[i]->name);
        assert_true(found);
    }
}

static void every_link_vector_passes_the_checks_of_its_receiver(void **state)
{
    (void)state;
    struct xw_wire_arena arena;
    assert_int_equal(xw_wire_arena_init(&arena), 0);
    for (size_t i = 0; i < vectors_n; i++) {
        const struct vector *v = &vectors[i];
        Xw__LinkMessage *message;
        struct xw_wire_fault fault = {0};
        if (strncmp(v->name, "link-", 5) != 0)
            continue;
        bool ok = xw_wire_read(&arena, XW_FROM_GATEWAY, v->data, v->size, &message, &fault) >= 0 ||
                  xw_wire_read(&arena, XW_FROM_COUNTY, v->data, v->size, &message, &fault) >= 0;
        if (!ok)
            fprintf(stderr, "%s: %s\n", v->name, fault.text);
        assert_true(ok);
    }
    xw_wire_arena_done(&arena);
}

static void an_unknown_field_is_tolerated(void **state)
{
    (void)state;
    const struct vector *v = find("link-credit");
    uint8_t data[64];
    struct xw_wire_arena arena;
    Xw__LinkMessage *message;
    struct xw_wire_fault fault;
    assert_int_equal(xw_wire_arena_init(&arena), 0);
    memcpy(data, v->data, v->size);
    static const uint8_t unknown[] = {0xa2, 0x06, 0x02, 'h', 'i'}; /* field 100, two bytes */
    memcpy(data + v->size, unknown, sizeof(unknown));
    assert_int_equal(xw_wire_read(&arena, XW_FROM_COUNTY, data, v->size + 5, &message, &fault), 0);
    assert_int_equal(message->body_case, XW__LINK_MESSAGE__BODY_CREDIT);
    /* A kind that does not exist yet: read, and without effect. */
    assert_int_equal(xw_wire_read(&arena, XW_FROM_COUNTY, "\xa2\x06\x02hi", 5, &message, &fault),
                     0);
    assert_int_equal(message->body_case, XW__LINK_MESSAGE__BODY__NOT_SET);
    xw_wire_arena_done(&arena);
}

static void the_block_of_the_examples_is_coded_as_described(void **state)
{
    (void)state;
    const int32_t x[] = {10, -5, 12, -5, 11, -4};
    int32_t back[6];
    uint8_t data[64];
    const struct vector *v = find("device-block"), *raw = find("device-block-int16");
    Xw__DeviceMessage *m = xw__device_message__unpack(NULL, v->size, v->data);
    Xw__DeviceMessage *r = xw__device_message__unpack(NULL, raw->size, raw->data);
    assert_non_null(m);
    assert_non_null(r);
    assert_int_equal(xw_block_encode(XW_CODING_DELTA, x, 2, 3, data, sizeof(data)),
                     m->block->data.len);
    assert_memory_equal(data, m->block->data.data, m->block->data.len);
    assert_int_equal(xw_block_crc(x, 2, 3), m->block->crc32c);
    assert_int_equal(xw_block_encode(XW_CODING_INT16, x, 2, 3, data, sizeof(data)),
                     r->block->data.len);
    assert_memory_equal(data, r->block->data.data, r->block->data.len);
    assert_int_equal(r->block->crc32c, m->block->crc32c);
    assert_true(
        xw_block_decode(XW_CODING_DELTA, m->block->data.data, m->block->data.len, 2, 3, back) >= 0);
    assert_memory_equal(back, x, sizeof(x));
    xw__device_message__free_unpacked(m, NULL);
    xw__device_message__free_unpacked(r, NULL);
}

static void the_chain_of_the_examples_decodes_to_its_samples(void **state)
{
    (void)state;
    const int32_t x[2][6] = {{10, -5, 12, -5, 11, -4}, {11, -4, 10, -4, 9, -3}};
    const struct vector *v = find("link-blocks-chained");
    Xw__LinkMessage *m = xw__link_message__unpack(NULL, v->size, v->data);
    struct xw_codec *coder, *decoder;
    assert_non_null(m);
    assert_int_equal(xw_codec_new(2, &coder), 0);
    assert_int_equal(xw_codec_new(2, &decoder), 0);
    for (size_t i = 0; i < 2; i++) {
        const Xw__Block *b = m->blocks->blocks[i];
        int32_t back[6];
        uint8_t data[64];
        uint64_t key_first;
        assert_int_equal(xw_codec_decode(decoder, b->first, b->key_first, b->data.data, b->data.len,
                                         b->count, back),
                         0);
        assert_memory_equal(back, x[i], sizeof(back));
        assert_int_equal(xw_block_crc(back, 2, 3), b->crc32c);
        assert_int_equal(
            xw_codec_encode(coder, b->first, false, back, 3, data, sizeof(data), &key_first),
            b->data.len);
        assert_memory_equal(data, b->data.data, b->data.len);
        assert_int_equal(key_first, b->key_first);
    }
    xw_codec_free(coder);
    xw_codec_free(decoder);
    xw__link_message__free_unpacked(m, NULL);
}

static void the_hmac_of_the_examples_is_made_as_described(void **state)
{
    (void)state;
    const struct vector *v = find("device-auth"), *c = find("gateway-challenge");
    Xw__DeviceMessage *m = xw__device_message__unpack(NULL, v->size, v->data);
    Xw__GatewayMessage *g = xw__gateway_message__unpack(NULL, c->size, c->data);
    crypto_auth_hmacsha256_state hmac;
    uint8_t key[32], mac[32];
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    assert_non_null(m);
    assert_non_null(g);
    crypto_auth_hmacsha256_init(&hmac, key, sizeof(key));
    crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)"xw-device-1", 11);
    crypto_auth_hmacsha256_update(&hmac, g->challenge->nonce.data, g->challenge->nonce.len);
    crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)"dev-1", 5);
    crypto_auth_hmacsha256_final(&hmac, mac);
    assert_int_equal(m->auth->hmac.len, 32);
    assert_memory_equal(m->auth->hmac.data, mac, 32);
    xw__device_message__free_unpacked(m, NULL);
    xw__gateway_message__free_unpacked(g, NULL);
}

/* The stream id of PROTOCOL.md's example, from the header of link-open with empty ids. */
static void stream_id_example(char ret_text[XW_UUID_TEXT_N_BYTES], char *ret_hex, size_t size)
{
    const struct vector *v = find("link-open");
    Xw__LinkMessage *m = xw__link_message__unpack(NULL, v->size, v->data);
    uint8_t canonical[512];
    assert_non_null(m);
    Xw__StreamHeader *h = m->open->header;
    ProtobufCBinaryData stream_id = h->stream_id, attachment_id = h->attachment_id;
    h->stream_id = h->attachment_id = (ProtobufCBinaryData){0, NULL};
    assert_true(xw__stream_header__get_packed_size(h) <= sizeof(canonical));
    size_t n = xw__stream_header__pack(h, canonical);
    struct xw_uuid id = xw_uuid_stream(h->gateway_id, h->device_id, h->device_epoch, canonical, n);
    xw_uuid_format(&id, ret_text);
    assert_true(n * 2 < size);
    for (size_t i = 0; i < n; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", canonical[i]);
    h->stream_id = stream_id;
    h->attachment_id = attachment_id;
    xw__link_message__free_unpacked(m, NULL);
}

/* ```hex NAME … ``` must be the vector of that name; "hex framed NAME" with its length before it.
 */
static size_t check_fence(const char *info, const uint8_t *data, size_t size)
{
    uint8_t header[XW_FRAME_HEADER_MAX_N_BYTES];
    bool framed = !strncmp(info, "framed ", 7);
    const struct vector *v = find(info + (framed ? 7 : 0));
    size_t n = framed ? xw_frame_header(v->size, header) : 0;
    if (!data || size != n + v->size || memcmp(data + n, v->data, v->size) != 0 ||
        memcmp(data, header, n) != 0)
        fprintf(stderr, "PROTOCOL.md, hex %s: differs from the vector\n", info);
    assert_int_equal(size, n + v->size);
    assert_memory_equal(data, header, n);
    assert_memory_equal(data + n, v->data, v->size);
    return 1;
}

static void the_hex_of_the_protocol_page_is_that_of_the_vectors(void **state)
{
    (void)state;
    char *page = read_file("proto/PROTOCOL.md"), *rest = page, *line, info[80] = "";
    char id_text[XW_UUID_TEXT_N_BYTES], canonical[1024];
    uint8_t *data = NULL;
    size_t size = 0, checked = 0;
    stream_id_example(id_text, canonical, sizeof(canonical));
    if (!strstr(page, id_text))
        fprintf(stderr, "stream id example: %s\n", id_text);
    assert_non_null(strstr(page, id_text));
    while ((line = strsep(&rest, "\n"))) {
        if (!strncmp(line, "```hex ", 7)) {
            snprintf(info, sizeof(info), "%s", line + 7);
        } else if (*info && !strcmp(line, "```")) {
            checked += check_fence(info, data, size);
            *info = 0;
            size = 0;
        } else if (*info) {
            add_hex(line, &data, &size);
        }
    }
    assert_true(checked >= 8);
    free(data);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_encoder_makes_exactly_these_bytes),
        cmocka_unit_test(the_decoder_reads_them_and_loses_nothing),
        cmocka_unit_test(every_kind_of_message_has_one),
        cmocka_unit_test(every_link_vector_passes_the_checks_of_its_receiver),
        cmocka_unit_test(an_unknown_field_is_tolerated),
        cmocka_unit_test(the_block_of_the_examples_is_coded_as_described),
        cmocka_unit_test(the_chain_of_the_examples_decodes_to_its_samples),
        cmocka_unit_test(the_hmac_of_the_examples_is_made_as_described),
        cmocka_unit_test(the_hex_of_the_protocol_page_is_that_of_the_vectors),
    };
    return cmocka_run_group_tests(tests, load_all, NULL);
}
