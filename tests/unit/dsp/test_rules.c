/* The rule list as text: what is right is taken as a whole, what is wrong not at all, with its
 * line.
 */
#include "dsp/ecg/rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static int parse(const char *text, struct xw_ecg_rules *rules, struct xw_ecg_rules_error *error)
{
    memset(error, 0, sizeof(*error));
    return xw_ecg_rules_parse(text, strlen(text), rules, error);
}

static void assert_refused(const char *text, unsigned line, const char *says)
{
    struct xw_ecg_rules rules, before;
    struct xw_ecg_rules_error error;
    memset(&rules, 0x77, sizeof(rules));
    before = rules;
    assert_int_equal(parse(text, &rules, &error), -EINVAL);
    assert_int_equal(error.line, line);
    if (!strstr(error.text, says))
        fail_msg("'%s' does not say '%s'", error.text, says);
    assert_memory_equal(&rules, &before, sizeof(rules));
}

/* One field of a list; NULL when it is taken, else what was said. */
static const char *set(const char *section, const char *name, const char *value)
{
    static struct xw_ecg_rules_error error;
    static char text[512];
    struct xw_ecg_rules rules;
    snprintf(text, sizeof(text), "[list]\nversion = 2\n[%s]\n%s = %s\n[end]\n", section, name,
             value);
    if (parse(text, &rules, &error) == 0)
        return NULL;
    assert_int_equal(error.line, 4);
    assert_non_null(strstr(error.text, section));
    assert_non_null(strstr(error.text, name));
    return error.text;
}

struct limit {
    const char *section, *name, *low, *below, *high, *above;
};

static const struct limit LIMITS[] = {
    {"asystole", "silence_s", "3", "2.999", "10", "10.001"},
    {"fibrillation", "confirm_s", "0", NULL, "3", "4"},
    {"ventricular_tachycardia", "rate_bpm", "80", "79.9", "200", "200.1"},
    {"ventricular_tachycardia", "beats", "3", "2", "30", "31"},
    {"ventricular_tachycardia", "strange_beats", "3", "2", "10", "11"},
    {"ventricular_tachycardia", "sustained_s", "10", "9", "120", "121"},
    {"run", "beats", "3", "2", "5", "31"},
    {"run", "rate_bpm", "30", "29.9", "120", "120.1"},
    {"r_on_t", "rr_share", "0.3", "0.299", "0.9", "0.901"},
    {"r_on_t", "t_end_s", "0.3", "0.299", "0.5", "0.501"},
    {"supraventricular_tachycardia", "rate_bpm", "80", "79.9", "200", "200.1"},
    {"supraventricular_tachycardia", "beats", "3", "2", "30", "31"},
    {"av_block_2", "blocked", "2", "1", "8", "9"},
    {"av_block_3", "rate_bpm", "30", "29.9", "80", "80.1"},
    {"av_block", "p_seen", "0.7", "0.699", "1", "1.001"},
    {"av_block", "pr_max_s", "0.3", "0.299", "0.6", "0.601"},
    {"bradycardia", "rate_bpm", "20", "19.999", "44.9", "60.1"},
    {"bradycardia", "end_bpm", "40.1", "19", "70", "70.5"},
    {"bradycardia", "beats", "4", "3", "20", "21"},
    {"tachycardia", "rate_bpm", "130.1", "99", "250", "250.1"},
    {"tachycardia", "end_bpm", "80", "79", "139.9", "251"},
    {"tachycardia", "beats", "5", "4", "31", "32"},
    {"pause", "rr_s", "1.2", "1.199", "3.9", "9.1"},
    {"st_elevation", "level_uv", "50", "49.9", "1000", "1001"},
    {"st_elevation", "level_v2_v3_uv", "50", "49.9", "1000", "1001"},
    {"st_elevation", "beats", "3", "2", "8", "9"},
    {"atrial_fibrillation", "certainty", "1", "0.999", "10", "10.5"},
    {"atrial_flutter", "peak", "1.5", "1.499", "10", "10.5"},
    {"bigeminy", "repeats", "3", "2", "8", "9"},
};

static void every_number_is_taken_at_its_ends_and_refused_beyond_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
        const struct limit *l = &LIMITS[i];
        assert_null(set(l->section, l->name, l->low));
        assert_null(set(l->section, l->name, l->high));
        if (l->below)
            assert_non_null(strstr(set(l->section, l->name, l->below), "allowed is"));
        assert_non_null(strstr(set(l->section, l->name, l->above), "allowed is"));
        static const char *const NONSENSE[] = {
            "",    "-3",     "+3",   "1e2", "0x10",
            "nan", "inf",    "3,5",  "3.",  ".5",
            "3 4", "3.0001", "high", "９",  "99999999999999999999"};
        for (size_t k = 0; k < sizeof(NONSENSE) / sizeof(NONSENSE[0]); k++)
            assert_non_null(set(l->section, l->name, NONSENSE[k]));
    }
    assert_non_null(strstr(set("tachycardia", "beats", "17.5"), "5 to 31, whole"));
}

static void a_priority_is_one_of_those_that_its_rule_allows(void **state)
{
    (void)state;
    static const struct {
        const char *section, *allowed;
    } RULES[] = {
        {"asystole", "high"},
        {"fibrillation", "high"},
        {"ventricular_tachycardia", "high medium"},
        {"run", "high medium low off"},
        {"couplet", "high medium low off"},
        {"r_on_t", "high medium low off"},
        {"supraventricular_tachycardia", "high medium low off"},
        {"av_block_2", "high medium low off"},
        {"av_block_3", "high medium low off"},
        {"bradycardia", "high medium low"},
        {"tachycardia", "high medium low"},
        {"pause", "high medium low off"},
        {"st_elevation", "high medium low off"},
        {"cannot_see", "high medium low technical"},
    };
    static const char *const WORDS[] = {"high", "medium", "low", "technical", "off"};
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        for (size_t w = 0; w < sizeof(WORDS) / sizeof(WORDS[0]); w++) {
            const char *said = set(RULES[i].section, "priority", WORDS[w]);
            assert_int_equal(said == NULL, strstr(RULES[i].allowed, WORDS[w]) != NULL);
        }
        assert_non_null(set(RULES[i].section, "priority", "none"));
        assert_non_null(set(RULES[i].section, "priority", "HIGH"));
        assert_non_null(set(RULES[i].section, "priority", ""));
    }
}

static void limits_that_contradict_each_other_are_refused_at_the_later_line(void **state)
{
    (void)state;
    assert_refused("[list]\nversion=1\n[bradycardia]\nrate_bpm=45\n[end]", 4, "end_bpm");
    assert_refused("[list]\nversion=1\n[bradycardia]\nend_bpm=50\nrate_bpm=50\n[end]", 5,
                   "end_bpm");
    assert_refused("[list]\nversion=1\n[tachycardia]\nrate_bpm=120\n[end]", 4, "tachycardia.end");
    assert_refused("[list]\nversion=1\n[pause]\nrr_s=4\n[end]", 4, "asystole.silence_s");
    assert_refused("[list]\nversion=1\n[asystole]\nsilence_s=3\n[pause]\nrr_s=3\n[end]", 6,
                   "pause.rr_s");
    assert_refused("[list]\nversion=1\n[run]\nbeats=6\n[end]", 4, "run.beats");
}

static void mistakes_name_their_line_and_field(void **state)
{
    (void)state;
    assert_refused("", 0, "[end]");
    assert_refused("[list]\nversion = 1\n", 2, "cut off");
    assert_refused("[end]\n", 1, "list.version: is missing");
    assert_refused("[list]\nversion = 0\n[end]", 2, "1 to 999999999");
    assert_refused("[list]\nversion = 1000000000\n[end]", 2, "1 to 999999999");
    assert_refused("[list]\nversion = 1\nversion = 2\n[end]", 3, "twice");
    assert_refused("[list]\nowner = x\n[end]", 2, "list.owner");
    assert_refused("# x\n\nversion = 1\n", 3, "before any [section]");
    assert_refused("[list]\nversion = 1\n[sepsis]\n[end]", 3, "there is no section");
    assert_refused("[list]\nversion = 1\n[]\n[end]", 3, "there is no section");
    assert_refused("[list]\nversion = 1\n[\n[end]", 3, "there is no section");
    assert_refused("[list]\nversion = 1\n[pause]\nlimit = 3\n[end]", 4, "pause.limit");
    assert_refused("[list]\nversion = 1\n[pause]\nrr_s\n[end]", 4, "name = value");
    assert_refused("[list]\nversion = 1\n[pause]\nrr_s=2\nrr_s=2\n[end]", 5, "first in line 4");
    assert_refused("[list]\nversion = 1\n[end]\n[pause]\n", 4, "behind [end]");
    struct xw_ecg_rules rules;
    struct xw_ecg_rules_error error;
    assert_int_equal(xw_ecg_rules_parse("[list]\0\n", 8, &rules, &error), -EINVAL);
    assert_int_equal(error.line, 1);
    char text[XW_ECG_RULES_TEXT_MAX_BYTES + 1];
    memset(text, '#', sizeof(text));
    assert_int_equal(xw_ecg_rules_parse(text, sizeof(text), &rules, &error), -EINVAL);
    assert_int_equal(xw_ecg_rules_parse(text, XW_ECG_RULES_LINE_MAX_BYTES + 1, &rules, &error),
                     -EINVAL);
    assert_int_equal(error.line, 1);
}

static void a_list_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    static char text[XW_ECG_RULES_TEXT_MAX_BYTES];
    struct xw_ecg_rules rules, whole, before;
    struct xw_ecg_rules_error error;
    xw_ecg_rules_default(&rules);
    size_t n = xw_ecg_rules_write(&rules, true, text, sizeof(text));
    size_t needed = (size_t)(strstr(text, "\n[end]") - text) + strlen("\n[end]");
    memset(&whole, 0x33, sizeof(whole));
    before = whole;
    for (size_t i = 0; i < needed; i++) {
        assert_int_equal(xw_ecg_rules_parse(text, i, &whole, &error), -EINVAL);
        assert_memory_equal(&whole, &before, sizeof(whole));
    }
    for (size_t i = needed; i <= n; i++)
        assert_int_equal(xw_ecg_rules_parse(text, i, &whole, &error), 0);
}

static void what_is_not_named_keeps_its_default(void **state)
{
    (void)state;
    struct xw_ecg_rules rules, otherwise;
    struct xw_ecg_rules_error error;
    xw_ecg_rules_default(&otherwise);
    assert_int_equal(parse("\t[ list ]\r\nversion=7\r\n; x\n[pause]\n  rr_s =  2.5 \n[end]\n\n# x",
                           &rules, &error),
                     0);
    assert_int_equal(rules.version, 7);
    assert_true(rules.pause_s == 2.5F);
    rules.version = otherwise.version;
    rules.pause_s = otherwise.pause_s;
    assert_memory_equal(&rules, &otherwise, sizeof(rules));
}

static void the_hash_names_the_version_and_every_value(void **state)
{
    (void)state;
    char first[XW_ECG_RULES_HASH_BYTES], second[XW_ECG_RULES_HASH_BYTES], text[512];
    struct xw_ecg_rules rules;
    struct xw_ecg_rules_error error;
    assert_int_equal(parse("[list]\nversion=1\n[end]", &rules, &error), 0);
    xw_ecg_rules_hash(&rules, first);
    assert_int_equal(strlen(first), 64);
    rules.version = 2;
    xw_ecg_rules_hash(&rules, second);
    assert_string_not_equal(first, second);
    for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
        const struct limit *l = &LIMITS[i];
        char hash[2][XW_ECG_RULES_HASH_BYTES];
        for (int side = 0; side < 2; side++) {
            snprintf(text, sizeof(text), "[list]\nversion = 1\n[%s]\n%s = %s\n[end]\n", l->section,
                     l->name, side ? l->high : l->low);
            assert_int_equal(parse(text, &rules, &error), 0);
            xw_ecg_rules_hash(&rules, hash[side]);
        }
        assert_string_not_equal(hash[0], hash[1]);
    }
}

static void a_list_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static char text[XW_ECG_RULES_TEXT_MAX_BYTES];
    struct xw_ecg_rules rules, again;
    struct xw_ecg_rules_error error;
    xw_ecg_rules_default(&rules);
    rules.version = 12;
    rules.pause_s = 2.125F;
    rules.pause_priority = XW_ECG_PRIORITY_NONE;
    rules.cannot_see_priority = XW_ECG_PRIORITY_MEDIUM;
    rules.brady_bpm = 35.5F;
    for (int help = 0; help < 2; help++) {
        size_t n = xw_ecg_rules_write(&rules, help, text, sizeof(text));
        assert_true(n < sizeof(text));
        assert_int_equal(xw_ecg_rules_parse(text, n, &again, &error), 0);
        assert_memory_equal(&rules, &again, sizeof(rules));
        assert_int_equal(xw_ecg_rules_write(&rules, help, NULL, 0), n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_taken_at_its_ends_and_refused_beyond_them),
        cmocka_unit_test(a_priority_is_one_of_those_that_its_rule_allows),
        cmocka_unit_test(limits_that_contradict_each_other_are_refused_at_the_later_line),
        cmocka_unit_test(mistakes_name_their_line_and_field),
        cmocka_unit_test(a_list_cut_off_anywhere_is_refused),
        cmocka_unit_test(what_is_not_named_keeps_its_default),
        cmocka_unit_test(the_hash_names_the_version_and_every_value),
        cmocka_unit_test(a_list_comes_back_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
