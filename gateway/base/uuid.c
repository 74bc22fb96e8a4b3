/* Identifiers of versions 7 and 8, their text form, order and hash. */
#include "base/uuid.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

static const uint64_t COUNTER_MAX = (1ULL << 42) - 1;

static pthread_mutex_t v7_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t v7_last_ms;
static uint64_t v7_counter;

/* The next (millisecond, counter) pair, always greater than the one before: a wall clock that
 * steps back must not let a newer id sort before an older one. */
static void v7_next(uint64_t now_ms, uint64_t *ret_ms, uint64_t *ret_counter)
{
    pthread_mutex_lock(&v7_lock);
    if (now_ms > v7_last_ms) {
        v7_last_ms = now_ms;
        /* Starts in the lower half, so that a burst within this millisecond has room to count. */
        randombytes_buf(&v7_counter, sizeof(v7_counter));
        v7_counter &= COUNTER_MAX >> 1;
    } else if (v7_counter < COUNTER_MAX) {
        v7_counter++;
    } else {
        v7_last_ms++;
        v7_counter = 0;
    }
    *ret_ms = v7_last_ms;
    *ret_counter = v7_counter;
    pthread_mutex_unlock(&v7_lock);
}

static void put_be(uint8_t *b, uint64_t v, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        b[i] = (uint8_t)(v >> (8 * (n_bytes - 1 - i)));
}

static void set_version(struct xw_uuid *id, unsigned version)
{
    id->b[6] = (uint8_t)((id->b[6] & 0x0FU) | (version << 4));
    id->b[8] = (uint8_t)((id->b[8] & 0x3FU) | 0x80U);
}

struct xw_uuid xw_uuid_v7(const struct xw_clock *clock)
{
    int64_t now_us = xw_clock_wall(clock).us;
    uint64_t ms;
    uint64_t counter;
    v7_next(now_us > 0 ? (uint64_t)now_us / 1000 : 0, &ms, &counter);
    struct xw_uuid id;
    put_be(id.b, ms, 6);
    put_be(id.b + 6, counter >> 30, 2); /* 12 bits under the version */
    put_be(id.b + 8, counter, 4);       /* 30 bits under the variant */
    randombytes_buf(id.b + 12, 4);
    set_version(&id, 7);
    return id;
}

struct xw_wall_us xw_uuid_v7_time(const struct xw_uuid *id)
{
    int64_t ms = 0;
    for (size_t i = 0; i < 6; i++)
        ms = ms << 8 | id->b[i];
    return (struct xw_wall_us){ms * 1000};
}

struct xw_uuid xw_uuid_v8(const struct xw_part *parts, size_t parts_n)
{
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < parts_n; i++)
        crypto_hash_sha256_update(&state, parts[i].data, parts[i].n_bytes);
    crypto_hash_sha256_final(&state, digest);
    struct xw_uuid id;
    memcpy(id.b, digest, sizeof(id.b));
    set_version(&id, 8);
    return id;
}

struct xw_uuid xw_uuid_stream(const char *gateway_id, const char *device_id, uint64_t epoch,
                              const void *header, size_t header_n_bytes)
{
    static const char tag[] = "xw-stream-1";
    uint8_t epoch_le[8];
    for (size_t i = 0; i < sizeof(epoch_le); i++)
        epoch_le[i] = (uint8_t)(epoch >> (8 * i));
    /* The NUL behind each id is hashed too: it separates. */
    const struct xw_part parts[] = {
        {tag, sizeof(tag) - 1},
        {gateway_id, strlen(gateway_id) + 1},
        {device_id, strlen(device_id) + 1},
        {epoch_le, sizeof(epoch_le)},
        {header, header_n_bytes},
    };
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int xw_uuid_parse(const char *text, struct xw_uuid *ret_id)
{
    struct xw_uuid id;
    for (size_t i = 0; i < sizeof(id.b); i++) {
        if (hyphen_before(i) && *text++ != '-')
            return -EBADMSG;
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]); /* text[1] only behind a digit, not a NUL */
        if (low < 0)
            return -EBADMSG;
        id.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return -EBADMSG;
    *ret_id = id;
    return 0;
}

int xw_uuid_from_bytes(const void *data, size_t n_bytes, struct xw_uuid *ret_id)
{
    if (n_bytes != sizeof(ret_id->b))
        return -EBADMSG;
    memcpy(ret_id->b, data, n_bytes);
    return 0;
}

char *xw_uuid_format(const struct xw_uuid *id, char ret_text[XW_UUID_TEXT_N_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *p = ret_text;
    for (size_t i = 0; i < sizeof(id->b); i++) {
        if (hyphen_before(i))
            *p++ = '-';
        *p++ = digits[id->b[i] >> 4];
        *p++ = digits[id->b[i] & 15];
    }
    *p = '\0';
    return ret_text;
}

int xw_uuid_compare(const struct xw_uuid *a, const struct xw_uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool xw_uuid_equal(const struct xw_uuid *a, const struct xw_uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool xw_uuid_is_nil(const struct xw_uuid *id)
{
    static const struct xw_uuid nil;
    return xw_uuid_equal(id, &nil);
}

uint64_t xw_uuid_hash(const struct xw_uuid *id)
{
    uint64_t w[2];
    memcpy(w, id->b, sizeof(w));
    /* The finishing steps of splitmix64: every input bit reaches every output bit. */
    uint64_t h = w[0] ^ (w[1] * 0x9E3779B97F4A7C15ULL);
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
    return h ^ (h >> 31);
}
