/* A small network over what dsp/ecg12 measured: probabilities of ten classes, beside the rules.
 *
 * Purpose    A proposal, never a statement: what it says is shown only for classes that it was
 *            shown to say better than the rules (`offered`, decided in cross-validation by patient
 *            and written into the model; see README.md, the model card).
 * Input      A result of xw_ecg12_read with all twelve leads usable and a median beat; anything
 *            less is -ENODATA: nothing is said about what was not seen. Neither age nor sex.
 * Method     The median beat at 100 Hz in eight leads (the other four follow from I and II) through
 *            one-dimensional convolutions, means over segments, one hidden layer; beside it a
 *            linear part on the figures of the result. The logits of the members are averaged, then
 *            calibrated (Platt).
 * Exactness  From a view to its logits: additions, products and comparisons in a fixed order, no
 *            libm. The same model and view give the same logits, bit by bit, wherever floats are
 *            those of IEEE 754. A view takes cosf and sinf of the axes, a probability expf.
 * Models     Bytes in memory: version, dimensions, scaling, calibration, weights as IEEE binary16,
 *            SHA-256. The one that is shipped is compiled in.
 * Threads    An object belongs to one thread at a time; objects share nothing but weights (twins).
 * Memory     One block in xw_net12_open (below 1 MB); nothing allocates after it.
 * Errors     -EBADMSG with a word and its place (a model), -ENODATA (an ECG), -ENOMEM. */
#ifndef XW_DSP_NET12_NET12_H
#define XW_DSP_NET12_NET12_H

#include "dsp/ecg12/ecg12.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XW_NET12_MUST_CHECK __attribute__((warn_unused_result))

/* Superclasses of PTB-XL first. */
enum xw_net12_class {
    XW_NET12_NORM = 0,
    XW_NET12_MI,
    XW_NET12_STTC,
    XW_NET12_CD,
    XW_NET12_HYP,
    XW_NET12_AF,
    XW_NET12_LBBB,
    XW_NET12_RBBB,
    XW_NET12_PACED,
    XW_NET12_AVB1,
    XW_NET12_CLASSES
};

enum {
    XW_NET12_LEADS = 8,    /* I II V1 V2 V3 V4 V5 V6 */
    XW_NET12_BEAT_N = 120, /* samples at 100 Hz, R is the 40th */
    XW_NET12_GLOBALS = 26,
    XW_NET12_LEAD_FIGURES = 9,
    XW_NET12_FIGURES = XW_NET12_GLOBALS + 12 * XW_NET12_LEAD_FIGURES,
    XW_NET12_PARAMETERS_MAX = 200000,
    XW_NET12_MODEL_BYTES_MAX = 1 << 20,
    XW_NET12_ID_BYTES = 32, /* with its NUL */
    XW_NET12_HASH_BYTES = 65,
    XW_NET12_ERROR_BYTES = 120,
};

/* What the network sees: mV sample by sample (leads side by side), and figures; NAN = not known. */
struct xw_net12_view {
    float beat_mv[XW_NET12_BEAT_N * XW_NET12_LEADS];
    float figures[XW_NET12_FIGURES];
};

struct xw_net12_error {
    size_t offset; /* of the first byte that is wrong */
    char text[XW_NET12_ERROR_BYTES];
};

struct xw_net12_output {
    float logit[XW_NET12_CLASSES];       /* calibrated */
    float probability[XW_NET12_CLASSES]; /* 0..1 */
    bool yes[XW_NET12_CLASSES];          /* at the class's own limit */
};

struct xw_net12;

/* bytes: read during the call only. ret_error may be NULL; it is filled with -EBADMSG alone. */
XW_NET12_MUST_CHECK int xw_net12_open(const void *bytes, size_t bytes_n, struct xw_net12 **ret_net,
                                      struct xw_net12_error *ret_error);
/* The model that is compiled in. */
XW_NET12_MUST_CHECK int xw_net12_open_shipped(struct xw_net12 **ret_net);
/* Another object of the same model, for another thread: it borrows the weights of `of`, which must
 * outlive it and is only read. -ENOMEM. */
XW_NET12_MUST_CHECK int xw_net12_twin(const struct xw_net12 *of, struct xw_net12 **ret_net);
void xw_net12_free(struct xw_net12 *net);

/* -ENODATA: not twelve usable leads, or no median beat. */
XW_NET12_MUST_CHECK int xw_net12_look(const struct xw_ecg12_result *result,
                                      struct xw_net12_view *ret_view);
void xw_net12_judge(struct xw_net12 *net, const struct xw_net12_view *view,
                    struct xw_net12_output *ret_output);
/* Both. */
XW_NET12_MUST_CHECK int xw_net12_run(struct xw_net12 *net, const struct xw_ecg12_result *result,
                                     struct xw_net12_output *ret_output);

const char *xw_net12_id(const struct xw_net12 *net);   /* "twelve 1" */
const char *xw_net12_hash(const struct xw_net12 *net); /* SHA-256, hexadecimal */
unsigned xw_net12_parameters(const struct xw_net12 *net);
/* Whether the class is to be shown beside the rules. */
bool xw_net12_offered(const struct xw_net12 *net, enum xw_net12_class class);
/* The probability from which on the class is said. */
float xw_net12_limit(const struct xw_net12 *net, enum xw_net12_class class);
const char *xw_net12_class_name(enum xw_net12_class class); /* "NORM"; NULL: none such */

#endif
