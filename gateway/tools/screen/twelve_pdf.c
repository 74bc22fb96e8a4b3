/* The printed page: trace, measurements, the patient as the file has him. */
#include "tools/screen/twelve.h"

#include "base/file.h"
#include "base/version.h"
#include "reading/compare.h"
#include "tools/screen/twelve_page.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { TEXT_BYTES = 2 * XW_FORMATS_TEXT_BYTES + 2 };

struct sheet {
    char code[XW_REPORT_STATEMENTS_MAX][12];
    struct xw_report report;
    struct xw_screen_page page;
    char name[TEXT_BYTES], age[32], captured[64], version[160], note[2][256];
    char previous[2][XW_READING_COMPARE_LINE_BYTES + 64];
    float *derived; /* of leads that were computed */
};

static int fail(struct xw_wfdb_error *ret_error, int error, const char *text)
{
    ret_error->line = 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    return error;
}

static void field(struct xw_report *r, const char *zh, const char *en, const char *value)
{
    r->fields[r->fields_n++] = (struct xw_report_field){zh, en, value};
}

static void put_patient(struct sheet *s, const struct xw_reading_view *t,
                        const struct xw_formats_recording *file)
{
    struct xw_report *r = &s->report;
    const char *sex = t->input->sex == XW_ECG12_MALE     ? "男"
                      : t->input->sex == XW_ECG12_FEMALE ? "女"
                                                         : "–";
    if (r->language != XW_REPORT_ZH)
        sex = t->input->sex == XW_ECG12_MALE     ? "male"
              : t->input->sex == XW_ECG12_FEMALE ? "female"
                                                 : "–";
    if (file)
        snprintf(s->name, sizeof(s->name), "%s%s%s", file->patient.family,
                 file->patient.family[0] && file->patient.given[0] ? " " : "", file->patient.given);
    float age = t->input->age_years;
    if (isfinite(age) && age < 2)
        snprintf(s->age, sizeof(s->age), "%.0f%s", floor((double)age * 12),
                 r->language == XW_REPORT_ZH ? "月" : " months");
    else if (isfinite(age))
        snprintf(s->age, sizeof(s->age), "%.0f%s", floor((double)age),
                 r->language == XW_REPORT_ZH ? "岁" : " years");
    field(r, "姓名", "Name", s->name[0] ? s->name : "–");
    field(r, "性别", "Sex", sex);
    field(r, "年龄", "Age", s->age[0] ? s->age : "–");
    field(r, "编号", "ID", file && file->patient.id[0] ? file->patient.id : "–");
}

/* Local time as the file has it, moved to the first sample of the page. */
static void put_time(struct sheet *s, const struct xw_reading_view *t,
                     const struct xw_formats_recording *file)
{
    if (!file || !file->start.has_date)
        return;
    struct tm tm = {.tm_year = file->start.year - 1900,
                    .tm_mon = file->start.month - 1,
                    .tm_mday = file->start.day};
    time_t at = timegm(&tm);
    if (file->start.has_time)
        at += (time_t)(file->start.ms_of_day / 1000.0 + (double)t->from / t->input->rate_hz);
    struct tm local;
    if (!gmtime_r(&at, &local))
        return;
    strftime(s->captured, sizeof(s->captured),
             file->start.has_time ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d", &local);
    s->report.captured = s->captured;
    s->report.date_s = at;
}

static void put_notes(struct sheet *s, const struct xw_ecg12_exchange *x)
{
    struct xw_report *r = &s->report;
    const char *kinds[2] = {x->limb ? x->limb_kind : NULL,
                            x->precordial ? x->precordial_kind : NULL};
    for (unsigned k = 0; k < 2; k++) {
        char *en = s->note[k] + 128;
        if (!kinds[k])
            continue;
        bool heart = strcmp(kinds[k], "dextrocardia") == 0;
        snprintf(s->note[k], 128,
                 heart ? "疑似右位心或左右手电极接反，请核对" : "疑似电极接错：%s，请核对",
                 kinds[k]);
        snprintf(en, 128,
                 heart ? "Dextrocardia or arm electrodes exchanged? Please check"
                       : "Electrodes exchanged? %s, please check",
                 kinds[k]);
        r->notes[r->notes_n++] = (struct xw_report_note){s->note[k], en};
    }
}

/* One line: what is beyond its uncertainty. */
static void put_previous(struct sheet *s, const struct xw_ecg12_comparison *c)
{
    struct xw_report *r = &s->report;
    for (int k = 0; k < 2 && c; k++) {
        char line[XW_READING_COMPARE_LINE_BYTES];
        xw_reading_compare_line(c, k == 0, line);
        if (c->why_not)
            snprintf(s->previous[k], sizeof(s->previous[k]), "%s",
                     k ? "Previous ECG: cannot be compared" : "与前次比较：无法比较");
        else if (!line[0])
            snprintf(s->previous[k], sizeof(s->previous[k]), "%s",
                     k ? "Previous ECG: nothing beyond the uncertainty (95 %)"
                       : "与前次比较：无超出测量不确定度（95%）的变化");
        else
            snprintf(s->previous[k], sizeof(s->previous[k]),
                     k ? "Since the previous ECG: %s" : "与前次比较：%s", line);
    }
    if (c && r->notes_n < XW_REPORT_NOTES_MAX)
        r->notes[r->notes_n++] = (struct xw_report_note){s->previous[0], s->previous[1]};
}

/* III, aVR, aVL, aVF of two others of the limbs, where the file has them not. */
static int derive(const struct xw_reading_view *t, enum xw_ecg_lead lead, float *ret_uv)
{
    const float *i = NULL;
    const float *ii = NULL;
    const float *iii = NULL;
    for (unsigned c = 0; c < t->input->channels_n; c++) {
        enum xw_ecg_lead code = t->input->channels[c].lead;
        const float *uv = t->input->channels[c].uv;
        i = code == XW_ECG_LEAD_I ? uv : i;
        ii = code == XW_ECG_LEAD_II ? uv : ii;
        iii = code == XW_ECG_LEAD_III ? uv : iii;
    }
    if (!!i + !!ii + !!iii < 2)
        return -ENODATA;
    for (unsigned n = 0; n < t->input->samples_n; n++) {
        float one = i ? i[n] : ii[n] - iii[n];
        float two = ii ? ii[n] : i[n] + iii[n];
        ret_uv[n] = lead == XW_ECG_LEAD_I     ? one
                    : lead == XW_ECG_LEAD_II  ? two
                    : lead == XW_ECG_LEAD_III ? two - one
                    : lead == XW_ECG_LEAD_AVR ? -(one + two) / 2
                    : lead == XW_ECG_LEAD_AVL ? one - two / 2
                                              : two - one / 2;
    }
    return 0;
}

static int put_leads(struct sheet *s, const struct xw_reading_view *t)
{
    struct xw_report *r = &s->report;
    unsigned given = t->input->channels_n;
    size_t n = t->input->samples_n;
    r->rate_hz = t->input->rate_hz;
    r->samples_n = t->input->samples_n;
    s->derived = malloc(XW_ECG12_LEADS_MAX * n * sizeof(float));
    if (!s->derived)
        return -ENOMEM;
    for (unsigned l = 0; l < t->result->leads_n && l < XW_ECG12_LEADS_MAX; l++) {
        const struct xw_ecg12_lead_row *row = &t->result->leads[l];
        struct xw_report_lead lead = {.lead = row->lead,
                                      .derived = row->derived,
                                      .unfit = t->result->unfit >> l & 1,
                                      .flaws = row->flaws};
        if (l < given) {
            lead.uv = t->input->channels[l].uv;
            lead.name = row->lead == XW_ECG_LEAD_OTHER ? t->name[l] : NULL;
        } else if (derive(t, row->lead, s->derived + l * n) == 0) {
            lead.uv = s->derived + l * n;
        } else {
            continue;
        }
        r->leads[r->leads_n++] = lead;
    }
    return 0;
}

static int write_out(const char *file, const struct xw_report_output *out)
{
    if (strcmp(file, "-") == 0)
        return fwrite(out->pdf, 1, out->pdf_n, stdout) == out->pdf_n && fflush(stdout) == 0 ? 0
                                                                                            : -EIO;
    return xw_file_write_atomic(file, out->pdf, out->pdf_n, 0600);
}

static void tell(const struct sheet *s, const struct xw_report_output *out)
{
    if (out->missing_n) {
        fprintf(stderr, "xinwang-screen: no font has:");
        for (unsigned i = 0; i < out->missing_n && i < XW_REPORT_MISSING_MAX; i++)
            fprintf(stderr, " U+%04X", out->missing[i]);
        fprintf(stderr, "%s\n", out->missing_n > XW_REPORT_MISSING_MAX ? " …" : "");
    }
    for (unsigned l = 0; l < s->report.leads_n; l++)
        if (out->cut >> l & 1)
            fprintf(stderr, "xinwang-screen: %s is higher than its place on the page: cut\n",
                    xw_ecg_lead_name(s->report.leads[l].lead));
    if (out->shortened_n)
        fprintf(stderr, "xinwang-screen: %u texts of the page were too long\n", out->shortened_n);
}

static void put_statements(struct sheet *s, const struct xw_interpretation *said)
{
    for (unsigned i = 0; i < said->n && i < XW_REPORT_STATEMENTS_MAX; i++) {
        const struct xw_interpret_entry *e = said->said[i].entry;
        if (e->aha)
            snprintf(s->code[i], sizeof(s->code[i]), "%d", e->aha);
        s->report.statements[s->report.statements_n++] = (struct xw_report_statement){
            .zh = e->zh,
            .en = e->en,
            .code = e->aha ? s->code[i] : NULL,
            .grade = (enum xw_report_grade)(e->grade + XW_REPORT_NORMAL)};
    }
}

static int print(struct sheet *s, const struct xw_reading_view *t,
                 const struct xw_ecg12_comparison *previous, const struct xw_screen *screen,
                 const struct xw_screen_options *options, struct xw_wfdb_error *ret_error)
{
    char tables[XW_ECG12_VERSION_BYTES];
    char error[XW_REPORT_ERROR_BYTES];
    struct xw_report_fonts *fonts = NULL;
    struct xw_report_output out = {0};
    xw_report_init(&s->report);
    s->page.report = &s->report;
    int result = xw_screen_page_parse(&s->page, options->page, ret_error);
    if (result < 0)
        return result;
    put_patient(s, t, screen->file);
    put_time(s, t, screen->file);
    put_notes(s, &t->result->exchange);
    put_previous(s, previous);
    xw_report_take_result(&s->report, t->result);
    put_statements(s, t->said);
    xw_ecg12_version(tables);
    snprintf(s->version, sizeof(s->version), "%s %.12s", xw_version(), tables);
    s->report.version = s->version;
    if (put_leads(s, t) < 0)
        return fail(ret_error, -ENOMEM, "out of memory");
    result = xw_report_fonts_new(NULL, 0, &fonts, error);
    if (result < 0)
        return fail(ret_error, result, error);
    result = xw_report_render(fonts, &s->report, &out);
    if (result == -EINVAL)
        (void)fail(ret_error, result, "--page: a speed or gain that no ECG is printed with");
    if (result >= 0) {
        tell(s, &out);
        result = write_out(options->pdf, &out);
        if (result < 0)
            (void)fail(ret_error, result, "the page cannot be written");
    }
    xw_report_output_done(&out);
    xw_report_fonts_free(fonts);
    return result;
}

int xw_screen_twelve_pdf(const struct xw_reading_view *twelve,
                         const struct xw_ecg12_comparison *previous, const struct xw_screen *screen,
                         const struct xw_screen_options *options, struct xw_wfdb_error *ret_error)
{
    struct sheet *s = calloc(1, sizeof(*s));
    if (!s)
        return fail(ret_error, -ENOMEM, "out of memory");
    int result = print(s, twelve, previous, screen, options, ret_error);
    free(s->derived);
    free(s);
    return result;
}
