/* Changes of an administrator to gateways: durable first, then in effect. */
#include "center/center.h"

#include "base/log.h"
#include "center/alarmpath.h"
#include "center/gatewayadmin.h"
#include "center/gateways.h"
#include "center/revoked.h"
#include "center/technical.h"
#include "link/downlink.h"

struct change {
    struct xw_center *center;
    struct xw_gatewayadmin *ask;
    void (*done)(void *user);
    void *user;
    int noted;
};

static void fail(struct xw_gatewayadmin *ask, int error)
{
    if (ask->error)
        return;
    ask->word = error == -ENOSPC ? "storage" : "busy";
    ask->error = error == -ENOSPC ? "the disk is full" : "could not be stored; try again";
}

static void revoked(struct xw_center *center, const char *id)
{
    xw_log_notice("gateway.revoked", XW_LOG_STR("gateway", id));
    xw_gateways_silence(center->gateways, id, true);
    xw_alarmpath_silence(center->alarmpath, id, true);
    xw_technicals_clear(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, id);
    if (center->downlink)
        xw_downlink_check(center->downlink);
}

static void on_stored(void *user, int status)
{
    struct change *c = user;
    if (status < 0) {
        fail(c->ask, status);
    }
    xw_identities_release(c->center->identities, c->ask->gateway);
    if (status == 0) {
        xw_gatewayadmin_put(c->ask, c->center->identities);
        if (c->ask->has_identity && c->ask->identity.revoked_wall_us)
            revoked(c->center, c->ask->identity.id);
    }
    c->done(c->user);
    free(c);
}

static int store_now(struct change *c)
{
    struct xw_gatewayadmin_records records;
    int r = xw_gatewayadmin_pack(c->ask, &records);
    if (r == 0)
        r = xw_journal_append(c->center->journal, records.v, records.n, NULL, on_stored, c);
    xw_gatewayadmin_records_done(&records);
    return r;
}

/* A revocation is first written where no restored backup forgets it. When that fails it must not
 * wait: the store has it, and the log says what is missing. */
static void note_work(void *user)
{
    struct change *c = user;
    const struct xw_identity *identity = &c->ask->identity;
    c->noted = xw_revoked_add(c->center->config.store_dir, XW_REVOKED_REVOKED, identity->id,
                              identity->generation, identity->revoked_wall_us);
}

static void note_done(void *user, int status)
{
    struct change *c = user;
    int r = status < 0 ? status : c->noted;
    if (r < 0)
        xw_log_error("revoked.not_noted", XW_LOG_STR("gateway", c->ask->identity.id),
                     XW_LOG_ERR(r));
    r = store_now(c);
    if (r < 0)
        on_stored(c, r);
}

static int store(struct change *c)
{
    bool revokes = c->ask->has_identity && c->ask->identity.revoked_wall_us;
    /* Also a code that is withdrawn: its gateway may be enrolling with it just now. */
    if (!xw_identities_hold(c->center->identities, c->ask->gateway))
        return -EBUSY;
    int r = revokes ? xw_pool_submit(c->center->pool, note_work, note_done, c) : store_now(c);
    if (r < 0)
        xw_identities_release(c->center->identities, c->ask->gateway);
    return r;
}

void xw_center_change(struct xw_center *center, struct xw_gatewayadmin *ask,
                      void (*done)(void *user), void *user)
{
    struct xw_cert_facts facts;
    struct change *c = calloc(1, sizeof(*c));
    int r = c ? 0 : -ENOMEM;
    ask->known = xw_gateways_find(center->gateways, ask->gateway) != NULL;
    ask->life_default_us = center->config.enrol_code_us;
    if (center->downlink && xw_downlink_certificate(center->downlink, ask->gateway, &facts) == 0)
        ask->generation = facts.generation;
    if (r == 0)
        r = xw_gatewayadmin_apply(ask, center->identities, xw_clock_wall(NULL).us);
    if (r == 0) {
        *c = (struct change){.center = center, .ask = ask, .done = done, .user = user};
        r = store(c);
    }
    if (r == 0)
        return;
    fail(ask, r);
    free(c);
    done(user);
}
