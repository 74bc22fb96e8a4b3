/* The rule list: what can be edited, within what, and as text. */
#include "dsp/ecg/rules.h"
#include "dsp/core/sha256.h"
#include "dsp/ecg/rules_private.h"
#include "dsp/ecg/tables.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    OFF = 1U << XW_ECG_PRIORITY_NONE,
    TECHNICAL = 1U << XW_ECG_PRIORITY_TECHNICAL,
    LOW = 1U << XW_ECG_PRIORITY_LOW,
    MEDIUM = 1U << XW_ECG_PRIORITY_MEDIUM,
    HIGH = 1U << XW_ECG_PRIORITY_HIGH,
};

#define NUMBER(sec, key, kind, member, lo, hi, text)                                               \
    {                                                                                              \
        .section = (sec), .name = (key), .type = (kind),                                           \
        .offset = offsetof(struct xw_ecg_rules, member), .min = (lo), .max = (hi), .means = (text) \
    }
#define WHOLE(sec, key, member, lo, hi, text)                                                      \
    NUMBER(sec, key, XW_ECG_RULES_WHOLE, member, lo, hi, text)
#define DECIMAL(sec, key, member, lo, hi, text)                                                    \
    NUMBER(sec, key, XW_ECG_RULES_DECIMAL, member, lo, hi, text)
#define CHOICE(sec, member, bits, text)                                                            \
    {                                                                                              \
        .section = (sec), .name = "priority", .type = XW_ECG_RULES_PRIORITY,                       \
        .offset = offsetof(struct xw_ecg_rules, member), .allowed = (bits), .means = (text)        \
    }

/* Those of one section together. */
const struct xw_ecg_rules_item xw_ecg_rules_items[] = {
    CHOICE("asystole", asystole_priority, HIGH, "心搏停止: no QRS although the signal is good"),
    DECIMAL("asystole", "silence_s", asystole_s, 3, 10, "seconds without a QRS"),

    CHOICE("fibrillation", vf_priority, HIGH, "心室颤动/扑动: ventricular fibrillation or flutter"),
    WHOLE("fibrillation", "confirm_s", vf_confirm_s, 0, 3,
          "seconds that the waveform must last after it was recognised; also for VT by waveform"),

    CHOICE("ventricular_tachycardia", vt_priority, HIGH | MEDIUM, "室性心动过速"),
    DECIMAL("ventricular_tachycardia", "rate_bpm", vt_bpm, 80, 200, "faster than this, per minute"),
    WHOLE("ventricular_tachycardia", "beats", vt_beats_n, 3, 30,
          "ventricular beats in a row that confirm it"),
    WHOLE(
        "ventricular_tachycardia", "strange_beats", vt_strange_n, 3, 10,
        "beats in a row of one strange shape, plainly faster than before, that confirm it whatever "
        "their labels"),
    WHOLE("ventricular_tachycardia", "sustained_s", vt_sustained_s, 10, 120,
          "seconds after which it is said to be sustained"),

    CHOICE("run", run_priority, HIGH | MEDIUM | LOW | OFF,
           "短阵室速: a run of ventricular beats too short to be tachycardia"),
    WHOLE("run", "beats", run_beats_n, 3, 30,
          "from so many beats on; not more than ventricular_tachycardia.beats"),
    DECIMAL("run", "rate_bpm", run_bpm, 30, 120,
            "faster than this, per minute; slower ones are an escape rhythm; also for couplets"),

    CHOICE("couplet", couplet_priority, HIGH | MEDIUM | LOW | OFF,
           "成对室早: two ventricular beats in a row"),

    CHOICE("r_on_t", ront_priority, HIGH | MEDIUM | LOW | OFF,
           "R on T: a ventricular beat on the T wave of the beat before"),
    DECIMAL("r_on_t", "rr_share", ront_rr, 0.3F, 0.9F, "earlier than this share of the usual RR"),
    DECIMAL("r_on_t", "t_end_s", ront_qt_s, 0.3F, 0.5F,
            "seconds from the beat before to the end of its T wave, at 60 per minute"),

    CHOICE("supraventricular_tachycardia", svt_priority, HIGH | MEDIUM | LOW | OFF,
           "室上性心动过速"),
    DECIMAL("supraventricular_tachycardia", "rate_bpm", svt_bpm, 80, 200,
            "faster than this, per minute"),
    WHOLE("supraventricular_tachycardia", "beats", svt_beats_n, 3, 30,
          "supraventricular beats in a row that confirm it"),

    CHOICE("bradycardia", brady_priority, HIGH | MEDIUM | LOW, "极度心动过缓"),
    DECIMAL("bradycardia", "rate_bpm", brady_bpm, 20, 60, "slower than this, per minute"),
    DECIMAL("bradycardia", "end_bpm", brady_end_bpm, 20, 70,
            "over again when faster than this; above rate_bpm"),
    WHOLE("bradycardia", "beats", brady_beats_n, 4, 20, "beats that confirm it"),

    CHOICE("tachycardia", tachy_priority, HIGH | MEDIUM | LOW, "极度心动过速"),
    DECIMAL("tachycardia", "rate_bpm", tachy_bpm, 100, 250, "faster than this, per minute"),
    DECIMAL("tachycardia", "end_bpm", tachy_end_bpm, 80, 250,
            "over again when slower than this; below rate_bpm"),
    WHOLE("tachycardia", "beats", tachy_beats_n, 5, 31, "beats that confirm it"),

    CHOICE("pause", pause_priority, HIGH | MEDIUM | LOW | OFF, "停搏间歇: one long RR interval"),
    DECIMAL("pause", "rr_s", pause_s, 1.2F, 9, "longer than this; below asystole.silence_s"),

    CHOICE("av_block_2", avb2_priority, HIGH | MEDIUM | LOW | OFF, "二度房室传导阻滞"),
    WHOLE("av_block_2", "blocked", avb2_blocked_n, 2, 8,
          "P waves without a QRS in 16 seconds that confirm it"),

    CHOICE("av_block_3", avb3_priority, HIGH | MEDIUM | LOW | OFF, "三度房室传导阻滞"),
    DECIMAL("av_block_3", "rate_bpm", avb3_bpm, 30, 80, "ventricles slower than this, per minute"),

    DECIMAL("av_block", "p_seen", avb_seen, 0.7F, 1,
            "房室传导阻滞: share of the expected P waves that must be seen"),
    DECIMAL("av_block", "pr_max_s", avb_pr_max_s, 0.3F, 0.6F,
            "seconds from a P wave to its QRS; a longer PR is not conducted"),

    CHOICE("st_elevation", st_priority, HIGH | MEDIUM | LOW | OFF,
           "ST段抬高: in two neighbouring leads"),
    DECIMAL("st_elevation", "level_uv", st_elevation_uv, 50, 1000, "microvolts, but for V2 and V3"),
    DECIMAL("st_elevation", "level_v2_v3_uv", st_elevation_v23_uv, 50, 1000,
            "microvolts in V2 and V3"),
    WHOLE("st_elevation", "beats", st_beats_n, 3, 8, "beats that confirm it"),

    DECIMAL("atrial_fibrillation", "certainty", af_limit, 1, 10,
            "心房颤动: sum of the evidence at which it is named; more is later and surer"),

    DECIMAL(
        "atrial_flutter", "peak", flutter_peak, 1.5F, 10,
        "心房扑动可能: height of the atrial wave over that of any other frequency; more is surer"),

    WHOLE("bigeminy", "repeats", pattern_repeats_n, 3, 8,
          "二联律/三联律: repetitions that confirm bigeminy or trigeminy"),

    CHOICE("cannot_see", cannot_see_priority, TECHNICAL | LOW | MEDIUM | HIGH,
           "信号无法分析: no lead is fit for analysis"),
};
const unsigned xw_ecg_rules_items_n = sizeof(xw_ecg_rules_items) / sizeof(xw_ecg_rules_items[0]);
static_assert(sizeof(xw_ecg_rules_items) / sizeof(xw_ecg_rules_items[0]) <= XW_ECG_RULES_ITEMS_MAX,
              "the reader marks what it has seen in 64 bits");

void xw_ecg_rules_default(struct xw_ecg_rules *ret_rules)
{
    const struct xw_ecg_tables *t = &xw_ecg_tables;
    *ret_rules = (struct xw_ecg_rules){
        .asystole_priority = XW_ECG_PRIORITY_HIGH,
        .vf_priority = XW_ECG_PRIORITY_HIGH,
        .vt_priority = XW_ECG_PRIORITY_HIGH,
        .run_priority = XW_ECG_PRIORITY_MEDIUM,
        .couplet_priority = XW_ECG_PRIORITY_LOW,
        .ront_priority = XW_ECG_PRIORITY_LOW,
        .svt_priority = XW_ECG_PRIORITY_MEDIUM,
        .brady_priority = XW_ECG_PRIORITY_HIGH,
        .tachy_priority = XW_ECG_PRIORITY_HIGH,
        .pause_priority = XW_ECG_PRIORITY_LOW,
        .avb2_priority = XW_ECG_PRIORITY_LOW,
        .avb3_priority = XW_ECG_PRIORITY_MEDIUM,
        .st_priority = XW_ECG_PRIORITY_LOW,
        .cannot_see_priority = XW_ECG_PRIORITY_TECHNICAL,
        .asystole_s = t->asystole_s,
        .vt_bpm = t->vt_bpm,
        .vt_beats_n = t->vt_beats_n,
        .vt_strange_n = t->vt_strange_n,
        .vt_sustained_s = t->vt_sustained_s,
        .run_beats_n = t->run_beats_n,
        .run_bpm = t->run_bpm,
        .ront_rr = t->ront_rr,
        .ront_qt_s = t->ront_qt_s,
        .svt_beats_n = t->svt_beats_n,
        .svt_bpm = t->svt_bpm,
        .brady_bpm = t->brady_bpm,
        .brady_end_bpm = t->brady_end_bpm,
        .brady_beats_n = t->brady_beats_n,
        .tachy_bpm = t->tachy_bpm,
        .tachy_end_bpm = t->tachy_end_bpm,
        .tachy_beats_n = t->tachy_beats_n,
        .pause_s = t->pause_s,
        .avb_seen = t->avb_seen,
        .avb_pr_max_s = t->avb_pr_max_s,
        .avb2_blocked_n = t->avb2_blocked_n,
        .avb3_bpm = t->avb3_bpm,
        .st_elevation_uv = t->st_elevation_uv,
        .st_elevation_v23_uv = t->st_elevation_v23_uv,
        .st_beats_n = t->st_beats_n,
        .af_limit = t->af_limit,
        .flutter_peak = t->afl_peak,
        .pattern_repeats_n = 3,
    };
}

const char *xw_ecg_rules_priority(enum xw_ecg_priority priority)
{
    return priority == XW_ECG_PRIORITY_NONE ? "off" : xw_ecg_priority_name(priority);
}

float xw_ecg_rules_number(const struct xw_ecg_rules *rules, const struct xw_ecg_rules_item *item)
{
    float value;
    memcpy(&value, (const char *)rules + item->offset, sizeof(value));
    return value;
}

enum xw_ecg_priority xw_ecg_rules_chosen(const struct xw_ecg_rules *rules,
                                         const struct xw_ecg_rules_item *item)
{
    enum xw_ecg_priority value;
    memcpy(&value, (const char *)rules + item->offset, sizeof(value));
    return value;
}

/* Text that grows in a buffer; `at` goes on counting where the room has ended. */
struct text {
    char *to;
    size_t room, at;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t left = t->at < t->room ? t->room - t->at : 0;
    int n = vsnprintf(left ? t->to + t->at : NULL, left, format, args);
    va_end(args);
    t->at += n > 0 ? (size_t)n : 0;
}

/* As few decimals as it needs, at most three. */
static void add_number(struct text *t, float value)
{
    long long thousandths = llround((double)value * XW_ECG_RULES_THOUSANDTHS);
    int decimals = thousandths % 1000 == 0  ? 0
                   : thousandths % 100 == 0 ? 1
                   : thousandths % 10 == 0  ? 2
                                            : 3;
    long long rest = thousandths % 1000;
    for (int i = decimals; i < 3; i++)
        rest /= 10;
    add(t, "%lld", thousandths / 1000);
    if (decimals)
        add(t, ".%0*lld", decimals, rest);
}

static void add_value(struct text *t, const struct xw_ecg_rules *rules,
                      const struct xw_ecg_rules_item *item)
{
    if (item->type == XW_ECG_RULES_PRIORITY)
        add(t, "%s", xw_ecg_rules_priority(xw_ecg_rules_chosen(rules, item)));
    else
        add_number(t, xw_ecg_rules_number(rules, item));
}

void xw_ecg_rules_allowed(const struct xw_ecg_rules_item *item, char *ret_text, size_t room)
{
    struct text t = {.to = ret_text, .room = room};
    if (item->type == XW_ECG_RULES_PRIORITY) {
        const char *between = "";
        for (int p = XW_ECG_PRIORITY_HIGH; p >= XW_ECG_PRIORITY_NONE; p--)
            if (item->allowed >> p & 1) {
                add(&t, "%s%s", between, xw_ecg_rules_priority((enum xw_ecg_priority)p));
                between = ", ";
            }
        return;
    }
    add_number(&t, item->min);
    add(&t, " to ");
    add_number(&t, item->max);
    if (item->type == XW_ECG_RULES_WHOLE)
        add(&t, ", whole");
}

unsigned xw_ecg_rules_entries_n(void)
{
    return xw_ecg_rules_items_n;
}

void xw_ecg_rules_entry(const struct xw_ecg_rules *rules, unsigned i,
                        struct xw_ecg_rules_entry *ret_entry)
{
    const struct xw_ecg_rules_item *item = &xw_ecg_rules_items[i];
    struct xw_ecg_rules_entry e = {.section = item->section,
                                   .name = item->name,
                                   .type = item->type == XW_ECG_RULES_PRIORITY ? "priority"
                                           : item->type == XW_ECG_RULES_WHOLE  ? "whole"
                                                                               : "decimal",
                                   .means = item->means};
    struct text value = {.to = e.value, .room = sizeof(e.value)};
    struct text min = {.to = e.min, .room = sizeof(e.min)};
    struct text max = {.to = e.max, .room = sizeof(e.max)};
    add_value(&value, rules, item);
    if (item->type == XW_ECG_RULES_PRIORITY) {
        size_t n = 0;
        for (int p = XW_ECG_PRIORITY_HIGH; p >= XW_ECG_PRIORITY_NONE; p--)
            if (item->allowed >> p & 1)
                e.allowed[n++] = xw_ecg_rules_priority((enum xw_ecg_priority)p);
    } else {
        add_number(&min, item->min);
        add_number(&max, item->max);
    }
    *ret_entry = e;
}

static const char HEAD[] =
    "# Rule list of the ECG screening (心电筛查规则表): what is raised, when, and how urgently.\n"
    "# priority: high, medium, low, technical (IEC 60601-1-8), or off where that is allowed.\n"
    "# Change `version` with every change. A value that is not named keeps its default.\n"
    "# Check a list with: xinwang-screen --rules FILE --check-rules\n"
    "# [end] must be the last line: a copy that was cut off is refused.\n\n";

static void write_items(struct text *t, const struct xw_ecg_rules *rules, bool help)
{
    struct xw_ecg_rules otherwise;
    char allowed[96];
    const char *section = "";
    xw_ecg_rules_default(&otherwise);
    for (unsigned i = 0; i < xw_ecg_rules_items_n; i++) {
        const struct xw_ecg_rules_item *item = &xw_ecg_rules_items[i];
        if (strcmp(section, item->section) != 0)
            add(t, "%s[%s]\n", help ? "\n" : "", item->section);
        section = item->section;
        if (help) {
            xw_ecg_rules_allowed(item, allowed, sizeof(allowed));
            add(t, "# %s\n# %s; default ", item->means, allowed);
            add_value(t, &otherwise, item);
            add(t, "\n");
        }
        add(t, "%s = ", item->name);
        add_value(t, rules, item);
        add(t, "\n");
    }
}

size_t xw_ecg_rules_write(const struct xw_ecg_rules *rules, bool help, char *ret_text, size_t room)
{
    struct text t = {.to = ret_text, .room = room};
    add(&t, "%s[list]\n", help ? HEAD : "");
    if (help)
        add(&t, "# your own number of this list, 1 to 999999999\n");
    add(&t, "version = %u\n", rules->version ? rules->version : 1);
    write_items(&t, rules, help);
    add(&t, "%s[end]\n", help ? "\n" : "");
    return t.at;
}

void xw_ecg_rules_hash(const struct xw_ecg_rules *rules, char ret_text[XW_ECG_RULES_HASH_BYTES])
{
    char text[4096];
    struct text t = {.to = text, .room = sizeof(text)};
    add(&t, "version = %u\n", rules->version);
    write_items(&t, rules, false);
    xw_dsp_sha256_text(text, t.at < sizeof(text) ? t.at : sizeof(text) - 1, ret_text);
}

__attribute__((format(printf, 3, 4))) static int refuse(struct xw_ecg_rules_error *ret_error,
                                                        unsigned line, const char *format, ...)
{
    if (!ret_error)
        return -EINVAL;
    va_list args;
    va_start(args, format);
    ret_error->line = line;
    (void)vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
    va_end(args);
    return -EINVAL;
}

/* NaN is out of every range. */
static bool is_allowed(const struct xw_ecg_rules *rules, const struct xw_ecg_rules_item *item)
{
    if (item->type == XW_ECG_RULES_PRIORITY) {
        unsigned chosen = (unsigned)xw_ecg_rules_chosen(rules, item);
        return chosen <= XW_ECG_PRIORITY_HIGH && item->allowed >> chosen & 1;
    }
    float v = xw_ecg_rules_number(rules, item);
    return v >= item->min && v <= item->max && (item->type != XW_ECG_RULES_WHOLE || v == floorf(v));
}

/* The later of the two lines: there the pair went wrong. */
static unsigned line_of_pair(const unsigned *line_of, size_t a, size_t b)
{
    unsigned line = 0;
    for (unsigned i = 0; line_of && i < xw_ecg_rules_items_n; i++)
        if ((xw_ecg_rules_items[i].offset == a || xw_ecg_rules_items[i].offset == b) &&
            line_of[i] > line)
            line = line_of[i];
    return line;
}

#define AT(member) offsetof(struct xw_ecg_rules, member)

int xw_ecg_rules_judge(const struct xw_ecg_rules *rules, const unsigned *line_of,
                       struct xw_ecg_rules_error *ret_error)
{
    char allowed[96];
    for (unsigned i = 0; i < xw_ecg_rules_items_n; i++) {
        const struct xw_ecg_rules_item *item = &xw_ecg_rules_items[i];
        if (is_allowed(rules, item))
            continue;
        xw_ecg_rules_allowed(item, allowed, sizeof(allowed));
        return refuse(ret_error, line_of ? line_of[i] : 0, "%s.%s: allowed is %s", item->section,
                      item->name, allowed);
    }
    if (rules->brady_end_bpm <= rules->brady_bpm)
        return refuse(ret_error, line_of_pair(line_of, AT(brady_bpm), AT(brady_end_bpm)),
                      "bradycardia.end_bpm: allowed is above bradycardia.rate_bpm (%g)",
                      (double)rules->brady_bpm);
    if (rules->tachy_end_bpm >= rules->tachy_bpm)
        return refuse(ret_error, line_of_pair(line_of, AT(tachy_bpm), AT(tachy_end_bpm)),
                      "tachycardia.end_bpm: allowed is below tachycardia.rate_bpm (%g)",
                      (double)rules->tachy_bpm);
    if (rules->pause_s >= rules->asystole_s)
        return refuse(ret_error, line_of_pair(line_of, AT(pause_s), AT(asystole_s)),
                      "pause.rr_s: allowed is below asystole.silence_s (%g)",
                      (double)rules->asystole_s);
    if (rules->run_beats_n > rules->vt_beats_n)
        return refuse(ret_error, line_of_pair(line_of, AT(run_beats_n), AT(vt_beats_n)),
                      "run.beats: allowed is up to ventricular_tachycardia.beats (%g)",
                      (double)rules->vt_beats_n);
    return 0;
}

int xw_ecg_rules_check(const struct xw_ecg_rules *rules, struct xw_ecg_rules_error *ret_error)
{
    return xw_ecg_rules_judge(rules, NULL, ret_error);
}
