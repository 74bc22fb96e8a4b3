/* xw-train-twelve: cross-validates the network of dsp/net12 by patient, compares it with a plain
 * logistic regression and with the rules, and makes the model.
 *
 *   XW_DATA=DIR xw-train-twelve                 figures as a table (DIR: folder with ptbxl/)
 *   XW_DATA=DIR xw-train-twelve --figures       the same as JSON lines
 *   XW_DATA=DIR xw-train-twelve --write FILE    and the model as C source
 *   XW_DATA=DIR xw-train-twelve --write FILE --offer   with the classes that the decision allows
 *                                               switched on; without it none is
 *   XW_DATA=DIR xw-train-twelve --plain         the plain regression alone */
#include "dsp/train/twelve/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cross_both(struct xw_twelve_report *r, bool plain_alone)
{
    struct xw_twelve_recipe net, plain;
    xw_twelve_recipe_net(&net);
    xw_twelve_recipe_plain(&plain);
    int result = xw_twelve_cross(&plain, &r->cases, r->plain);
    if (result >= 0)
        result = xw_twelve_cross(plain_alone ? &plain : &net, &r->cases, r->net);
    return result;
}

static int write_model(const struct xw_twelve_report *r, const char *path, bool offer)
{
    struct xw_twelve_recipe net;
    struct xw_net12_model model;
    uint8_t *bytes = NULL;
    size_t n = 0;
    xw_twelve_recipe_net(&net);
    int result = xw_twelve_make(&net, &r->cases, -1, &model);
    if (result < 0)
        return result;
    model.offered = offer ? xw_twelve_report_offered(r) : 0;
    result = xw_twelve_pack(&model, &bytes, &n);
    free(model.weights);
    if (result >= 0)
        result = xw_twelve_write_source(bytes, n, path);
    free(bytes);
    return result;
}

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA"), *out = NULL;
    bool lines = false, plain = false, offer = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--figures") == 0)
            lines = true;
        else if (strcmp(argv[i], "--plain") == 0)
            plain = true;
        else if (strcmp(argv[i], "--offer") == 0)
            offer = true;
        else if (strcmp(argv[i], "--write") == 0 && i + 1 < argc)
            out = argv[++i];
        else
            return 2;
    }
    if (!data) {
        fprintf(stderr, "xw-train-twelve: XW_DATA is not set; nothing to learn from\n");
        return 77;
    }
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s/ptbxl", data);
    struct xw_twelve_report report;
    int result = xw_twelve_report_new(folder, &report);
    if (result >= 0) {
        result = cross_both(&report, plain);
        if (result >= 0)
            (lines ? xw_twelve_report_lines : xw_twelve_report_table)(&report, stdout);
        if (result >= 0 && out)
            result = write_model(&report, out, offer);
        xw_twelve_report_done(&report);
    }
    if (result < 0)
        fprintf(stderr, "xw-train-twelve: %s\n", strerror(-result));
    return result < 0;
}
