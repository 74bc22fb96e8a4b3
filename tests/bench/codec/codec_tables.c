/* Writes dsp/codec/tables.c: the models and weights that a key block begins with, from what the
 * codec learns on every second record of MIT-BIH and every eighth of PTB-XL. Both count alike.
 * usage: codec_tables >tables.c (XW_DATA set). It begins from the tables that it is built with: two
 * rounds settle. Models: how often each symbol came in its context, joined with a smooth curve that
 * weighs as much as 200 in a million; weights: their mean at the end of each key block's chain.
 *
 * The codec is included as text, with a coder of symbols that counts. */
#include "bench/codec/recordings.h"
#include "dsp/codec/model.h"

#include <math.h>
#include <stdio.h>

static const struct xw_model *counted; /* the models of the codec that runs */
static double counts[XW_MODEL_CONTEXTS][XW_MODEL_SYMBOLS];

static inline void counting_put(struct xw_model *m, struct xw_range_encoder *e, unsigned symbol)
{
    if (m >= counted && m < counted + XW_MODEL_CONTEXTS)
        counts[m - counted][symbol]++;
    xw_model_put(m, e, symbol);
}

#define xw_model_put counting_put
#include "dsp/codec/codec.c" /* NOLINT(bugprone-suspicious-include) */
#undef xw_model_put

enum { KEY_S = 10, BLOCKS_A_SECOND = 4, SETS = 2 };
static const double CURVE_WEIGHT = 200;

static struct sums {
    double counts[XW_MODEL_CONTEXTS][XW_MODEL_SYMBOLS], weights[XW_LEAD_TAPS], weights_n;
} sums[SETS];

struct wanted {
    size_t every, at;
    struct sums *sums;
};

static void add_weights(const struct xw_codec *codec, struct sums *to)
{
    for (size_t c = 0; c < codec->channels_n; c++) {
        if (codec->leads[c].rule.on)
            continue;
        for (size_t i = 0; i < XW_LEAD_TAPS; i++)
            to->weights[i] += codec->leads[c].weight[i];
        to->weights_n++;
    }
}

static int take(struct xw_recording *r, void *user)
{
    static uint8_t bytes[1 << 20];
    const struct wanted *wanted = user;
    struct xw_codec *codec;
    uint64_t key_first;
    size_t count_n = r->rate_hz / BLOCKS_A_SECOND, since_key = r->rate_hz * KEY_S;
    if (r->nth % wanted->every != wanted->at)
        return 0;
    if (xw_codec_new(r->channels_n, &codec) < 0)
        return -ENOMEM;
    counted = codec->model;
    int n = 0;
    for (size_t i = 0; i + count_n <= r->rows_n && n >= 0; i += count_n) {
        bool key = since_key + count_n > r->rate_hz * KEY_S;
        if (key && i)
            add_weights(codec, wanted->sums);
        since_key = key ? count_n : since_key + count_n;
        n = xw_codec_encode(codec, i, key, r->x + i * r->channels_n, count_n, bytes, sizeof(bytes),
                            &key_first);
    }
    add_weights(codec, wanted->sums);
    xw_codec_free(codec);
    return n < 0 ? n : 0;
}

/* A curve between Gauss and Laplace about where the context expects the error, as shares of one. */
static void curve_of(unsigned context, double *ret_share)
{
    enum { FINE_PLACES = 16, NORMAL_PLACE = 24, STEPS = 5 };
    unsigned place = context / 4, side = context % 4;
    double bin = place >= NORMAL_PLACE ? 2 : 1, total = 0;
    double mean = pow(2, floor(place / 4.0) - 4) * (1 + (fmod(place, 4) + 0.5) / 4);
    double middle = place < FINE_PLACES ? ((double)side - 2) / 4 + 0.125 : 0;
    double sigma = mean * 1.25 / bin;
    for (int i = 0; i < XW_MODEL_SYMBOLS; i++) {
        double sum = 0;
        for (int k = -2; k <= 2; k++) {
            double z =
                (i - 0.5 * XW_MODEL_SYMBOLS + (bin > 1 ? 0.5 : 0) - middle + k * 0.2) / sigma;
            sum += (0.6 * exp(-0.5 * z * z) + 0.24 * exp(-1.2 * fabs(z))) / sigma;
        }
        ret_share[i] = sum / STEPS + 2e-4;
        total += ret_share[i];
    }
    for (int i = 0; i < XW_MODEL_SYMBOLS; i++)
        ret_share[i] /= total;
}

static void print_model(unsigned context, const double *set_total)
{
    double share[XW_MODEL_SYMBOLS], total = 0, so_far = 0;
    int before = -1;
    curve_of(context, share);
    for (unsigned i = 0; i < XW_MODEL_SYMBOLS; i++) {
        share[i] *= CURVE_WEIGHT;
        for (unsigned k = 0; k < SETS; k++)
            share[i] += 1e6 * sums[k].counts[context][i] / set_total[k];
        total += share[i];
    }
    printf("    {{");
    for (int i = 0; i < XW_MODEL_SYMBOLS; i++) {
        int room = (1 << XW_MODEL_BITS) - XW_MODEL_SYMBOLS * XW_MODEL_LEAST;
        int start = (int)(so_far / total * room) + i * XW_MODEL_LEAST;
        start = start <= before ? before + 1 : start;
        printf("%s%d", i ? ", " : "", start);
        before = start;
        so_far += share[i];
    }
    printf("}},\n");
}

static void print_tables(void)
{
    double set_total[SETS] = {0};
    for (unsigned k = 0; k < SETS; k++)
        for (unsigned c = 0; c < XW_MODEL_CONTEXTS; c++)
            for (unsigned i = 0; i < XW_MODEL_SYMBOLS; i++)
                set_total[k] += sums[k].counts[c][i];
    printf(
        "/* What a key block begins with. Made by tests/bench/codec/codec_tables.c; any change "
        "here is\n"
        " * another coding. */\n#include \"dsp/codec/lead.h\"\n#include \"dsp/codec/model.h\"\n\n"
        "const int16_t xw_model_rank[XW_MODEL_SYMBOLS] = {");
    for (int i = 0; i < XW_MODEL_SYMBOLS; i++)
        printf("%s%d", i ? ", " : "", i);
    printf("};\n\n/* Own differences, the oldest first; then those of all channels. 4096 is 1. */\n"
           "const int16_t xw_lead_weights[XW_LEAD_TAPS] = {");
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++) {
        double mean = 0;
        for (unsigned k = 0; k < SETS; k++)
            mean += sums[k].weights[i] / sums[k].weights_n / SETS;
        printf("%s%ld", i ? ", " : "", lround(mean));
    }
    printf("};\n\nconst struct xw_model xw_model_first[XW_MODEL_CONTEXTS] = {\n");
    for (unsigned c = 0; c < XW_MODEL_CONTEXTS; c++)
        print_model(c, set_total);
    printf("};\n");
}

int main(void)
{
    const char *folders[SETS] = {"mitdb", "ptbxl"};
    struct wanted wanted[SETS] = {{2, 1, &sums[0]}, {8, 0, &sums[1]}};
    for (unsigned k = 0; k < SETS; k++) {
        memset(counts, 0, sizeof(counts));
        if (xw_recordings_read(folders[k], take, &wanted[k]) <= 0)
            return 1;
        memcpy(sums[k].counts, counts, sizeof(counts));
    }
    print_tables();
    return 0;
}
