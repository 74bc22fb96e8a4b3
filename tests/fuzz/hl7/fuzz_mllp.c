/* The framer: the same bytes in other cuts give the same messages and the same end. The first byte
 * says how the bytes are cut. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "hl7/mllp.h"

struct outcome {
    unsigned messages_n;
    uint32_t crc;
    int end;
    bool open;
};

static struct outcome run(const uint8_t *data, size_t size, size_t cut)
{
    struct xw_mllp m;
    struct outcome o = {0};
    size_t at = 0;
    xw_mllp_init(&m);
    while (at < size && o.end >= 0) {
        size_t n = XW_MIN(cut, size - at), used = 0;
        uint8_t *piece = malloc(n); /* exact size: a read too far is seen */
        memcpy(piece, data + at, n);
        o.end = xw_mllp_feed(&m, piece, n, (int64_t)at, &used);
        free(piece);
        if (o.end < 0)
            break;
        assert(used > 0 && used <= n && o.end <= 1 && (o.end == 1 || used == n));
        at += used;
        if (o.end == 1) {
            o.messages_n++;
            o.crc = xw_crc32c(o.crc, m.message.data, m.message.n);
            assert(m.message.n <= XW_MLLP_MESSAGE_MAX);
            assert(!m.message.n || (!memchr(m.message.data, 0x1c, m.message.n) &&
                                    !memchr(m.message.data, 0x0b, m.message.n)));
        }
    }
    o.open = xw_mllp_late(&m, INT64_MAX / 2, 0);
    o.end = o.end < 0 ? o.end : 0;
    xw_mllp_done(&m);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct outcome whole = run(data + 1, size - 1, size);
    struct outcome cut = run(data + 1, size - 1, (size_t)data[0] + 1);
    assert(whole.messages_n == cut.messages_n && whole.crc == cut.crc && whole.end == cut.end &&
           whole.open == cut.open);
    return 0;
}
