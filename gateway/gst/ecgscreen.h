/* `ecgscreen`: the ECG's analysis chain as a GStreamer element; see screen.h. */
#ifndef XW_GST_ECGSCREEN_H
#define XW_GST_ECGSCREEN_H

#include "gst/screen.h"

#define XW_TYPE_ECGSCREEN (xw_ecgscreen_get_type())
G_DECLARE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, XW, ECGSCREEN, XwScreen)

#endif
