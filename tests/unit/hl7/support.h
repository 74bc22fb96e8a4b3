/* What the HL7 tests share: a message from segments, parsed and read. */
#ifndef XW_TEST_HL7_SUPPORT_H
#define XW_TEST_HL7_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hl7/observe.h"

struct hl7_read {
    struct xw_hl7_message message;
    struct xw_hl7_header header;
    struct xw_hl7_oru oru;
    struct xw_hl7_error error;
    int r;
};

#define HL7_MSH "MSH|^~\\&|M^00A0370000000001^EUI-64|F|||20261122120000+0800||ORU^R01|c1|P|2.6\r"

static inline void hl7_read_bytes(struct hl7_read *t, const void *bytes, size_t n)
{
    memset(t, 0, sizeof(*t));
    t->r = xw_hl7_parse(bytes, n, &t->message, &t->error);
    if (t->r < 0)
        return;
    t->r = xw_hl7_header_read(&t->message, &t->header, &t->error);
    if (t->r >= 0)
        t->r = xw_hl7_oru_read(&t->message, &t->header, &t->oru, &t->error);
}

static inline void hl7_read(struct hl7_read *t, const char *text)
{
    hl7_read_bytes(t, text, strlen(text));
}

static inline void hl7_read_done(struct hl7_read *t)
{
    xw_hl7_oru_done(&t->oru);
    if (t->message.text)
        xw_hl7_done(&t->message);
}

/* One OBX of this code, value and unit (OBX-6 as it stands), in a message that is read. */
static inline void hl7_read_one(struct hl7_read *t, const char *code, const char *value,
                                const char *unit)
{
    char text[2048];
    snprintf(text, sizeof(text), HL7_MSH "OBR|1\rOBX|1|NM|%s|1.1.1.1|%s|%s|||||R\r", code, value,
             unit);
    hl7_read(t, text);
}

#endif
