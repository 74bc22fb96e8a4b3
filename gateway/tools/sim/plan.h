/* What the simulator is to do: which devices, of what signal, to which gateway.
 *
 * Purpose    A plan is a JSON file (--plan) or made from the command line (one kind of device, many
 *            times). {"speed": 1, "duration_s": 0, "demo": true, "journal": PATH, "control": PATH,
 *            "devices": [{"id", "gateway": "127.0.0.1:7101", "rate": 500, "block_ms": 40, "key":
 * HEX, "retain_mb": 64, "start_s": 0, "source": {"kind": "synth", "rhythm": "sinus", "hr": 72,
 * "seed": 1, "gain": 1000} | {"kind": "wfdb", "record": "DIR/RECORD", "loop": true} | {"kind":
 * "pattern", "channels": 12} | {"kind": "calibration", "channels": 12} | {"kind": "ctg", "scene":
 * "normal", "fetuses": 1, "seed": 1}}]} Threads    Main only.
 * Ownership: xw_sim_plan_done frees. Errors     -EINVAL with a sentence for the user in ret_text.
 */
#ifndef XW_SIM_PLAN_H
#define XW_SIM_PLAN_H

#include "base/base.h"
#include "monitor_plan.h"

enum { XW_SIM_DEVICES_MAX = 2048, XW_SIM_TEXT_BYTES = 256, XW_SIM_PATH_BYTES = 1024 };

enum xw_sim_source_kind {
    XW_SIM_SYNTH,       /* a patient of the dynamical model */
    XW_SIM_WFDB,        /* a recording */
    XW_SIM_PATTERN,     /* a counting pattern: every sample can be told from every other */
    XW_SIM_CALIBRATION, /* 1 mV for 200 ms each second */
    XW_SIM_CTG,         /* a synthetic labour */
};

struct xw_sim_source_spec {
    enum xw_sim_source_kind kind;
    char record[XW_SIM_PATH_BYTES];
    bool loop;
    char rhythm[32];
    double hr_bpm; /* 0 = the rhythm's own */
    uint64_t seed;
    int64_t gain_counts_per_mv;
    unsigned channels_n; /* pattern and calibration */
    unsigned fetuses_n;  /* ctg */
};

struct xw_sim_device_spec {
    char id[65];
    char host[XW_SIM_HOST_BYTES];
    uint16_t port;
    uint8_t key[64];
    size_t key_n; /* 0 = no shared key */
    struct xw_sim_source_spec source;
    /* Of synth, pattern, calibration (500) and ctg (4); recordings have their own. */
    uint32_t rate_hz;
    uint32_t block_ms;     /* 0: 40, below 25 samples a second 500 */
    uint64_t retain_bytes; /* what is not acknowledged is kept up to here */
    double start_s;        /* switched on so long after the start */
};

struct xw_sim_plan {
    struct xw_sim_device_spec *devices;
    size_t devices_n;
    struct xw_sim_monitor_spec *monitors; /* "monitors": see monitor_plan.h */
    size_t monitors_n;
    double speed;
    double duration_s; /* signal seconds; 0 = until stopped */
    bool demo;
    char journal[XW_SIM_PATH_BYTES]; /* empty = none */
    char control[XW_SIM_PATH_BYTES];
};

XW_MUST_CHECK int xw_sim_plan_load(const char *path, struct xw_sim_plan *ret_plan,
                                   char ret_text[XW_SIM_TEXT_BYTES]);
/* n devices "PREFIX-0001"… made after one; source seeds count up. gateways: comma list of
 * HOST:PORT, dealt out in turn. */
XW_MUST_CHECK int xw_sim_plan_many(const struct xw_sim_device_spec *like, const char *prefix,
                                   size_t devices_n, const char *gateways,
                                   struct xw_sim_plan *ret_plan, char ret_text[XW_SIM_TEXT_BYTES]);
void xw_sim_plan_done(struct xw_sim_plan *plan);
/* Defaults of everything that has one. */
void xw_sim_device_defaults(struct xw_sim_device_spec *ret_spec);
XW_MUST_CHECK int xw_sim_source_kind_parse(const char *text, enum xw_sim_source_kind *ret_kind);

#endif
