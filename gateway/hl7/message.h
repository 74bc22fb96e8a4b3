/* An HL7 v2 message: separators, segments, fields, components, escapes.
 *
 * The whole message is brought to UTF-8 first (MSH-18), because the second byte of a GB 18030
 * character may look like a separator. Segments end in CR, LF or both. Nothing is copied but the
 * one text; pieces point into it and are raw: xw_hl7_unescape() makes a value of them.
 *
 * Threads: one at a time. Ownership: the message owns its text; pieces borrow it.
 * Errors: -EBADMSG with where and why, -ENOMEM. Source: HL7 v2.6 chapter 2. */
#ifndef XW_HL7_MESSAGE_H
#define XW_HL7_MESSAGE_H

#include "base/base.h"

enum { XW_HL7_FIELDS_MAX = 32, XW_HL7_SEGMENTS_MAX = 16384 };

struct xw_hl7_error {
    char where[16]; /* "MSH-2", "OBX[7]-5" */
    char text[96];
};

/* A piece of the message; at is never NULL. */
struct xw_hl7_piece {
    const char *at;
    size_t n;
};

struct xw_hl7_message {
    char *text; /* UTF-8, no NUL inside */
    size_t text_n;
    struct xw_hl7_piece *segments;
    size_t segments_n;
    char field, component, repeat, escape, sub;
    const char *charset; /* what it was read as; static */
};

/* The first fields of a segment. fields[0] is its name; MSH-1 is the separator, as HL7 counts. */
struct xw_hl7_fields {
    struct xw_hl7_piece f[XW_HL7_FIELDS_MAX];
};

void xw_hl7_error_set(struct xw_hl7_error *error, const char *where, const char *format, ...)
    XW_PRINTF(3, 4);

/* data: the bytes between 0x0B and 0x1C. */
XW_MUST_CHECK int xw_hl7_parse(const void *data, size_t size, struct xw_hl7_message *ret_message,
                               struct xw_hl7_error *ret_error);
void xw_hl7_done(struct xw_hl7_message *message);

bool xw_hl7_is(const struct xw_hl7_piece *segment, const char name[3]);
void xw_hl7_split(const struct xw_hl7_message *message, const struct xw_hl7_piece *segment,
                  struct xw_hl7_fields *ret_fields);
/* Part number n (from 1) of a piece; empty when it has no such part. */
struct xw_hl7_piece xw_hl7_repeat(const struct xw_hl7_message *message, struct xw_hl7_piece field,
                                  size_t n);
struct xw_hl7_piece xw_hl7_component(const struct xw_hl7_message *message,
                                     struct xw_hl7_piece field, size_t n);
/* Into ret_text (cut at a whole character, NUL terminated), without blanks at both ends and
 * without control characters. Returns its length. */
size_t xw_hl7_unescape(const struct xw_hl7_message *message, struct xw_hl7_piece piece,
                       char *ret_text, size_t size);
/* component n of a field, unescaped. */
size_t xw_hl7_text(const struct xw_hl7_message *message, struct xw_hl7_piece field, size_t n,
                   char *ret_text, size_t size);

/* charset.c: bytes of a message to UTF-8, malloc'ed; *ret_name is static. -ENOMEM; -ENOTSUP for
 * sixteen-bit codings. What cannot be read becomes U+FFFD. */
XW_MUST_CHECK int xw_hl7_to_utf8(const char *data, size_t size, char **ret_text, size_t *ret_n,
                                 const char **ret_name);
/* Length of the whole UTF-8 sequence at p, 0 if it is none. */
size_t xw_hl7_utf8_at(const char *p, size_t n);

#endif
