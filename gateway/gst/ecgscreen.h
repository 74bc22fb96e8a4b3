/* `ecgscreen`: the analysis chain as a GStreamer element.
 *
 * Samples pass through untouched (the very buffers that came in go out). Events are pushed
 * downstream, serialized, before the buffer during which they were made; copies go to the bus as
 * element messages while `post-messages` is set.
 *
 * It needs the sticky stream header (message.h). GST_BUFFER_OFFSET is the index of a buffer's first
 * sample; a jump forward is a gap to the chain, samples older than its position pass unanalysed.
 * A stream that the chain has no use for (rate, modality) passes through without events.
 *
 * Threads: the streaming thread runs the chain. Making and freeing chains is serialised here, since
 * FFT planning is not safe in two threads. */
#ifndef XW_GST_ECGSCREEN_H
#define XW_GST_ECGSCREEN_H

#include <gst/base/gstbasetransform.h>

#define XW_TYPE_ECGSCREEN (xw_ecgscreen_get_type())
G_DECLARE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, XW, ECGSCREEN, GstBaseTransform)

#endif
