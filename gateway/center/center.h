/* xinwang-center: the parts of the daemon and how they find each other.
 *
 * Threads: loop thread only, but for the worker pool's functions. Ownership: struct xw_center owns
 * every part; parts borrow it. Order: store and load first, then sockets; at stop the reverse. */
#ifndef XW_CENTER_CENTER_H
#define XW_CENTER_CENTER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/loop.h"
#include "link/downlink.h"
#include "link/net.h"
#include "store/store.h"

#include "center/config.h"

struct xw_center {
    struct xw_center_config config;
    struct xw_loop *loop;
    struct xw_pool *pool;
    struct xw_net *net;
    struct xw_store *store;
    struct xw_downlink *downlink;
    struct lws_vhost *browser;
    struct xw_hub *hub;
    struct xw_journal *journal;
    struct xw_users *users;
    struct xw_sessions *sessions;
    struct xw_limiter *limiter, *rules_limiter;
    struct xw_rulelists *rules;
    struct xw_studies *studies;
    struct xw_alarms *alarms;
    struct xw_technicals *technicals;
    struct xw_gateways *gateways;
    struct xw_identities *identities;
    struct xw_enrol *enrol; /* NULL: nobody is enrolled here */
    struct xw_alarmpath *alarmpath;
    struct xw_attachments *attachments;
    struct xw_clips *clips;
    struct xw_patients *patients;
    struct xw_video *video;
    struct xw_static *pages;
    struct xw_reading_shared *readings; /* tables and network of all readings; only read */
    struct xw_demo *demo;
    struct xw_control *control;
    struct xw_timer *second, *tenth;
    enum xw_store_space space;
    int64_t full_us; /* the store was last full then; 0 = never */
    uint32_t connections_n, sockets_n;
    uint16_t browser_port, gateway_port, enrol_port;
    bool serving;
    int failed; /* why the daemon ends, 0 = asked to */
};

/* Opens the store, reads what it holds, then listens; failures after return end the loop. */
XW_MUST_CHECK int xw_center_start(struct xw_center *center);
/* Lets go of the gateways, commits what is queued, then quits the loop. */
void xw_center_stop(struct xw_center *center);
/* After the loop ended. */
void xw_center_done(struct xw_center *center);

/* records.c: a record became durable, from a gateway or from ourselves: to the folds, the hub, the
 * demo. */
void xw_center_record(struct xw_center *center, const struct xw_store_record *record,
                      const char *gateway_id);

/* For xw_technicals_new: the county's own technical alarms, to the list. */
void xw_center_show_technical(void *user, const struct xw_store_record *record);
/* records.c: a study change into the fold; its samples are kept from deletion. */
void xw_center_study(struct xw_center *center, const struct xw_store_record *record);

/* records.c: the site of a gateway; NULL while not known. */
const char *xw_center_site(const struct xw_center *center, const char *gateway_id);
/* records.c: an attachment into the fold, its bed to the hub; a clip into its fold. */
void xw_center_attachment(struct xw_center *center, const struct xw_store_record *record);
void xw_center_clip(struct xw_center *center, const struct xw_store_record *record);
/* records.c: whose it is. */
void xw_center_patient(struct xw_center *center, const struct xw_store_record *record);

/* A change of an administrator (gatewayadmin.h): applied, made durable, put into effect: sessions
 * of a revoked gateway end at once. done has ask with its answer or error; ask is the caller's and
 * lives until then. done may come before this returns. */
struct xw_gatewayadmin;
void xw_center_change(struct xw_center *center, struct xw_gatewayadmin *ask,
                      void (*done)(void *user), void *user);

/* load.c: what the store holds, into memory; done once, with 0 or the errno. */
void xw_center_load(struct xw_center *center, void (*done)(struct xw_center *center, int status));

#endif
