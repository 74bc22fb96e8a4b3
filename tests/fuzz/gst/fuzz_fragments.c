/* A recording that was left by a killed process, with anything in it: never more is whole than
 * there is, the same in pieces as at once. */
#include "gst/fragments.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_fragments once, pieces;
    xw_fragments_init(&once);
    xw_fragments_init(&pieces);
    int r = xw_fragments_take(&once, data, size), s = 0;
    for (size_t at = 0, n; s == 0 && at < size; at += n) {
        n = XW_MIN(1 + (size_t)data[at] % 37, size - at);
        s = xw_fragments_take(&pieces, data + at, n);
    }
    if (r != s || once.whole != pieces.whole || once.frames_n != pieces.frames_n ||
        once.duration != pieces.duration || once.whole > size)
        abort();
    (void)xw_fragments_duration_us(&once);
    xw_fragments_done(&once);
    xw_fragments_done(&pieces);
    return 0;
}
