/* MSH, and the answer to it. */
#include "hl7/oru.h"

#include "hl7/mllp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool odd_control_id(struct xw_hl7_piece id)
{
    for (size_t i = 0; i < id.n; i++)
        if ((uint8_t)id.at[i] < ' ' || id.at[i] == 0x7f)
            return true;
    return id.n == 0 || id.n > 199;
}

int xw_hl7_header_read(const struct xw_hl7_message *message, struct xw_hl7_header *ret_header,
                       struct xw_hl7_error *ret_error)
{
    struct xw_hl7_header *h = ret_header;
    memset(h, 0, sizeof(*h));
    xw_hl7_split(message, &message->segments[0], &h->msh);
    const struct xw_hl7_piece *f = h->msh.f;
    h->control_id = f[10];
    xw_hl7_text(message, f[9], 1, h->type, sizeof(h->type));
    xw_hl7_text(message, f[9], 2, h->trigger, sizeof(h->trigger));
    xw_hl7_text(message, f[12], 1, h->version, sizeof(h->version));
    xw_hl7_text(message, f[15], 1, h->accept, sizeof(h->accept));
    xw_hl7_text(message, f[16], 1, h->application, sizeof(h->application));
    xw_hl7_text(message, f[7], 1, h->sent_text, sizeof(h->sent_text));
    h->has_sent = xw_hl7_time_parse(h->sent_text, strlen(h->sent_text), &h->sent) == 0;
    if (odd_control_id(h->control_id)) {
        h->control_id.n = 0;
        xw_hl7_error_set(ret_error, "MSH-10", "no message control id of 1 to 199 characters");
        return -EBADMSG;
    }
    if (!h->type[0]) {
        xw_hl7_error_set(ret_error, "MSH-9", "no message type");
        return -EBADMSG;
    }
    return 0;
}

bool xw_hl7_header_is_oru(const struct xw_hl7_header *h, struct xw_hl7_error *ret_error)
{
    if (strcmp(h->type, "ORU") != 0 || strcmp(h->trigger, "R01") != 0) {
        if (ret_error)
            xw_hl7_error_set(ret_error, "MSH-9", "ORU^R01 is taken here, not %.7s^%.7s", h->type,
                             h->trigger);
        return false;
    }
    if (strncmp(h->version, "2.", 2) != 0 || h->version[2] < '3' || h->version[2] > '9') {
        if (ret_error)
            xw_hl7_error_set(ret_error, "MSH-12", "versions 2.3 to 2.9 are read here, not \"%.7s\"",
                             h->version);
        return false;
    }
    return true;
}

/* ---- the answer ---- */

/* Which code, or NULL: none is wanted. */
static const char *ack_code(const struct xw_hl7_header *h, enum xw_hl7_verdict verdict)
{
    static const char *const original[] = {"AA", "AE", "AR"}, *const enhanced[] = {"CA", "CE",
                                                                                   "CR"};
    const char *accept = h ? h->accept : "", *application = h ? h->application : "";
    const char *const *codes = original;
    const char *when = application;
    if (!accept[0] && !application[0])
        return original[verdict];
    if (accept[0] && strcmp(accept, "NE") != 0) {
        codes = enhanced;
        when = accept;
    }
    bool good = verdict == XW_HL7_ACCEPT;
    bool never = !when[0] || !strcmp(when, "NE");
    if (never || (!strcmp(when, "ER") && good) || (!strcmp(when, "SU") && !good))
        return NULL;
    return codes[verdict];
}

/* A raw field of the message goes back as it came: it has the same separators. */
static int add_raw(struct xw_buf *out, const struct xw_hl7_message *m, struct xw_hl7_piece piece)
{
    int r = xw_buf_append(out, piece.at, XW_MIN(piece.n, (size_t)256));
    return r < 0 ? r : xw_buf_append(out, &m->field, 1);
}

/* Our own words hold no separator but perhaps an odd one of the message. */
static int add_words(struct xw_buf *out, const struct xw_hl7_message *m, const char *text)
{
    int r = 0;
    for (; *text && r >= 0; text++) {
        bool separator = m && (*text == m->field || *text == m->component || *text == m->repeat ||
                               *text == m->escape || *text == m->sub);
        r = xw_buf_append(out, separator || (uint8_t)*text < ' ' ? " " : text, 1);
    }
    return r;
}

static int add_msh(struct xw_buf *out, const struct xw_hl7_message *m,
                   const struct xw_hl7_header *h, const char *id, int64_t wall_us)
{
    char stamp[32], line[160];
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S+0000", &tm);
    char f = m ? m->field : '|', c = m ? m->component : '^';
    snprintf(line, sizeof(line), "\x0bMSH%c%c%c%c%c%c", f, c, m ? m->repeat : '~',
             m ? m->escape : '\\', m ? m->sub : '&', f);
    int r = xw_buf_append_text(out, line);
    static const uint8_t order[] = {5, 6, 3, 4};
    for (size_t i = 0; r >= 0 && i < XW_ARRAY_N(order); i++)
        r = h ? add_raw(out, m, h->msh.f[order[i]]) : xw_buf_append(out, &f, 1);
    if (r < 0)
        return r;
    const char *trigger = h && h->trigger[0] ? h->trigger : "R01";
    const char *version = h && h->version[0] ? h->version : "2.6";
    bool production = !h || !h->msh.f[11].n;
    return xw_buf_printf(out, "%s%c%cACK%c%s%cACK%c%s%c%.*s%c%s%c%c%c%c%c%cUNICODE UTF-8\r", stamp,
                         f, f, c, trigger, c, f, id, f,
                         production ? 1 : (int)XW_MIN(h->msh.f[11].n, (size_t)8),
                         production ? "P" : h->msh.f[11].at, f, version, f, f, f, f, f, f);
}

int xw_hl7_ack(const struct xw_hl7_message *message, const struct xw_hl7_header *header,
               enum xw_hl7_verdict verdict, const struct xw_hl7_error *error, const char *id,
               int64_t wall_us, struct xw_buf *ret_bytes)
{
    const char *code = ack_code(header, verdict);
    char f = message ? message->field : '|';
    if (!code)
        return 0;
    int r = add_msh(ret_bytes, message, header, id, wall_us);
    if (r >= 0)
        r = xw_buf_printf(ret_bytes, "MSA%c%s%c", f, code, f);
    if (r >= 0 && header)
        r = xw_buf_append(ret_bytes, header->control_id.at, header->control_id.n);
    if (r >= 0 && verdict != XW_HL7_ACCEPT) {
        r = xw_buf_append(ret_bytes, &f, 1);
        if (r >= 0)
            r = add_words(ret_bytes, message, error->where);
        if (r >= 0)
            r = xw_buf_append_text(ret_bytes, ": ");
        if (r >= 0)
            r = add_words(ret_bytes, message, error->text);
    }
    static const uint8_t end[] = {'\r', XW_MLLP_END, XW_MLLP_CR};
    return r < 0 ? r : xw_buf_append(ret_bytes, end, sizeof(end));
}
