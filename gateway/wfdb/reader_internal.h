/* What the two halves of the reader share.
 *
 * Signals of one file that have the same skew form a *lane*: one window of raw bytes, read by
 * pread, out of which the samples of all its channels are taken. Nothing but the position is state,
 * so seeking is free and a record of any length needs the same memory. */
#ifndef XW_WFDB_READER_INTERNAL_H
#define XW_WFDB_READER_INTERNAL_H

#include "wfdb/wfdb_internal.h"

struct xw_wfdb_lane {
    int fd; /* owned by the first lane of its file */
    bool owns_fd;
    const struct xw_wfdb_signal *like; /* a signal of this lane: file, offset, skew */
    const struct xw_wfdb_format *format;
    size_t frame_samples; /* of all signals of the file, wanted or not */
    int64_t file_frames;  /* whole frames present */
};

struct xw_wfdb_channel {
    unsigned signal; /* header index */
    unsigned lane;
    size_t frame_offset; /* of its first sample within a frame of the file */
};

struct xw_wfdb_reader {
    struct xw_wfdb_header header;
    struct xw_wfdb_channel channels[XW_WFDB_MAX_SIGNALS];
    unsigned channels_n;
    struct xw_wfdb_lane lanes[XW_WFDB_MAX_SIGNALS];
    unsigned lanes_n;
    uint32_t spf;
    struct xw_wfdb_fraction rate_hz;
    int64_t frames_n;
    int64_t row;
    size_t window_frames;
    uint8_t *window;
};

#endif
