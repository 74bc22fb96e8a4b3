/* A WFDB recording as a source of raw counts. */

/**
 * SECTION:element-wfdbsrc
 * @title: wfdbsrc
 * @short_description: plays a WFDB recording (PhysioNet)
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m wfdbsrc location=DIR/100 realtime=true ! ecgscreen ! fakesink
 * ]|
 */
#include "gst/wfdbsrc.h"

#include "gst/header.h"
#include "gst/message.h"

#include <errno.h>

struct _XwWfdbsrc {
    GstPushSrc base;
    gchar *location;
    gchar *signals;
    gboolean realtime;
    guint block_ms;
    struct xw_wfdb_reader *reader;
    guint8 *header;
    gsize header_size;
    gboolean header_sent;
    guint64 rate_num, rate_den;
    guint channels_n;
};

G_DEFINE_FINAL_TYPE(XwWfdbsrc, xw_wfdbsrc, GST_TYPE_PUSH_SRC)

enum { PROP_LOCATION = 1, PROP_SIGNALS, PROP_REALTIME, PROP_BLOCK_MS };

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));

/* "0,2,3": positions in the header. Returns their number or -EINVAL. */
static int parse_signals(const gchar *text, unsigned *ret_signals)
{
    int n = 0;
    while (text && *text) {
        gchar *end;
        guint64 v = g_ascii_strtoull(text, &end, 10);
        if (end == text || v >= XW_WFDB_MAX_SIGNALS || n == XW_WFDB_MAX_SIGNALS ||
            (*end && *end != ','))
            return -EINVAL;
        ret_signals[n++] = (unsigned)v;
        text = *end ? end + 1 : end;
    }
    return n;
}

static gboolean start(GstBaseSrc *base)
{
    XwWfdbsrc *self = XW_WFDBSRC(base);
    unsigned signals[XW_WFDB_MAX_SIGNALS];
    struct xw_wfdb_error error = {0};
    int n = parse_signals(self->signals, signals);
    if (!self->location || n < 0) {
        GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                          ("%s", n < 0 ? "signals: a list of numbers such as 0,1"
                                       : "location: DIR/RECORD is needed"),
                          (NULL));
        return FALSE;
    }
    int r = xw_wfdb_reader_open(self->location, signals, (size_t)n, &self->reader, &error);
    if (r < 0) {
        GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", error.text),
                          ("line %u: %s", error.line, g_strerror(-r)));
        return FALSE;
    }
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(self->reader);
    self->rate_num = (guint64)rate.num;
    self->rate_den = (guint64)rate.den;
    self->channels_n = xw_wfdb_reader_channels(self->reader);
    self->header_sent = FALSE;
    if (xw_gst_header_from_wfdb(self->reader, &self->header, &self->header_size) < 0)
        return FALSE;
    return TRUE;
}

static gboolean stop(GstBaseSrc *base)
{
    XwWfdbsrc *self = XW_WFDBSRC(base);
    xw_wfdb_reader_close(self->reader);
    self->reader = NULL;
    g_clear_pointer(&self->header, g_free);
    return TRUE;
}

static GstCaps *get_caps(GstBaseSrc *base, GstCaps *filter)
{
    XwWfdbsrc *self = XW_WFDBSRC(base);
    GstCaps *caps = NULL;
    if (self->header) {
        Xw__StreamHeader *header = xw__stream_header__unpack(NULL, self->header_size, self->header);
        if (header) {
            caps = xw_gst_header_caps(header);
            xw__stream_header__free_unpacked(header, NULL);
        }
    }
    if (!caps)
        caps = gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base));
    if (filter) {
        GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
        gst_caps_unref(caps);
        caps = both;
    }
    return caps;
}

static GstClockTime time_of(const XwWfdbsrc *self, guint64 index)
{
    return gst_util_uint64_scale_round(index, GST_SECOND * self->rate_den, self->rate_num);
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **ret_buffer)
{
    XwWfdbsrc *self = XW_WFDBSRC(push);
    if (!self->header_sent) {
        gst_pad_push_event(GST_BASE_SRC_PAD(push),
                           xw_gst_header_event_new(self->header, self->header_size));
        self->header_sent = TRUE;
    }
    gsize rows =
        (gsize)MAX(gst_util_uint64_scale(self->block_ms, self->rate_num, 1000 * self->rate_den), 1);
    gsize row_size = sizeof(gint32) * self->channels_n;
    guint64 first = (guint64)xw_wfdb_reader_position(self->reader);
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, rows * row_size, NULL);
    GstMapInfo map;
    if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_WRITE))
        return GST_FLOW_ERROR;
    struct xw_wfdb_error error = {0};
    int64_t n = xw_wfdb_reader_read(self->reader, (int32_t *)(void *)map.data, rows, &error);
    gst_buffer_unmap(buffer, &map);
    if (n <= 0) {
        gst_buffer_unref(buffer);
        if (!n)
            return GST_FLOW_EOS;
        GST_ELEMENT_ERROR(self, RESOURCE, READ, ("%s", error.text), (NULL));
        return GST_FLOW_ERROR;
    }
    gst_buffer_set_size(buffer, (gssize)((gsize)n * row_size));
    GST_BUFFER_OFFSET(buffer) = first;
    GST_BUFFER_OFFSET_END(buffer) = first + (guint64)n;
    GST_BUFFER_PTS(buffer) = time_of(self, first);
    GST_BUFFER_DURATION(buffer) = time_of(self, first + (guint64)n) - GST_BUFFER_PTS(buffer);
    if (!first)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    *ret_buffer = buffer;
    return GST_FLOW_OK;
}

/* In real time a block is due when its last sample would have been captured. */
static void get_times(GstBaseSrc *base, GstBuffer *buffer, GstClockTime *start_time,
                      GstClockTime *end_time)
{
    *start_time = *end_time = GST_CLOCK_TIME_NONE;
    if (XW_WFDBSRC(base)->realtime)
        *start_time = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    XwWfdbsrc *self = XW_WFDBSRC(object);
    switch (id) {
    case PROP_LOCATION:
        g_free(self->location);
        self->location = g_value_dup_string(value);
        break;
    case PROP_SIGNALS:
        g_free(self->signals);
        self->signals = g_value_dup_string(value);
        break;
    case PROP_REALTIME:
        self->realtime = g_value_get_boolean(value);
        gst_base_src_set_live(GST_BASE_SRC(self), self->realtime);
        break;
    case PROP_BLOCK_MS:
        self->block_ms = g_value_get_uint(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    XwWfdbsrc *self = XW_WFDBSRC(object);
    switch (id) {
    case PROP_LOCATION:
        g_value_set_string(value, self->location);
        break;
    case PROP_SIGNALS:
        g_value_set_string(value, self->signals);
        break;
    case PROP_REALTIME:
        g_value_set_boolean(value, self->realtime);
        break;
    case PROP_BLOCK_MS:
        g_value_set_uint(value, self->block_ms);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void finalize(GObject *object)
{
    XwWfdbsrc *self = XW_WFDBSRC(object);
    g_free(self->location);
    g_free(self->signals);
    G_OBJECT_CLASS(xw_wfdbsrc_parent_class)->finalize(object);
}

static void xw_wfdbsrc_init(XwWfdbsrc *self)
{
    self->block_ms = 40;
    gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

static void install_properties(GObjectClass *object)
{
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    g_object_class_install_property(object, PROP_LOCATION,
                                    g_param_spec_string("location", "Location",
                                                        "DIR/RECORD, with or without .hea", NULL,
                                                        flags));
    g_object_class_install_property(object, PROP_SIGNALS,
                                    g_param_spec_string("signals", "Signals",
                                                        "positions such as 0,1; empty = all", NULL,
                                                        flags));
    g_object_class_install_property(
        object, PROP_REALTIME,
        g_param_spec_boolean("realtime", "Real time", "as fast as it was recorded", FALSE, flags));
    g_object_class_install_property(
        object, PROP_BLOCK_MS,
        g_param_spec_uint("block-ms", "Block", "length of a buffer in ms", 1, 5000, 40, flags));
}

static void xw_wfdbsrc_class_init(XwWfdbsrcClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    GstBaseSrcClass *base = GST_BASE_SRC_CLASS(class);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    install_properties(object);
    gst_element_class_set_static_metadata(element, "WFDB source", "Source/File",
                                          "Plays a WFDB recording as raw counts", "Xinwang");
    gst_element_class_add_static_pad_template(element, &src_template);
    base->start = start;
    base->stop = stop;
    base->get_caps = get_caps;
    base->get_times = get_times;
    GST_PUSH_SRC_CLASS(class)->create = create;
}
