/* Reading the time of a monitor. */
#include "hl7/time.h"

static int digits(const char **at, const char *end, size_t n, int64_t low, int64_t high,
                  int64_t *ret)
{
    int64_t v = 0;
    if ((size_t)(end - *at) < n)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -EBADMSG;
        v = v * 10 + (**at - '0');
    }
    *ret = v;
    return v < low || v > high ? -EBADMSG : 0;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
static int64_t days_from(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t days_in(int64_t y, int64_t m)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

static bool more(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* .S… or glued digits: up to six count. */
static int fraction(const char **at, const char *end, int64_t *ret_us)
{
    int64_t scale = 100000, us = 0;
    if (*at < end && **at == '.')
        (*at)++;
    if (!more(*at, end))
        return -EBADMSG;
    for (; more(*at, end); (*at)++, scale /= 10)
        us += (**at - '0') * scale;
    *ret_us = us;
    return 0;
}

static int zone(const char *at, const char *end, struct xw_hl7_time *t)
{
    int64_t hours, minutes = 0;
    if (at == end)
        return 0;
    bool west = *at == '-';
    if (*at != '+' && *at != '-')
        return -EBADMSG;
    at++;
    if (digits(&at, end, 2, 0, 14, &hours) < 0)
        return -EBADMSG;
    if (at < end && *at == ':')
        at++;
    if (at < end && digits(&at, end, 2, 0, 59, &minutes) < 0)
        return -EBADMSG;
    t->has_zone = true;
    t->zone_min = (int32_t)(west ? -(hours * 60 + minutes) : hours * 60 + minutes);
    return at == end ? 0 : -EBADMSG;
}

int xw_hl7_time_parse(const char *text, size_t n, struct xw_hl7_time *ret_time)
{
    const int64_t second = 1000000;
    const char *at = text, *end = text + n;
    int64_t y, mo = 1, d = 1, h = 0, mi = 0, s = 0, us = 0;
    struct xw_hl7_time t = {.precision_us = 366 * 86400 * second};
    if (digits(&at, end, 4, 1900, 2199, &y) < 0)
        return -EBADMSG;
    if (more(at, end)) {
        if (digits(&at, end, 2, 1, 12, &mo) < 0)
            return -EBADMSG;
        t.precision_us = 31 * 86400 * second;
    }
    if (more(at, end)) {
        if (digits(&at, end, 2, 1, days_in(y, mo), &d) < 0)
            return -EBADMSG;
        t.precision_us = 86400 * second;
    }
    if (more(at, end)) {
        if (digits(&at, end, 2, 0, 24, &h) < 0)
            return -EBADMSG;
        t.precision_us = 3600 * second;
    }
    if (more(at, end)) {
        if (digits(&at, end, 2, 0, 59, &mi) < 0)
            return -EBADMSG;
        t.precision_us = 60 * second;
    }
    if (more(at, end)) {
        if (digits(&at, end, 2, 0, 60, &s) < 0)
            return -EBADMSG;
        t.precision_us = second;
    }
    if (h == 24 && (mi || s))
        return -EBADMSG;
    if (t.precision_us == second && at < end && (*at == '.' || more(at, end)) &&
        fraction(&at, end, &us) < 0)
        return -EBADMSG;
    if (zone(at, end, &t) < 0)
        return -EBADMSG;
    t.us = ((days_from(y, mo, d) * 24 + h) * 60 + mi) * 60 * second + s * second + us;
    *ret_time = t;
    return 0;
}

int64_t xw_hl7_time_diff_us(const struct xw_hl7_time *later, const struct xw_hl7_time *earlier)
{
    int64_t diff = later->us - earlier->us;
    if (later->has_zone && earlier->has_zone)
        diff -= (int64_t)(later->zone_min - earlier->zone_min) * 60000000;
    return diff;
}

int64_t xw_hl7_time_utc_us(const struct xw_hl7_time *time)
{
    return time->us - (time->has_zone ? (int64_t)time->zone_min * 60000000 : 0);
}
