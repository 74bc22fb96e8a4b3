/* A model at work: opened, run, asked. */
#include "dsp/net12/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOGIT_MAX 40.0F

struct xw_net12 {
    struct xw_net12_model model;
    char hash[XW_NET12_HASH_BYTES];
    float z[XW_NET12_FIGURES];
    float *work;
    float room[]; /* weights (not of a twin), then work */
};

static int fail(struct xw_net12_error *error, size_t offset, const char *text)
{
    if (error) {
        error->offset = offset;
        size_t n = strnlen(text, sizeof(error->text) - 1);
        memcpy(error->text, text, n);
        error->text[n] = 0;
    }
    return -EBADMSG;
}

int xw_net12_open(const void *bytes, size_t bytes_n, struct xw_net12 **ret_net,
                  struct xw_net12_error *ret_error)
{
    struct xw_net12_model model;
    size_t offset = 0;
    const char *wrong = xw_net12_model_head(bytes, bytes_n, &model, &offset);
    if (wrong)
        return fail(ret_error, offset, wrong);
    size_t weights_n = (size_t)model.members_n * model.shape.weights_n;
    struct xw_net12 *net =
        calloc(1, sizeof(*net) + sizeof(float) * (weights_n + model.shape.work_n));
    if (!net)
        return -ENOMEM;
    net->model = model;
    net->model.weights = net->room;
    net->work = net->room + weights_n;
    wrong = xw_net12_model_body(bytes, bytes_n, &net->model, net->hash, &offset);
    if (wrong) {
        free(net);
        return fail(ret_error, offset, wrong);
    }
    *ret_net = net;
    return 0;
}

int xw_net12_open_shipped(struct xw_net12 **ret_net)
{
    return xw_net12_open(xw_net12_shipped, xw_net12_shipped_n, ret_net, NULL);
}

int xw_net12_twin(const struct xw_net12 *of, struct xw_net12 **ret_net)
{
    struct xw_net12 *net = calloc(1, sizeof(*net) + sizeof(float) * of->model.shape.work_n);
    if (!net)
        return -ENOMEM;
    net->model = of->model;
    memcpy(net->hash, of->hash, sizeof(net->hash));
    net->work = net->room;
    *ret_net = net;
    return 0;
}

void xw_net12_free(struct xw_net12 *net)
{
    free(net);
}

void xw_net12_judge(struct xw_net12 *net, const struct xw_net12_view *view,
                    struct xw_net12_output *ret_output)
{
    const struct xw_net12_model *m = &net->model;
    float sum[XW_NET12_CLASSES] = {0}, logits[XW_NET12_CLASSES];
    xw_net12_scale(view->figures, m->mean, m->scale, net->z);
    for (unsigned k = 0; k < m->members_n; k++) {
        xw_net12_forward(&m->shape, m->weights + (size_t)k * m->shape.weights_n, view->beat_mv,
                         net->z, net->work, logits);
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
            sum[c] += logits[c];
    }
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        float logit = m->slope[c] * (sum[c] / (float)m->members_n) + m->offset[c];
        /* Weights that are too large for sums say nothing rather than something. */
        logit = logit > -LOGIT_MAX ? (logit < LOGIT_MAX ? logit : LOGIT_MAX) : -LOGIT_MAX;
        ret_output->logit[c] = logit;
        ret_output->probability[c] = 1 / (1 + expf(-logit));
        ret_output->yes[c] = ret_output->probability[c] >= m->limit[c];
    }
}

int xw_net12_run(struct xw_net12 *net, const struct xw_ecg12_result *result,
                 struct xw_net12_output *ret_output)
{
    struct xw_net12_view view;
    int error = xw_net12_look(result, &view);
    if (error < 0)
        return error;
    xw_net12_judge(net, &view, ret_output);
    return 0;
}

const char *xw_net12_id(const struct xw_net12 *net)
{
    return net->model.id;
}

const char *xw_net12_hash(const struct xw_net12 *net)
{
    return net->hash;
}

unsigned xw_net12_parameters(const struct xw_net12 *net)
{
    return net->model.members_n * net->model.shape.weights_n;
}

bool xw_net12_offered(const struct xw_net12 *net, enum xw_net12_class class)
{
    return (unsigned)class < XW_NET12_CLASSES && (net->model.offered >> class & 1);
}

float xw_net12_limit(const struct xw_net12 *net, enum xw_net12_class class)
{
    return (unsigned)class < XW_NET12_CLASSES ? net->model.limit[class] : 1;
}

const char *xw_net12_class_name(enum xw_net12_class class)
{
    static const char *const NAME[XW_NET12_CLASSES] = {
        "NORM", "MI", "STTC", "CD", "HYP", "AF", "LBBB", "RBBB", "PACED", "AVB1",
    };
    return (unsigned)class < XW_NET12_CLASSES ? NAME[class] : NULL;
}
