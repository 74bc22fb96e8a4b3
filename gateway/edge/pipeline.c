/* GStreamer around one stream. */
#include "edge/pipeline.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/ring.h"
#include "gst/ctgscreen.h"
#include "gst/ecgscreen.h"
#include "gst/handover.h"
#include "gst/header.h"
#include "gst/message.h"
#include "gst/xwsink.h"

#include <gst/app/gstappsrc.h>
#include <stdatomic.h>
#include <string.h>

enum { RING_BYTES = 128 * 1024, EVENTS_A_RECORD = 64, RING_POLL_US = 500, PULSES_BEHIND_MAX = 64 };

/* A block that a broken pipeline will not give back. As many as are inside: the warm-up alone may
 * be thousands of small ones. */
struct sent {
    uint64_t first;
    uint32_t count;
};
enum { SENT_FIRST_CAP = 256 };

struct xw_pipeline {
    GstElement *bin;
    GstAppSrc *source;
    GstBuffer *room;
    GstMapInfo map;
    int32_t *plain_room; /* when broken */
    guint64 rate_num, rate_den;
    uint64_t expected; /* index right behind the last block */
    bool any, ending, ended;
    struct xw_ring ring;
    _Atomic bool stopping, broken;
    bool waited;       /* the broken one's thread has been stopped */
    struct sent *sent; /* a ring */
    uint32_t sent_cap, sent_first, sent_n;
    struct xw_pipeline_out plain;
    bool plain_taken;
    void (*on_output)(void *user);
    void *user;
};

int xw_pipeline_setup(const char *registry)
{
    /* Nothing is looked up by name for signals: the elements are linked in. Without the registry a
     * start takes milliseconds and no scanner process. Picture sources name elements. */
    if (registry) {
        setenv("GST_REGISTRY", registry, 0);
        /* A camera stands beside the gateway: no proxies, and none of what looks for them. */
        setenv("GIO_USE_PROXY_RESOLVER", "dummy", 0);
    } else {
        setenv("GST_REGISTRY_DISABLE", "yes", 0);
    }
    GError *error = NULL;
    if (gst_init_check(NULL, NULL, &error))
        return 0;
    xw_log_error("edge.gst", XW_LOG_STR("text", error ? error->message : "?"));
    g_clear_error(&error);
    return -EIO;
}

/* ---- streaming thread ---- */

static void write_record(struct xw_pipeline *p, const struct xw_pipeline_out *head,
                         const void *payload, size_t payload_size)
{
    size_t head_size = offsetof(struct xw_pipeline_out, u);
    /* Full: the loop is behind. Waiting here is the back-pressure that stops the device. */
    void *room;
    while (xw_ring_reserve(&p->ring, sizeof(*head) + payload_size, &room) < 0) {
        if (atomic_load_explicit(&p->stopping, memory_order_acquire))
            return;
        p->on_output(p->user);
        g_usleep(RING_POLL_US);
    }
    memcpy(room, head, head_size);
    memcpy((char *)room + head_size, payload, payload_size);
    xw_ring_commit(&p->ring, XW_MAX(head_size + payload_size, sizeof(*head)));
}

static void copy_text(char *ret, const char *text)
{
    g_strlcpy(ret, text, XW_PIPELINE_TEXT_N_BYTES);
}

static void on_run(void *user, const struct xw_ecg_run *run)
{
    struct xw_pipeline_out head = {.what = XW_PIPELINE_RUN};
    struct xw_pipeline_run told = {0};
    copy_text(told.code_version, run->code_version);
    copy_text(told.isa, run->isa);
    memcpy(told.table_hash, run->table_hash, sizeof(told.table_hash));
    memcpy(told.config_hash, run->config_hash, sizeof(told.config_hash));
    told.has_rules = run->has_rules;
    told.rules_version = run->rules_version;
    memcpy(told.rules_hash, run->rules_hash, sizeof(told.rules_hash));
    write_record(user, &head, &told, sizeof(told));
}

static void on_block(void *user, GstBuffer *buffer, const struct xw_ecg_event *events,
                     size_t events_n)
{
    struct xw_pipeline *p = user;
    struct xw_pipeline_out head = {.what = XW_PIPELINE_EVENTS};
    bool spoke = events_n > 0;
    for (; events_n > EVENTS_A_RECORD; events += EVENTS_A_RECORD, events_n -= EVENTS_A_RECORD) {
        head.events_n = EVENTS_A_RECORD;
        write_record(p, &head, events, EVENTS_A_RECORD * sizeof(*events));
    }
    head.what = buffer ? XW_PIPELINE_BLOCK : XW_PIPELINE_END;
    head.events_n = (uint32_t)events_n;
    if (buffer) {
        head.first = GST_BUFFER_OFFSET(buffer);
        head.count = (uint32_t)(GST_BUFFER_OFFSET_END(buffer) - GST_BUFFER_OFFSET(buffer));
    }
    write_record(p, &head, events, events_n * sizeof(*events));
    if (spoke || !buffer)
        p->on_output(p->user); /* a plain block waits for the loop's next look */
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    struct xw_pipeline *p = user;
    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error = NULL;
        gst_message_parse_error(message, &error, NULL);
        xw_log_error("edge.pipeline", XW_LOG_STR("text", error ? error->message : "?"));
        g_clear_error(&error);
        atomic_store(&p->broken, true);
        p->on_output(p->user);
    }
    gst_message_unref(message);
    return GST_BUS_DROP; /* nobody reads the bus: it must not fill up */
}

/* ---- loop thread ---- */

/* Samples that nothing analyses are kept all the same; but it is said. */
static GstElement *no_screen(const Xw__StreamHeader *header, const char *reason)
{
    xw_log_notice("edge.stream.unanalysed", XW_LOG_STR("device", header->device_id),
                  XW_LOG_UINT("rate_num", header->rate->num),
                  XW_LOG_UINT("rate_den", header->rate->den), XW_LOG_STR("reason", reason));
    return NULL;
}

/* What analyses a stream of this modality, floating; NULL: nothing does. */
static GstElement *screen_for(const struct xw_pipeline_config *config)
{
    struct xw_fetal_config fetal;
    struct xw_ecg_config ecg;
    switch (config->header->modality) {
    case XW__MODALITY__MODALITY_ECG:
    case XW__MODALITY__MODALITY_HOLTER:
        if (xw_gst_header_ecg_config(config->header, config->mains_hz, &ecg) < 0)
            return no_screen(config->header, "an ECG is analysed at 100 to 1000 samples a second");
        return g_object_new(XW_TYPE_ECGSCREEN, "post-messages", FALSE, "mains", config->mains_hz,
                            NULL);
    case XW__MODALITY__MODALITY_CTG:
        if (xw_gst_header_fetal_config(config->header, &fetal) < 0)
            return no_screen(config->header, "a CTG is analysed at 0.5 to 8 samples a second");
        return g_object_new(XW_TYPE_CTGSCREEN, "post-messages", FALSE, NULL);
    default:
        return NULL;
    }
}

static gboolean link_all(struct xw_pipeline *p, GstElement *screen, GstElement *sink)
{
    GstElement *source = GST_ELEMENT(p->source);
    gst_bin_add_many(GST_BIN(p->bin), source, sink, NULL);
    if (!screen)
        return gst_element_link(source, sink);
    gst_bin_add(GST_BIN(p->bin), screen);
    return gst_element_link_many(source, screen, sink, NULL);
}

static int assemble(struct xw_pipeline *p, const struct xw_pipeline_config *config)
{
    p->bin = gst_pipeline_new(NULL);
    p->source = g_object_new(GST_TYPE_APP_SRC, NULL);
    XwSink *sink = g_object_new(XW_TYPE_SINK, NULL);
    GstCaps *caps = xw_gst_header_caps(config->header);
    g_object_set(p->source, "caps", caps, "format", GST_FORMAT_TIME, "is-live", TRUE, "block",
                 FALSE, "max-bytes", (guint64)0, "max-buffers", (guint64)0, "emit-signals", FALSE,
                 NULL);
    gst_caps_unref(caps);
    xw_sink_set_handler(sink, &(struct xw_sink_handler){p, on_run, on_block});
    if (!link_all(p, screen_for(config), GST_ELEMENT(sink)))
        return -EIO;
    GstBus *bus = gst_element_get_bus(p->bin);
    gst_bus_set_sync_handler(bus, on_message, p, NULL);
    gst_object_unref(bus);
    if (gst_element_set_state(p->bin, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return -EIO;
    gst_element_send_event(GST_ELEMENT(p->source),
                           xw_gst_header_event_new(config->header_bytes, config->header_size));
    if (config->rules)
        xw_pipeline_rules(p, config->rules);
    return 0;
}

int xw_pipeline_new(const struct xw_pipeline_config *config, struct xw_pipeline **ret_pipeline)
{
    struct xw_pipeline *p = aligned_alloc(64, (sizeof(*p) + 63) & ~(size_t)63);
    if (!p)
        return -ENOMEM;
    memset(p, 0, sizeof(*p));
    int r = xw_ring_init(&p->ring, RING_BYTES);
    if (r < 0) {
        free(p);
        return r;
    }
    p->rate_num = config->header->rate->num;
    p->rate_den = config->header->rate->den;
    p->on_output = config->on_output;
    p->user = config->user;
    r = assemble(p, config);
    if (r < 0) {
        xw_pipeline_free(p);
        return r;
    }
    *ret_pipeline = p;
    return 0;
}

static void stop_threads(struct xw_pipeline *p)
{
    atomic_store_explicit(&p->stopping, true, memory_order_release);
    if (p->bin)
        gst_element_set_state(p->bin, GST_STATE_NULL);
}

void xw_pipeline_free(struct xw_pipeline *p)
{
    if (!p)
        return;
    xw_pipeline_drop(p);
    stop_threads(p);
    if (p->bin) {
        GstBus *bus = gst_element_get_bus(p->bin);
        gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
        gst_object_unref(bus);
        gst_object_unref(p->bin);
    }
    xw_ring_done(&p->ring);
    free(p->plain_room);
    free(p->sent);
    free(p);
}

/* Room for one more block inside, so that pushing it cannot fail. */
static bool sent_room(struct xw_pipeline *p)
{
    if (p->sent_n < p->sent_cap)
        return true;
    uint32_t cap = p->sent_cap ? p->sent_cap * 2 : SENT_FIRST_CAP;
    struct sent *grown = malloc(cap * sizeof(*grown));
    if (!grown)
        return false;
    for (uint32_t i = 0; p->sent_cap && i < p->sent_n; i++)
        grown[i] = p->sent[(p->sent_first + i) % p->sent_cap];
    free(p->sent);
    p->sent = grown;
    p->sent_cap = cap;
    p->sent_first = 0;
    return true;
}

int32_t *xw_pipeline_room(struct xw_pipeline *p, size_t values_n)
{
    xw_pipeline_drop(p);
    if (!sent_room(p))
        return NULL;
    if (atomic_load(&p->broken)) {
        p->plain_room = malloc(values_n * sizeof(int32_t));
        return p->plain_room;
    }
    p->room = gst_buffer_new_allocate(NULL, values_n * sizeof(int32_t), NULL);
    if (p->room && gst_buffer_map(p->room, &p->map, GST_MAP_WRITE))
        return (int32_t *)(void *)p->map.data;
    if (p->room)
        gst_buffer_unref(p->room);
    p->room = NULL;
    return NULL;
}

void xw_pipeline_drop(struct xw_pipeline *p)
{
    free(XW_STEAL(p->plain_room));
    if (!p->room)
        return;
    gst_buffer_unmap(p->room, &p->map);
    gst_buffer_unref(p->room);
    p->room = NULL;
}

static GstClockTime time_of(const struct xw_pipeline *p, uint64_t index)
{
    return gst_util_uint64_scale_round(index, GST_SECOND * p->rate_den, p->rate_num);
}

void xw_pipeline_push(struct xw_pipeline *p, uint64_t first, uint32_t count)
{
    p->sent[(p->sent_first + p->sent_n++) % p->sent_cap] = (struct sent){first, count};
    if (!p->room) {
        free(XW_STEAL(p->plain_room));
        p->on_output(p->user);
        return;
    }
    GstBuffer *buffer = XW_STEAL(p->room);
    gst_buffer_unmap(buffer, &p->map);
    GST_BUFFER_OFFSET(buffer) = first;
    GST_BUFFER_OFFSET_END(buffer) = first + count;
    GST_BUFFER_PTS(buffer) = time_of(p, first);
    GST_BUFFER_DURATION(buffer) = time_of(p, first + count) - GST_BUFFER_PTS(buffer);
    if (!p->any || first != p->expected)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    xw_gst_gives(buffer);
    p->any = true;
    p->expected = first + count;
    if (xw_fault_point("edge.pipeline.push") < 0) {
        gst_buffer_unref(buffer);
        atomic_store(&p->broken, true);
        p->on_output(p->user);
    } else if (gst_app_src_push_buffer(p->source, buffer) != GST_FLOW_OK) {
        atomic_store(&p->broken, true);
        p->on_output(p->user);
    }
}

void xw_pipeline_lead_off(struct xw_pipeline *p, uint64_t index, uint32_t mask)
{
    gst_element_send_event(GST_ELEMENT(p->source), xw_gst_lead_off_new(index, mask));
}

void xw_pipeline_rules(struct xw_pipeline *p, const struct xw_ecg_rules *rules)
{
    gst_element_send_event(GST_ELEMENT(p->source), xw_gst_rules_new(rules));
}

bool xw_pipeline_pulse(struct xw_pipeline *p, const struct xw_gst_pulse *pulse)
{
    if (p->ending || atomic_load(&p->broken) || p->sent_n > PULSES_BEHIND_MAX)
        return false;
    return gst_element_send_event(GST_ELEMENT(p->source), xw_gst_pulse_new(pulse));
}

void xw_pipeline_expect(struct xw_pipeline *p, uint32_t fetuses)
{
    gst_element_send_event(GST_ELEMENT(p->source), xw_gst_expect_new(fetuses));
}

int xw_pipeline_probe(struct xw_pipeline *p, uint64_t number)
{
    const struct xw_ecg_event event = {.kind = XW_ECG_KIND_ALARM,
                                       .sequence = number,
                                       .rule = "probe",
                                       .first = (int64_t)number,
                                       .end = XW_ECG_OPEN,
                                       .emitted_at = (int64_t)number};
    int32_t *x = xw_pipeline_room(p, 1);
    if (!x)
        return -ENOMEM;
    *x = 0;
    gst_element_send_event(GST_ELEMENT(p->source), xw_gst_ecg_event_new(&event));
    xw_pipeline_push(p, number, 1);
    return 0;
}

void xw_pipeline_end(struct xw_pipeline *p)
{
    p->ending = true;
    if (gst_app_src_end_of_stream(p->source) != GST_FLOW_OK)
        atomic_store(&p->broken, true);
}

/* A broken pipeline: its thread is stopped, what it still put out is taken, and then the blocks
 * that it swallowed come out as they went in. */
static int take_plain(struct xw_pipeline *p, const struct xw_pipeline_out **ret_out)
{
    if (!p->sent_n && (!p->ending || p->ended))
        return -EAGAIN;
    memset(&p->plain, 0, sizeof(p->plain));
    if (p->sent_n) {
        p->plain.what = XW_PIPELINE_BLOCK;
        p->plain.first = p->sent[p->sent_first].first;
        p->plain.count = p->sent[p->sent_first].count;
    } else {
        p->plain.what = XW_PIPELINE_END;
    }
    p->plain_taken = true;
    *ret_out = &p->plain;
    return 0;
}

int xw_pipeline_take(struct xw_pipeline *p, const struct xw_pipeline_out **ret_out)
{
    const void *data;
    size_t n;
    bool broken = atomic_load(&p->broken);
    if (broken && !p->waited) {
        stop_threads(p);
        p->waited = true;
    }
    p->plain_taken = false;
    if (xw_ring_peek(&p->ring, &data, &n) < 0)
        return broken ? take_plain(p, ret_out) : -EAGAIN;
    *ret_out = data;
    return 0;
}

void xw_pipeline_consume(struct xw_pipeline *p)
{
    const struct xw_pipeline_out *out;
    if (xw_pipeline_take(p, &out) < 0)
        return;
    if (out->what == XW_PIPELINE_BLOCK) {
        p->sent_first = (p->sent_first + 1) % p->sent_cap;
        p->sent_n--;
    } else if (out->what == XW_PIPELINE_END) {
        p->ended = true;
    }
    if (p->plain_taken)
        p->plain_taken = false;
    else
        xw_ring_consume(&p->ring);
}

uint32_t xw_pipeline_in_flight(const struct xw_pipeline *p)
{
    return p->sent_n;
}

bool xw_pipeline_broken(const struct xw_pipeline *p)
{
    return atomic_load(&p->broken);
}
