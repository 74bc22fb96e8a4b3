/* Making messages. */
#include "monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { KEPT_MAX = 7200, ZONE_MIN = 8 * 60 };

void xw_sim_monitor_init(struct xw_sim_monitor *m, struct xw_loop *loop,
                         struct xw_sim_journal *journal, const struct xw_sim_monitor_spec *spec,
                         double speed, double duration_s, bool demo)
{
    *m = (struct xw_sim_monitor){
        .spec = spec,
        .loop = loop,
        .journal = journal,
        .demo = demo,
        .speed = speed,
        .boot = (uint64_t)xw_clock_wall(NULL).us,
        .end_n = duration_s > 0 ? (uint64_t)ceil(duration_s / spec->every_s) : UINT64_MAX};
    m->start_mono = xw_mono_add_us(xw_clock_mono(NULL), (int64_t)(spec->start_s * 1e6));
    m->last = &m->first;
    xw_sim_vitals_init(&m->vitals, spec->scenario, spec->seed);
    xw_buf_init(&m->in, 65536);
    xw_sim_journal_line(journal, "{\"t\":\"device\",\"device\":\"%s\",\"kind\":\"monitor\"}",
                        spec->id);
}

void xw_sim_monitor_done(struct xw_sim_monitor *m)
{
    xw_sim_monitor_close(m);
    for (struct xw_sim_hl7 *one; (one = m->first);) {
        m->first = one->next;
        free(one);
    }
    m->last = &m->first;
    xw_buf_done(&m->in);
}

bool xw_sim_monitor_made_all(const struct xw_sim_monitor *m)
{
    return m->made_n >= m->end_n;
}

bool xw_sim_monitor_finished(const struct xw_sim_monitor *m)
{
    return !m->first && (m->frozen || xw_sim_monitor_made_all(m));
}

/* The monitor's own clock, which may be wrong. */
static char *stamp(const struct xw_sim_monitor *m, int64_t wall_us, char ret[40])
{
    int64_t us = wall_us + (int64_t)(m->spec->clock_offset_s * 1e6) + ZONE_MIN * INT64_C(60000000);
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[24];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm);
    snprintf(ret, 40, "%s.%03d+0800", text, (int)(us / 1000 % 1000));
    return ret;
}

struct writer {
    struct xw_buf text, values; /* the message; the journal's list */
    unsigned obx_n;
    int r;
};

struct line {
    const char *code; /* OBX-3 */
    const char *key;  /* what the county calls it */
    const char *channel, *unit, *unit_text, *time;
    char value[16];
};

static void add_obx(struct writer *w, const struct line *l)
{
    const char *obx8 = "";
    if (w->r >= 0)
        w->r = xw_buf_printf(&w->text, "OBX|%u|NM|%s|%s|%s|%s|||%s||R|||%s\r", ++w->obx_n, l->code,
                             l->channel, l->value, l->unit, obx8, l->time);
    if (w->r >= 0)
        w->r = xw_buf_printf(&w->values,
                             "%s{\"code\":\"%s\",\"channel\":\"%s\",\"time\":\"%s\",\"value\":"
                             "\"%s\",\"unit\":\"%s\"}",
                             w->values.n ? "," : "", l->key, l->channel, l->time, l->value,
                             l->unit_text);
}

static void add_value(struct writer *w, struct line *l, double value, int decimals)
{
    snprintf(l->value, sizeof(l->value), "%.*f", decimals, value);
    add_obx(w, l);
}

static void add_off(struct writer *w, struct line *l, const char *word)
{
    snprintf(l->value, sizeof(l->value), "%s", word);
    add_obx(w, l);
}

#define BPM "264864^MDC_DIM_BEAT_PER_MIN^MDC", "MDC_DIM_BEAT_PER_MIN"
#define PERCENT "262688^MDC_DIM_PERCENT^MDC", "MDC_DIM_PERCENT"
#define MMHG "266016^MDC_DIM_MMHG^MDC", "MDC_DIM_MMHG"

static void add_values(struct xw_sim_monitor *m, struct writer *w, const char *now)
{
    const struct xw_sim_vitals *v = &m->vitals;
    char cuff[40];
    struct line hr = {"147842^MDC_ECG_HEART_RATE^MDC", "8867-4", "1.2.1.1", BPM, now, ""};
    struct line spo2 = {"150456^MDC_PULS_OXIM_SAT_O2^MDC", "59408-5", "1.3.1.1", PERCENT, now, ""};
    struct line pulse = {"149530^MDC_PULS_OXIM_PULS_RATE^MDC", "8889-8", "1.3.1.2", BPM, now, ""};
    struct line pi = {"150448^MDC_PULS_OXIM_PERF_REL^MDC", "61006-3", "1.3.1.3", PERCENT, now, ""};
    struct line resp = {
        "151562^MDC_RESP_RATE^MDC", "9279-1", "1.4.1.1", "264928^MDC_DIM_RESP_PER_MIN^MDC",
        "MDC_DIM_RESP_PER_MIN",     now,      ""};
    struct line temp = {"150364^MDC_TEMP_BODY^MDC",
                        "8310-5",
                        "1.5.1.1",
                        "268192^MDC_DIM_DEGC^MDC",
                        "MDC_DIM_DEGC",
                        "",
                        ""};
    add_value(w, &hr, round(v->hr), 0);
    if (v->spo2_off) {
        add_off(w, &spo2, "8388607");
        add_off(w, &pulse, "---");
        add_off(w, &pi, "");
    } else {
        add_value(w, &spo2, round(v->spo2), 0);
        add_value(w, &pulse, round(v->hr), 0);
        add_value(w, &pi, v->pi, 1);
    }
    add_value(w, &resp, round(v->resp), 0);
    add_value(w, &temp, v->temp, 1);
    if (!m->nibp_wall_us)
        return;
    stamp(m, m->nibp_wall_us, cuff);
    struct line sys = {"150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "8480-6", "1.1.9.1", MMHG, cuff, ""};
    struct line dia = {"150022^MDC_PRESS_BLD_NONINV_DIA^MDC", "8462-4", "1.1.9.2", MMHG, cuff, ""};
    struct line mean = {
        "150023^MDC_PRESS_BLD_NONINV_MEAN^MDC", "8478-0", "1.1.9.3", MMHG, cuff, ""};
    add_value(w, &sys, m->nibp_sys, 0);
    add_value(w, &dia, m->nibp_dia, 0);
    add_value(w, &mean, round((m->nibp_sys + 2 * m->nibp_dia) / 3), 0);
}

static void add_head(struct xw_sim_monitor *m, struct writer *w, const char *now,
                     const char *control)
{
    const char *id = m->spec->id;
    bool eui = strlen(id) == 16 && strspn(id, "0123456789ABCDEFabcdef") == 16;
    const char *type = eui ? "EUI-64" : "DNS";
    w->r = xw_buf_printf(
        &w->text,
        "\x0bMSH|^~\\&|XWSIM^%s^%s|Xinwang|||%s||ORU^R01^ORU_R01|%s|P|2.6|||NE|AL||UNICODE UTF-8|||"
        "PCD_DEC_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO\rPID|||SIM^^^SIM^PI||SIM^SIM^^^^^L\r"
        "PV1||I|%s\rOBR|1|%s^XWSIM|%s^XWSIM|182777000^monitoring of patient^SCT|||%s\r"
        "OBX|%u||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||%s^^%s^%s\r",
        id, type, now, control, m->spec->bed, control, control, now, ++w->obx_n, id, id, type);
}

static void keep(struct xw_sim_monitor *m, struct xw_sim_hl7 *one)
{
    *m->last = one;
    m->last = &one->next;
    if (++m->kept_n <= KEPT_MAX)
        return;
    struct xw_sim_hl7 *old = m->first;
    m->first = old->next;
    m->kept_n--;
    if (old->sent_at.us)
        m->sent_n--;
    xw_sim_journal_line(m->journal, "{\"t\":\"hl7_given_up\",\"device\":\"%s\",\"control\":\"%s\"}",
                        m->spec->id, old->control);
    free(old);
}

static void make(struct xw_sim_monitor *m)
{
    static const char end[] = "\x1c\r";
    struct writer w = {0};
    char now[40], control[32];
    xw_buf_init(&w.text, 16384);
    xw_buf_init(&w.values, 16384);
    stamp(m, xw_clock_wall(NULL).us, now);
    snprintf(control, sizeof(control), "%" PRIx64 "-%" PRIu64, m->boot, m->made_n);
    add_head(m, &w, now, control);
    add_values(m, &w, now);
    if (w.r >= 0)
        w.r = xw_buf_append(&w.text, end, 2);
    struct xw_sim_hl7 *one = w.r < 0 ? NULL : malloc(sizeof(*one) + w.text.n);
    if (one) {
        *one = (struct xw_sim_hl7){.n = w.text.n};
        memcpy(one->control, control, sizeof(one->control));
        memcpy(one->bytes, w.text.data, w.text.n);
        xw_sim_journal_line(m->journal,
                            "{\"t\":\"hl7\",\"device\":\"%s\",\"control\":\"%s\",\"sent\":\"%s\","
                            "\"values\":[%.*s]}",
                            m->spec->id, control, now, (int)w.values.n, (char *)w.values.data);
        keep(m, one);
    }
    xw_buf_done(&w.text);
    xw_buf_done(&w.values);
}

static void measure_cuff(struct xw_sim_monitor *m)
{
    m->nibp_wall_us = xw_clock_wall(NULL).us;
    m->nibp_sys = round(m->vitals.sys);
    m->nibp_dia = round(m->vitals.dia);
}

int xw_sim_monitor_act(struct xw_sim_monitor *m, const char *action)
{
    int r = 0;
    if (!strcmp(action, "nibp"))
        measure_cuff(m);
    else
        r = xw_sim_vitals_act(&m->vitals, action);
    if (r >= 0)
        xw_sim_journal_line(m->journal,
                            "{\"t\":\"action\",\"device\":\"%s\",\"action\":\"%s\",\"sample\":0}",
                            m->spec->id, action);
    return r;
}

void xw_sim_monitor_tick(struct xw_sim_monitor *m, struct xw_mono_us now)
{
    double every_us = m->spec->every_s * 1e6 / m->speed;
    int64_t since_us = xw_mono_diff_us(now, m->start_mono);
    while (!m->frozen && since_us >= 0 && m->made_n < m->end_n &&
           (double)since_us >= (double)m->made_n * every_us) {
        double cuff_n = m->spec->nibp_every_s / m->spec->every_s;
        xw_sim_vitals_step(&m->vitals, m->spec->every_s);
        if (fmod((double)m->made_n, XW_MAX(floor(cuff_n), 1.0)) < 0.5)
            measure_cuff(m);
        make(m);
        m->made_n++;
    }
    xw_sim_monitor_io(m, now);
}
