/* Tables and lines. */
#include "dsp/train/twelve/report.h"

#include "dsp/train/twelve/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { SEED = 2012 };

int xw_twelve_report_new(const char *folder, struct xw_twelve_report *r)
{
    *r = (struct xw_twelve_report){0};
    int result = xw_twelve_cases_load(folder, &r->cases);
    if (result < 0)
        return result;
    r->net = calloc(r->cases.n + 1, sizeof(*r->net));
    r->plain = calloc(r->cases.n + 1, sizeof(*r->plain));
    r->draws = xw_twelve_draws(&r->cases, SEED);
    if (r->net && r->plain && r->draws)
        return 0;
    xw_twelve_report_done(r);
    return -ENOMEM;
}

void xw_twelve_report_done(struct xw_twelve_report *r)
{
    xw_twelve_cases_done(&r->cases);
    free(r->net);
    free(r->plain);
    free(r->draws);
    *r = (struct xw_twelve_report){0};
}

uint32_t xw_twelve_report_offered(const struct xw_twelve_report *r)
{
    uint32_t offered = 0;
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        struct xw_twelve_figure gain = xw_twelve_f1_gain(&r->cases, r->draws, r->net, NULL, c);
        if (xw_twelve_has_rule(c) && gain.value > 0 && gain.low > 0)
            offered |= 1U << c;
    }
    return offered;
}

static void print_figure(FILE *out, struct xw_twelve_figure f)
{
    fprintf(out, "%6.3f (%6.3f to %6.3f)", f.value, f.low, f.high);
}

static void print_reliability(const struct xw_twelve_report *r, FILE *out)
{
    fprintf(out, "\nReliability of the network: probability said / share found (cases)\n");
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        struct xw_twelve_reliability t;
        xw_twelve_reliability(&r->cases, r->net, c, &t);
        fprintf(out, "%-6s", xw_net12_class_name((enum xw_net12_class)c));
        for (unsigned b = 0; b < XW_TWELVE_BINS; b++)
            fprintf(out, "  %.2f/%.2f (%3u)", t.said[b], t.found[b], t.n[b]);
        fprintf(out, "  Brier %.3f, error %.3f\n", t.brier, t.error);
    }
}

void xw_twelve_report_table(const struct xw_twelve_report *r, FILE *out)
{
    size_t seen = 0;
    for (size_t i = 0; i < r->cases.n; i++)
        seen += r->cases.at[i].seen;
    fprintf(out, "%zu recordings, %zu seen; cross-validated by patient; 95 %% in brackets\n",
            r->cases.n, seen);
    fprintf(out,
            "class  cases  AUC network              AUC plain                F1 network        "
            "       F1 plain                 F1 rules                 network less rules\n");
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        unsigned n = 0;
        for (size_t i = 0; i < r->cases.n; i++)
            n += r->cases.at[i].target[c];
        fprintf(out, "%-6s %5u ", xw_net12_class_name((enum xw_net12_class)c), n);
        print_figure(out, xw_twelve_auc(&r->cases, r->draws, r->net, c));
        print_figure(out, xw_twelve_auc(&r->cases, r->draws, r->plain, c));
        print_figure(out, xw_twelve_f1(&r->cases, r->draws, r->net, c));
        print_figure(out, xw_twelve_f1(&r->cases, r->draws, r->plain, c));
        if (xw_twelve_has_rule(c)) {
            print_figure(out, xw_twelve_f1(&r->cases, r->draws, NULL, c));
            print_figure(out, xw_twelve_f1_gain(&r->cases, r->draws, r->net, NULL, c));
        }
        fputc('\n', out);
    }
    fprintf(out, "superclasses, macro: ");
    print_figure(out, xw_twelve_macro_auc(&r->cases, r->draws, r->net));
    fprintf(out, "; plain ");
    print_figure(out, xw_twelve_macro_auc(&r->cases, r->draws, r->plain));
    fputc('\n', out);
    print_reliability(r, out);
    fprintf(out, "offered beside the rules:");
    uint32_t offered = xw_twelve_report_offered(r);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        if (offered >> c & 1)
            fprintf(out, " %s", xw_net12_class_name((enum xw_net12_class)c));
    fprintf(out, "%s\n", offered ? "" : " none");
}

static void line(FILE *out, const char *name, const char *class, const char *end, double value)
{
    const char *commit = getenv("XW_COMMIT"), *cpu = getenv("XW_CPU");
    fprintf(out, "{\"name\":\"%s", name);
    for (const char *p = class; *p; p++)
        fputc(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p, out);
    fprintf(out, "%s\",\"value\":%.6g,\"unit\":\"\",\"commit\":\"%s\",\"cpu\":\"%s\"}\n", end,
            value, commit ? commit : "unknown", cpu ? cpu : "unknown");
}

static void lines(FILE *out, const char *name, const char *class, const char *end,
                  struct xw_twelve_figure f)
{
    char low[64], high[64];
    snprintf(low, sizeof(low), "%s_low95", end);
    snprintf(high, sizeof(high), "%s_high95", end);
    line(out, name, class, end, f.value);
    line(out, name, class, low, f.low);
    line(out, name, class, high, f.high);
}

/* Of the shipped model, a call with its view; over all cases, the mean. */
static double call_us(const struct xw_twelve_report *r)
{
    struct xw_net12 *net = NULL;
    struct xw_net12_output said;
    struct timespec from, to;
    size_t n = 0;
    if (xw_net12_open_shipped(&net) < 0)
        return -1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (size_t i = 0; i < r->cases.n; i++)
        if (r->cases.at[i].seen) {
            xw_net12_judge(net, &r->cases.at[i].view, &said);
            n++;
        }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    xw_net12_free(net);
    double us =
        (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) * 1e-3;
    return n ? us / (double)n : -1;
}

void xw_twelve_report_lines(const struct xw_twelve_report *r, FILE *out)
{
    lines(out, "ptbxl_macro_auc", "", "", xw_twelve_macro_auc(&r->cases, r->draws, r->net));
    lines(out, "ptbxl_macro_auc", "", "_plain", xw_twelve_macro_auc(&r->cases, r->draws, r->plain));
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        const char *name = xw_net12_class_name((enum xw_net12_class)c);
        struct xw_twelve_reliability t;
        xw_twelve_reliability(&r->cases, r->net, c, &t);
        lines(out, "net12_", name, "_auc", xw_twelve_auc(&r->cases, r->draws, r->net, c));
        lines(out, "net12_", name, "_auc_plain", xw_twelve_auc(&r->cases, r->draws, r->plain, c));
        lines(out, "net12_", name, "_f1", xw_twelve_f1(&r->cases, r->draws, r->net, c));
        lines(out, "net12_", name, "_f1_plain", xw_twelve_f1(&r->cases, r->draws, r->plain, c));
        line(out, "net12_", name, "_brier", t.brier);
        line(out, "net12_", name, "_calibration_error", t.error);
        if (!xw_twelve_has_rule(c))
            continue;
        lines(out, "net12_", name, "_f1_rules", xw_twelve_f1(&r->cases, r->draws, NULL, c));
        lines(out, "net12_", name, "_f1_gain",
              xw_twelve_f1_gain(&r->cases, r->draws, r->net, NULL, c));
    }
    line(out, "net12_call_us", "", "", call_us(r));
    line(out, "net12_classes_that_beat_rules", "", "",
         __builtin_popcount(xw_twelve_report_offered(r)));
}

int xw_twelve_write_source(const uint8_t *bytes, size_t n, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return -errno;
    fprintf(file,
            "/* The model that is shipped, byte by byte (model.h). Made by xw-train-twelve.\n"
            " * README.md is its card. */\n#include \"dsp/net12/model.h\"\n\n"
            "/* clang-format off */\n"
            "const size_t xw_net12_shipped_n = %zu;\nconst uint8_t xw_net12_shipped[%zu] = {",
            n, n);
    for (size_t i = 0; i < n; i++)
        fprintf(file, "%s%u,", i % 64 ? "" : "\n", bytes[i]);
    fprintf(file, "\n};\n/* clang-format on */\n");
    return fclose(file) ? -EIO : 0;
}
