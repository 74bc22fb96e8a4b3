/* A county that was restored from a backup meets certificates that it does not remember having
 * signed. What it learns from them is made durable: from then on those before them stay out, as
 * they did before the restore. */
#include "center/enrol.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/alarmpath.h"
#include "center/audit.h"
#include "center/gateways.h"
#include "link/downlink.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(learned, "xw_center_generations_learned_total", NULL,
           "gateways that came with a newer certificate than this store knew of");

struct lesson {
    struct xw_center *center;
    struct xw_identity identity;
};

static void on_kept(void *user, int status)
{
    struct lesson *l = user;
    struct xw_center *center = l->center;
    xw_identities_release(center->identities, l->identity.id);
    if (status == 0) {
        if (xw_identities_put(center->identities, &l->identity) < 0)
            xw_log_error("identities.full");
        xw_counter_add(&learned, 1);
        xw_log_notice("enrol.learned", XW_LOG_STR("gateway", l->identity.id),
                      XW_LOG_UINT("generation", l->identity.generation),
                      XW_LOG_STR("certificate", l->identity.serial));
        xw_gateways_silence(center->gateways, l->identity.id, false);
        xw_alarmpath_silence(center->alarmpath, l->identity.id, false);
        if (center->downlink)
            xw_downlink_check(center->downlink); /* one that it replaced ends now */
    }                                            /* else it is met again within a second */
    free(l);
}

static void fill(struct xw_identity *identity, const struct xw_center *center,
                 const struct xw_cert_facts *facts)
{
    const struct xw_identity *before = xw_identities_find(center->identities, facts->name);
    const struct xw_gateway *gateway = xw_gateways_find(center->gateways, facts->name);
    snprintf(identity->id, sizeof(identity->id), "%s", facts->name);
    snprintf(identity->site, sizeof(identity->site), "%s",
             before    ? before->site
             : gateway ? gateway->site
                       : "");
    snprintf(identity->serial, sizeof(identity->serial), "%s", facts->serial);
    identity->generation = facts->generation;
    identity->from_wall_us = facts->from_s * 1000000;
    identity->until_wall_us = facts->until_s * 1000000;
    identity->revision = xw_identity_overrule(before ? before->revision : 0);
}

static void learn(struct xw_center *center, const struct xw_cert_facts *facts)
{
    char key[XW_IDENTITY_KEY_N];
    struct xw_buf body;
    struct xw_store_record records[2];
    struct xw_audit_entry audit;
    if (!xw_enrol_id_ok(facts->name) || !xw_identities_hold(center->identities, facts->name))
        return;
    struct lesson *l = calloc(1, sizeof(*l));
    int r = l ? 0 : -ENOMEM;
    xw_buf_init(&body, XW_IDENTITY_BODY_MAX);
    if (r == 0) {
        l->center = center;
        fill(&l->identity, center, facts);
        r = xw_identity_pack(&l->identity, key, &body, &records[0]);
    }
    if (r == 0) {
        xw_audit_fill(&audit, "gateway", "gateway_learned", facts->name, "ok", &records[1]);
        r = xw_journal_append(center->journal, records, 2, NULL, on_kept, l);
    }
    xw_buf_done(&body);
    if (r == 0)
        return;
    xw_identities_release(center->identities, facts->name);
    free(l);
}

void xw_enrol_learn(struct xw_center *center)
{
    struct xw_cert_facts facts;
    while (xw_identities_newer(center->identities, &facts))
        learn(center, &facts);
}
