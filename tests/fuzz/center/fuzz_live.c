/* A browser's message on its live socket: what is accepted is within its limits. */
#include "center/live_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, data, size);
    struct xw_browser_message m = {.history_ms = 12345};
    int r = xw_browser_message_parse(exact, size, &m);
    free(exact);
    if (r < 0 && m.history_ms != 12345)
        abort(); /* outputs stay untouched on failure */
    if (r >= 0 && (m.history_ms > 2000 || m.kind > XW_BROWSER_PING))
        abort();
    if (r >= 0 && size > XW_BROWSER_MESSAGE_MAX_BYTES)
        abort();
    return 0;
}
