/* The comparison with a previous recording, as JSON and as a printed line. */
#include "reading/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *number(float value, double unit)
{
    return isfinite(value) ? json_real(round((double)value / unit) * unit) : json_null();
}

static json_t *change(const struct xw_ecg12_change *x)
{
    if (!isfinite(x->by))
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "before", number(x->before, 0.1));
    json_object_set_new(o, "now", number(x->now, 0.1));
    json_object_set_new(o, "by", number(x->by, 0.1));
    json_object_set_new(o, "uncertainty", number(x->uncertainty, 0.1));
    json_object_set_new(o, "beyond", json_boolean(x->beyond));
    return o;
}

static json_t *leads(const struct xw_ecg12_comparison *c)
{
    json_t *list = json_array();
    for (unsigned l = 0; l < c->leads_n; l++) {
        json_t *o = json_object();
        json_object_set_new(o, "lead", json_string(xw_ecg_lead_name(c->leads[l].lead)));
        json_object_set_new(o, "likeness", number(c->leads[l].likeness, 0.001));
        for (enum xw_ecg12_height k = 0; k < XW_ECG12_HEIGHT_N; k++)
            json_object_set_new(o, xw_ecg12_height_name(k), change(&c->leads[l].height[k]));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *exchange(const struct xw_ecg12_comparison *c)
{
    json_t *o = json_object();
    json_object_set_new(o, "limb", c->limb_kind ? json_string(c->limb_kind) : json_null());
    json_object_set_new(o, "limb_nearer", number(c->limb_gain, 0.01));
    json_object_set_new(o, "precordial",
                        c->precordial_kind ? json_string(c->precordial_kind) : json_null());
    json_object_set_new(o, "precordial_nearer", number(c->precordial_gain, 0.01));
    return o;
}

static bool has(const struct xw_interpretation *i, const char *name)
{
    for (unsigned k = 0; k < i->n; k++)
        if (strcmp(i->said[k].entry->name, name) == 0)
            return true;
    return false;
}

/* Statements of one that the other has not. */
static json_t *only_in(const struct xw_interpretation *one, const struct xw_interpretation *other)
{
    json_t *list = json_array();
    for (unsigned k = 0; k < one->n; k++) {
        const struct xw_interpret_entry *e = one->said[k].entry;
        if (has(other, e->name))
            continue;
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", e->name, "group",
                                              e->group, "grade", xw_interpret_grade_name(e->grade),
                                              "zh", e->zh, "en", e->en));
    }
    return list;
}

json_t *xw_reading_compare_json(const struct xw_ecg12_comparison *c,
                                const struct xw_interpretation *before,
                                const struct xw_interpretation *now)
{
    json_t *o = json_object(), *whole = json_object();
    json_object_set_new(o, "why_not",
                        c->why_not ? json_string(xw_ecg12_incomparable_name(c->why_not))
                                   : json_null());
    json_object_set_new(
        o, "band_hz",
        json_pack("[o,o]", number(c->band.high_pass_hz, 0.001), number(c->band.low_pass_hz, 0.1)));
    json_object_set_new(o, "band_known", json_boolean(c->band_known));
    json_object_set_new(o, "rate_hz", json_real(c->rate_hz));
    json_object_set_new(o, "beats_n", json_pack("[i,i]", (int)c->beats_n[0], (int)c->beats_n[1]));
    json_object_set_new(o, "likeness", number(c->likeness, 0.001));
    json_object_set_new(o, "shift_ms", number(c->shift_ms, 1));
    for (enum xw_ecg12_whole k = 0; k < XW_ECG12_WHOLE_N; k++)
        json_object_set_new(whole, xw_ecg12_whole_name(k), change(&c->whole[k]));
    json_object_set_new(o, "measurements", whole);
    json_object_set_new(o, "leads", leads(c));
    json_object_set_new(o, "exchange", exchange(c));
    json_object_set_new(
        o, "statements",
        json_pack("{s:o,s:o}", "new", only_in(now, before), "gone", only_in(before, now)));
    return o;
}

/* ---- a printed line ---- */

struct line {
    char *text;
    size_t n;
    bool full;
};

static void add(struct line *l, const char *part)
{
    static const char MORE[] = "…";
    size_t n = strlen(part);
    if (l->full)
        return;
    if (l->n + n + sizeof(MORE) + 2 > XW_READING_COMPARE_LINE_BYTES) {
        l->full = true;
        part = MORE;
        n = strlen(MORE);
    } else if (l->n) {
        memcpy(l->text + l->n, ", ", 2);
        l->n += 2;
    }
    memcpy(l->text + l->n, part, n);
    l->n += n;
    l->text[l->n] = 0;
}

static void add_change(struct line *l, const char *name, const struct xw_ecg12_change *x,
                       double scale, int digits, const char *unit)
{
    char part[96];
    if (!x->beyond)
        return;
    snprintf(part, sizeof(part), "%s %+.*f±%.*f%s", name, digits, (double)x->by * scale, digits,
             (double)x->uncertainty * scale, unit);
    add(l, part);
}

void xw_reading_compare_line(const struct xw_ecg12_comparison *c, bool chinese,
                             char ret_text[XW_READING_COMPARE_LINE_BYTES])
{
    static const struct {
        enum xw_ecg12_whole figure;
        const char *zh, *en, *unit;
    } WHOLE[] = {{XW_ECG12_WHOLE_QRS, "QRS", "QRS", "ms"},
                 {XW_ECG12_WHOLE_PR, "PR", "PR", "ms"},
                 {XW_ECG12_WHOLE_QTC_FRIDERICIA, "QTcF", "QTcF", "ms"},
                 {XW_ECG12_WHOLE_HR, "心率", "HR", "/min"},
                 {XW_ECG12_WHOLE_QRS_AXIS, "QRS电轴", "QRS axis", "°"}};
    struct line l = {ret_text, 0, false};
    char name[48];
    ret_text[0] = 0;
    if (c->limb_kind || c->precordial_kind) {
        snprintf(name, sizeof(name), chinese ? "疑似电极接错 %s" : "electrodes exchanged? %s",
                 c->limb_kind ? c->limb_kind : c->precordial_kind);
        add(&l, name);
    }
    for (unsigned k = 0; k < c->leads_n; k++) {
        snprintf(name, sizeof(name), "ST60 %s", xw_ecg_lead_name(c->leads[k].lead));
        add_change(&l, name, &c->leads[k].height[XW_ECG12_HEIGHT_ST_60], 0.001, 2, "mV");
    }
    for (size_t k = 0; k < sizeof(WHOLE) / sizeof(*WHOLE); k++)
        add_change(&l, chinese ? WHOLE[k].zh : WHOLE[k].en, &c->whole[WHOLE[k].figure], 1, 0,
                   WHOLE[k].unit);
}
