/* 16-byte identifiers: streams, studies, sessions, records.
 *
 * Threads: all functions may be called from any thread (version 7 takes a short lock).
 * Source: RFC 9562. Version 7 = 48-bit milliseconds, 42-bit counter, 32 random bits, strictly
 * increasing within the process even when the wall clock steps back. Version 8 = the first 128 bits
 * of a SHA-256 with version and variant bits put in. */
#ifndef XW_BASE_UUID_H
#define XW_BASE_UUID_H

#include "base/base.h"
#include "base/clock.h"

enum { XW_UUID_N_BYTES = 16, XW_UUID_TEXT_N_BYTES = 37 };

struct xw_uuid {
    uint8_t b[XW_UUID_N_BYTES];
};

/* One piece of what is hashed. Borrowed. */
struct xw_part {
    const void *data;
    size_t n_bytes;
};

/* A new version 7 id; `clock` NULL means the real clock. */
struct xw_uuid xw_uuid_v7(const struct xw_clock *clock);

/* Wall time in a version 7 id, in µs (millisecond steps). */
struct xw_wall_us xw_uuid_v7_time(const struct xw_uuid *id);

/* Version 8 of SHA-256(parts[0] || parts[1] || …). The caller separates variable parts himself. */
struct xw_uuid xw_uuid_v8(const struct xw_part *parts, size_t parts_n);

/* The id of a device-indexed stream: version 8 of SHA-256("xw-stream-1" || gateway_id || 0 ||
 * device_id || 0 || epoch as 8 bytes little-endian || header), where `header` is the canonical
 * serialization of the stream header with empty ids. The same device epoch gives the same stream
 * after any restart, even after the loss of the spool. */
struct xw_uuid xw_uuid_stream(const char *gateway_id, const char *device_id, uint64_t epoch,
                              const void *header, size_t header_n_bytes);

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", either case, nothing before or after; else -EBADMSG. */
int xw_uuid_parse(const char *text, struct xw_uuid *ret_id) XW_MUST_CHECK;
/* Copies exactly 16 bytes (protobuf `bytes`); any other size is -EBADMSG. */
int xw_uuid_from_bytes(const void *data, size_t n_bytes, struct xw_uuid *ret_id) XW_MUST_CHECK;
/* Lower case with hyphens, NUL terminated; returns ret_text. */
char *xw_uuid_format(const struct xw_uuid *id, char ret_text[XW_UUID_TEXT_N_BYTES]);

/* <0, 0, >0 in byte order: version 7 ids sort by birth. */
int xw_uuid_compare(const struct xw_uuid *a, const struct xw_uuid *b);
bool xw_uuid_equal(const struct xw_uuid *a, const struct xw_uuid *b);
bool xw_uuid_is_nil(const struct xw_uuid *id);
/* For hash tables of our own making; not for security. */
uint64_t xw_uuid_hash(const struct xw_uuid *id);

#endif
