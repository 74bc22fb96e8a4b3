/* One message of the link: accepted, or refused with a reason; what was accepted is accepted again
 * as it is packed, and packing comes to a fixed point.
 * Input: who says it, then the message. */
#include "link/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_and_pack(struct xw_wire_arena *arena, enum xw_wire_from from, const void *data,
                          size_t size, struct xw_buf *ret_buf)
{
    struct xw_wire_fault fault = {.text = NULL};
    Xw__LinkMessage *message;
    if (xw_wire_read(arena, from, data, size, &message, &fault) < 0) {
        if (!fault.text || !fault.code)
            abort(); /* a reason for LinkClose, always */
        return false;
    }
    /* A body of a later version is passed over; there is nothing of it to pack. */
    return xw_wire_write(message, ret_buf) >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum xw_wire_from from = data[0] & 1 ? XW_FROM_COUNTY : XW_FROM_GATEWAY;
    struct xw_wire_arena arena;
    struct xw_buf once, twice;
    xw_buf_init(&once, 4 * XW_LINK_HELLO_MAX_N_BYTES);
    xw_buf_init(&twice, 4 * XW_LINK_HELLO_MAX_N_BYTES);
    if (xw_wire_arena_init(&arena) < 0)
        abort();
    uint8_t *exact = malloc(size);
    memcpy(exact, data + 1, size - 1);
    if (read_and_pack(&arena, from, exact, size - 1, &once) && once.n <= size - 1) {
        if (!read_and_pack(&arena, from, once.data, once.n, &twice) || once.n != twice.n ||
            (once.n && memcmp(once.data, twice.data, once.n) != 0))
            abort();
    }
    free(exact);
    xw_wire_arena_done(&arena);
    xw_buf_done(&once);
    xw_buf_done(&twice);
    return 0;
}
