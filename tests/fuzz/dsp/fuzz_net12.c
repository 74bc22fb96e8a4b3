/* A model of the 12-lead network: any bytes, as they are and with the hash put right. What is taken
 * writes to the same bytes, judges without a number that is none, and judges the same twice. */
#include "dsp/core/sha256.h"
#include "dsp/net12/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void comes_back(const uint8_t *bytes, size_t n)
{
    struct xw_net12_model model;
    char hash[XW_NET12_HASH_BYTES];
    size_t at;
    check(n > XW_NET12_TAIL_BYTES);
    check(!xw_net12_model_head(bytes, n, &model, &at));
    model.weights = calloc((size_t)model.members_n * model.shape.weights_n, sizeof(float));
    uint8_t *again = malloc(n);
    check(model.weights && again && xw_net12_model_bytes(&model) == n);
    check(!xw_net12_model_body(bytes, n, &model, hash, &at));
    xw_net12_model_write(&model, again);
    check(memcmp(bytes, again, n) == 0);
    free(again);
    free(model.weights);
}

static void judges(struct xw_net12 *net)
{
    static struct xw_net12_view view;
    struct xw_net12_output out, again;
    for (unsigned i = 0; i < XW_NET12_BEAT_N * XW_NET12_LEADS; i++)
        view.beat_mv[i] = (float)(i % 17) - 8;
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        view.figures[f] = (float)(f * 37 % 101) - 50;
    xw_net12_judge(net, &view, &out);
    xw_net12_judge(net, &view, &again);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        check(out.logit[c] >= again.logit[c] && out.logit[c] <= again.logit[c] &&
              out.probability[c] >= 0 && out.probability[c] <= 1);
}

static void open_one(const uint8_t *bytes, size_t n)
{
    struct xw_net12 *net = NULL;
    struct xw_net12_error error = {.offset = 0};
    int result = xw_net12_open(bytes, n, &net, &error);
    if (result == 0) {
        check(xw_net12_parameters(net) <= XW_NET12_PARAMETERS_MAX);
        comes_back(bytes, n);
        judges(net);
        xw_net12_free(net);
        return;
    }
    check(result == -EBADMSG && !net && error.offset <= n && error.text[0]);
    check(memchr(error.text, 0, sizeof(error.text)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = calloc(size ? size : 1, 1);
    check(exact != NULL);
    if (size)
        memcpy(exact, data, size);
    open_one(exact, size);
    if (size > XW_NET12_HEAD_BYTES + XW_NET12_TAIL_BYTES) {
        char hash[XW_NET12_HASH_BYTES];
        for (unsigned i = 0; i < 4; i++)
            exact[12 + i] = (uint8_t)(size >> 8 * i);
        xw_dsp_sha256_text(exact, size - XW_NET12_TAIL_BYTES, hash);
        memcpy(exact + size - XW_NET12_TAIL_BYTES, hash, XW_NET12_TAIL_BYTES);
        open_one(exact, size);
    }
    free(exact);
    return 0;
}
