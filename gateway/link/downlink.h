/* The county's end of the link: all gateways.
 *
 * It checks identities, answers hellos with what is wanted, gives live blocks on at once, appends
 * everything to the store, acknowledges after the commit, and passes the county's records down.
 * Threads: loop thread only. The county's outgoing record log of a gateway is named "gw/" + its id.
 */
#ifndef XW_LINK_DOWNLINK_H
#define XW_LINK_DOWNLINK_H

#include "base/base.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "link/net.h"
#include "trust/cert.h"
#include "store/store.h"

struct xw_downlink;

struct xw_downlink_config {
    const char *address;
    uint16_t port;
    struct xw_net_tls tls; /* ca_path is required: gateways show certificates */
    uint32_t gateways_max;
    /* May this certificate, whose chain and times are good, still be used? NULL: yes; otherwise why
     * not (static text; the gateway is told). Asked at each upgrade, also of a resumed TLS session,
     * and by xw_downlink_check. NULL: nobody is refused. */
    const char *(*refuse)(void *user, const struct xw_cert_facts *certificate);
    void *refuse_user;
};

struct xw_downlink_gateway {
    const char *gateway_id, *site_name, *software;
    bool linked, demo;
    int64_t since_wall_us;
    uint32_t rtt_us;
    int64_t clock_offset_us;       /* gateway wall - county wall */
    uint64_t clock_uncertainty_us; /* 0 = the offset is not known */
    int32_t clock_drift_ppb;       /* of the gateway's clock against the county's */
    bool clock_drift_known;
    uint64_t backlog_samples; /* wanted and not here yet */
    uint64_t received_bytes;  /* since the start of the process */
};

struct xw_downlink_watch {
    void *user;
    void (*on_gateway)(void *user, const struct xw_downlink_gateway *gateway);
    /* Header of a stream, each time it is announced. */
    void (*on_stream)(void *user, const struct xw_uuid *stream, const void *header,
                      size_t header_size, const char *gateway_id);
    /* live: on the live or alarm lane, checked but not yet durable. Otherwise backfill, also before
     * its commit. CRC was verified. */
    void (*on_block)(void *user, const struct xw_store_block *block, bool live);
    /* On whichever lane; of one message after its blocks. */
    void (*on_gap)(void *user, const struct xw_store_gap *gap);
    /* The range is durable now. */
    void (*on_stored)(void *user, const struct xw_uuid *stream, struct xw_range range, bool live);
    /* Durable and new. */
    void (*on_record)(void *user, const struct xw_store_record *record, const char *gateway_id);
    void (*on_ephemeral)(void *user, const char *gateway_id, const char *topic, const void *payload,
                         size_t size);
    void (*on_suspended)(void *user, const struct xw_uuid *streams, size_t streams_n,
                         const char *gateway_id);
    /* A gateway's spool holds something of a stream up to here, as a session begins. */
    void (*on_held)(void *user, const struct xw_uuid *stream, uint64_t end);
    /* A session took the place of one of another machine that was alive: two have one identity. */
    void (*on_twins)(void *user, const char *gateway_id);
};

XW_MUST_CHECK int xw_downlink_new(struct xw_loop *loop, struct xw_net *net, struct xw_store *store,
                                  const struct xw_downlink_config *config,
                                  const struct xw_downlink_watch *watch,
                                  struct xw_downlink **ret_downlink, uint16_t *ret_port);
void xw_downlink_free(struct xw_downlink *downlink);
/* An orderly end begins: LinkClose with SHUTDOWN to all, new connections are refused. Gateways come
 * back at once, to whoever listens then. Free it some 100 ms later. */
void xw_downlink_goodbye(struct xw_downlink *downlink);

/* Records for this gateway were committed to the log "gw/ID". */
void xw_downlink_committed(struct xw_downlink *downlink, const char *gateway_id,
                           uint64_t out_seq_last);
void xw_downlink_ephemeral(struct xw_downlink *downlink, const char *gateway_id, const char *topic,
                           const void *payload, size_t size);
/* On the lane of alarms, for the answers to probes of their way. -ENOTCONN, -EAGAIN. */
XW_MUST_CHECK int xw_downlink_alarm_ephemeral(struct xw_downlink *downlink, const char *gateway_id,
                                              const char *topic, const void *payload, size_t size);
/* Sends an object of the county's store; as xw_uplink_object. */
XW_MUST_CHECK int xw_downlink_object(struct xw_downlink *downlink, const char *gateway_id,
                                     const uint8_t sha256[32]);
/* Judges the certificates of all open sockets again: those that expired or are refused now are told
 * so and closed. Each second, and when somebody was revoked. */
void xw_downlink_check(struct xw_downlink *downlink);
/* What the certificate of an open session of this gateway says; -ENOENT. */
XW_MUST_CHECK int xw_downlink_certificate(const struct xw_downlink *downlink,
                                          const char *gateway_id, struct xw_cert_facts *ret_facts);
void xw_downlink_gateways(struct xw_downlink *downlink,
                          void (*each)(void *user, const struct xw_downlink_gateway *), void *user);

#endif
