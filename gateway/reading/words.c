/* Statements: their tables, and as JSON. */
#include "reading/words.h"

#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const FILES[] = {"statements.tsv", "limits.tsv", "rules.txt", "relations.tsv"};

static int parse(const struct xw_interpret_texts *texts, struct xw_interpret_tables **ret_tables,
                 char ret_error[XW_READING_ERROR_BYTES])
{
    struct xw_interpret_error error = {.table = "tables"};
    int result = xw_interpret_parse(texts, ret_tables, &error);
    if (result == -ENOMEM)
        snprintf(ret_error, XW_READING_ERROR_BYTES, "out of memory");
    else if (result < 0)
        snprintf(ret_error, XW_READING_ERROR_BYTES, "%s, line %u: %s", error.table, error.line,
                 error.text);
    return result;
}

int xw_reading_words_open(const char *folder, struct xw_interpret_tables **ret_tables,
                          char ret_error[XW_READING_ERROR_BYTES])
{
    struct xw_interpret_texts texts;
    xw_interpret_builtin(&texts);
    if (!folder)
        return parse(&texts, ret_tables, ret_error);
    struct xw_interpret_text *all[] = {&texts.statements, &texts.limits, &texts.rules,
                                       &texts.relations};
    uint8_t *data[4] = {NULL};
    int result = 0;
    for (int i = 0; i < 4 && result >= 0; i++) {
        char path[4096];
        size_t n = 0;
        int length = snprintf(path, sizeof(path), "%s/%s", folder, FILES[i]);
        result = length < 0 || (size_t)length >= sizeof(path)
                     ? -ENAMETOOLONG
                     : xw_file_read(path, XW_INTERPRET_TEXT_MAX, &data[i], &n);
        if (result < 0)
            snprintf(ret_error, XW_READING_ERROR_BYTES, "%s: %s", FILES[i], strerror(-result));
        *all[i] = (struct xw_interpret_text){(const char *)data[i], n};
    }
    if (result >= 0)
        result = parse(&texts, ret_tables, ret_error);
    for (int i = 0; i < 4; i++)
        free(data[i]);
    return result;
}

void xw_reading_words_make(const struct xw_interpret_tables *tables,
                           const struct xw_reading_view *view, uint32_t rhythm,
                           struct xw_interpretation *ret)
{
    struct xw_interpret_input input = {.result = view->result,
                                       .age_years = view->input->age_years,
                                       .sex = view->input->sex,
                                       .rhythm = rhythm};
    xw_interpret_make(tables, &input, ret);
}

static json_t *figure(float value)
{
    return isfinite(value) ? json_real(round((double)value * 1000) / 1000) : json_null();
}

static json_t *values(const struct xw_interpret_statement *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < s->values_n; i++) {
        const struct xw_interpret_value *v = &s->values[i];
        json_t *o = json_object();
        json_object_set_new(o, "measure", json_string(v->measure));
        if (v->lead != XW_ECG_LEAD_OTHER)
            json_object_set_new(o, "lead", json_string(xw_ecg_lead_name(v->lead)));
        json_object_set_new(o, "value", figure(v->value));
        json_object_set_new(o, "op", json_string(v->op));
        json_object_set_new(o, "limit", figure(v->limit));
        json_object_set_new(o, "unit", json_string(v->unit));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *evidence(const struct xw_reading_view *view, const struct xw_interpret_statement *s,
                        json_t *o)
{
    json_t *rules = json_array(), *leads = json_array(), *beats = json_array();
    for (unsigned i = 0; i < s->rules_n; i++)
        json_array_append_new(
            rules, json_pack("{s:s,s:i}", "id", s->rules[i], "version", (int)s->versions[i]));
    for (unsigned l = 0; l < view->result->leads_n; l++) {
        if (s->leads >> l & 1)
            json_array_append_new(leads, json_string(xw_reading_row_name(view, l)));
    }
    for (unsigned b = 0; b < view->result->beats_n; b++) {
        if (s->beats >> b & 1)
            json_array_append_new(beats, json_integer(b));
    }
    json_object_set_new(o, "rules", rules);
    json_object_set_new(o, "leads", leads);
    json_object_set_new(o, "beats", beats);
    json_object_set_new(o, "values", values(s));
    json_object_set_new(o, "more_values", json_boolean(s->more));
    return o;
}

static json_t *statement(const struct xw_reading_view *view, const struct xw_interpret_statement *s)
{
    json_t *o = json_object();
    const struct xw_interpret_entry *e = s->entry;
    json_object_set_new(o, "name", json_string(e->name));
    /* Of AHA/ACC/HRS 2007; null: that list has none, the name is ours. */
    json_object_set_new(o, "code", e->aha ? json_integer(e->aha) : json_null());
    json_object_set_new(o, "group", json_string(e->group));
    json_object_set_new(o, "grade", json_string(xw_interpret_grade_name(e->grade)));
    json_object_set_new(o, "initials", json_string(e->initials));
    json_object_set_new(o, "zh", json_string(e->zh));
    json_object_set_new(o, "en", json_string(e->en));
    return evidence(view, s, o);
}

json_t *xw_reading_words_json(const struct xw_reading_view *view)
{
    const struct xw_interpretation *said = view->said;
    char version[XW_INTERPRET_VERSION_BYTES];
    if (!said || !view->tables)
        return json_null();
    xw_interpret_version(view->tables, version);
    json_t *o = json_object(), *list = json_array();
    json_object_set_new(o, "tables", json_string(version));
    json_object_set_new(o, "grade", json_string(xw_interpret_grade_name(said->grade)));
    json_object_set_new(o, "grade_zh", json_string(xw_interpret_grade_name_zh(said->grade)));
    json_object_set_new(o, "age_assumed", json_boolean(said->age_assumed));
    json_object_set_new(o, "dropped", json_integer(said->dropped_n));
    for (unsigned i = 0; i < said->n; i++)
        json_array_append_new(list, statement(view, &said->said[i]));
    json_object_set_new(o, "statements", list);
    return o;
}
