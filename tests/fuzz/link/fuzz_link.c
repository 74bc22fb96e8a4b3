/* Arbitrary messages to either end of a session that is going on.
 *
 * Input: bytes 0: bit 0 = to the gateway (else to the county), bit 1 = before the session is up,
 * bit 2 = keep going after a refusal on a new connection. Then messages, each with two bytes of
 * length (big-endian) before it. Whatever comes, the stores stay consistent: nothing is shown or
 * released that was not right. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "unit/link/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(struct rig *rig, bool to_gateway, const uint8_t *data, size_t size)
{
    struct rig_pipe *p = &rig->pipe[0];
    if (to_gateway && p->up)
        (void)!xw_glink_receive(rig->glink, &p->gateway, data, size);
    else if (!to_gateway && p->county_open)
        (void)!xw_clink_receive(rig->clink, &p->county, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    xw_log_set_level(XW_LOG_ERROR);
    uint8_t flags = data[0];
    struct rig *rig = rig_new(1);
    struct rig_stream *s = rig_add_stream(rig);
    for (unsigned i = 0; i < 3; i++)
        rig_block(rig, s, 20);
    rig_record(rig, s, true);
    rig_connect(rig, 0);
    if (!(flags & 2))
        rig_run(rig, 30000);
    for (size_t at = 1; at + 2 <= size;) {
        size_t n = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        n = XW_MIN(n, size - at);
        give(rig, flags & 1, data + at, n);
        at += n;
        rig_flow(rig);
        if (flags & 4)
            rig_connect(rig, 0);
    }
    rig_block(rig, s, 20);
    rig_run(rig, 200000);
    assert(xw_ranges_end(rig_known(rig->spool, s)) == 80);
    rig_free(rig);
    return 0;
}
