/* A buffer goes from one thread to another through a queue of GStreamer: the same, said to the
 * thread sanitizer.
 *
 * The order is real: the queue of appsrc is guarded by a GMutex. But GLib locks by futexes of its
 * own, in code that is not instrumented, so the sanitizer sees no order and would report every
 * buffer. These two tell it of that one edge and of nothing else; whatever the threads share
 * besides the buffer is still watched. In other builds they are nothing.
 *
 * The same for what a thread of GStreamer's is started with (its user data): `sets_out` before the
 * element plays, `arrives` first thing in the callback.
 *
 * Threads: any. `gives` before the buffer is pushed, `takes` before it is first read. */
#ifndef XW_GST_HANDOVER_H
#define XW_GST_HANDOVER_H

#include <gst/gst.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if __has_feature(thread_sanitizer) || defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
static inline void xw_gst_gives(GstBuffer *buffer)
{
    __tsan_release(buffer);
}
static inline void xw_gst_takes(GstBuffer *buffer)
{
    __tsan_acquire(buffer);
}
static inline void xw_gst_sets_out(void *data)
{
    __tsan_release(data);
}
static inline void xw_gst_arrives(void *data)
{
    __tsan_acquire(data);
}
#else
static inline void xw_gst_sets_out(void *data)
{
    (void)data;
}
static inline void xw_gst_arrives(void *data)
{
    (void)data;
}
static inline void xw_gst_gives(GstBuffer *buffer)
{
    (void)buffer;
}
static inline void xw_gst_takes(GstBuffer *buffer)
{
    (void)buffer;
}
#endif

#endif
