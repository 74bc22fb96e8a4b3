/* Opening a record for reading: which signals, from which files, how long, how fast. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/reader_internal.h"

enum { WINDOW_BYTES = 64 * 1024 };

/* Samples a frame of the file of `signal`, and where that signal's begin in it. */
static void frame_layout(const struct xw_wfdb_header *h, unsigned signal, size_t *ret_samples,
                         size_t *ret_offset)
{
    size_t samples = 0;
    size_t offset = 0;
    for (unsigned i = 0; i < h->signals_n; i++) {
        if (strcmp(h->signals[i].file, h->signals[signal].file) != 0)
            continue;
        if (i == signal)
            offset = samples;
        samples += h->signals[i].samples_per_frame;
    }
    *ret_samples = samples;
    *ret_offset = offset;
}

static int64_t frames_in_file(const struct xw_wfdb_lane *lane, uint64_t size_bytes)
{
    uint64_t start = lane->like->offset_bytes;
    uint64_t bytes = size_bytes > start ? size_bytes - start : 0;
    /* The inverse of xw_wfdb_format_bytes: 2 bytes of a last 212 unit hold one sample. */
    uint64_t samples = bytes * lane->format->unit_samples / lane->format->unit_bytes;
    return (int64_t)(samples / lane->frame_samples);
}

static int open_lane(struct xw_wfdb_reader *r, const char *record_path, struct xw_wfdb_lane *lane,
                     struct xw_wfdb_error *ret_error)
{
    char path[PATH_MAX];
    uint64_t size;
    const char *name = xw_wfdb_base_name(record_path);
    for (struct xw_wfdb_lane *other = r->lanes; other < lane; other++) {
        if (strcmp(other->like->file, lane->like->file) == 0) {
            lane->fd = other->fd;
            lane->file_frames = other->file_frames;
            return 0;
        }
    }
    int n = snprintf(path, sizeof(path), "%.*s%s", (int)(name - record_path), record_path,
                     lane->like->file);
    if (n < 0 || (size_t)n >= sizeof(path))
        return xw_wfdb_fail(ret_error, 0, ENAMETOOLONG, "the path is too long");
    lane->fd = xw_wfdb_open_file(path, lane->like->file, &size, ret_error);
    if (lane->fd < 0)
        return lane->fd;
    lane->owns_fd = true;
    lane->file_frames = frames_in_file(lane, size);
    if (lane->file_frames < r->header.frames_n)
        return xw_wfdb_fail(ret_error, 0, ENODATA,
                            "%.60s is truncated: the header promises %lld samples a signal, the "
                            "file holds %lld",
                            lane->like->file, (long long)r->header.frames_n,
                            (long long)lane->file_frames);
    return 0;
}

static int add_channel(struct xw_wfdb_reader *r, unsigned signal, const char *record_path,
                       struct xw_wfdb_error *ret_error)
{
    const struct xw_wfdb_signal *s = &r->header.signals[signal];
    struct xw_wfdb_channel *channel = &r->channels[r->channels_n];
    size_t frame_samples;
    frame_layout(&r->header, signal, &frame_samples, &channel->frame_offset);
    channel->signal = signal;
    for (channel->lane = 0; channel->lane < r->lanes_n; channel->lane++) {
        const struct xw_wfdb_signal *like = r->lanes[channel->lane].like;
        if (strcmp(like->file, s->file) == 0 && like->skew_frames == s->skew_frames)
            break;
    }
    if (channel->lane == r->lanes_n) {
        struct xw_wfdb_lane *lane = &r->lanes[r->lanes_n];
        *lane = (struct xw_wfdb_lane){.fd = -1,
                                      .like = s,
                                      .format = xw_wfdb_format_find(s->format),
                                      .frame_samples = frame_samples};
        int e = open_lane(r, record_path, lane, ret_error);
        if (e < 0) {
            if (lane->fd >= 0)
                close(lane->fd); /* only a file opened here can fail: it is not shared yet */
            return e;
        }
        r->lanes_n++;
    }
    r->channels_n++;
    return 0;
}

static int check_selection(const struct xw_wfdb_reader *r, const unsigned *signals, size_t n,
                           struct xw_wfdb_error *ret_error)
{
    const struct xw_wfdb_header *h = &r->header;
    if (n == 0)
        return xw_wfdb_fail(ret_error, 0, ENODATA, "the record has no signals");
    if (n > XW_WFDB_MAX_SIGNALS)
        return xw_wfdb_fail(ret_error, 0, EOVERFLOW, "more than %d signals", XW_WFDB_MAX_SIGNALS);
    for (size_t i = 0; i < n; i++) {
        if (signals[i] >= h->signals_n)
            return xw_wfdb_fail(ret_error, 0, EINVAL, "no signal %u: the record has %u", signals[i],
                                h->signals_n);
        if (h->signals[signals[i]].samples_per_frame != h->signals[signals[0]].samples_per_frame)
            return xw_wfdb_fail(ret_error, 0, ENOTSUP,
                                "signals %u and %u have different sampling rates: open them apart",
                                signals[0], signals[i]);
    }
    return 0;
}

/* Frame rate x samples per frame, still in lowest terms. */
static int set_row_rate(struct xw_wfdb_reader *r)
{
    struct xw_wfdb_fraction rate = r->header.frame_rate_hz;
    int64_t spf = r->spf;
    for (int64_t p = 2; p <= spf; p++) {
        while (spf % p == 0 && rate.den % p == 0) {
            spf /= p;
            rate.den /= p;
        }
    }
    if (__builtin_mul_overflow(rate.num, spf, &rate.num))
        return -EOVERFLOW;
    r->rate_hz = rate;
    return 0;
}

static int allocate_window(struct xw_wfdb_reader *r)
{
    size_t largest = 1;
    for (unsigned i = 0; i < r->lanes_n; i++) {
        size_t bytes =
            (size_t)xw_wfdb_format_bytes(r->lanes[i].format, r->lanes[i].frame_samples) + 1;
        largest = bytes > largest ? bytes : largest;
    }
    r->window_frames = largest < WINDOW_BYTES ? WINDOW_BYTES / largest : 1;
    /* Two units more: a frame may begin and end in the middle of a 212 unit. */
    r->window = malloc(r->window_frames * largest + 8);
    return r->window ? 0 : -ENOMEM;
}

static int open_selected(struct xw_wfdb_reader *r, const char *record_path, const unsigned *signals,
                         size_t signals_n, struct xw_wfdb_error *ret_error)
{
    unsigned all[XW_WFDB_MAX_SIGNALS] = {0};
    for (unsigned i = 0; i < r->header.signals_n; i++)
        all[i] = i;
    if (signals_n == 0) {
        signals = all;
        signals_n = r->header.signals_n;
    }
    int e = check_selection(r, signals, signals_n, ret_error);
    for (size_t i = 0; e >= 0 && i < signals_n; i++)
        e = add_channel(r, signals[i], record_path, ret_error);
    if (e < 0)
        return e;
    r->spf = r->header.signals[signals[0]].samples_per_frame;
    if (set_row_rate(r) < 0)
        return xw_wfdb_fail(ret_error, 0, EOVERFLOW, "the sampling frequency has too many digits");
    r->frames_n = r->header.frames_n;
    if (r->frames_n == 0) {
        r->frames_n = r->lanes[0].file_frames;
        for (unsigned i = 1; i < r->lanes_n; i++) {
            if (r->lanes[i].file_frames < r->frames_n)
                r->frames_n = r->lanes[i].file_frames;
        }
    }
    if (allocate_window(r) < 0)
        return xw_wfdb_fail(ret_error, 0, ENOMEM, "out of memory");
    return 0;
}

int xw_wfdb_reader_open(const char *record_path, const unsigned *signals, size_t signals_n,
                        struct xw_wfdb_reader **ret_reader, struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return xw_wfdb_fail(ret_error, 0, ENOMEM, "out of memory");
    int e = xw_wfdb_header_load(record_path, &r->header, ret_error);
    if (e >= 0)
        e = open_selected(r, record_path, signals, signals_n, ret_error);
    if (e < 0) {
        xw_wfdb_reader_close(r);
        return e;
    }
    *ret_reader = r;
    return 0;
}

void xw_wfdb_reader_close(struct xw_wfdb_reader *reader)
{
    if (!reader)
        return;
    for (unsigned i = 0; i < reader->lanes_n; i++) {
        if (reader->lanes[i].owns_fd)
            close(reader->lanes[i].fd);
    }
    free(reader->window);
    xw_wfdb_header_done(&reader->header);
    free(reader);
}
