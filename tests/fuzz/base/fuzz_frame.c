/* Framing: the same bytes in one piece and in small cuts must give the same messages, the same end
 * and the same offset. Input: first byte = size of the cuts, then the stream. */
#include "base/crc32c.h"
#include "base/frame.h"

#include <stdlib.h>

enum { MAX_N_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned messages_n;
    uint32_t crc;
    int end;
    uint64_t offset;
};

static struct outcome parse(const uint8_t *data, size_t size, size_t cut)
{
    struct outcome o = {0};
    struct xw_framer framer;
    xw_framer_init(&framer, MAX_N_BYTES);
    for (size_t at = 0; at < size && o.end == 0;) {
        size_t n = XW_MIN(cut, size - at);
        if (xw_framer_push(&framer, data + at, n) < 0)
            abort();
        at += n;
        const uint8_t *message;
        size_t n_bytes;
        while ((o.end = xw_framer_next(&framer, &message, &n_bytes)) == 1) {
            if (n_bytes > MAX_N_BYTES)
                abort();
            o.crc = xw_crc32c(o.crc, message, n_bytes);
            o.messages_n++;
        }
    }
    o.offset = xw_framer_offset(&framer);
    xw_framer_done(&framer);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t cut = (size_t)data[0] + 1;
    struct outcome a = parse(data + 1, size - 1, XW_FRAME_PUSH_MAX_N_BYTES);
    struct outcome b = parse(data + 1, size - 1, cut);
    if (a.messages_n != b.messages_n || a.crc != b.crc || a.end != b.end || a.offset != b.offset)
        abort();
    return 0;
}
