/* Coding of blocks on their way out. */
#include "link/coder.h"

#include "base/block.h"
#include "base/metrics.h"
#include "dsp/codec/codec.h"

XW_COUNTER(coded_blocks, "xw_link_coded_blocks_total", NULL, "blocks sent in coding 4");
XW_COUNTER(key_blocks, "xw_link_key_blocks_total", NULL, "blocks of those that begin a chain");
XW_COUNTER(saved_bytes, "xw_link_coded_saved_bytes_total", NULL,
           "bytes that coding 4 saved against coding 0");

enum {
    /* Coded blocks of one message are smaller than in coding 0, of which a message holds so much.
     */
    CODED_N_BYTES = XW_LINK_MESSAGE_MAX_N_BYTES,
    DATA_N_BYTES = CODED_N_BYTES + 1 + 4 * XW_CHAINED_VALUES_MAX,
};

void xw_coder_init(struct xw_coder *coder)
{
    *coder = (struct xw_coder){.of = NULL};
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        xw_chains_init(&coder->live[role], XW_CHAINS_LIVE_MAX);
    xw_chains_init(&coder->other, 1);
}

void xw_coder_done(struct xw_coder *coder)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        xw_chains_done(&coder->live[role]);
    xw_chains_done(&coder->other);
    free(coder->x);
    free(coder->data);
    coder->x = NULL;
    coder->data = NULL;
}

void xw_coder_socket(struct xw_coder *coder, unsigned role, bool on)
{
    xw_chains_done(&coder->live[role]);
    coder->on[role] = on;
}

void xw_coder_begin(struct xw_coder *coder, unsigned role, bool live)
{
    coder->message.role = role;
    coder->message.live = live;
    coder->message.values_n = coder->message.n_bytes = 0;
    xw_chains_clear(&coder->other);
}

bool xw_coder_full(const struct xw_coder *coder, size_t more_n_bytes)
{
    /* A value takes a byte at least in coding 0. */
    return coder->message.values_n &&
           coder->message.values_n + more_n_bytes > XW_CHAINED_VALUES_AT_ONCE;
}

static struct xw_chains *chains_of(struct xw_coder *coder)
{
    return coder->message.live ? &coder->live[coder->message.role] : &coder->other;
}

void xw_coder_failed(struct xw_coder *coder)
{
    xw_chains_clear(chains_of(coder));
}

static bool room(struct xw_coder *coder, size_t values_n, size_t n_bytes)
{
    if (!coder->x)
        coder->x = malloc(XW_CHAINED_VALUES_MAX * sizeof(coder->x[0]));
    if (!coder->data)
        coder->data = malloc(DATA_N_BYTES);
    return coder->x && coder->data && coder->message.values_n + values_n <= XW_CHAINED_VALUES_MAX &&
           coder->message.n_bytes + n_bytes <= CODED_N_BYTES;
}

/* Returns true if the block is in coding 4 now. */
static bool code(struct xw_coder *coder, const struct xw_coder_stream *stream,
                 struct xw_coder_block *block)
{
    size_t channels_n = stream->channels_n, values_n = channels_n * block->count;
    uint64_t key_first = 0;
    if (block->coding != XW_CODING_DELTA || !xw_block_shape_ok(channels_n, block->count) ||
        !room(coder, values_n, block->n_bytes) ||
        xw_block_decode(XW_CODING_DELTA, block->data, block->n_bytes, channels_n, block->count,
                        coder->x) < 0)
        return false;
    uint8_t *data = coder->data + coder->message.n_bytes;
    int n = xw_chains_encode(chains_of(coder), block->stream, channels_n, stream->key_every,
                             block->first, coder->x, block->count, data,
                             DATA_N_BYTES - coder->message.n_bytes, &key_first);
    if (n <= 0 || (size_t)n >= block->n_bytes)
        return false;
    xw_counter_add(&coded_blocks, 1);
    xw_counter_add(&key_blocks, key_first == block->first);
    xw_counter_add(&saved_bytes, block->n_bytes - (size_t)n);
    coder->message.values_n += values_n;
    coder->message.n_bytes += (size_t)n;
    block->coding = XW_CODING_CHAINED;
    block->key_first = key_first;
    block->data = data;
    block->n_bytes = (size_t)n;
    return true;
}

void xw_coder_put(struct xw_coder *coder, struct xw_coder_block *block)
{
    struct xw_coder_stream stream;
    if (coder->on[coder->message.role] && coder->of(coder->user, block->stream, &stream) &&
        !code(coder, &stream, block))
        xw_chains_end(chains_of(coder), block->stream);
    if (coder->message.live)
        coder->went(coder->user, block->stream, block->count, block->n_bytes);
}
