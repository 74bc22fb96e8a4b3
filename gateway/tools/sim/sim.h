/* The simulator as a whole: its devices, their clock tick, its control socket.
 *
 * Threads: loop thread only. Ownership: the plan is borrowed for life.
 */
#ifndef XW_SIM_SIM_H
#define XW_SIM_SIM_H

#include "base/base.h"
#include "base/loop.h"
#include "device.h"
#include "journal.h"
#include "monitor.h"
#include "plan.h"

struct xw_sim_control;

struct xw_sim {
    struct xw_loop *loop;
    const struct xw_sim_plan *plan;
    struct xw_sim_journal journal;
    struct xw_sim_device *devices;
    size_t devices_n;
    struct xw_sim_monitor *monitors;
    size_t monitors_n;
    struct xw_timer *tick, *report;
    struct xw_sim_control *control;
    double linger_s;            /* waits so long for acknowledgements after the end */
    struct xw_mono_us ended_at; /* 0 = still making */
    bool quiet;
    int exit_code;
};

XW_MUST_CHECK int xw_sim_start(struct xw_sim *sim, struct xw_loop *loop,
                               const struct xw_sim_plan *plan, double linger_s, bool quiet,
                               char ret_text[XW_SIM_TEXT_BYTES]);
void xw_sim_stop(struct xw_sim *sim);
struct xw_sim_device *xw_sim_device_by_id(struct xw_sim *sim, const char *id);
/* One request, one answer, both JSON texts without newline; the answer is the caller's to free.
 * {"action": NAME, "device": ID} with the actions of xw_sim_source_act() (of a patient monitor:
 * xw_sim_monitor_act()), "marker", "movement", "button", or without a device "freeze" (nothing new
 * is made), "thaw", "stats". */
char *xw_sim_ask(struct xw_sim *sim, const char *request);

XW_MUST_CHECK int xw_sim_control_new(struct xw_sim *sim, const char *path,
                                     struct xw_sim_control **ret_control);
void xw_sim_control_free(struct xw_sim_control *control);

#endif
