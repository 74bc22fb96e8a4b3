/* The waveforms of Philips Sierra XML. */
#include "formats/sierra.h"
#include "formats/xli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LABELS_BYTES = 512 };

struct waves {
    char labels[LABELS_BYTES]; /* apart by blanks */
    unsigned leads_n;
    int64_t samples_n;
    struct xw_wfdb_fraction rate_hz;
    struct xw_wfdb_fraction resolution; /* uV a count */
    bool xli;
};

/* From the attribute of the waveforms (1.04) or from the element of the signal (1.03). */
static bool number_of(const xmlNode *signals, const xmlNode *waves, const char *attribute,
                      const char *element, struct xw_wfdb_fraction *ret)
{
    return xw_formats_xml_attribute_decimal(waves, attribute, ret) ||
           xw_formats_xml_decimal(xw_formats_xml_child(signals, element), ret);
}

static unsigned count_labels(const char *labels)
{
    unsigned n = 0;
    for (const char *at = labels; *(at += strspn(at, " ")); at += strcspn(at, " "))
        n++;
    return n;
}

static bool label(const char *labels, unsigned index, char *ret, size_t size)
{
    const char *at = labels + strspn(labels, " ");
    for (; index && *at; index--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    snprintf(ret, size, "%.*s", (int)strcspn(at, " "), at);
    return ret[0] != 0;
}

static int describe(const xmlNode *signals, const xmlNode *waves, struct waves *w,
                    struct xw_formats_error *ret_error)
{
    char text[64];
    struct xw_wfdb_fraction ms;
    struct xw_wfdb_fraction n;
    xw_formats_xml_attribute_text(waves, "dataencoding", text, sizeof(text));
    if (strcasecmp(text, "Base64") != 0)
        return xw_formats_fail(ret_error, ENOTSUP, "parsedwaveforms",
                               "samples in another encoding than Base64");
    xw_formats_xml_attribute_text(waves, "compressmethod", text, sizeof(text));
    if (!text[0])
        xw_formats_xml_attribute_text(waves, "compression", text, sizeof(text));
    w->xli = strcasecmp(text, "XLI") == 0;
    if (!w->xli && text[0] && strcasecmp(text, "Uncompressed") != 0 &&
        strcasecmp(text, "None") != 0)
        return xw_formats_fail(ret_error, ENOTSUP, "parsedwaveforms",
                               "a compression other than XLI");
    xw_formats_xml_attribute_text(waves, "leadlabels", w->labels, sizeof(w->labels));
    if (!w->labels[0]) {
        xw_formats_xml_text(xw_formats_xml_child(signals, "acquisitiontype"), text, sizeof(text));
        if (strcmp(text, "STD-12") == 0 || strcmp(text, "10-WIRE") == 0)
            snprintf(w->labels, sizeof(w->labels), "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6");
    }
    w->leads_n = count_labels(w->labels);
    if (number_of(signals, waves, "numberofleads", "numberchannelsvalid", &n) && n.den == 1 &&
        n.num > 0 && n.num < w->leads_n)
        w->leads_n = (unsigned)n.num;
    if (w->leads_n == 0 || w->leads_n > XW_FORMATS_MAX_LEADS)
        return xw_formats_fail(ret_error, EBADMSG, "parsedwaveforms", "the leads have no names");
    if (!number_of(signals, waves, "samplespersecond", "samplingrate", &w->rate_hz) ||
        w->rate_hz.num <= 0 ||
        !number_of(signals, waves, "resolution", "resolution", &w->resolution))
        return xw_formats_fail(ret_error, EBADMSG, "signalcharacteristics",
                               "the rate or the resolution is missing");
    if (!xw_formats_xml_attribute_decimal(waves, "durationperchannel", &ms) || ms.num <= 0 ||
        xw_formats_multiply(ms, w->rate_hz, &n) < 0 ||
        n.num / n.den / 1000 > XW_FORMATS_MAX_SAMPLES)
        return xw_formats_fail(ret_error, EBADMSG, "parsedwaveforms",
                               "the duration is missing or none");
    w->samples_n = n.num / n.den / 1000;
    return 0;
}

/* Halves as the device halves: towards minus infinity. */
static int32_t half(int32_t v)
{
    return v >= 0 ? v / 2 : -((1 - v) / 2);
}

/* XLI stores the limb leads beyond I and II as what their computation from I and II leaves. */
static void undo_residuals(struct xw_formats_group *g)
{
    int at[5];
    static const enum xw_ecg_lead CODES[] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II, XW_ECG_LEAD_III,
                                             XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVL};
    int avf = xw_formats_find_lead(g, XW_ECG_LEAD_AVF);
    for (size_t i = 0; i < 5; i++)
        at[i] = xw_formats_find_lead(g, CODES[i]);
    if (at[0] < 0 || at[1] < 0)
        return;
    for (int64_t i = 0; i < g->samples_n; i++) {
        int32_t *row = g->rows + (size_t)i * g->leads_n;
        int32_t one = row[at[0]];
        int32_t two = row[at[1]];
        int32_t three = at[2] >= 0 ? two - one - row[at[2]] : two - one;
        if (at[2] >= 0)
            row[at[2]] = three;
        if (at[3] >= 0)
            row[at[3]] = -row[at[3]] - half(one + two);
        if (at[4] >= 0)
            row[at[4]] = half(one - three) - row[at[4]];
        if (avf >= 0)
            row[avf] = half(two + three) - row[avf];
    }
}

static int fill(const struct waves *w, const uint8_t *bytes, size_t n, struct xw_formats_group *g,
                struct xw_formats_error *ret_error)
{
    size_t at = 0;
    for (unsigned c = 0; c < w->leads_n; c++) {
        char where[32];
        int e = 0;
        snprintf(where, sizeof(where), "lead %u", c + 1);
        if (w->xli) {
            e = xw_formats_xli_lead(bytes, n, &at, w->samples_n, g->rows + c, g->leads_n);
        } else if ((n - at) / 2 < (size_t)w->samples_n) {
            e = -ENODATA;
        } else {
            for (int64_t i = 0; i < w->samples_n; i++, at += 2)
                g->rows[(size_t)i * g->leads_n + c] = xw_formats_les16(bytes + at);
        }
        if (e < 0)
            return xw_formats_fail(ret_error, -e, where,
                                   e == -ENODATA ? "its samples end before their time"
                                                 : "its compressed samples are damaged");
    }
    if (w->xli)
        undo_residuals(g);
    return 0;
}

static void filters(const xmlNode *signals, const xmlNode *waves, struct xw_formats_filters *f)
{
    struct xw_wfdb_fraction hz;
    char notched[8];
    if (number_of(signals, waves, "hipass", "hipass", &hz))
        f->highpass_hz = xw_formats_double(hz);
    if (number_of(signals, waves, "lowpass", "lowpass", &hz))
        f->lowpass_hz = xw_formats_double(hz);
    xw_formats_xml_attribute_text(waves, "notchfiltered", notched, sizeof(notched));
    if (strcasecmp(notched, "True") == 0 &&
        number_of(signals, waves, "notchfilterfreqs", "notchfilterfreqs", &hz))
        f->notch_hz = xw_formats_double(hz);
}

/* The Base64 content of a node; free() *ret_bytes. */
static int content(const xmlNode *node, uint8_t **ret_bytes, size_t *ret_n)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text = xmlNodeGetContent(node);
    if (!text)
        return -ENOMEM;
    return xw_formats_base64((const char *)text, strlen((const char *)text), ret_bytes, ret_n);
}

int xw_formats_sierra_waves(const xmlNode *signals, const xmlNode *waves,
                            struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    struct waves w = {0};
    struct xw_formats_group *g;
    uint8_t *bytes;
    size_t n;
    if (!waves)
        return xw_formats_fail(ret_error, ENODATA, "", "the document holds no waveforms");
    int e = describe(signals, waves, &w, ret_error);
    if (e < 0)
        return e;
    if (content(waves, &bytes, &n) < 0)
        return xw_formats_fail(ret_error, EBADMSG, "parsedwaveforms",
                               "the samples are no whole Base64");
    e = xw_formats_add_group(r, XW_FORMATS_RHYTHM, w.leads_n, w.samples_n, &g, ret_error);
    for (unsigned c = 0; e == 0 && c < w.leads_n; c++) {
        char name[32];
        (void)label(w.labels, c, name, sizeof(name));
        xw_formats_name_lead(&g->leads[c], name);
        if (xw_formats_set_scale(&g->leads[c], w.resolution, "uV") < 0)
            e = xw_formats_fail(ret_error, EBADMSG, "signalcharacteristics",
                                "the resolution is none");
    }
    if (e == 0) {
        g->rate_hz = w.rate_hz;
        e = fill(&w, bytes, n, g, ret_error);
    }
    if (e == 0)
        filters(signals, waves, &r->filters);
    free(bytes);
    return e < 0 ? e : xw_formats_derive_limb_leads(r, g, ret_error);
}

struct beat {
    const xmlNode *node;
    uint8_t *bytes;
    size_t samples_n;
};

static void fill_beats(const xmlNode *beats, const struct beat *list, unsigned n, size_t longest,
                       struct xw_formats_recording *r)
{
    struct xw_formats_group *g;
    struct xw_wfdb_fraction resolution;
    struct xw_wfdb_fraction rate;
    bool ok = xw_formats_xml_attribute_decimal(beats, "resolution", &resolution) &&
              xw_formats_xml_attribute_decimal(beats, "samplespersec", &rate) && rate.num > 0;
    if (!ok || xw_formats_add_group(r, XW_FORMATS_MEDIAN, n, (int64_t)longest, &g, NULL) < 0) {
        xw_formats_warn(r, "the representative beats cannot be read");
        return;
    }
    g->rate_hz = rate;
    for (unsigned c = 0; c < n && ok; c++) {
        char name[32];
        xw_formats_xml_attribute_text(list[c].node, "leadname", name, sizeof(name));
        xw_formats_name_lead(&g->leads[c], name);
        ok = xw_formats_set_scale(&g->leads[c], resolution, "uV") == 0;
        for (size_t i = 0; i < list[c].samples_n; i++)
            g->rows[i * n + c] = xw_formats_les16(list[c].bytes + 2 * i);
    }
    if (!ok) {
        xw_formats_drop_group(r);
        xw_formats_warn(r, "the representative beats have no resolution");
    }
}

void xw_formats_sierra_beats(const xmlNode *beats, struct xw_formats_recording *r)
{
    struct beat list[XW_FORMATS_MAX_LEADS];
    unsigned n = 0;
    size_t longest = 0;
    for (const xmlNode *b = xw_formats_xml_child(beats, "repbeat"); b && n < XW_FORMATS_MAX_LEADS;
         b = xw_formats_xml_next(b, "repbeat")) {
        const xmlNode *wave = xw_formats_xml_child(b, "waveform");
        size_t bytes_n;
        if (!wave || content(wave, &list[n].bytes, &bytes_n) < 0) {
            xw_formats_warn(r, "a representative beat is no whole Base64 and is left out");
            continue;
        }
        list[n].node = b;
        list[n].samples_n = bytes_n / 2;
        longest = list[n].samples_n > longest ? list[n].samples_n : longest;
        n++;
    }
    if (n && longest)
        fill_beats(beats, list, n, longest, r);
    for (unsigned c = 0; c < n; c++)
        free(list[c].bytes);
}
