/* A new certificate in time. */
#include "edge/renew.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/enrol.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

XW_COUNTER(renewals, "xw_edge_certificates_renewed_total", NULL, "certificates rotated");
XW_COUNTER(failures, "xw_edge_renewals_failed_total", NULL, "rotations that will be tried again");

enum { RETRY_US = 60000000, RETRY_PART = 30, RETRY_MIN_US = 1000000 };

struct xw_renew {
    struct xw_edge *edge;
    struct xw_edge_identity *identity;
    struct xw_pool *pool;
    int64_t due_us, next_us; /* county's wall clock; own monotonic clock */
    bool working;
    /* The worker's while working. */
    struct xw_buf csr;
    char *chain;
    struct xw_edge_identity fresh;
    const char *why;
    int result;
};

static int64_t life_us(const struct xw_renew *n)
{
    return (n->identity->facts.until_s - n->identity->facts.from_s) * 1000000;
}

static void plan(struct xw_renew *n)
{
    int64_t life = life_us(n);
    int64_t spread = (int64_t)randombytes_uniform(1000) * (life / 20) / 1000;
    n->due_us = n->identity->facts.from_s * 1000000 + life / 3 * 2 + spread;
}

static void later(struct xw_renew *n)
{
    int64_t wait = XW_MIN(life_us(n) / RETRY_PART, (int64_t)RETRY_US);
    n->next_us = xw_edge_now_us() + XW_MAX(wait, (int64_t)RETRY_MIN_US);
}

/* ---- asking ---- */

static void make_request(void *arg)
{
    struct xw_renew *n = arg;
    xw_autokey EVP_PKEY *key = NULL;
    xw_buf_clear(&n->csr);
    n->result = xw_edge_pending_key(n->edge->config->enrol_dir, &key);
    if (n->result == 0)
        n->result = xw_csr_new(key, n->identity->grant.gateway, &n->csr);
}

static void on_request(void *arg, int status)
{
    struct xw_renew *n = arg;
    n->working = false;
    if (status < 0 || n->result < 0) {
        xw_counter_add(&failures, 1);
        xw_log_warning("renew.key", XW_LOG_ERR(status < 0 ? status : n->result));
    } else if (n->edge->uplink) {
        xw_uplink_ephemeral(n->edge->uplink, XW_ENROL_RENEW, n->csr.data, n->csr.n);
    }
}

bool xw_renew_busy(const struct xw_renew *n)
{
    return n && n->working;
}

void xw_renew_replaced(struct xw_renew *n)
{
    if (n)
        plan(n);
}

void xw_renew_tick(struct xw_renew *n)
{
    if (!n || n->working || xw_edge_enrol_busy(n->edge->enrol) || !n->edge->link.linked ||
        !n->edge->link.county_uncertainty_us || xw_edge_now_us() < n->next_us ||
        xw_edge_wall_us() + n->edge->link.county_offset_us < n->due_us)
        return;
    later(n);
    n->working = true;
    if (xw_pool_submit(n->pool, make_request, on_request, n) < 0)
        n->working = false;
}

/* ---- taking ---- */

static void take(void *arg)
{
    struct xw_renew *n = arg;
    struct xw_edge_identity *fresh = &n->fresh;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_buf pem;
    const char *dir = n->edge->config->enrol_dir;
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    *fresh = *n->identity; /* the loop does not change it while we work */
    fresh->grant.ca = strdup(n->identity->grant.ca);
    fresh->grant.certificate = XW_STEAL(n->chain);
    fresh->key = NULL;
    n->why = "no memory";
    int r = fresh->grant.ca ? xw_edge_pending_key(dir, &key) : -ENOMEM;
    if (r == 0)
        r = xw_enrol_check(fresh->grant.certificate, fresh->grant.ca, fresh->grant.gateway, key,
                           xw_edge_wall_us() / 1000000, &n->why);
    if (r == 0)
        r = xw_key_pem(key, &pem);
    if (r == 0)
        r = xw_buf_append(&pem, "", 1);
    if (r == 0) {
        size_t size;
        fresh->key = (char *)xw_buf_take(&pem, &size);
        n->why = "it could not be written";
        r = xw_edge_identity_save(dir, fresh);
    }
    xw_buf_done(&pem);
    if (r < 0)
        xw_edge_identity_done(fresh);
    n->result = r;
}

static void on_taken(void *arg, int status)
{
    struct xw_renew *n = arg;
    n->working = false;
    if (status < 0 || n->result < 0) {
        xw_counter_add(&failures, 1);
        xw_log_warning("renew.refused", XW_LOG_STR("why", status < 0 ? "stopped" : n->why));
        return;
    }
    /* Strings that the uplink borrows (host, id) stay where they are: only these two change. */
    struct xw_edge_identity *now = n->identity;
    char *certificate = now->grant.certificate, *key = now->key;
    now->grant.certificate = n->fresh.grant.certificate;
    now->key = n->fresh.key;
    now->facts = n->fresh.facts;
    n->fresh.grant.certificate = certificate;
    n->fresh.key = key;
    xw_edge_identity_done(&n->fresh);
    plan(n);
    xw_counter_add(&renewals, 1);
    xw_log_notice("renew.done", XW_LOG_STR("certificate", now->facts.serial));
    if (n->edge->uplink && xw_uplink_renewed(n->edge->uplink) < 0)
        xw_log_error("renew.not_used");
}

bool xw_renew_ephemeral(struct xw_renew *n, const char *topic, const void *payload, size_t size)
{
    if (!strcmp(topic, XW_ENROL_REFUSED)) {
        char text[96];
        snprintf(text, sizeof(text), "%.*s", (int)XW_MIN(size, sizeof(text) - 1),
                 (const char *)payload);
        xw_counter_add(&failures, 1);
        xw_log_warning("renew.refused", XW_LOG_STR("why", text));
        return true;
    }
    if (strcmp(topic, XW_ENROL_CERTIFICATE) != 0)
        return false;
    if (!n || n->working || xw_edge_enrol_busy(n->edge->enrol) || size > XW_PEM_MAX_N_BYTES)
        return true;
    free(n->chain);
    n->chain = strndup(payload, size);
    if (!n->chain)
        return true;
    n->working = true;
    if (xw_pool_submit(n->pool, take, on_taken, n) < 0)
        n->working = false;
    return true;
}

int xw_renew_new(struct xw_edge *edge, struct xw_edge_identity *identity,
                 struct xw_renew **ret_renew)
{
    struct xw_renew *n = calloc(1, sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->edge = edge;
    n->identity = identity;
    xw_buf_init(&n->csr, XW_CSR_MAX_N_BYTES);
    plan(n);
    int r = xw_pool_new(edge->loop, "renew", 1, 2, &n->pool);
    if (r < 0) {
        xw_renew_free(n);
        return r;
    }
    *ret_renew = n;
    return 0;
}

void xw_renew_free(struct xw_renew *n)
{
    if (!n)
        return;
    xw_pool_free(n->pool);
    xw_buf_done(&n->csr);
    free(n->chain);
    free(n);
}
