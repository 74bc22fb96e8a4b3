/* The county's end of the link, and a gateway that says anything. */
#include "base/block.h"
#include "fuzz/link/script.h"
#include "link/clink.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_gateway(void *user, const struct xw_downlink_gateway *gateway)
{
    (void)user;
    if (strcmp(gateway->gateway_id, "town-a") != 0)
        abort(); /* nobody is let in under another name than his certificate's */
}
static void on_stream(void *user, const struct xw_uuid *stream, const void *header,
                      size_t header_size, const char *gateway_id)
{
    (void)user;
    (void)stream;
    (void)gateway_id;
    Xw__StreamHeader *read = xw__stream_header__unpack(NULL, header_size, header);
    if (!read)
        abort();
    xw__stream_header__free_unpacked(read, NULL);
}
static void on_block(void *user, const struct xw_store_block *block, bool live)
{
    (void)user;
    (void)live;
    if (!block->count || block->first + block->count < block->first)
        abort();
    if (block->coding != XW_CODING_DELTA)
        abort(); /* whatever came, the county goes on in coding 0 */
}
static void on_gap(void *user, const struct xw_store_gap *gap)
{
    (void)user;
    if (gap->range.end <= gap->range.first)
        abort();
}
static void on_stored(void *user, const struct xw_uuid *stream, struct xw_range range, bool live)
{
    (void)user;
    (void)stream;
    (void)live;
    if (range.end <= range.first)
        abort();
}
static void on_record(void *user, const struct xw_store_record *record, const char *gateway_id)
{
    (void)user;
    if (strcmp(record->origin, gateway_id) != 0)
        abort();
}
static void on_ephemeral(void *user, const char *gateway_id, const char *topic, const void *payload,
                         size_t size)
{
    (void)user;
    (void)gateway_id;
    (void)payload;
    if (strlen(topic) > XW_LINK_TOPIC_MAX_N_BYTES || size > XW_LINK_EPHEMERAL_MAX_N_BYTES)
        abort();
}
static void on_held(void *user, const struct xw_uuid *stream, uint64_t end)
{
    (void)user;
    if (!stream || !end)
        abort();
}
static void on_suspended(void *user, const struct xw_uuid *streams, size_t streams_n,
                         const char *gateway_id)
{
    (void)user;
    (void)streams;
    (void)streams_n;
    (void)gateway_id;
}

static void open_socket(void *core, struct xw_conn *conn, unsigned role)
{
    (void)role;
    xw_clink_open(core, conn);
}
static int receive(void *core, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    return xw_clink_receive(core, conn, data, n_bytes);
}
static int pull(void *core, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    return xw_clink_pull(core, conn, ret_buf);
}
static void closed(void *core, struct xw_conn *conn)
{
    xw_clink_closed(core, conn);
}
static void tick(void *core)
{
    xw_clink_tick(core);
}
static void own(void *core, unsigned which)
{
    static const uint8_t sha256[32] = {1};
    if (which & 1)
        xw_clink_committed(core, "town-a", which);
    else if (which & 2)
        (void)!xw_clink_ephemeral(core, "town-a", "presence", "x", 1);
    else
        (void)!xw_clink_object(core, "town-a", sha256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_clock clock;
    struct xw_clink *clink;
    const struct xw_downlink_watch watch = {NULL,         on_gateway, on_stream, on_block,
                                            on_gap,       on_stored,  on_record, on_ephemeral,
                                            on_suspended, on_held,    NULL};
    xw_clock_fake_init(&clock, 1000000000, INT64_C(1760000000000000));
    struct xw_store *store = model_new();
    const struct xw_store_record record = {.kind = XW__RECORD_KIND__RECORD_STUDY,
                                           .key = (const uint8_t *)"0123456789abcdef",
                                           .key_size = 16,
                                           .revision = 1,
                                           .origin = "county",
                                           .body = (const uint8_t *)"x",
                                           .body_size = 1};
    (void)model_put_record(store, &record, "gw/town-a");
    if (xw_clink_new(store, &clock, 4, &watch, &clink) < 0)
        abort();
    const struct script_end end = {
        clink, xw_store_id(store), XW_FROM_COUNTY, open_socket, receive, pull, closed, tick, own};
    script_play(&end, &clock, store, data, size);
    xw_clink_free(clink);
    model_free(store);
    return 0;
}
