/* The streaming reader. Signals of one file that have the same skew form a *lane*: one window of
 * raw bytes, read by pread, out of which the samples of all its channels are taken. Nothing but the
 * position is state, so seeking is free and a record of any length needs the same memory. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/wfdb_internal.h"

enum { WINDOW_BYTES = 64 * 1024 };

struct lane {
    int fd; /* owned by the first lane of its file */
    bool owns_fd;
    const struct xw_wfdb_signal *like; /* a signal of this lane: file, offset, skew */
    const struct xw_wfdb_format *format;
    size_t frame_samples; /* of all signals of the file, wanted or not */
    int64_t file_frames;  /* whole frames present */
};

struct channel {
    unsigned signal; /* header index */
    unsigned lane;
    size_t frame_offset; /* of its first sample within a frame of the file */
};

struct xw_wfdb_reader {
    struct xw_wfdb_header header;
    struct channel channels[XW_WFDB_MAX_SIGNALS];
    unsigned channels_n;
    struct lane lanes[XW_WFDB_MAX_SIGNALS];
    unsigned lanes_n;
    uint32_t spf;
    struct xw_wfdb_fraction rate_hz;
    int64_t frames_n;
    int64_t row;
    size_t window_frames;
    uint8_t *window;
};

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

static int64_t frames_in_file(const struct lane *lane, uint64_t size_bytes)
{
    uint64_t start = lane->like->offset_bytes;
    uint64_t bytes = size_bytes > start ? size_bytes - start : 0;
    /* The inverse of xw_wfdb_format_bytes: 2 bytes of a last 212 unit hold one sample. */
    uint64_t samples = bytes * lane->format->unit_samples / lane->format->unit_bytes;
    return (int64_t)(samples / lane->frame_samples);
}

static int open_lane(struct xw_wfdb_reader *r, const char *record_path, struct lane *lane,
                     struct xw_wfdb_error *ret_error)
{
    char path[PATH_MAX];
    uint64_t size;
    const char *name = xw_wfdb_base_name(record_path);
    for (struct lane *other = r->lanes; other < lane; other++) {
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
    struct channel *channel = &r->channels[r->channels_n];
    size_t frame_samples;
    frame_layout(&r->header, signal, &frame_samples, &channel->frame_offset);
    channel->signal = signal;
    for (channel->lane = 0; channel->lane < r->lanes_n; channel->lane++) {
        const struct xw_wfdb_signal *like = r->lanes[channel->lane].like;
        if (strcmp(like->file, s->file) == 0 && like->skew_frames == s->skew_frames)
            break;
    }
    if (channel->lane == r->lanes_n) {
        struct lane *lane = &r->lanes[r->lanes_n];
        *lane = (struct lane){.fd = -1,
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
    size_t largest = 0;
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
    unsigned all[XW_WFDB_MAX_SIGNALS];
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

static int read_exactly(int fd, uint8_t *data, size_t n, uint64_t at)
{
    while (n) {
        ssize_t got = pread(fd, data, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ENODATA;
        data += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

/* Rows first_row … of one lane's channels, where the file has them; `invalid` where it has not. */
static int read_lane(struct xw_wfdb_reader *r, unsigned lane_index, int64_t first_row,
                     size_t rows_n, int32_t *rows)
{
    const struct lane *lane = &r->lanes[lane_index];
    const struct xw_wfdb_format *f = lane->format;
    int64_t first_frame = first_row / r->spf + lane->like->skew_frames;
    int64_t end_frame = (first_row + (int64_t)rows_n - 1) / r->spf + lane->like->skew_frames + 1;
    size_t from_file = rows_n; /* the rest lies behind the end of a skewed signal */
    if (end_frame > lane->file_frames) {
        int64_t present = (lane->file_frames - lane->like->skew_frames) * r->spf - first_row;
        from_file = present > 0 ? (size_t)present : 0;
        end_frame = lane->file_frames;
    }
    uint64_t first_unit = (uint64_t)first_frame * lane->frame_samples / f->unit_samples;
    uint64_t base_sample = first_unit * f->unit_samples;
    if (from_file) {
        uint64_t start = first_unit * f->unit_bytes;
        uint64_t end = xw_wfdb_format_bytes(f, (uint64_t)end_frame * lane->frame_samples);
        int e = read_exactly(lane->fd, r->window, (size_t)(end - start),
                             lane->like->offset_bytes + start);
        if (e < 0)
            return e;
    }
    for (unsigned c = 0; c < r->channels_n; c++) {
        const struct channel *channel = &r->channels[c];
        if (channel->lane != lane_index)
            continue;
        for (uint32_t k = 0; k < r->spf; k++) { /* every spf-th row, beginning with row k */
            int64_t row = first_row + k;
            size_t n = from_file > k ? (from_file - k + r->spf - 1) / r->spf : 0;
            uint64_t sample =
                (uint64_t)(row / r->spf + lane->like->skew_frames) * lane->frame_samples +
                channel->frame_offset + (uint64_t)(row % r->spf);
            if (n)
                xw_wfdb_format_decode(f, r->window, (size_t)(sample - base_sample),
                                      lane->frame_samples, n, rows + k * r->channels_n + c,
                                      (size_t)r->spf * r->channels_n);
        }
        for (size_t k = from_file; k < rows_n; k++)
            rows[k * r->channels_n + c] = r->header.signals[channel->signal].invalid;
    }
    return 0;
}

int64_t xw_wfdb_reader_read(struct xw_wfdb_reader *reader, int32_t *ret_rows, size_t rows_n,
                            struct xw_wfdb_error *ret_error)
{
    int64_t left = xw_wfdb_reader_length(reader) - reader->row;
    size_t wanted = (uint64_t)left < rows_n ? (size_t)left : rows_n;
    size_t done = 0;
    while (done < wanted) {
        /* At most window_frames frames, also when the first row is not the first of its frame. */
        size_t most = reader->window_frames * reader->spf - (size_t)(reader->row % reader->spf);
        size_t n = wanted - done < most ? wanted - done : most;
        for (unsigned i = 0; i < reader->lanes_n; i++) {
            int e = read_lane(reader, i, reader->row, n, ret_rows + done * reader->channels_n);
            if (e < 0)
                return xw_wfdb_fail(ret_error, 0, -e, "%.60s: %s", reader->lanes[i].like->file,
                                    e == -ENODATA ? "the file became shorter while it was read"
                                                  : strerror(-e));
        }
        reader->row += (int64_t)n;
        done += n;
    }
    return (int64_t)done;
}

int xw_wfdb_reader_seek(struct xw_wfdb_reader *reader, int64_t row)
{
    if (row < 0 || row > xw_wfdb_reader_length(reader))
        return -EINVAL;
    reader->row = row;
    return 0;
}

const struct xw_wfdb_header *xw_wfdb_reader_header(const struct xw_wfdb_reader *reader)
{
    return &reader->header;
}

unsigned xw_wfdb_reader_channels(const struct xw_wfdb_reader *reader)
{
    return reader->channels_n;
}

const struct xw_wfdb_signal *xw_wfdb_reader_signal(const struct xw_wfdb_reader *reader,
                                                   unsigned channel)
{
    return &reader->header.signals[reader->channels[channel].signal];
}

struct xw_wfdb_fraction xw_wfdb_reader_rate_hz(const struct xw_wfdb_reader *reader)
{
    return reader->rate_hz;
}

int64_t xw_wfdb_reader_length(const struct xw_wfdb_reader *reader)
{
    return reader->frames_n * reader->spf;
}

int64_t xw_wfdb_reader_position(const struct xw_wfdb_reader *reader)
{
    return reader->row;
}

int xw_wfdb_reader_verify(struct xw_wfdb_reader *reader, struct xw_wfdb_error *ret_error)
{
    uint32_t sums[XW_WFDB_MAX_SIGNALS] = {0};
    size_t rows_n = 1024;
    int64_t n = 0;
    int64_t back = reader->row;
    int32_t *rows = malloc(rows_n * reader->channels_n * sizeof(*rows));
    if (!rows)
        return xw_wfdb_fail(ret_error, 0, ENOMEM, "out of memory");
    reader->row = 0;
    while ((n = xw_wfdb_reader_read(reader, rows, rows_n, ret_error)) > 0) {
        for (size_t i = 0; i < (size_t)n * reader->channels_n; i++)
            sums[i % reader->channels_n] += (uint32_t)rows[i];
    }
    free(rows);
    reader->row = back;
    if (n < 0)
        return (int)n;
    int checked = 0;
    for (unsigned c = 0; c < reader->channels_n; c++) {
        const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(reader, c);
        if (!s->checksum_known || s->skew_frames)
            continue; /* a sum over a skewed signal would need samples that no row shows */
        if ((sums[c] & 0xffff) != s->checksum)
            return xw_wfdb_fail(ret_error, 0, EBADMSG,
                                "signal %u of %.60s is not what its header was written for: "
                                "checksum %u, header %u",
                                c, s->file, sums[c] & 0xffff, s->checksum);
        checked++;
    }
    return checked;
}
