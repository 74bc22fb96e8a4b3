/* The gateways of the county: who is linked, and the figures of the list.
 *
 * A gateway's site outlives the process (local setting "g/ID"), so that streams of an absent
 * gateway keep their place. Threads: loop thread only. Limits: XW_GATEWAYS_MAX. Rates are over one
 * second. */
#ifndef XW_CENTER_GATEWAYS_H
#define XW_CENTER_GATEWAYS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "link/downlink.h"
#include "store/store.h"

#include "live.pb-c.h"

enum {
    XW_GATEWAYS_MAX = 10000,
    XW_GATEWAY_ID_N = 128,
    XW_GATEWAY_SITE_N = 128,
    XW_GATEWAY_REASON_N = 256
};

struct xw_gateway {
    char id[XW_GATEWAY_ID_N], site[XW_GATEWAY_SITE_N], software[160];
    bool linked, ever_linked, demo, lost_told;
    int64_t twins_mono_us; /* two machines had its identity then */
    bool twins_told;       /* also at start: what was open before it ends when all is quiet */
    bool silent;           /* revoked: that it is away is as it should be */
    int64_t since_wall_us, away_mono_us, clock_offset_us;
    uint64_t clock_uncertainty_us; /* 0 = the offset is not known */
    int32_t clock_drift_ppb;
    bool clock_drift_known;
    struct {                  /* as it told last; wall times: its own clock */
        int64_t told_wall_us; /* county; 0 = never */
        uint64_t uplink_bytes_per_s, backlog_bytes, backlog_ms, spool_bytes, spool_free_bytes;
        int64_t oldest_unsent_wall_us;
        bool spool_low, spool_full;
        uint32_t suspended_n;
        bool imports; /* it watches a folder of ECG files */
        bool import_failed;
        uint64_t import_taken, import_repeated;
        uint32_t import_waiting, import_quarantine;
        char import_reason[XW_GATEWAY_REASON_N]; /* why the newest broken file is broken */
        int64_t import_reason_wall_us;
        bool rules;          /* it told of its rule list */
        uint32_t rules_from; /* Xw__RulesFrom */
        uint32_t rules_version, rules_county_version;
        uint8_t rules_hash[32];
        bool rules_hashed, rules_own;
        char rules_refused[XW_GATEWAY_REASON_N];
    } report;
    struct xw_gateway_rules {
        uint32_t given; /* version of the county's list that its log has; 0 = none, or not known */
        int64_t given_us; /* monotonic */
        bool giving;
    } rules;
    uint32_t rtt_us;
    uint64_t backlog_samples, received_bytes, received_before, backfill_samples;
    uint64_t received_bytes_per_s, backfill_samples_per_s;
    uint64_t revision; /* of its setting record */
};

struct xw_gateways_config {
    const struct xw_clock *clock;
    int64_t lost_after_us;
    void *user;
    void (*on_site)(void *user, const struct xw_gateway *gateway); /* new or changed: to be kept */
    void (*on_lost)(void *user, const struct xw_gateway *gateway);
    /* How the way of its alarms stands; ret_path is cleared. May be NULL. */
    void (*alarm_path)(void *user, const char *gateway_id, Xw__AlarmPath *ret_path);
    void (*on_back)(void *user,
                    const struct xw_gateway *gateway); /* linked, after on_lost or a start */
    /* Two machines have the identity of this gateway; or not any more, for XW_GATEWAYS_TWINS_US. */
    void (*on_twins)(void *user, const struct xw_gateway *gateway, bool two);
};

struct xw_gateways;

XW_MUST_CHECK int xw_gateways_new(const struct xw_gateways_config *config,
                                  struct xw_gateways **ret_gateways);
void xw_gateways_free(struct xw_gateways *gateways);
void xw_gateways_update(struct xw_gateways *gateways, const struct xw_downlink_gateway *now);
/* A gateway was enrolled: it is in the list before it was ever linked. */
void xw_gateways_expect(struct xw_gateways *gateways, const char *id, const char *site);
/* A revoked gateway is not told to be lost. */
void xw_gateways_silence(struct xw_gateways *gateways, const char *id, bool silent);
/* What a gateway says of itself. -ENOENT. */
XW_MUST_CHECK int xw_gateways_report(struct xw_gateways *gateways, const char *id,
                                     const Xw__GatewayReport *report);
/* rulelist_pass.c keeps here what it gave; i as xw_gateways_at. */
struct xw_gateway_rules *xw_gateways_rules(struct xw_gateways *gateways, size_t i);
/* Highest version of a rule list of the county, below `below`, that any gateway says it has. */
uint32_t xw_gateways_rules_highest(const struct xw_gateways *gateways, uint32_t below);
/* Samples that came late, for the rate. */
void xw_gateways_backfill(struct xw_gateways *gateways, const char *id, uint64_t samples_n);
/* Each second: rates. */
void xw_gateways_second(struct xw_gateways *gateways);
/* Two machines were seen under this id. */
#define XW_GATEWAYS_TWINS_US INT64_C(600000000)
void xw_gateways_twins(struct xw_gateways *gateways, const char *id);
/* Every 100 ms: who has been away for too long. */
void xw_gateways_check(struct xw_gateways *gateways);
const struct xw_gateway *xw_gateways_find(const struct xw_gateways *gateways, const char *id);
size_t xw_gateways_n(const struct xw_gateways *gateways);
const struct xw_gateway *xw_gateways_at(const struct xw_gateways *gateways, size_t i);
/* As the list shows them; borrowed until the next call. For xw_hub_config.gateways. */
size_t xw_gateways_statuses(struct xw_gateways *gateways,
                            const Xw__GatewayStatus *const **ret_statuses,
                            const char *const **ret_sites);

/* ret_key: XW_GATEWAY_ID_N + 2 bytes. */
XW_MUST_CHECK int xw_gateway_pack(const struct xw_gateway *gateway, char *ret_key,
                                  struct xw_buf *ret_body, struct xw_store_record *ret_record);
/* From a record, at start. */
XW_MUST_CHECK int xw_gateways_restore(struct xw_gateways *gateways,
                                      const struct xw_store_record *record);

#endif
