/* One simulated patient monitor: IHE PCD-01 messages over MLLP, each kept until it is answered AA,
 * sent again byte for byte after a lost connection, an AE or 5 s without an answer.
 *
 * HR, SpO2, pulse, perfusion, respiration each time with OBX-14; temperature without a time of its
 * own (a spot value that is repeated); the last cuff reading with the time when it was measured. A
 * probe that is off sends the monitors' usual words for "no value".
 *
 * Journal: {"t":"hl7","device","control","sent","values":[{"code","channel","time","value",
 * "unit"}]} when made, {"t":"hl7_ack","device","control","code"} when answered; "hl7_given_up".
 * Threads: loop thread only. Limit: 7,200 messages kept, then the oldest is given up. */
#ifndef XW_SIM_MONITOR_H
#define XW_SIM_MONITOR_H

#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "journal.h"
#include "monitor_model.h"
#include "monitor_plan.h"

struct xw_sim_hl7 {
    struct xw_sim_hl7 *next;
    char control[32];
    struct xw_mono_us sent_at; /* 0: not sent on this connection */
    size_t n;
    char bytes[];
};

struct xw_sim_monitor {
    const struct xw_sim_monitor_spec *spec;
    struct xw_loop *loop;
    struct xw_sim_journal *journal;
    struct xw_sim_vitals vitals;
    bool demo, frozen;
    double speed;
    uint64_t boot;          /* part of the control ids: different in every run */
    uint64_t made_n, end_n; /* messages; UINT64_MAX = never ends */
    struct xw_mono_us start_mono;
    int64_t nibp_wall_us; /* of the last cuff reading */
    double nibp_sys, nibp_dia;

    struct xw_sim_hl7 *first, **last; /* not answered yet */
    size_t kept_n, sent_n;
    uv_tcp_t *tcp;
    bool connected;
    struct xw_buf in;
    struct xw_mono_us retry_at;
    uint64_t acked_n, refused_n, resent_n, connects_n;
};

void xw_sim_monitor_init(struct xw_sim_monitor *monitor, struct xw_loop *loop,
                         struct xw_sim_journal *journal, const struct xw_sim_monitor_spec *spec,
                         double speed, double duration_s, bool demo);
void xw_sim_monitor_done(struct xw_sim_monitor *monitor);
void xw_sim_monitor_tick(struct xw_sim_monitor *monitor, struct xw_mono_us now);
/* Actions of xw_sim_vitals_act, and "nibp": a cuff reading now. */
XW_MUST_CHECK int xw_sim_monitor_act(struct xw_sim_monitor *monitor, const char *action);
bool xw_sim_monitor_made_all(const struct xw_sim_monitor *monitor);
bool xw_sim_monitor_finished(const struct xw_sim_monitor *monitor);

/* monitor_io.c */
void xw_sim_monitor_io(struct xw_sim_monitor *monitor, struct xw_mono_us now);
void xw_sim_monitor_close(struct xw_sim_monitor *monitor);

#endif
