/* One signal line of a header:
 *   FILE FORMAT[xSPF][:SKEW][+OFFSET] [GAIN[(BASELINE)][/UNIT] [RES [ZERO [INIT [SUM [BLOCK
 *   [DESCRIPTION…]]]]]]]
 */
#include <errno.h>
#include <string.h>

#include "wfdb/header_internal.h"

static int copy_text(struct xw_wfdb_cursor from, char *to, size_t to_size)
{
    size_t n = xw_wfdb_cursor_left(&from);
    if (n >= to_size || memchr(from.at, 0, n))
        return -EBADMSG;
    memcpy(to, from.at, n);
    to[n] = 0;
    return 0;
}

/* A signal file lies beside its header: a name that could lead elsewhere is refused. */
static int parse_file_name(struct xw_wfdb_cursor token, struct xw_wfdb_signal *s, unsigned line,
                           struct xw_wfdb_error *ret_error)
{
    if (copy_text(token, s->file, sizeof(s->file)) < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "signal file name is too long");
    if (s->file[0] == '.' || strchr(s->file, '/') || strchr(s->file, '\\'))
        return xw_wfdb_fail(ret_error, line, EPERM,
                            "signal file '%.60s' is not in the folder of its header", s->file);
    if (strcmp(s->file, "-") == 0 || strcmp(s->file, "~") == 0)
        return xw_wfdb_fail(ret_error, line, ENOTSUP, "the signal has no file ('%s' stands for it)",
                            s->file);
    return 0;
}

static int parse_format(struct xw_wfdb_cursor token, struct xw_wfdb_signal *s, unsigned line,
                        struct xw_wfdb_error *ret_error)
{
    int64_t code;
    int64_t spf = 1;
    int64_t skew = 0;
    int64_t offset = 0;
    bool bad = xw_wfdb_parse_int(&token, 0, 9999, &code) < 0;
    if (!bad && xw_wfdb_cursor_eat(&token, 'x'))
        bad = xw_wfdb_parse_int(&token, 1, XW_WFDB_MAX_SPF, &spf) < 0;
    if (!bad && xw_wfdb_cursor_eat(&token, ':'))
        bad = xw_wfdb_parse_int(&token, 0, XW_WFDB_MAX_SKEW_FRAMES, &skew) < 0;
    if (!bad && xw_wfdb_cursor_eat(&token, '+'))
        bad = xw_wfdb_parse_int(&token, 0, INT32_MAX, &offset) < 0;
    if (bad || token.at != token.end)
        return xw_wfdb_fail(ret_error, line, EBADMSG,
                            "the format field is not FORMAT[xSPF][:SKEW][+OFFSET] within limits");
    const struct xw_wfdb_format *format = xw_wfdb_format_find((int)code);
    if (!format)
        return xw_wfdb_fail(ret_error, line, ENOTSUP, "signal format %d is not read", (int)code);
    s->format = (int)code;
    s->samples_per_frame = (uint32_t)spf;
    s->skew_frames = (int32_t)skew;
    s->offset_bytes = (uint64_t)offset;
    s->invalid = format->invalid;
    s->count_min = format->min;
    s->count_max = format->max;
    return 0;
}

static int parse_gain(struct xw_wfdb_cursor token, struct xw_wfdb_signal *s, bool *ret_baseline,
                      unsigned line, struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_fraction gain;
    struct xw_wfdb_fraction baseline = {0, 1};
    bool has_baseline = false;
    bool bad = xw_wfdb_parse_decimal(&token, &gain) < 0;
    if (!bad && xw_wfdb_cursor_eat(&token, '(')) {
        has_baseline = true;
        bad = xw_wfdb_parse_decimal(&token, &baseline) < 0 || baseline.den != 1 ||
              baseline.num < INT32_MIN || baseline.num > INT32_MAX ||
              !xw_wfdb_cursor_eat(&token, ')');
    }
    if (!bad && xw_wfdb_cursor_eat(&token, '/')) {
        bad = token.at == token.end || copy_text(token, s->unit, sizeof(s->unit)) < 0;
        token.at = token.end;
    }
    if (bad || token.at != token.end || gain.num < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG,
                            "the gain field is not GAIN[(BASELINE)][/UNIT]");
    if (gain.num > 0) {
        s->gain = gain;
        s->gain_known = true;
    }
    s->baseline = (int32_t)baseline.num;
    *ret_baseline = has_baseline;
    return 0;
}

/* The whole numbers after the gain; each may be missing together with all that follow. */
static int parse_numbers(struct xw_wfdb_cursor *cursor, struct xw_wfdb_signal *s, unsigned line,
                         struct xw_wfdb_error *ret_error)
{
    static const struct {
        const char *name;
        int64_t min;
        int64_t max;
    } fields[] = {
        {"ADC resolution", 0, 64},
        {"ADC zero", INT32_MIN, INT32_MAX},
        {"initial value", INT32_MIN, INT32_MAX},
        {"checksum", -65536, 65535},
        {"block size", 0, INT32_MAX},
    };
    int64_t values[5] = {0};
    size_t n = 0;
    struct xw_wfdb_cursor token;
    for (; n < 5 && xw_wfdb_cursor_token(cursor, &token); n++) {
        int r = xw_wfdb_parse_int(&token, fields[n].min, fields[n].max, &values[n]);
        if (r < 0 || token.at != token.end)
            return xw_wfdb_fail(ret_error, line, EBADMSG, "the %s is not a number of its range",
                                fields[n].name);
    }
    s->adc_resolution_bits = (int32_t)values[0];
    s->adc_zero = (int32_t)values[1];
    s->initial_value = n > 2 ? (int32_t)values[2] : s->adc_zero;
    s->checksum = (uint32_t)values[3] & 0xffff;
    s->checksum_known = n > 3;
    s->block_size_bytes = (int32_t)values[4];
    return 0;
}

int xw_wfdb_signal_parse(struct xw_wfdb_cursor line_text, struct xw_wfdb_signal *ret_signal,
                         unsigned line, struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_signal s = {.unit = "mV", .gain = {200, 1}};
    struct xw_wfdb_cursor token;
    bool has_baseline = false;
    int r;
    if (!xw_wfdb_cursor_token(&line_text, &token))
        return xw_wfdb_fail(ret_error, line, EBADMSG, "empty signal line");
    if ((r = parse_file_name(token, &s, line, ret_error)) < 0)
        return r;
    if (!xw_wfdb_cursor_token(&line_text, &token))
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the signal line has no format");
    if ((r = parse_format(token, &s, line, ret_error)) < 0)
        return r;
    if (xw_wfdb_cursor_token(&line_text, &token) &&
        (r = parse_gain(token, &s, &has_baseline, line, ret_error)) < 0)
        return r;
    if ((r = parse_numbers(&line_text, &s, line, ret_error)) < 0)
        return r;
    if (!has_baseline)
        s.baseline = s.adc_zero;
    if (copy_text(xw_wfdb_cursor_rest(&line_text), s.description, sizeof(s.description)) < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the signal description is too long");
    *ret_signal = s;
    return 0;
}
