/* Who gets a certificate. */
#include "center/enrol_in.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "center/alarmpath.h"
#include "center/audit.h"
#include "center/gateways.h"
#include "center/ratelimit.h"
#include "link/downlink.h"
#include "center/revoked.h"
#include "trust/authority.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

XW_COUNTER(enrolled, "xw_center_enrolled_total", NULL, "gateways enrolled");
XW_COUNTER(repeated, "xw_center_enrolments_repeated_total", "what=\"enrolment\"",
           "answers given again to a gateway that did not hear the first");
#define REFUSED(var, reason)                                                                       \
    XW_COUNTER(var, "xw_center_enrolments_refused_total", "reason=\"" reason "\"",                 \
               "requests for a certificate that were refused")
REFUSED(refused_malformed, "malformed");
REFUSED(refused_unknown, "unknown_code");
REFUSED(refused_used, "used_code");
REFUSED(refused_expired, "expired_code");
REFUSED(refused_withdrawn, "withdrawn_code");
REFUSED(refused_csr, "request");
REFUSED(refused_many, "too_many");
REFUSED(refused_taken, "id_taken");
REFUSED(refused_other, "other_gateway");

enum { ALL_FACTOR = 10, RENEWALS_PER_MIN = 6, FORGET_EACH_S = 60 };

static int64_t now_us(void)
{
    return xw_clock_wall(NULL).us;
}

static void refuse(struct xw_enrol_post *post, struct xw_counter *counter, unsigned status,
                   const char *word, const char *text)
{
    xw_counter_add(counter, 1);
    xw_log_warning("enrol.refused", XW_LOG_STR("peer", post->peer), XW_LOG_STR("why", word));
    xw_enrol_reply(post, status, xw_enrol_error_text(word, text));
}

/* What is wrong is counted against its address, and nothing else is: whoever guesses, from however
 * many addresses, or behind the same one as a whole township, keeps no right code from its gateway.
 */
static bool counted(struct xw_enrol_post *post)
{
    struct xw_enrol *e = post->enrol;
    if (xw_limiter_try(e->per_address, 'a', post->peer) && xw_limiter_try(e->in_all, 'e', "all"))
        return true;
    refuse(post, &refused_many, 429, "too_many", "too many wrong codes; wait a minute");
    return false;
}

static void refuse_wrong(struct xw_enrol_post *post, struct xw_counter *counter, unsigned status,
                         const char *word, const char *text)
{
    if (counted(post))
        refuse(post, counter, status, word, text);
}

static const struct xw_enrolment *known_code(struct xw_enrol_post *post, const uint8_t *id)
{
    const struct xw_enrolment *code = xw_enrolments_find(post->enrol->center->identities, id);
    if (!code)
        refuse_wrong(post, &refused_unknown, 404, "unknown_code", "the county knows no such code");
    return code;
}

static void take_hello(struct xw_enrol_post *post)
{
    struct xw_enrol_hello hello;
    struct xw_enrol_proof proof;
    if (xw_enrol_hello_read(post->body.data, post->body.n, &hello) < 0) {
        refuse_wrong(post, &refused_malformed, 400, "bad_request", "id, nonce");
        return;
    }
    const struct xw_enrolment *code = known_code(post, hello.id);
    if (!code)
        return;
    randombytes_buf(proof.nonce, sizeof(proof.nonce));
    xw_code_prove(code->county, hello.nonce, proof.nonce, post->certificate_hash, proof.proof);
    xw_enrol_reply(post, 200, xw_enrol_proof_text(&proof));
}

/* ---- the request ---- */

void xw_enrol_grant_free(struct xw_enrol_job *grant)
{
    if (grant->post)
        xw_enrol_post_unref(grant->post);
    free(grant->identity.certificate);
    free(grant);
}

static void answer_grant(struct xw_enrol_post *post, const struct xw_identity *identity)
{
    const struct xw_center *center = post->enrol->center;
    const struct xw_buf *root = xw_authority_root(post->enrol->authority);
    struct xw_enrol_grant grant = {.certificate = identity->certificate};
    uint16_t told = (uint16_t)center->config.enrol_link_port;
    xw_autofree char *ca = strndup((const char *)root->data, root->n);
    snprintf(grant.gateway, sizeof(grant.gateway), "%s", identity->id);
    snprintf(grant.site, sizeof(grant.site), "%s", identity->site);
    snprintf(grant.host, sizeof(grant.host), "%s", post->enrol->host);
    grant.port = told ? told : center->gateway_port;
    grant.ca = ca;
    xw_enrol_reply(post, 200, ca ? xw_enrol_grant_text(&grant) : NULL);
}

/* That a newer certificate was enrolled, where no restored backup forgets it: an older store would
 * take the one that it replaced. */
struct newer {
    const char *store_dir;
    char gateway[XW_ENROL_ID_MAX + 1];
    uint32_t generation;
    int result;
};

static void newer_work(void *user)
{
    struct newer *n = user;
    n->result = xw_revoked_add(n->store_dir, XW_REVOKED_NEWER, n->gateway, n->generation - 1,
                               xw_clock_wall(NULL).us);
}

static void newer_done(void *user, int status)
{
    struct newer *n = user;
    int r = status < 0 ? status : n->result;
    if (r < 0)
        xw_log_error("revoked.not_noted", XW_LOG_STR("gateway", n->gateway), XW_LOG_ERR(r));
    free(n);
}

static void note_newer(const struct xw_center *center, const struct xw_identity *identity)
{
    if (identity->generation < 2)
        return;
    struct newer *n = calloc(1, sizeof(*n));
    if (!n)
        return;
    *n = (struct newer){.store_dir = center->config.store_dir, .generation = identity->generation};
    snprintf(n->gateway, sizeof(n->gateway), "%s", identity->id);
    int r = xw_pool_submit(center->pool, newer_work, newer_done, n);
    if (r < 0)
        newer_done(n, r);
}

static void on_enrolled(void *user, int status)
{
    struct xw_enrol_job *g = user;
    struct xw_center *center = g->enrol->center;
    xw_identities_release(center->identities, g->identity.id);
    if (status < 0) {
        xw_enrol_reply(g->post, status == -ENOSPC ? 507 : 503,
                       xw_enrol_error_text(status == -ENOSPC ? "storage" : "busy",
                                           "could not be stored; try again"));
    } else {
        if (xw_enrolments_put(center->identities, &g->code) < 0 ||
            xw_identities_put(center->identities, &g->identity) < 0)
            xw_log_error("identities.full");
        note_newer(center, &g->identity);
        xw_counter_add(&enrolled, 1);
        xw_log_notice("enrol.done", XW_LOG_STR("gateway", g->identity.id),
                      XW_LOG_STR("certificate", g->identity.serial),
                      XW_LOG_STR("peer", g->post->peer));
        xw_gateways_expect(center->gateways, g->identity.id, g->identity.site);
        xw_alarmpath_silence(center->alarmpath, g->identity.id, false);
        if (center->downlink)
            xw_downlink_check(center->downlink); /* one that it replaces ends now */
        answer_grant(g->post, &g->identity);
    }
    xw_enrol_grant_free(g);
}

/* Signs a key for the identity, whose id, site, generation are set; the rest is filled in. */
int xw_enrol_sign(struct xw_enrol *e, EVP_PKEY *key, struct xw_identity *identity)
{
    struct xw_cert_facts facts;
    struct xw_buf chain;
    size_t n;
    xw_buf_init(&chain, XW_PEM_MAX_N_BYTES);
    int r = xw_key_hash(key, identity->key_hash);
    if (r == 0)
        r = xw_authority_gateway(e->authority, key, identity->id, identity->generation,
                                 now_us() / 1000000, e->center->config.enrol_life_us / 1000000,
                                 &chain, &facts);
    if (r == 0)
        r = xw_buf_append(&chain, "", 1);
    if (r == 0) {
        snprintf(identity->serial, sizeof(identity->serial), "%s", facts.serial);
        identity->from_wall_us = facts.from_s * 1000000;
        identity->until_wall_us = facts.until_s * 1000000;
        identity->certificate = (char *)xw_buf_take(&chain, &n);
        identity->revision++;
    }
    xw_buf_done(&chain);
    return r;
}

/* code may be NULL: a rotation. */
int xw_enrol_append(struct xw_enrol_job *g, const struct xw_enrolment *code, const char *action,
                    xw_journal_fn done)
{
    struct xw_store_record records[3];
    char keys[2][XW_IDENTITY_KEY_N];
    struct xw_buf bodies[2];
    struct xw_audit_entry audit;
    size_t n = 0;
    xw_buf_init(&bodies[0], XW_IDENTITY_BODY_MAX);
    xw_buf_init(&bodies[1], XW_ENROLMENT_BODY_MAX);
    int r = xw_identity_pack(&g->identity, keys[0], &bodies[0], &records[n++]);
    if (r == 0 && code)
        r = xw_enrolment_pack(code, keys[1], &bodies[1], &records[n++]);
    if (r == 0) {
        xw_audit_fill(&audit, "gateway", action, g->identity.id, "ok", &records[n++]);
        r = xw_journal_append(g->enrol->center->journal, records, n, NULL, done, g);
    }
    xw_buf_done(&bodies[0]);
    xw_buf_done(&bodies[1]);
    return r;
}

static void enrol(struct xw_enrol_post *post, const struct xw_enrolment *code, EVP_PKEY *key)
{
    struct xw_enrol *e = post->enrol;
    struct xw_identities *table = e->center->identities;
    const struct xw_identity *before = xw_identities_find(table, code->gateway);
    if (!xw_identities_hold(table, code->gateway)) {
        xw_enrol_reply(post, 503, xw_enrol_error_text("busy", "being enrolled; try again"));
        return;
    }
    bool linked_before = xw_gateways_find(e->center->gateways, code->gateway) != NULL;
    struct xw_enrol_job *g = calloc(1, sizeof(*g));
    int r = g ? 0 : -ENOMEM;
    if (g) {
        g->enrol = e;
        g->post = post;
        post->refs++;
        g->code = *code;
        g->identity.generation = before ? before->generation + 1 : linked_before ? 2 : 1;
        g->identity.revision = before ? before->revision : 0;
        snprintf(g->identity.id, sizeof(g->identity.id), "%s", code->gateway);
        snprintf(g->identity.site, sizeof(g->identity.site), "%s", code->site);
        r = xw_enrol_sign(e, key, &g->identity);
        g->identity.revision = xw_identity_overrule(g->identity.revision);
    }
    if (r == 0) {
        g->code.used_wall_us = now_us();
        memcpy(g->code.used_key, g->identity.key_hash, sizeof(g->code.used_key));
        g->code.revision++;
        r = xw_fault_point("center.enrol");
    }
    if (r == 0)
        r = xw_enrol_append(g, &g->code, "gateway_enrol", on_enrolled);
    if (r == 0)
        return;
    xw_identities_release(table, code->gateway);
    xw_log_error("enrol.failed", XW_LOG_ERR(r));
    xw_enrol_reply(post, 503, xw_enrol_error_text("busy", "could not be signed; try again"));
    if (g)
        xw_enrol_grant_free(g);
}

/* The same key with the same code: the answer was lost on its way. */
static bool repeat(struct xw_enrol_post *post, const struct xw_enrolment *code,
                   const uint8_t *key_hash)
{
    const struct xw_identity *identity =
        xw_identities_find(post->enrol->center->identities, code->gateway);
    if (!code->used_wall_us || memcmp(code->used_key, key_hash, XW_CERT_HASH_N) != 0 || !identity ||
        identity->revoked_wall_us || !identity->certificate ||
        memcmp(identity->key_hash, key_hash, XW_CERT_HASH_N) != 0)
        return false;
    xw_counter_add(&repeated, 1);
    answer_grant(post, identity);
    return true;
}

static bool usable(struct xw_enrol_post *post, const struct xw_enrolment *code)
{
    const char *state = xw_enrolment_state(code, now_us());
    const struct xw_center *center = post->enrol->center;
    const struct xw_identity *there = xw_identities_find(center->identities, code->gateway);
    bool taken =
        there ? !there->revoked_wall_us : xw_gateways_find(center->gateways, code->gateway) != NULL;
    bool open = strcmp(state, "open") == 0 && (!taken || code->replace);
    if (open || !counted(post))
        return open;
    if (strcmp(state, "used") == 0) {
        xw_audit(post->enrol->center, "gateway", "gateway_enrol", code->gateway, "used code");
        refuse(post, &refused_used, 409, "used_code",
               "this code was used already; ask for another");
    } else if (strcmp(state, "withdrawn") == 0) {
        refuse(post, &refused_withdrawn, 410, "withdrawn_code", "this code was withdrawn");
    } else if (strcmp(state, "expired") == 0) {
        refuse(post, &refused_expired, 410, "expired_code",
               "this code has expired; ask for another");
    } else {
        refuse(post, &refused_taken, 409, "id_taken", "another gateway has this id meanwhile");
    }
    return false;
}

static void take_request(struct xw_enrol_post *post)
{
    struct xw_enrol_request request;
    uint8_t hash[XW_CODE_KEY_N], key_hash[XW_CERT_HASH_N];
    xw_autokey EVP_PKEY *key = NULL;
    int r = xw_enrol_request_read(post->body.data, post->body.n, &request);
    if (r < 0) {
        refuse_wrong(post, &refused_malformed, 400, "bad_request", "id, key, csr");
        return;
    }
    const struct xw_enrolment *code = known_code(post, request.id);
    if (!code)
        return;
    xw_code_hash(request.key, hash);
    if (!xw_code_equal(hash, code->gateway_hash)) {
        refuse_wrong(post, &refused_unknown, 404, "unknown_code", "the county knows no such code");
        return;
    }
    r = xw_csr_read(request.csr, request.csr_n, &key);
    if (r == 0)
        r = xw_key_hash(key, key_hash);
    if (r < 0)
        refuse_wrong(post, &refused_csr, 400, "bad_request", "csr: a request of an EC P-256 key");
    else if (request.was[0] && strcmp(request.was, code->gateway) != 0)
        refuse_wrong(post, &refused_other, 409, "other_gateway",
                     "this code is for another gateway; ask for one of your own id");
    else if (!repeat(post, code, key_hash) && usable(post, code))
        enrol(post, code, key);
}

void xw_enrol_take(struct xw_enrol_post *post)
{
    if (post->hello)
        take_hello(post);
    else
        take_request(post);
}

/* ---- life ---- */

void xw_enrol_second(struct xw_enrol *enrol)
{
    struct xw_center *center = enrol->center;
    if (++enrol->seconds % FORGET_EACH_S)
        return;
    int64_t now = now_us();
    for (size_t i = xw_enrolments_n(center->identities); i-- > 0;) {
        struct xw_enrolment code = *xw_enrolments_at(center->identities, i);
        char key[XW_IDENTITY_KEY_N];
        struct xw_buf body;
        struct xw_store_record record;
        if (now < code.expires_wall_us + XW_ENROLMENT_KEEP_US)
            continue;
        xw_buf_init(&body, XW_ENROLMENT_BODY_MAX);
        if (xw_enrolment_pack(&code, key, &body, &record) == 0 &&
            xw_store_forget(center->store, record.kind, record.key, record.key_size) == 0)
            xw_enrolments_drop(center->identities, code.id);
        xw_buf_done(&body);
    }
}

/* The name that gateways are to ask for: of the certificate, unless it is configured. */
static int find_host(struct xw_enrol *e)
{
    const struct xw_center_config *c = &e->center->config;
    xw_autofree uint8_t *data = NULL;
    xw_autocert X509 *cert = NULL;
    size_t n;
    if (c->enrol_name[0]) {
        snprintf(e->host, sizeof(e->host), "%s", c->enrol_name);
        return 0;
    }
    int r = xw_file_read(c->gateway_cert, XW_PEM_MAX_N_BYTES, &data, &n);
    if (r == 0)
        r = xw_cert_read(data, n, &cert);
    return r == 0 ? xw_cert_host(cert, e->host, sizeof(e->host)) : r;
}

int xw_enrol_new(struct xw_center *center, struct xw_enrol **ret_enrol, uint16_t *ret_port)
{
    const struct xw_center_config *c = &center->config;
    struct xw_enrol *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->center = center;
    int r = xw_authority_open(c->enrol_authority, XW_AUTHORITY_GATEWAYS, &e->authority);
    if (r == 0)
        r = xw_limiter_new(NULL, (uint32_t)c->enrol_tries, &e->per_address);
    if (r == 0)
        r = xw_limiter_new(NULL, (uint32_t)c->enrol_tries * ALL_FACTOR, &e->in_all);
    if (r == 0)
        r = xw_limiter_new(NULL, RENEWALS_PER_MIN, &e->renewals);
    if (r == 0)
        r = find_host(e);
    if (r == 0)
        r = xw_enrol_listen(center, e, &e->vhost, ret_port);
    if (r < 0) {
        xw_enrol_free(e);
        return r;
    }
    *ret_enrol = e;
    return 0;
}

void xw_enrol_close(struct xw_enrol *enrol)
{
    if (enrol && enrol->vhost)
        xw_enrol_unlisten(XW_STEAL(enrol->vhost));
}

void xw_enrol_free(struct xw_enrol *enrol)
{
    if (!enrol)
        return;
    xw_enrol_close(enrol);
    xw_authority_free(enrol->authority);
    xw_limiter_free(enrol->per_address);
    xw_limiter_free(enrol->in_all);
    xw_limiter_free(enrol->renewals);
    free(enrol);
}
