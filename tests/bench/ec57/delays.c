/* Delays of detection. */
#include "bench/ec57/delays.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct xw_delays *d, unsigned which, double ms)
{
    if (d->n[which] == d->room[which]) {
        size_t room = d->room[which] ? 2 * d->room[which] : 4096;
        double *more = realloc(d->ms[which], room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        d->ms[which] = more;
        d->room[which] = room;
    }
    d->ms[which][d->n[which]++] = ms;
    return 0;
}

static int add_late(struct xw_delays *d, int64_t at)
{
    if (d->late_n == d->late_room) {
        size_t room = d->late_room ? 2 * d->late_room : 256;
        int64_t *more = realloc(d->late_at, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        d->late_at = more;
        d->late_room = room;
    }
    d->late_at[d->late_n++] = at;
    return 0;
}

static int in_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int add_line(struct xw_delays *d, const char *line, double rate_hz)
{
    int64_t field[5];
    char *end = NULL;
    for (unsigned i = 0; i < 5; i++, line = end) {
        field[i] = strtoll(line, &end, 10);
        if (end == line)
            return -EBADMSG;
    }
    int result = field[4] ? add_late(d, field[0]) : 0;
    for (unsigned i = 0; i < 3 && result == 0; i++)
        if (field[i + 1] >= 0)
            result = add(d, i == XW_DELAY_FINAL && field[4] ? (unsigned)XW_DELAY_LATE : i,
                         1000 * (double)(field[i + 1] - field[0]) / rate_hz);
    return result;
}

int xw_delays_load(struct xw_delays *delays, const char *path, double rate_hz)
{
    char line[256];
    FILE *f = fopen(path, "r");
    delays->late_n = 0;
    if (!f)
        return -errno;
    int result = 0;
    while (result == 0 && fgets(line, sizeof(line), f))
        result = add_line(delays, line, rate_hz);
    fclose(f);
    if (delays->late_n)
        qsort(delays->late_at, delays->late_n, sizeof(*delays->late_at), in_time);
    return result;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct xw_delay_summary xw_delays_summary(struct xw_delays *delays, unsigned which)
{
    struct xw_delay_summary s = {0, 0, 0};
    size_t n = delays->n[which];
    if (!n)
        return s;
    qsort(delays->ms[which], n, sizeof(double), by_value);
    s.median_ms = delays->ms[which][n / 2];
    s.p99_ms = delays->ms[which][n * 99 / 100];
    s.max_ms = delays->ms[which][n - 1];
    return s;
}

void xw_delays_done(struct xw_delays *delays)
{
    for (unsigned i = 0; i < XW_DELAYS; i++)
        free(delays->ms[i]);
    free(delays->late_at);
    memset(delays, 0, sizeof(*delays));
}
