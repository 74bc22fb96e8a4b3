/* xw-beat-train: makes the scorers of beat labels from MIT-BIH DS1, or cross-validates them by
 * record. usage: xw-beat-train DIR cv | write FILE. DIR holds the WFDB records. See README.md. */
#include "dsp/train/beat/boost.h"
#include "dsp/train/beat/cases.h"
#include "dsp/train/beat/net.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 22, FOLDS = 6, VARIANTS = 6 };

static const char *const DS1[RECORDS] = {"101", "106", "108", "109", "112", "114", "115", "116",
                                         "118", "119", "122", "124", "201", "203", "205", "207",
                                         "208", "209", "215", "220", "223", "230"};

/* Folds of records; each has some of each kind of beat. */
static const uint8_t FOLD[RECORDS] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 4, 3,
                                      5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3};

static const float VARIANT_WEIGHT[VARIANTS] = {1, 0.35F, 0.25F, 0.35F, 0.35F, 0.25F};

enum task { TASK_V, TASK_S };

/* Of the nets in the blend: of five shares from none to all the one that finds most in
 * cross-validation by the rule of choice below. */
static const float SHARE[2] = {0.5F, 0.75F};

static bool wanted(const struct xw_case *c, bool later)
{
    return later ? c->stage > 0 : c->stage == 0;
}

/* Fused and paced beats teach nothing; escapes are neither early nor ventricular. */
static float weight_of(const struct xw_case *c, enum task task, bool later)
{
    if (!wanted(c, later) || c->label == 'F' || c->label == 'Q' || c->label == 'e' ||
        (c->label == 'O' && task == TASK_S))
        return 0;
    float share = c->label == 'N' && (c->variant || c->stage == 1) && c->variant != 4
                      ? 4
                      : 1; /* only one in four is there */
    return share * VARIANT_WEIGHT[c->variant] * (c->stage == 1 ? 0.5F : 1);
}

/* A record with a thousand of them must not be all that is learned. */
static void spread(const struct xw_cases *cases, const bool *yes, float *weight)
{
    double sum[RECORDS] = {0}, before = 0, after = 0;
    for (size_t i = 0; i < cases->n; i++)
        sum[cases->one[i].record] += yes[i] && cases->one[i].variant != 4 ? (double)weight[i] : 0;
    for (size_t i = 0; i < cases->n; i++)
        if (weight[i] > 0 && yes[i] && cases->one[i].variant != 4) {
            before += (double)weight[i];
            weight[i] *= (float)pow(fmax(sum[cases->one[i].record], 5), -0.5);
            after += (double)weight[i];
        }
    for (size_t i = 0; i < cases->n; i++) /* all in all as much as before */
        if (weight[i] > 0 && yes[i] && cases->one[i].variant != 4)
            weight[i] *= (float)(before / after);
}

struct scorer {
    struct xw_boost_model trees;
    struct xw_ecg_net net;
};

static float score_of(const struct scorer *s, const float *x)
{
    const struct xw_boost_model *m = &s->trees;
    struct xw_ecg_trees trees = {NULL, m->bias, 0, m->trees_n, m->tree};
    return xw_ecg_blend(&trees, &s->net, x);
}

static int train(const struct xw_cases *cases, int without, enum task task, bool later,
                 const struct xw_boost_options *options, struct scorer *ret_scorer)
{
    float *weight = calloc(cases->n + 1, sizeof(*weight)), *x;
    bool *yes = calloc(cases->n + 1, sizeof(*yes));
    uint16_t *group = calloc(cases->n + 1, sizeof(*group));
    x = malloc((cases->n + 1) * XW_ECG_FEATURES * sizeof(*x));
    int result = -ENOMEM;
    if (weight && yes && x && group) {
        size_t n = 0;
        for (size_t i = 0; i < cases->n; i++) {
            const struct xw_case *c = &cases->one[i];
            group[i] = c->record;
            yes[i] = c->label == (task == TASK_V ? 'V' : 'S');
            weight[i] = without >= 0 && FOLD[c->record] == without ? 0 : weight_of(c, task, later);
            memcpy(x + n * XW_ECG_FEATURES, c->x, sizeof(c->x));
            n++;
        }
        spread(cases, yes, weight);
        struct xw_boost_set set = {n, XW_ECG_FEATURES, x, weight, yes, group};
        struct xw_net_options net = {options->features, 12, 0.003F, 0.01F, 0.7F};
        result = xw_boost_train(&set, options, &ret_scorer->trees);
        if (result == 0)
            result = xw_net_train(&set, &net, &ret_scorer->net);
        ret_scorer->net.share = SHARE[task];
    }
    free(weight);
    free(yes);
    free(x);
    free(group);
    return result;
}

struct tally {
    unsigned yes, found, wrong; /* reference, of these found, others called so */
};

struct limits {
    float v, s, s_af; /* of S while the atria fibrillate */
};

struct both {
    struct tally v, s;
};

static void print_rate(const char *what, float limit, struct tally t)
{
    printf("%s > %5.2f: Se %6.2f +P %6.2f (%u, missed %u, false %u)\n", what, (double)limit,
           100.0 * t.found / (t.yes ? t.yes : 1), 100.0 * t.found / fmax(1, t.found + t.wrong),
           t.yes, t.yes - t.found, t.wrong);
}

static void add(struct tally *t, bool is, bool nothing, bool said)
{
    t->yes += is;
    t->found += is && said;
    t->wrong += !is && !nothing && said;
}

/* v, s: scores of the held-out cases. F called V is no error; escapes (e, j) count as S,
 * as the scorer counts them. each: of every record too, or NULL. */
static struct both count(const struct xw_cases *cases, const float *v, const float *s, bool later,
                         const struct limits *limits, struct both *each)
{
    struct both all = {{0, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < cases->n; i++) {
        const struct xw_case *c = &cases->one[i];
        if (c->variant || c->stage != (later ? 2 : 0) || c->label == 'Q')
            continue;
        bool is_v = v[i] > limits->v;
        bool is_s = !is_v && s[i] > (c->fibrillates ? limits->s_af : limits->s);
        for (struct both *to = &all; to; to = to == &all && each ? &each[c->record] : NULL) {
            add(&to->v, c->label == 'V', c->label == 'F', is_v);
            add(&to->s, c->label == 'S' || c->label == 'e', false, is_s);
        }
    }
    return all;
}

static void report(const struct xw_cases *cases, const float *v, const float *s, bool later,
                   const struct limits *limits)
{
    struct both each[RECORDS];
    memset(each, 0, sizeof(each));
    struct both all = count(cases, v, s, later, limits, each);
    for (unsigned k = 0; k < RECORDS; k++)
        printf("  %s V %u missed %u false %u  S %u missed %u false %u\n", DS1[k], each[k].v.yes,
               each[k].v.yes - each[k].v.found, each[k].v.wrong, each[k].s.yes,
               each[k].s.yes - each[k].s.found, each[k].s.wrong);
    printf("S in fibrillation > %.2f\n", (double)limits->s_af);
    print_rate("V", limits->v, all.v);
    print_rate("S", limits->s, all.s);
}

#define BIT(name) (UINT64_C(1) << XW_ECG_FEATURE_##name)

static struct xw_boost_options options_of(enum task task, bool later)
{
    struct xw_boost_options o = {.trees_n = 200,
                                 .rate = 0.06F,
                                 .smooth = task == TASK_V ? 4 : 8,
                                 .least = 4,
                                 .groups = 0.6F,
                                 .asked = 0.4F};
    unsigned n = later ? XW_ECG_FEATURES : XW_ECG_FEATURE_POST;
    o.features = ((UINT64_C(1) << n) - 1) & ~BIT(USUAL);
    if (task == TASK_S)
        o.features &= ~(BIT(WIDTH_S) | BIT(SPEED_HZ) | BIT(KIND_BEATS) | BIT(P_USUAL));
    return o;
}

/* The rule of choice: of all limits with at least the wanted +P the one that finds most. */
#define N_OF(x) (sizeof(x) / sizeof((x)[0]))
static const double WANTED_V = 97, WANTED_S[] = {65, 80};
static const float STEP = 0.1F, FURTHEST = 6;
/* Log odds asked for above the limit of S in fibrillation: no heed, some, none is said there. */
static const float MARGINS[] = {0, 1, 1.5F, 2, 2.5F, 3, 3.5F, 4, INFINITY};

static bool is_better(struct tally t, double wanted, unsigned *found)
{
    if (100.0 * t.found < wanted * (t.found + t.wrong) || t.found <= *found)
        return false;
    *found = t.found;
    return true;
}

static void choose(const struct xw_cases *cases, const float *v, const float *s, bool later)
{
    struct limits best = {FURTHEST, FURTHEST, INFINITY}, at = {0, FURTHEST, INFINITY};
    unsigned found = 0;
    for (at.v = -FURTHEST; at.v <= FURTHEST; at.v += STEP)
        if (is_better(count(cases, v, s, later, &at, NULL).v, WANTED_V, &found))
            best = at;
    at.v = best.v;
    for (unsigned w = 0; w < N_OF(WANTED_S); w++)
        for (unsigned m = 0; m < (later ? N_OF(MARGINS) : 1); m++) {
            found = 0;
            for (at.s = -FURTHEST; at.s <= FURTHEST; at.s += STEP) {
                at.s_af = at.s + MARGINS[m];
                if (is_better(count(cases, v, s, later, &at, NULL).s, WANTED_S[w], &found))
                    best = at;
            }
            printf("S at +P %.0f, in fibrillation %.1f more:\n", WANTED_S[w], (double)MARGINS[m]);
            report(cases, v, s, later, &best);
        }
    for (unsigned m = 0; later && m < N_OF(MARGINS); m++) {
        at.s = -2.5F; /* as shipped */
        at.s_af = at.s + MARGINS[m];
        printf("as shipped, in fibrillation %.1f more:\n", (double)MARGINS[m]);
        print_rate("S", at.s, count(cases, v, s, later, &at, NULL).s);
    }
}

static int validate(const struct xw_cases *cases, bool later)
{
    float *score[2] = {calloc(cases->n + 1, sizeof(float)), calloc(cases->n + 1, sizeof(float))};
    struct scorer *model = malloc(sizeof(*model));
    int result = score[0] && score[1] && model ? 0 : -ENOMEM;
    for (int fold = 0; fold < FOLDS && result == 0; fold++)
        for (unsigned task = TASK_V; task <= TASK_S && result == 0; task++) {
            struct xw_boost_options options = options_of((enum task)task, later);
            result = train(cases, fold, (enum task)task, later, &options, model);
            for (size_t i = 0; i < cases->n && result == 0; i++)
                if (FOLD[cases->one[i].record] == fold)
                    score[task][i] = score_of(model, cases->one[i].x);
        }
    printf(later ? "revised\n" : "final\n");
    if (result == 0)
        choose(cases, score[0], score[1], later);
    free(score[0]);
    free(score[1]);
    free(model);
    return result;
}

static void print_floats(FILE *f, const float *x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "%s%#.6gF", i == 0 ? "" : i % 10 ? ", " : ",\n     ", (double)x[i]);
}

static void print_net(FILE *f, const char *name, const struct xw_ecg_net *m)
{
    fprintf(f, "\nconst struct xw_ecg_net xw_ecg_net_%s = {\n    %u, %#.6gF, %.2fF,\n    {", name,
            m->inputs_n, (double)m->out_bias, (double)m->share);
    print_floats(f, m->middle, m->inputs_n);
    fprintf(f, "},\n    {");
    print_floats(f, m->scale, m->inputs_n);
    fprintf(f, "},\n    {");
    print_floats(f, m->bias, XW_ECG_NET_UNITS);
    fprintf(f, "},\n    {");
    print_floats(f, m->out, XW_ECG_NET_UNITS);
    fprintf(f, "},\n    {");
    for (unsigned i = 0; i < m->inputs_n; i++) {
        fprintf(f, "{");
        print_floats(f, m->weight[i], XW_ECG_NET_UNITS);
        fprintf(f, "},\n     ");
    }
    fprintf(f, "}};\n\n");
}

static void print_model(FILE *f, const char *name, const struct xw_boost_model *m, float limit)
{
    fprintf(f, "static const struct xw_ecg_tree %s_tree[] = {\n", name);
    for (unsigned i = 0; i < m->trees_n; i++) {
        const struct xw_ecg_tree *t = &m->tree[i];
        fprintf(f, "    {{%u, %u, %u, %u},\n     {%#.6gF, %#.6gF, %#.6gF, %#.6gF},\n     {",
                t->feature[0], t->feature[1], t->feature[2], t->feature[3], (double)t->limit[0],
                (double)t->limit[1], (double)t->limit[2], (double)t->limit[3]);
        for (unsigned k = 0; k < XW_ECG_TREE_LEAVES; k++)
            fprintf(f, "%s%d", k ? ", " : "", t->leaf[k]);
        fprintf(f, "}},\n");
    }
    fprintf(f,
            "};\n\nconst struct xw_ecg_trees xw_ecg_trees_%s = {\"beat-%s-3\", %#.6gF, %#.3gF, %u, "
            "%s_tree};\n",
            name, name, (double)m->bias, (double)limit, m->trees_n, name);
}

static int write_tables(const struct xw_cases *cases, const char *path)
{
    static const char *const NAME[2][2] = {{"v_final", "v_later"}, {"s_final", "s_later"}};
    static const float LIMIT[2][2] = {{0.0F, 0.7F}, {0.0F, -2.5F}};
    struct scorer *model = malloc(sizeof(*model));
    FILE *f = fopen(path, "w");
    int result = f && model ? 0 : -ENOMEM;
    if (f)
        fprintf(f, "/* Made by xw-beat-train (dsp/train/beat); not to be edited. */\n"
                   "#include \"dsp/ecg/net.h\"\n\n/* clang-format off */\n");
    for (unsigned task = TASK_V; task <= TASK_S && result == 0; task++)
        for (unsigned later = 0; later < 2 && result == 0; later++) {
            struct xw_boost_options options = options_of((enum task)task, later);
            result = train(cases, -1, (enum task)task, later, &options, model);
            if (result == 0) {
                print_model(f, NAME[task][later], &model->trees, LIMIT[task][later]);
                print_net(f, NAME[task][later], &model->net);
            }
        }
    if (f && fclose(f) != 0)
        result = -EIO;
    free(model);
    return result;
}

/* The cases as they lie in memory: for looking at them, and for training again without running the
 * chain again. Of one build only. */
static int save(const struct xw_cases *cases, const char *path)
{
    FILE *f = fopen(path, "wb");
    bool done = f && fwrite(cases->one, sizeof(cases->one[0]), cases->n, f) == cases->n;
    if (f && fclose(f) != 0)
        done = false;
    return done ? 0 : -EIO;
}

static int load(struct xw_cases *cases, FILE *f)
{
    struct xw_case one;
    while (fread(&one, sizeof(one), 1, f) == 1) {
        if (one.record >= RECORDS || one.variant >= VARIANTS)
            return -EBADMSG;
        if (xw_cases_push(cases, &one) < 0)
            return -ENOMEM;
    }
    return ferror(f) ? -EIO : 0;
}

/* from: a folder of recordings, or a file of cases. */
static int gather(struct xw_cases *cases, const char *from)
{
    FILE *f = fopen(from, "rb");
    int first = f ? fgetc(f) : EOF;
    int result = 0;
    if (first != EOF) {
        ungetc(first, f);
        result = load(cases, f);
    }
    if (f)
        fclose(f);
    for (unsigned r = 0; r < RECORDS && result >= 0 && first == EOF; r++)
        for (unsigned v = 0; v < VARIANTS && result >= 0; v++)
            result = xw_cases_add(cases, from, DS1[r], r, v, 0);
    fprintf(stderr, "%zu cases\n", cases->n);
    return result;
}

int main(int argc, char **argv)
{
    struct xw_cases cases = {0};
    bool cv = argc == 3 && strcmp(argv[2], "cv") == 0;
    bool write = argc == 4 && strcmp(argv[2], "write") == 0;
    if (!cv && !write && !(argc == 4 && strcmp(argv[2], "save") == 0)) {
        fprintf(stderr, "usage: xw-beat-train DIR|CASES cv | write FILE | save CASES\n");
        return 2;
    }
    int result = gather(&cases, argv[1]);
    if (result >= 0 && cv) {
        result = validate(&cases, true);
        if (result >= 0)
            result = validate(&cases, false);

    } else if (result >= 0) {
        result = write ? write_tables(&cases, argv[3]) : save(&cases, argv[3]);
    }
    xw_cases_done(&cases);
    return result < 0;
}
