/* The county's configuration: every value with its default, and the rules between them.
 *
 * Threads: filled before the loop runs, read-only afterwards. Ownership: xw_config_done frees.
 * Units are in the names (durations µs, sizes bytes). */
#ifndef XW_CENTER_CONFIG_H
#define XW_CENTER_CONFIG_H

#include "base/base.h"
#include "base/config.h"

struct xw_center_config {
    /* [web] */
    char *browser_address;
    int64_t browser_port;
    char *browser_cert, *browser_key;
    struct xw_config_list browser_hosts;
    char *browser_web;
    int64_t sockets_max, requests_max, hold_us;
    /* [link] */
    char *gateway_address;
    int64_t gateway_port;
    char *gateway_cert, *gateway_key, *gateway_ca;
    int64_t gateways_max, link_lost_us;
    /* [enrol] */
    char *enrol_address;
    int64_t enrol_port;
    char *enrol_authority, *enrol_name;
    int64_t enrol_link_port, enrol_life_us, enrol_code_us, enrol_tries;
    /* [alarm] */
    int64_t probe_wait_us, probe_late_us, unattended_us;
    /* [store] */
    char *store_dir;
    char *store_key_file;
    int64_t store_limit_bytes, store_reserve_bytes, store_low_bytes, store_retain_us;
    int64_t store_queue_bytes, store_readers_n;
    /* [login] */
    int64_t session_idle_us, session_max_us, tries_per_min, sessions_max;
    int64_t hash_memory_bytes, hash_rounds, workers_n;
    /* [admin] */
    char *admin_socket;
    /* [demo] */
    bool demo;
    char *demo_control, *demo_technician_site, *demo_village_site;
    int64_t demo_timeout_us;
};

extern const struct xw_config_schema xw_center_schema;

/* Rules over several values: demo mode only on loopback, both or neither of certificate and key. */
XW_MUST_CHECK int xw_center_config_check(const void *values, struct xw_config_error *ret_error);
/* Where the admin socket is; "" = none. -ENAMETOOLONG. */
XW_MUST_CHECK int xw_center_admin_path(const struct xw_center_config *config, char *ret_path,
                                       size_t cap);
/* 127.0.0.0/8 and ::1. */
bool xw_center_is_loopback(const char *address);

#endif
