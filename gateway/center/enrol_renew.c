/* Rotation of gateways' certificates, over the link. */
#include "center/enrol_in.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "center/gateways.h"
#include "link/downlink.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(renewed, "xw_center_certificates_renewed_total", NULL, "certificates rotated");
XW_COUNTER(repeated, "xw_center_enrolments_repeated_total", "what=\"rotation\"",
           "answers given again to a gateway that did not hear the first");
XW_COUNTER(refused_renewal, "xw_center_enrolments_refused_total", "reason=\"renewal\"",
           "requests for a certificate that were refused");

static void answer_renewal(struct xw_center *center, const char *gateway_id, const char *topic,
                           const char *text)
{
    if (center->downlink)
        xw_downlink_ephemeral(center->downlink, gateway_id, topic, text, strlen(text));
}

static void refuse_renewal(struct xw_center *center, const char *gateway_id, const char *why)
{
    xw_counter_add(&refused_renewal, 1);
    xw_log_warning("enrol.renewal_refused", XW_LOG_STR("gateway", gateway_id),
                   XW_LOG_STR("why", why));
    answer_renewal(center, gateway_id, XW_ENROL_REFUSED, why);
}

static void on_renewed(void *user, int status)
{
    struct xw_enrol_job *g = user;
    struct xw_center *center = g->enrol->center;
    if (status < 0) {
        refuse_renewal(center, g->identity.id, "could not be stored; try again");
    } else {
        if (xw_identities_put(center->identities, &g->identity) < 0)
            xw_log_error("identities.full");
        xw_counter_add(&renewed, 1);
        xw_log_notice("enrol.renewed", XW_LOG_STR("gateway", g->identity.id),
                      XW_LOG_STR("certificate", g->identity.serial));
        answer_renewal(center, g->identity.id, XW_ENROL_CERTIFICATE, g->identity.certificate);
    }
    xw_enrol_grant_free(g);
}

static int renew(struct xw_enrol *e, const char *gateway_id, const struct xw_cert_facts *now,
                 EVP_PKEY *key)
{
    const struct xw_identity *before = xw_identities_find(e->center->identities, gateway_id);
    const struct xw_gateway *known = xw_gateways_find(e->center->gateways, gateway_id);
    struct xw_enrol_job *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->enrol = e;
    if (before) {
        g->identity = *before;
        g->identity.certificate = NULL;
    }
    if (g->identity.generation < now->generation)
        g->identity.revoked_wall_us = 0; /* it was an older one */
    g->identity.generation = now->generation;
    snprintf(g->identity.id, sizeof(g->identity.id), "%s", gateway_id);
    if (!before && known)
        snprintf(g->identity.site, sizeof(g->identity.site), "%s", known->site);
    int r = xw_enrol_sign(e, key, &g->identity);
    if (r == 0)
        r = xw_fault_point("center.renew");
    if (r == 0)
        r = xw_enrol_append(g, NULL, "gateway_renew", on_renewed);
    if (r < 0)
        xw_enrol_grant_free(g);
    return r;
}

void xw_enrol_renew(struct xw_center *center, const char *gateway_id, const void *payload,
                    size_t size)
{
    struct xw_enrol *e = center->enrol;
    struct xw_cert_facts now;
    uint8_t key_hash[XW_CERT_HASH_N];
    xw_autokey EVP_PKEY *key = NULL;
    if (!e) {
        refuse_renewal(center, gateway_id, "this county signs no certificates");
        return;
    }
    if (xw_downlink_certificate(center->downlink, gateway_id, &now) < 0 ||
        xw_identities_refuse(center->identities, &now))
        return; /* it is being closed */
    if (!xw_limiter_try(e->renewals, 'g', gateway_id)) {
        refuse_renewal(center, gateway_id, "too many requests");
        return;
    }
    if (xw_csr_read(payload, size, &key) < 0 || xw_key_hash(key, key_hash) < 0) {
        refuse_renewal(center, gateway_id, "a request of an EC P-256 key is needed");
        return;
    }
    const struct xw_identity *before = xw_identities_find(center->identities, gateway_id);
    if (before && before->certificate && before->generation == now.generation &&
        memcmp(before->key_hash, key_hash, sizeof(key_hash)) == 0 &&
        strcmp(before->serial, now.serial) != 0) {
        xw_counter_add(&repeated, 1); /* the answer was lost */
        answer_renewal(center, gateway_id, XW_ENROL_CERTIFICATE, before->certificate);
        return;
    }
    if (renew(e, gateway_id, &now, key) < 0)
        refuse_renewal(center, gateway_id, "could not be signed; try again");
}
