/* Reading rows out of an open record, and comparing it with its checksums. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/reader_internal.h"

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
    const struct xw_wfdb_lane *lane = &r->lanes[lane_index];
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
        const struct xw_wfdb_channel *channel = &r->channels[c];
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
    int32_t *rows = calloc(rows_n * reader->channels_n, sizeof(*rows));
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
