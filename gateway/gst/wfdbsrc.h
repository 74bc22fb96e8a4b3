/* `wfdbsrc`: a WFDB recording as a live or as-fast-as-it-goes source of raw counts.
 * Threads: GStreamer's. Errors: element errors that name the record and what is wrong. */
#ifndef XW_GST_WFDBSRC_H
#define XW_GST_WFDBSRC_H

#include <gst/base/gstpushsrc.h>

#define XW_TYPE_WFDBSRC (xw_wfdbsrc_get_type())
G_DECLARE_FINAL_TYPE(XwWfdbsrc, xw_wfdbsrc, XW, WFDBSRC, GstPushSrc)

#endif
