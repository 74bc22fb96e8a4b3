/* What a county may send as `video-want`. */
#include "edge/video_parts.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_video_want want = {.on = false};
    if (xw_video_want_parse(data, size, &want) == 0 && size > 256)
        abort();
    return 0;
}
