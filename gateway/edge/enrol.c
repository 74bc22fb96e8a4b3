/* Asking the county for an identity. */
#include "edge/enrol.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/renew.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

XW_COUNTER(asked, "xw_edge_enrolments_asked_total", NULL, "times the county was asked to enrol us");
XW_COUNTER(failed, "xw_edge_enrolments_failed_total", NULL,
           "times that did not lead to a certificate");

enum { ASK_US = 20000000, RETRY_FIRST_MS = 2000, RETRY_MAX_MS = 60000, RETRY_BUSY_MS = 500 };

struct xw_edge_enrol {
    struct xw_edge *edge;
    struct xw_pool *pool;
    struct xw_timer *retry;
    void (*done)(void *user, struct xw_edge_identity *identity);
    void *user;
    const char *state;
    char county[XW_ENROL_HOST_MAX + 8];
    char host[XW_ENROL_HOST_MAX + 1];
    uint16_t port;
    char was[XW_ENROL_ID_MAX + 1];
    struct xw_code code;
    unsigned tries;
    bool working, ending;
    /* The worker's while working. */
    atomic_bool cancel;
    struct xw_edge_identity identity;
    struct xw_enrol_outcome outcome;
    int result;
};

int xw_edge_enrol_split(const char *county, char ret_host[XW_ENROL_HOST_MAX + 1],
                        uint16_t *ret_port)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:";
    const char *begin = county, *end = county + strlen(county), *port = NULL;
    int64_t number = XW_EDGE_ENROL_PORT;
    if (*county == '[') {
        begin++;
        end = strchr(county, ']');
        if (!end || (end[1] && end[1] != ':'))
            return -EINVAL;
        port = end[1] ? end + 2 : NULL;
    } else if (strchr(county, ':')) {
        end = strchr(county, ':');
        port = end + 1;
    }
    size_t n = (size_t)(end - begin);
    if (n < 1 || n > XW_ENROL_HOST_MAX || strspn(begin, allowed) < n ||
        (port && (xw_parse_int(port, &number) < 0 || number < 1 || number > 65535)))
        return -EINVAL;
    memcpy(ret_host, begin, n);
    ret_host[n] = 0;
    *ret_port = (uint16_t)number;
    return 0;
}

static void say(struct xw_edge_enrol *e, const char *state, const char *word, const char *text)
{
    e->state = state;
    if (word != e->outcome.word)
        snprintf(e->outcome.word, sizeof(e->outcome.word), "%s", word);
    if (text != e->outcome.text)
        snprintf(e->outcome.text, sizeof(e->outcome.text), "%s", text);
}

/* On the worker: key, county, file. */
static void work(void *arg)
{
    struct xw_edge_enrol *e = arg;
    struct xw_edge_identity *identity = &e->identity;
    const char *dir = e->edge->config->enrol_dir;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_buf pem;
    int r = xw_edge_pending_key(dir, &key);
    if (r < 0) {
        snprintf(e->outcome.word, sizeof(e->outcome.word), "disk");
        snprintf(e->outcome.text, sizeof(e->outcome.text), "%s: %s", dir, strerror(-r));
        e->result = r;
        return;
    }
    const struct xw_enrol_ask ask = {.host = e->host,
                                     .port = e->port,
                                     .code = &e->code,
                                     .key = key,
                                     .was = e->was[0] ? e->was : NULL,
                                     .now_s = xw_edge_wall_us() / 1000000,
                                     .timeout_us = ASK_US,
                                     .cancel = &e->cancel};
    e->result = xw_enrol_ask(&ask, &identity->grant, &e->outcome);
    if (e->result < 0)
        return;
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    r = xw_key_pem(key, &pem);
    if (r == 0)
        r = xw_buf_append(&pem, "", 1);
    if (r == 0) {
        size_t n;
        identity->key = (char *)xw_buf_take(&pem, &n);
        snprintf(identity->address, sizeof(identity->address), "%s", e->host);
        r = xw_edge_identity_save(dir, identity);
    }
    xw_buf_done(&pem);
    if (r < 0) {
        snprintf(e->outcome.word, sizeof(e->outcome.word), "disk");
        snprintf(e->outcome.text, sizeof(e->outcome.text), "%s: %s", dir, strerror(-r));
        xw_edge_identity_done(identity);
    }
    e->result = r;
}

static bool refused(const struct xw_edge_enrol *e)
{
    const char *word = e->outcome.word;
    return e->result == -EKEYREJECTED ||
           (e->result == -EACCES && strcmp(word, "busy") != 0 && strcmp(word, "storage") != 0 &&
            strcmp(word, "too_many") != 0 && strcmp(word, "answer") != 0);
}

static void on_done(void *arg, int status)
{
    struct xw_edge_enrol *e = arg;
    e->working = false;
    if (e->ending)
        return; /* what was granted is on the disk */
    if (status == 0 && e->result == 0) {
        say(e, "idle", "", "");
        sodium_memzero(&e->code, sizeof(e->code));
        xw_log_notice("enrol.done", XW_LOG_STR("gateway", e->identity.grant.gateway),
                      XW_LOG_STR("county", e->county));
        struct xw_edge_identity identity = e->identity;
        e->identity = (struct xw_edge_identity){.key = NULL};
        e->done(e->user, &identity);
        return;
    }
    xw_counter_add(&failed, 1);
    xw_log_warning("enrol.failed", XW_LOG_STR("county", e->county),
                   XW_LOG_STR("why", e->outcome.word), XW_LOG_STR("text", e->outcome.text));
    if (status == 0 && refused(e)) {
        e->state = "refused";
        return;
    }
    e->state = "waiting";
    unsigned shift = XW_MIN(e->tries, 5U);
    e->tries++;
    xw_timer_start(e->retry, XW_MIN((uint64_t)RETRY_FIRST_MS << shift, (uint64_t)RETRY_MAX_MS), 0);
}

/* An identity that there is already stays as long as no other was granted. */
static void find_was(struct xw_edge_enrol *e)
{
    const struct xw_edge_identity *identity = e->edge->identity;
    if (identity)
        snprintf(e->was, sizeof(e->was), "%s", identity->grant.gateway);
    else
        xw_edge_spool_owner(e->edge->config->spool_dir, e->was);
}

static void begin(struct xw_edge_enrol *e)
{
    if (xw_renew_busy(e->edge->renew)) { /* it writes the same files: a moment */
        e->state = "waiting";
        xw_timer_start(e->retry, RETRY_BUSY_MS, 0);
        return;
    }
    find_was(e);
    e->working = true;
    e->state = "asking";
    xw_counter_add(&asked, 1);
    if (xw_pool_submit(e->pool, work, on_done, e) < 0) {
        e->working = false;
        say(e, "refused", "busy", "no worker is free");
    }
}

static void on_retry(void *arg)
{
    struct xw_edge_enrol *e = arg;
    if (!e->working)
        begin(e);
}

int xw_edge_enrol_ask(struct xw_edge_enrol *e, const char *county, const char *code)
{
    struct xw_code parsed;
    if (e->working)
        return -EBUSY;
    xw_timer_stop(e->retry);
    if (strlen(county) >= sizeof(e->county) || xw_edge_enrol_split(county, e->host, &e->port) < 0) {
        say(e, "refused", "address", "the county's address: HOST or HOST:PORT");
        return -EINVAL;
    }
    snprintf(e->county, sizeof(e->county), "%s", county);
    int r = xw_code_parse(code, &parsed);
    if (r < 0) {
        if (r == -EILSEQ)
            say(e, "refused", "mistyped", "a character of the code is wrong");
        else
            say(e, "refused", "not_a_code", "a code has 17 letters and digits, and no U");
        return r;
    }
    e->code = parsed;
    e->tries = 0;
    say(e, "asking", "", "");
    begin(e);
    return 0;
}

bool xw_edge_enrol_busy(const struct xw_edge_enrol *e)
{
    return e && e->working;
}

void xw_edge_enrol_get(const struct xw_edge_enrol *e, struct xw_edge_enrol_state *ret_state)
{
    const struct xw_edge_identity *identity = e->edge->identity;
    /* While the worker is at it, word and text are its own. */
    *ret_state = (struct xw_edge_enrol_state){.state = e->state,
                                              .county = e->county,
                                              .was = identity ? identity->grant.gateway : e->was,
                                              .word = e->working ? "" : e->outcome.word,
                                              .text = e->working ? "" : e->outcome.text};
}

int xw_edge_enrol_new(struct xw_edge *edge,
                      void (*done)(void *user, struct xw_edge_identity *identity), void *user,
                      struct xw_edge_enrol **ret_enrol)
{
    const struct xw_edge_config *c = edge->config;
    struct xw_edge_enrol *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->edge = edge;
    e->done = done;
    e->user = user;
    e->state = "idle";
    snprintf(e->county, sizeof(e->county), "%s", c->enrol_county);
    int r = xw_pool_new(edge->loop, "enrol", 1, 2, &e->pool);
    if (r == 0)
        r = xw_timer_new(edge->loop, on_retry, e, &e->retry);
    if (r < 0) {
        xw_edge_enrol_free(e);
        return r;
    }
    *ret_enrol = e;
    find_was(e);
    if (!edge->identity && c->enrol_code[0] &&
        xw_edge_enrol_ask(e, c->enrol_county, c->enrol_code) < 0)
        xw_log_error("enrol.code", XW_LOG_STR("text", e->outcome.text));
    return 0;
}

void xw_edge_enrol_free(struct xw_edge_enrol *e)
{
    if (!e)
        return;
    e->ending = true;
    atomic_store(&e->cancel, true);
    if (e->retry)
        xw_timer_free(e->retry);
    xw_pool_free(e->pool); /* waits for the worker, which looks at cancel */
    xw_edge_identity_done(&e->identity);
    sodium_memzero(&e->code, sizeof(e->code));
    free(e);
}
