/* Tables that are wrong are refused by line; statements do to one another what the relations say;
 * what was not seen is not spoken of. */
#include "dsp/interpret/interpret.h"
#include "unit/ecg12/patient.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct xw_interpret_tables *tables;
static struct xw_ecg12 *engine;
static struct xw_ecg12_result result;
static struct xw_interpretation said;

static int set_up(void **state)
{
    (void)state;
    struct xw_interpret_texts texts;
    xw_interpret_builtin(&texts);
    return xw_interpret_parse(&texts, &tables, NULL) < 0 ? -1 : xw_ecg12_new(&engine);
}

static int tear_down(void **state)
{
    (void)state;
    xw_interpret_free(tables);
    xw_ecg12_free(engine);
    return 0;
}

/* ---- tables ---- */

struct wrong {
    int table; /* of statements, limits, rules, relations */
    const char *text, *says;
    unsigned line;
};

static const struct wrong WRONG[] = {
    {0, "", "version", 0},
    {0, "x\t1\n", "version", 1},
    {0, "version\t0\n", "version", 1},
    {0, "version\t1 2\n", "version", 1},
    {0, "version\t1\na\t1\tg\tN\ta\tz\n", "seven fields", 2},
    {0, "version\t1\na\t1\tg\tN\ta\tz\te\tf\n", "seven fields", 2},
    {0, "version\t1\nA\t1\tg\tN\ta\tz\te\n", "name", 2},
    {0, "version\t1\na\t1\tg\tN\ta\tz\te\na\t2\tg\tN\ta\tz\te\n", "name", 3},
    {0, "version\t1\na\t1\tg\tN\ta\tz\te\nb\t1\tg\tN\ta\tz\te\n", "twice", 3},
    {0, "version\t1\na\t1000\tg\tN\ta\tz\te\n", "code", 2},
    {0, "version\t1\na\t1.5\tg\tN\ta\tz\te\n", "code", 2},
    {0, "version\t1\na\t1\tg\tX\ta\tz\te\n", "grade", 2},
    {0, "version\t1\na\t1\tg\tN\tA\tz\te\n", "initials", 2},
    {0, "version\t1\na\t1\tg\tN\ta\t\xff\te\n", "UTF-8", 2},
    {0, "version\t1\na\t1\tg\tN\ta\t\t\n", "seven fields", 2},
    {1, "version 1\nx\t*\t*\t0\t10\t5\n", "seven fields", 2},
    {1, "version 1\nx\tV22\t*\t0\t10\t5\tuV\n", "lead", 2},
    {1, "version 1\nx\tV2 V2\t*\t0\t10\t5\tuV\n", "lead", 2},
    {1, "version 1\nx\t*\tX\t0\t10\t5\tuV\n", "sex", 2},
    {1, "version 1\nx\t*\t*\t10\t10\t5\tuV\n", "ages", 2},
    {1, "version 1\nx\t*\t*\t0\t10\tnan\tuV\n", "value", 2},
    {1, "version 1\nx\t*\t*\t0\t10\t1e9\tuV\n", "value", 2},
    {1, "version 1\nx\t*\t*\t0\t10\t5\tuV\nx\tV1\tM\t9\t20\t5\tuV\n", "another line", 3},
    {2, "version 1\nis qrs_ms > 1\n", "before the first rule", 2},
    {2, "version 1\nrule a 1 says lbbb\n", "no line", 2},
    {2, "version 1\nrule a 1 says lbbb\nrule b 1 says rbbb\nis qrs_ms > 1\n", "no line", 2},
    {2, "version 1\nrule a 1 says nothing_such\nis qrs_ms > 1\n", "no statement", 2},
    {2, "version 1\nrule a 0 says lbbb\nis qrs_ms > 1\n", "version", 2},
    {2, "version 1\nrule A 1 says lbbb\nis qrs_ms > 1\n", "id", 2},
    {2, "version 1\nrule a 1 says lbbb\nis qrs_ms > 1\nrule a 1 says rbbb\nis qrs_ms > 1\n",
     "twice", 4},
    {2, "version 1\nrule a 1 says lbbb\nis qrs > 1\n", "no measure", 3},
    {2, "version 1\nrule a 1 says lbbb\nis qrs_ms => 1\n", "compare", 3},
    {2, "version 1\nrule a 1 says lbbb\nis qrs_ms >\n", "a test is", 3},
    {2, "version 1\nrule a 1 says lbbb\nis qrs_ms > 1 or 2\n", "&", 3},
    {2, "version 1\nrule a 1 says lbbb\nis qrs_ms > @nothing\n", "no limit", 3},
    {2, "version 1\nrule a 1 says lbbb\nis r_uv > 1\n", "which lead", 3},
    {2, "version 1\nrule a 1 says lbbb\nis V1.qrs_ms > 1\n", "no measure", 3},
    {2, "version 1\nrule a 1 says lbbb\nis V99.r_uv > 1\n", "no measure", 3},
    {2, "version 1\nrule a 1 says lbbb\nany V1 V99 : r_uv > 1\n", "lead", 3},
    {2, "version 1\nrule a 1 says lbbb\nany : r_uv > 1\n", "fewer leads", 3},
    {2, "version 1\nrule a 1 says lbbb\natleast 3 V1 V2 : r_uv > 1\n", "fewer leads", 3},
    {2, "version 1\nrule a 1 says lbbb\natleast 0 V1 V2 : r_uv > 1\n", "how many", 3},
    {2, "version 1\nrule a 1 says lbbb\nsaid rbbb\n", "no rule above", 2},
    {2, "version 1\nrule a 1 says lbbb\nunsaid\n", "one statement", 3},
    {2, "version 1\nrule a 1 says lbbb\nwhen qrs_ms > 1\n", "no word", 3},
    {3, "version 1\ndrops\tlbbb\n", "drops A B", 2},
    {3, "version 1\ndrops\tlbbb\tnothing_such\n", "no statement", 2},
    {3, "version 1\ndrops\tlbbb\tlbbb\n", "itself", 2},
    {3, "version 1\njoins\tlbbb\trbbb\tlbbb\n", "itself", 2},
    {3, "version 1\nraises\tlbbb\trbbb\n", "drops A B", 2},
};

static void a_wrong_table_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"statements", "limits", "rules", "relations"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++) {
        struct xw_interpret_texts texts;
        struct xw_interpret_tables *t = NULL;
        struct xw_interpret_error error = {0};
        xw_interpret_builtin(&texts);
        struct xw_interpret_text *all[] = {&texts.statements, &texts.limits, &texts.rules,
                                           &texts.relations};
        *all[WRONG[i].table] = (struct xw_interpret_text){WRONG[i].text, strlen(WRONG[i].text)};
        int code = xw_interpret_parse(&texts, &t, &error);
        if (code != -EINVAL || t || strcmp(error.table, NAMES[WRONG[i].table]) != 0 ||
            error.line != WRONG[i].line || !strstr(error.text, WRONG[i].says))
            fail_msg("case %zu: %d %s line %u: %s", i, code, error.table ? error.table : "-",
                     error.line, error.text);
    }
}

static void a_table_beyond_its_size_is_refused(void **state)
{
    (void)state;
    struct xw_interpret_texts texts;
    struct xw_interpret_tables *t = NULL;
    size_t n = XW_INTERPRET_TEXT_MAX + 1;
    char *large = malloc(n);
    assert_non_null(large);
    memset(large, '\n', n);
    xw_interpret_builtin(&texts);
    texts.rules = (struct xw_interpret_text){large, n};
    assert_int_equal(xw_interpret_parse(&texts, &t, NULL), -EFBIG);
    free(large);
}

static void the_vocabulary_is_whole(void **state)
{
    (void)state;
    unsigned aha = 0;
    assert_true(xw_interpret_entries_n(tables) >= 150);
    for (size_t i = 0; i < xw_interpret_entries_n(tables); i++) {
        const struct xw_interpret_entry *e = xw_interpret_entry(tables, i);
        aha += e->aha > 0;
        assert_ptr_equal(xw_interpret_find(tables, e->name), e);
        for (size_t k = 0; k < i; k++) {
            const struct xw_interpret_entry *other = xw_interpret_entry(tables, k);
            if (!strcmp(e->zh, other->zh) || !strcmp(e->en, other->en))
                fail_msg("%s and %s have the same words", e->name, other->name);
        }
    }
    assert_true(aha >= 100);
    assert_null(xw_interpret_entry(tables, xw_interpret_entries_n(tables)));
}

static void the_version_is_of_all_tables(void **state)
{
    (void)state;
    char one[XW_INTERPRET_VERSION_BYTES], two[XW_INTERPRET_VERSION_BYTES];
    struct xw_interpret_texts texts;
    struct xw_interpret_tables *t = NULL;
    xw_interpret_builtin(&texts);
    size_t n = texts.limits.n + 2;
    char *more = malloc(n);
    assert_non_null(more);
    memcpy(more, texts.limits.data, texts.limits.n);
    memcpy(more + n - 2, "#\n", 2);
    texts.limits = (struct xw_interpret_text){more, n};
    assert_int_equal(xw_interpret_parse(&texts, &t, NULL), 0);
    xw_interpret_version(tables, one);
    xw_interpret_version(t, two);
    assert_int_equal(strlen(one), 64);
    assert_string_not_equal(one, two);
    xw_interpret_free(t);
    free(more);
}

/* ---- readings ---- */

static bool is_said(const char *name)
{
    for (unsigned i = 0; i < said.n; i++) {
        if (!strcmp(said.said[i].entry->name, name))
            return true;
    }
    return false;
}

static void make(float age_years, enum xw_ecg12_sex sex)
{
    struct xw_interpret_input input = {.result = &result, .age_years = age_years, .sex = sex};
    xw_interpret_make(tables, &input, &said);
}

static struct xw_patient *read_scene(struct xw_patient_wish wish)
{
    struct xw_patient *p = xw_patient_new(&wish);
    assert_non_null(p);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    return p;
}

static void nothing_is_said_of_noise_but_that(void **state)
{
    (void)state;
    memset(&result, 0, sizeof(result));
    make(60, XW_ECG12_MALE);
    assert_int_equal(said.n, 1);
    assert_string_equal(said.said[0].entry->name, "uninterpretable");
}

static struct xw_ecg12_lead_row *row(enum xw_ecg_lead lead)
{
    for (unsigned i = 0; i < result.leads_n; i++) {
        if (result.leads[i].lead == lead)
            return &result.leads[i];
    }
    fail();
    return NULL;
}

static void normal_is_said_of_twelve_good_leads_alone(void **state)
{
    (void)state;
    static const enum xw_ecg_lead EIGHT[] = {XW_ECG_LEAD_I,  XW_ECG_LEAD_II, XW_ECG_LEAD_V1,
                                             XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, XW_ECG_LEAD_V4,
                                             XW_ECG_LEAD_V5};
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 3});
    make(50, XW_ECG12_MALE);
    assert_true(is_said("normal") || is_said("otherwise_normal") ||
                said.grade >= XW_INTERPRET_ABNORMAL);
    assert_true(is_said("sinus_rhythm") || is_said("sinus_bradycardia") ||
                is_said("sinus_tachycardia"));
    xw_patient_keep(p, EIGHT, 7);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    make(50, XW_ECG12_MALE);
    assert_false(is_said("normal"));
    assert_false(is_said("otherwise_normal"));
    assert_true(is_said("not_all_leads"));
    free(p);
}

static void a_child_gets_no_adult_limits(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 4});
    row(XW_ECG_LEAD_V2)->st_j_uv = row(XW_ECG_LEAD_V2)->st_60_uv = 400;
    row(XW_ECG_LEAD_V3)->st_j_uv = row(XW_ECG_LEAD_V3)->st_60_uv = 400;
    make(15.9F, XW_ECG12_MALE);
    assert_true(is_said("child"));
    assert_false(is_said("stemi_anterior") || is_said("normal") || is_said("sinus_rhythm"));
    make(16, XW_ECG12_MALE);
    assert_false(is_said("child"));
    assert_true(is_said("stemi_anterior"));
    make(NAN, XW_ECG12_MALE);
    assert_true(said.age_assumed && is_said("age_unknown") && is_said("stemi_anterior"));
    free(p);
}

struct stemi_case {
    float age;
    enum xw_ecg12_sex sex;
    float limit_uv;
};

static void stemi_goes_by_lead_age_and_sex(void **state)
{
    (void)state;
    static const struct stemi_case CASES[] = {
        {39, XW_ECG12_MALE, 250},   {40, XW_ECG12_MALE, 200},        {30, XW_ECG12_FEMALE, 150},
        {70, XW_ECG12_FEMALE, 150}, {60, XW_ECG12_SEX_UNKNOWN, 200},
    };
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 5});
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        for (int above = 0; above < 2; above++) {
            float uv = CASES[i].limit_uv + (above ? 0.F : -1.F);
            row(XW_ECG_LEAD_V2)->st_j_uv = row(XW_ECG_LEAD_V2)->st_60_uv = uv;
            row(XW_ECG_LEAD_V3)->st_j_uv = row(XW_ECG_LEAD_V3)->st_60_uv = uv;
            row(XW_ECG_LEAD_V1)->st_j_uv = row(XW_ECG_LEAD_V4)->st_j_uv = 0;
            make(CASES[i].age, CASES[i].sex);
            assert_int_equal(is_said("stemi_anterior"), above);
        }
    }
    assert_int_equal(said.grade, XW_INTERPRET_CRITICAL);
    free(p);
}

static void evidence_names_leads_beats_values_and_limits(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 6});
    row(XW_ECG_LEAD_II)->st_j_uv = row(XW_ECG_LEAD_II)->st_60_uv = 130;
    row(XW_ECG_LEAD_AVF)->st_j_uv = row(XW_ECG_LEAD_AVF)->st_60_uv = 140;
    row(XW_ECG_LEAD_III)->st_j_uv = 20;
    make(50, XW_ECG12_MALE);
    const struct xw_interpret_statement *s = &said.said[0];
    assert_string_equal(s->entry->name, "stemi_inferior");
    assert_string_equal(s->rules[0], "stemi.inferior");
    assert_int_equal(s->versions[0], 1);
    uint32_t rows = 0;
    for (unsigned i = 0; i < result.leads_n; i++) {
        if (result.leads[i].lead == XW_ECG_LEAD_II || result.leads[i].lead == XW_ECG_LEAD_AVF)
            rows |= 1U << i;
    }
    assert_int_equal(s->leads, rows);
    assert_true(s->beats != 0);
    assert_string_equal(s->values[0].measure, "st_j_uv");
    assert_string_equal(s->values[0].op, ">=");
    assert_int_equal(s->values[0].lead, XW_ECG_LEAD_II);
    assert_true(s->values[0].value == 130 && s->values[0].limit == 100);
    assert_true(is_said("right_consider") && is_said("abnormal") && !is_said("normal"));
    free(p);
}

/* The median beat gets the form of left bundle-branch block. */
static void left_form(float qrs_ms)
{
    result.qrs_ms = qrs_ms;
    struct xw_ecg12_lead_row *v1 = row(XW_ECG_LEAD_V1), *v6 = row(XW_ECG_LEAD_V6),
                             *i = row(XW_ECG_LEAD_I);
    v1->qrs_area_uvs = -60;
    v1->s_uv = -1500;
    i->qrs_area_uvs = v6->qrs_area_uvs = 50;
    i->q_uv = v6->q_uv = 0;
    v6->r_ms = 120;
    v6->r_uv = 1200;
}

static void a_wide_complex_explains_its_repolarisation(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 7});
    left_form(150);
    for (unsigned l = 0; l < result.leads_n; l++)
        result.leads[l].st_j_uv = result.leads[l].st_60_uv = -60;
    make(70, XW_ECG12_FEMALE);
    assert_true(is_said("lbbb"));
    assert_false(is_said("st_depression") || is_said("ivcd") || is_said("lvh") ||
                 is_said("sgarbossa"));
    row(XW_ECG_LEAD_V2)->st_j_uv = -100;
    row(XW_ECG_LEAD_V2)->qrs_area_uvs = -40;
    make(70, XW_ECG12_FEMALE);
    assert_true(is_said("lbbb") && is_said("sgarbossa"));
    assert_int_equal(said.grade, XW_INTERPRET_CRITICAL);
    assert_true(said.dropped_n > 0);
    free(p);
}

static void left_block_is_said_beyond_the_tolerance_of_its_measurement(void **state)
{
    (void)state;
    static const struct {
        float qrs_ms;
        bool broad, delay, block;
    } CASES[] = {{119, true, false, false},
                 {120, false, true, false},
                 {129, false, true, false},
                 {130, false, false, true}};
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 7});
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        left_form(CASES[i].qrs_ms);
        /* A second R in V2 makes it no right block. */
        struct xw_ecg12_lead_row *v2 = row(XW_ECG_LEAD_V2);
        v2->r2_uv = v2->r_uv + 200;
        row(XW_ECG_LEAD_AVL)->s_ms = 40;
        make(70, XW_ECG12_FEMALE);
        assert_int_equal(is_said("qrs_broad"), CASES[i].broad);
        assert_int_equal(is_said("ivcd"), CASES[i].delay);
        assert_int_equal(is_said("lbbb"), CASES[i].block);
        assert_false(is_said("rbbb"));
    }
    free(p);
}

static void a_long_pr_is_said_beyond_the_tolerance_of_its_measurement(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 7});
    for (int ms = 199; ms < 215; ms++) {
        result.pr_ms = (float)ms;
        make(50, XW_ECG12_FEMALE);
        assert_int_equal(is_said("pr_upper"), ms > 200 && ms <= 211);
        assert_int_equal(is_said("av_block_1"), ms > 211);
    }
    free(p);
}

static void a_long_qt_is_said_beyond_the_tolerance_of_its_measurement(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 7});
    result.rr_ms = 1000;
    result.qrs_ms = 100;
    for (int ms = 448; ms < 475; ms++) {
        result.qt_ms = result.qtc_fridericia_ms = (float)ms;
        make(50, XW_ECG12_MALE);
        assert_int_equal(is_said("qt_upper"), ms > 450 && ms <= 460);
        assert_int_equal(is_said("long_qt"), ms > 460);
        make(50, XW_ECG12_FEMALE);
        assert_int_equal(is_said("qt_upper"), ms > 460 && ms <= 470);
        assert_int_equal(is_said("long_qt"), ms > 470);
    }
    free(p);
}

static void the_gravest_comes_first(void **state)
{
    (void)state;
    static const char *const SCENES[] = {"sinus",    "tachy", "brady", "pvc", "bigeminy",
                                         "couplets", "apc",   "af",    "vt",  "vf",
                                         "asystole", "avb1",  "avb2",  "avb3"};
    for (size_t i = 0; i < sizeof(SCENES) / sizeof(*SCENES); i++) {
        struct xw_patient *p =
            xw_patient_new(&(struct xw_patient_wish){.scene = SCENES[i], .seed = 8});
        assert_non_null(p);
        assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
        make(60, XW_ECG12_FEMALE);
        for (unsigned k = 1; k < said.n; k++)
            assert_true(said.said[k].entry->grade <= said.said[k - 1].entry->grade);
        assert_false(is_said("normal") && said.grade > XW_INTERPRET_NORMAL);
        free(p);
    }
}

struct named {
    const char *scene, *statement;
};

static void scenes_of_the_synthetic_patient_are_named(void **state)
{
    (void)state;
    static const struct named NAMED[] = {
        {"sinus", "sinus_rhythm"},
        {"tachy", "sinus_tachycardia"},
        {"brady", "sinus_bradycardia"},
        {"af", "atrial_fibrillation"},
        {"avb1", "av_block_1"},
        {"stemi-inferior", "stemi_inferior"},
        {"stemi-anterior", "stemi_anterior"},
        {"bigeminy", "vpc_frequent"},
    };
    for (size_t i = 0; i < sizeof(NAMED) / sizeof(*NAMED); i++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct xw_patient *p =
                read_scene((struct xw_patient_wish){.scene = NAMED[i].scene, .seed = seed});
            make(60, XW_ECG12_MALE);
            bool af = !strcmp(NAMED[i].scene, "af") && (is_said("af_rapid") || is_said("af_slow"));
            /* P on the T wave before it: the mechanism stays open. */
            bool fast = !strcmp(NAMED[i].scene, "tachy") && is_said("tachycardia");
            if (!af && !fast && !is_said(NAMED[i].statement)) {
                for (unsigned k = 0; k < said.n; k++)
                    print_message("  %s\n", said.said[k].entry->name);
                fail_msg("%s, seed %u: no %s", NAMED[i].scene, (unsigned)seed, NAMED[i].statement);
            }
            free(p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_table_is_refused_with_its_line),
        cmocka_unit_test(a_table_beyond_its_size_is_refused),
        cmocka_unit_test(the_vocabulary_is_whole),
        cmocka_unit_test(the_version_is_of_all_tables),
        cmocka_unit_test(nothing_is_said_of_noise_but_that),
        cmocka_unit_test(normal_is_said_of_twelve_good_leads_alone),
        cmocka_unit_test(a_child_gets_no_adult_limits),
        cmocka_unit_test(stemi_goes_by_lead_age_and_sex),
        cmocka_unit_test(evidence_names_leads_beats_values_and_limits),
        cmocka_unit_test(a_wide_complex_explains_its_repolarisation),
        cmocka_unit_test(left_block_is_said_beyond_the_tolerance_of_its_measurement),
        cmocka_unit_test(a_long_pr_is_said_beyond_the_tolerance_of_its_measurement),
        cmocka_unit_test(a_long_qt_is_said_beyond_the_tolerance_of_its_measurement),
        cmocka_unit_test(scenes_of_the_synthetic_patient_are_named),
        cmocka_unit_test(the_gravest_comes_first),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
