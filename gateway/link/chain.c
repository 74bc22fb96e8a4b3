/* Which stream has which codec; the one unused for longest gives way. */
#include "link/chain.h"

#include "dsp/codec/codec.h"

struct xw_chain {
    struct xw_uuid stream;
    struct xw_codec *codec;
    size_t channels_n;
    uint64_t used, key_first; /* used: turn, 0 = by nobody */
};

void xw_chains_init(struct xw_chains *chains, size_t max_n)
{
    *chains = (struct xw_chains){.max_n = max_n};
}

void xw_chains_done(struct xw_chains *chains)
{
    for (size_t i = 0; i < chains->n; i++)
        xw_codec_free(chains->v[i].codec);
    free(chains->v);
    xw_chains_init(chains, chains->max_n);
}

void xw_chains_clear(struct xw_chains *chains)
{
    for (size_t i = 0; i < chains->n; i++)
        chains->v[i].used = 0;
}

static struct xw_chain *find(struct xw_chains *chains, const struct xw_uuid *stream)
{
    for (size_t i = 0; i < chains->n; i++)
        if (chains->v[i].used && xw_uuid_equal(&chains->v[i].stream, stream))
            return &chains->v[i];
    return NULL;
}

void xw_chains_end(struct xw_chains *chains, const struct xw_uuid *stream)
{
    struct xw_chain *chain = find(chains, stream);
    if (chain)
        xw_codec_reset(chain->codec);
}

/* A place for another stream: a new one, else that of the stream that was used longest ago. */
static struct xw_chain *place(struct xw_chains *chains)
{
    struct xw_chain *oldest = NULL;
    for (size_t i = 0; i < chains->n; i++)
        if (!oldest || chains->v[i].used < oldest->used)
            oldest = &chains->v[i];
    if (chains->n >= chains->max_n || (oldest && !oldest->used))
        return oldest;
    struct xw_chain *v = realloc(chains->v, (chains->n + 1) * sizeof(*v));
    if (!v)
        return oldest;
    chains->v = v;
    v[chains->n] = (struct xw_chain){.used = 0};
    return &v[chains->n++];
}

/* The stream's chain, used now; NULL without memory. */
static struct xw_chain *take(struct xw_chains *chains, const struct xw_uuid *stream,
                             size_t channels_n)
{
    struct xw_chain *chain = find(chains, stream);
    if (!chain) {
        chain = place(chains);
        if (!chain)
            return NULL;
        chain->used = 0;
        chain->stream = *stream;
        if (chain->codec && chain->channels_n == channels_n)
            xw_codec_reset(chain->codec);
    }
    if (!chain->codec || chain->channels_n != channels_n) {
        xw_codec_free(chain->codec);
        chain->codec = NULL;
        if (xw_codec_new(channels_n, &chain->codec) < 0) {
            chain->used = 0;
            return NULL;
        }
        chain->channels_n = channels_n;
    }
    chain->used = ++chains->turn;
    return chain;
}

int xw_chains_encode(struct xw_chains *chains, const struct xw_uuid *stream, size_t channels_n,
                     uint64_t key_every, uint64_t first, const int32_t *x, size_t count_n,
                     uint8_t *ret_data, size_t cap_n_bytes, uint64_t *ret_key_first)
{
    struct xw_chain *chain = take(chains, stream, channels_n);
    if (!chain)
        return -ENOMEM;
    bool key = first + count_n - chain->key_first > key_every;
    int r = xw_codec_encode(chain->codec, first, key, x, count_n, ret_data, cap_n_bytes,
                            &chain->key_first);
    if (r >= 0)
        *ret_key_first = chain->key_first;
    return r;
}

int xw_chains_decode(struct xw_chains *chains, const struct xw_uuid *stream, size_t channels_n,
                     uint64_t first, uint64_t key_first, const uint8_t *data, size_t n_bytes,
                     size_t count_n, int32_t *ret_x)
{
    struct xw_chain *chain = take(chains, stream, channels_n);
    if (!chain)
        return -ENOMEM;
    return xw_codec_decode(chain->codec, first, key_first, data, n_bytes, count_n, ret_x);
}
