/* `ctgscreen`: the fetal monitor's analysis chain as a GStreamer element; see screen.h. */
#ifndef XW_GST_CTGSCREEN_H
#define XW_GST_CTGSCREEN_H

#include "gst/screen.h"

#define XW_TYPE_CTGSCREEN (xw_ctgscreen_get_type())
G_DECLARE_FINAL_TYPE(XwCtgscreen, xw_ctgscreen, XW, CTGSCREEN, XwScreen)

#endif
