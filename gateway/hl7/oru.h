/* A monitor's message: its header, and the readings in it (ORU^R01, IHE PCD-01).
 *
 * Nothing of PID is kept. What is no reading of a known quantity is counted. A number is given only
 * when it may be used; otherwise `absent` says why there is none.
 *
 * Threads: one at a time. Ownership: xw_hl7_oru_done frees the readings; texts are copies.
 * Errors: -EBADMSG with segment and field. Limits: 2,048 readings a message (-EOVERFLOW).
 * Source: IHE PCD TF-2, PCD-01; HL7 v2.6 chapters 2 and 7. */
#ifndef XW_HL7_ORU_H
#define XW_HL7_ORU_H

#include "base/buf.h"
#include "hl7/message.h"
#include "hl7/time.h"
#include "hl7/vital.h"

enum { XW_HL7_READINGS_MAX = 2048, XW_HL7_DEVICE_MAX = 64, XW_HL7_VALUE_MAX = 64 };

/* As the wire's AbsentReason, without its dependency. */
enum xw_hl7_absent {
    XW_HL7_PRESENT,
    XW_HL7_SENTINEL,
    XW_HL7_IMPOSSIBLE,
    XW_HL7_UNIT,
    XW_HL7_NOT_NUMBER,
    XW_HL7_STATUS
};

struct xw_hl7_header {
    struct xw_hl7_piece control_id; /* MSH-10, raw */
    struct xw_hl7_fields msh;
    char type[8], trigger[8], version[8];
    char accept[4], application[4]; /* MSH-15, MSH-16 */
    bool has_sent;
    struct xw_hl7_time sent; /* MSH-7 */
    char sent_text[33];
};

/* MSH of a parsed message; -EBADMSG when MSH-9 or MSH-10 is missing. ret_header is filled in also
 * then, for the answer. */
XW_MUST_CHECK int xw_hl7_header_read(const struct xw_hl7_message *message,
                                     struct xw_hl7_header *ret_header,
                                     struct xw_hl7_error *ret_error);
/* ORU^R01 of 2.3 to 2.6 (2.7 and later are compatible). ret_error may be NULL. */
bool xw_hl7_header_is_oru(const struct xw_hl7_header *header, struct xw_hl7_error *ret_error);

struct xw_hl7_reading {
    const struct xw_vital *vital;
    uint32_t mdc;
    char source[24];
    bool continuous;
    char channel[33]; /* OBX-4 */
    enum xw_hl7_absent absent;
    double number; /* valid when absent is PRESENT; in vital->ucum */
    char value[XW_HL7_VALUE_MAX + 1], unit[XW_HL7_VALUE_MAX + 1]; /* as reported */
    bool timed;                                                   /* OBX-14 can be used */
    struct xw_hl7_time time;
    char time_text[33];
    bool demo;
};

struct xw_hl7_oru {
    char device_id[XW_HL7_DEVICE_MAX + 1]; /* safe for our ids; "" = nothing names the device */
    bool device_own;    /* the monitor's own (OBX-18), not that of whoever sends for it */
    bool device_unique; /* a worldwide id (EUI-64, UUID, …): needs no address beside it */
    char model[65];
    char place[65]; /* PV1-3 */
    bool has_set_time;
    struct xw_hl7_time set_time; /* OBR-7 of the first OBR */
    struct xw_hl7_reading *readings;
    size_t readings_n;
    uint32_t unknown_n; /* OBX with a value and a code that is not known here */
    uint32_t other_n;   /* OBX without a value of its own: device, channel, waveform */
};

/* -EBADMSG; -EOVERFLOW too many readings. */
XW_MUST_CHECK int xw_hl7_oru_read(const struct xw_hl7_message *message,
                                  const struct xw_hl7_header *header, struct xw_hl7_oru *ret_oru,
                                  struct xw_hl7_error *ret_error);
void xw_hl7_oru_done(struct xw_hl7_oru *oru);

/* Words and numbers that say "no value now". */
bool xw_hl7_is_sentinel(const char *text);

/* ---- the answer ---- */

enum xw_hl7_verdict { XW_HL7_ACCEPT, XW_HL7_ERROR, XW_HL7_REJECT };

/* One framed ACK appended to ret_bytes, or nothing when MSH-15 and MSH-16 ask for none in this
 * case. header NULL: the message had none. text: why not, "" for ACCEPT. id: of the answer. */
XW_MUST_CHECK int xw_hl7_ack(const struct xw_hl7_message *message,
                             const struct xw_hl7_header *header, enum xw_hl7_verdict verdict,
                             const struct xw_hl7_error *error, const char *id, int64_t wall_us,
                             struct xw_buf *ret_bytes);

#endif
