/* The configuration of xinwang-gateway: one table, one struct.
 * Threads: filled at start, read-only afterwards. */
#ifndef XW_EDGE_CONFIG_H
#define XW_EDGE_CONFIG_H

#include "base/config.h"

enum { XW_EDGE_VIDEO_MAX = 4 };

/* [video1] to [video4]: one picture source each; without a source line it is not there. */
struct xw_edge_video {
    char *id, *label, *bed, *source;
    bool autostart, study;
};

struct xw_edge_config {
    /* [gateway] */
    char *id, *site;
    bool demo;
    /* [device] */
    char *device_address;
    int64_t device_port;
    char *accept;
    struct xw_config_list listed, beds;
    char *keys_path;
    int64_t devices_max;
    int64_t hello_timeout_us, idle_timeout_us, keep_us;
    /* [monitor] */
    char *monitor_address;
    int64_t monitor_port;
    char *monitor_accept;
    struct xw_config_list monitor_listed;
    bool monitor_bed_from_pv1;
    int64_t monitor_idle_us, monitor_keep_every_us;
    /* [spool] */
    char *spool_dir;
    char *spool_key_file;
    int64_t spool_limit_bytes, spool_reserve_bytes, spool_low_bytes, spool_retain_us;
    /* [uplink] */
    char *uplink_host, *uplink_address;
    int64_t uplink_port;
    char *cert_path, *key_path, *ca_path;
    int64_t live_late_us;
    /* [enrol] */
    char *enrol_dir, *enrol_county, *enrol_code;
    /* [alarm] */
    int64_t probe_every_us, probe_wait_us;
    /* [status] */
    char *status_address;
    int64_t status_port;
    char *status_token;
    /* [analysis] */
    int64_t mains_hz, warmup_us;
    char *rules_path;
    bool rules_county, electrodes;
    /* [import] */
    char *import_dir, *import_outbox;
    int64_t import_file_max_bytes, import_settle_us, import_give_up_us, import_keep_us;
    /* [video], [video1] … */
    int64_t video_kbit, video_floor_kbit, video_key_us, video_clip_max_us;
    struct xw_edge_video video[XW_EDGE_VIDEO_MAX];
};

extern const struct xw_config_schema xw_edge_schema;

/* Rules over the whole; -EINVAL with the reason. */
int xw_edge_config_check(const void *values, struct xw_config_error *ret_error);

/* Without an id of its own a gateway is who enrolment says. */
bool xw_edge_config_enrols(const struct xw_edge_config *config);
/* Is any picture source configured? */
bool xw_edge_config_has_video(const struct xw_edge_config *config);
/* The bed of a device from "DEVICE=BED" items; "" when there is none. */
const char *xw_edge_config_bed(const struct xw_edge_config *config, const char *device_id);

#endif
