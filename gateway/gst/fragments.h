/* Where the whole fragments of a growing MP4 file end, told byte by byte.
 *
 * A file is ftyp, moov, then pairs of moof and mdat. A fragment is whole when its mdat is; what
 * follows the last whole one is cut off after a crash. Frames and duration are read from the
 * fragments themselves, so that they are known of a file that somebody else began.
 *
 * Threads: one at a time. Ownership: embedded; holds the box that it reads (moov, moof: at most
 * 1 MiB). Errors: -EBADMSG what cannot be a box of such a file; then nothing more is taken, and
 * what was whole stays whole. -ENOMEM. Source: ISO/IEC 14496-12, sections 4.2, 8.8. */
#ifndef XW_GST_FRAGMENTS_H
#define XW_GST_FRAGMENTS_H

#include "base/base.h"

enum { XW_FRAGMENTS_BOX_MAX = 1 << 20 };

struct xw_fragments {
    uint64_t at;       /* bytes taken */
    uint64_t whole;    /* end of the last whole fragment; 0 = none */
    uint32_t whole_n;  /* fragments */
    uint64_t frames_n; /* in whole fragments */
    uint64_t duration; /* of them, in units of timescale */
    uint32_t timescale;
    uint32_t width, height;
    char codec[16]; /* avc1.42C01F; empty until moov was read */
    /* inside */
    bool bad, header, moof;
    uint8_t head[16];
    size_t head_n, head_size;
    uint32_t type;
    uint64_t left; /* of the body of the present box */
    uint8_t *box;
    size_t box_n;
    uint64_t moof_frames, moof_duration;
    uint32_t default_duration;
};

void xw_fragments_init(struct xw_fragments *fragments);
void xw_fragments_done(struct xw_fragments *fragments);
/* The next bytes of the file. */
XW_MUST_CHECK int xw_fragments_take(struct xw_fragments *fragments, const void *data, size_t size);
/* Duration of the whole fragments in µs; 0 when the timescale is not known. */
int64_t xw_fragments_duration_us(const struct xw_fragments *fragments);

#endif
