/* One simulated device: makes blocks in time, keeps them until they are acknowledged, sends them
 * through the device protocol, and sends again what was not acknowledged after every reconnect.
 *
 * Threads: loop thread only. Sample i is "captured" at start + i / rate (divided by the speed); it
 * is never in a block before that instant.
 */
#ifndef XW_SIM_DEVICE_H
#define XW_SIM_DEVICE_H

#include <uv.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/frame.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "journal.h"
#include "plan.h"
#include "proto/device.pb-c.h"
#include "retain.h"
#include "source.h"

enum xw_sim_state {
    XW_SIM_OFFLINE,
    XW_SIM_CONNECTING,
    XW_SIM_GREETING,
    XW_SIM_SENDING,
    XW_SIM_ENDED
};

struct xw_sim_device {
    const struct xw_sim_device_spec *spec;
    struct xw_loop *loop;
    struct xw_sim_journal *journal;
    struct xw_sim_source *source;
    bool demo;
    double speed;

    /* signal */
    uint64_t epoch;
    uint64_t rate_num, rate_den;
    unsigned channels_n;
    uint32_t block_n; /* samples a block */
    uint64_t next;    /* index of the next sample to be made */
    uint64_t end;     /* stop after this many; UINT64_MAX = never */
    uint64_t fact_seq;
    struct xw_mono_us start_mono;
    struct xw_wall_us start_wall;
    int32_t *x;
    uint8_t *coded;
    size_t coded_bound;
    struct xw_sim_digest digest;
    struct xw_sim_retain retain;
    bool frozen;  /* makes nothing more */
    bool off_now; /* electrodes are off */

    /* connection */
    enum xw_sim_state state;
    uv_tcp_t *tcp;
    struct xw_framer framer;
    size_t in_flight_bytes;
    struct xw_mono_us retry_at, heard_at, pinged_at;
    uint32_t retry_ms;
    struct xw_uuid stream;
    bool stream_known;

    /* counters */
    uint64_t made_n, acked_n, connects_n, faults_n;
};

XW_MUST_CHECK int xw_sim_device_init(struct xw_sim_device *device, struct xw_loop *loop,
                                     struct xw_sim_journal *journal,
                                     const struct xw_sim_device_spec *spec, double speed,
                                     double duration_s, bool demo,
                                     char ret_text[XW_SIM_TEXT_BYTES]);
void xw_sim_device_done(struct xw_sim_device *device);
/* Every few ms: makes the blocks that are due, connects, sends, pings. */
void xw_sim_device_tick(struct xw_sim_device *device, struct xw_mono_us now);
/* Says goodbye and closes; what is not acknowledged stays kept. */
void xw_sim_device_close(struct xw_sim_device *device, const char *why);
/* Facts beside the samples, kept and acknowledged like blocks. */
XW_MUST_CHECK int xw_sim_device_marker(struct xw_sim_device *device, Xw__MarkerCode code,
                                       uint64_t sample);
XW_MUST_CHECK int xw_sim_device_leads(struct xw_sim_device *device, const char *const *off);
/* Made and everything acknowledged. */
bool xw_sim_device_finished(const struct xw_sim_device *device);
/* The last part of the journal: the range that is not full yet. */
void xw_sim_device_journal_rest(struct xw_sim_device *device);

/* device_io.c: the connection */
void xw_sim_device_connect(struct xw_sim_device *device, struct xw_mono_us now);
void xw_sim_device_pump(struct xw_sim_device *device);
int xw_sim_device_send(struct xw_sim_device *device, const Xw__DeviceMessage *message);
/* device.c: a message of the gateway; negative: close. */
int xw_sim_device_heard(struct xw_sim_device *device, const Xw__GatewayMessage *message);

#endif
