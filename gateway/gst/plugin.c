/* The plugin `xinwang`: GST_PLUGIN_PATH=build/release/gst gst-inspect-1.0 xinwang */
#include "gst/ctgscreen.h"
#include "gst/ecgscreen.h"
#include "gst/wfdbsrc.h"
#include "gst/xwsink.h"

static gboolean plugin_init(GstPlugin *plugin)
{
    return gst_element_register(plugin, "wfdbsrc", GST_RANK_NONE, XW_TYPE_WFDBSRC) &&
           gst_element_register(plugin, "ecgscreen", GST_RANK_NONE, XW_TYPE_ECGSCREEN) &&
           gst_element_register(plugin, "ctgscreen", GST_RANK_NONE, XW_TYPE_CTGSCREEN) &&
           gst_element_register(plugin, "xwsink", GST_RANK_NONE, XW_TYPE_SINK);
}

#define PACKAGE "xinwang"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, xinwang, "Xinwang signal elements",
                  plugin_init, XW_GST_VERSION, "GPL", "xinwang", "https://xinwang.invalid")
