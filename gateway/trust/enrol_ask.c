/* A gateway asks to be enrolled: one TLS connection, two requests; see enrol.h.
 *
 * The connection is made to whoever answers. The first request shows only the name of the code. The
 * answer proves that the other end knows the code, bound to the certificate of this very
 * connection: somebody in between cannot pass it on. Only then the gateway's own key is shown. */
#include "trust/enrol.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SLICE_MS = 200, CONNECT_MIN_US = 3000000 };

struct talk {
    const struct xw_enrol_ask *ask;
    struct xw_enrol_outcome *outcome;
    int64_t deadline_us;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    struct xw_buf in;
    size_t body_at;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int give_up(struct talk *t, int error, const char *word, const char *text)
{
    snprintf(t->outcome->word, sizeof(t->outcome->word), "%s", word);
    snprintf(t->outcome->text, sizeof(t->outcome->text), "%s", text);
    return error;
}

static int wait_for(struct talk *t, short events)
{
    struct pollfd p = {.fd = t->fd, .events = events};
    while (now_us() < t->deadline_us) {
        if (t->ask->cancel && atomic_load(t->ask->cancel))
            return give_up(t, -ECANCELED, "network", "stopped");
        if (poll(&p, 1, SLICE_MS) > 0)
            return 0;
    }
    return give_up(t, -ETIMEDOUT, "network", "the county does not answer");
}

static int connect_one(struct talk *t, const struct addrinfo *a)
{
    t->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0)
        return give_up(t, -errno, "network", strerror(errno));
    int r = connect(t->fd, a->ai_addr, a->ai_addrlen) < 0 ? -errno : 0;
    if (r == -EINPROGRESS) {
        int error = 0;
        socklen_t size = sizeof(error);
        r = wait_for(t, POLLOUT);
        if (r == 0 && getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
            r = -error;
    }
    if (r == 0)
        return 0;
    close(t->fd);
    t->fd = -1;
    return r == -ETIMEDOUT ? give_up(t, r, "network", "the county does not answer")
                           : give_up(t, r, "network", strerror(-r));
}

static int connect_to(struct talk *t)
{
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *all = NULL;
    snprintf(port, sizeof(port), "%u", t->ask->port);
    int e = getaddrinfo(t->ask->host, port, &hints, &all);
    if (e)
        return give_up(t, -EHOSTUNREACH, "network", gai_strerror(e));
    int r = -EHOSTUNREACH;
    int64_t deadline_us = t->deadline_us, left_n = 0;
    for (const struct addrinfo *a = all; a; a = a->ai_next)
        left_n++;
    /* An address that swallows everything (IPv6 without a way) leaves time for the others. */
    for (const struct addrinfo *a = all; a && r < 0 && r != -ECANCELED && now_us() < deadline_us;
         a = a->ai_next) {
        int64_t share_us = XW_MAX((deadline_us - now_us()) / (left_n-- + 1), CONNECT_MIN_US);
        t->deadline_us = XW_MIN(now_us() + share_us, deadline_us);
        r = connect_one(t, a);
    }
    t->deadline_us = deadline_us;
    freeaddrinfo(all);
    return r;
}

/* 0: try again; otherwise the end. */
static int after(struct talk *t, int result, const char *what)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(t, POLLIN);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(t, POLLOUT);
    default: {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
        return give_up(t, -EIO, "tls", why ? why : what);
    }
    }
}

static int shake(struct talk *t)
{
    t->ctx = SSL_CTX_new(TLS_client_method());
    t->ssl = t->ctx && SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION) == 1 ? SSL_new(t->ctx)
                                                                                  : NULL;
    if (!t->ssl || SSL_set_fd(t->ssl, t->fd) != 1)
        return give_up(t, -ENOMEM, "tls", "no memory");
    (void)SSL_set_tlsext_host_name(t->ssl, t->ask->host);
    /* Who it is, the proof will say. */
    SSL_set_verify(t->ssl, SSL_VERIFY_NONE, NULL);
    for (;;) {
        ERR_clear_error();
        int n = SSL_connect(t->ssl);
        int r = n == 1 ? 1 : after(t, n, "the handshake failed");
        if (r)
            return r < 0 ? r : 0;
    }
}

static int send_all(struct talk *t, const char *data, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes;) {
        size_t n = 0;
        ERR_clear_error();
        int good = SSL_write_ex(t->ssl, data + at, n_bytes - at, &n);
        int r = good ? 0 : after(t, good, "the connection was closed");
        if (r < 0)
            return r;
        at += n;
    }
    return 0;
}

static int receive_more(struct talk *t)
{
    uint8_t *room;
    size_t n = 0;
    int r = xw_buf_reserve(&t->in, 4096, &room);
    if (r < 0)
        return give_up(t, r, "answer", "the answer is too long");
    ERR_clear_error();
    int good = SSL_read_ex(t->ssl, room, 4096, &n);
    if (!good)
        return after(t, good, "the connection was closed");
    xw_buf_added(&t->in, n);
    return 0;
}

/* The whole answer into t->in, its body from t->body_at on. */
static int receive(struct talk *t, unsigned *ret_status)
{
    size_t head_n = 0, body_n = 0;
    xw_buf_clear(&t->in);
    for (;;) {
        int r = t->in.n ? xw_enrol_head_read(t->in.data, t->in.n, ret_status, &head_n, &body_n) : 0;
        if (r < 0)
            return give_up(t, r, "answer", "this is no answer of a county");
        if (r == 1 && t->in.n > head_n + body_n)
            return give_up(t, -EBADMSG, "answer", "this is no answer of a county");
        if (r == 1 && t->in.n == head_n + body_n) {
            t->body_at = head_n;
            return 0;
        }
        r = receive_more(t);
        if (r < 0)
            return r;
    }
}

/* Takes body. 0: answered with 200. */
static int post(struct talk *t, const char *path, char *body)
{
    struct xw_buf out;
    unsigned status = 0;
    if (!body)
        return give_up(t, -ENOMEM, "network", "no memory");
    xw_buf_init(&out, XW_ENROL_BODY_MAX + XW_ENROL_HEAD_MAX);
    int r = xw_buf_printf(&out,
                          "POST %s HTTP/1.1\r\nHost: %.253s\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          path, t->ask->host, strlen(body), body);
    sodium_memzero(body, strlen(body));
    free(body);
    if (r == 0)
        r = send_all(t, (const char *)out.data, out.n);
    if (out.n)
        sodium_memzero(out.data, out.n);
    xw_buf_done(&out);
    if (r == 0)
        r = receive(t, &status);
    if (r < 0 || status == 200)
        return r;
    struct xw_enrol_outcome *o = t->outcome;
    char text[160];
    xw_enrol_error_read(t->in.data + t->body_at, t->in.n - t->body_at, o->word, text);
    snprintf(o->text, sizeof(o->text), "%s", text);
    if (!o->word[0])
        snprintf(o->word, sizeof(o->word), "answer");
    if (!o->text[0])
        snprintf(o->text, sizeof(o->text), "the county answered with status %u", status);
    return -EACCES;
}

static int prove(struct talk *t, const struct xw_code_keys *keys)
{
    struct xw_enrol_hello hello;
    struct xw_enrol_proof answer;
    uint8_t hash[XW_CERT_HASH_N], expected[XW_CODE_KEY_N];
    memcpy(hello.id, keys->id, sizeof(hello.id));
    randombytes_buf(hello.nonce, sizeof(hello.nonce));
    int r = post(t, XW_ENROL_HELLO_PATH, xw_enrol_hello_text(&hello));
    if (r < 0)
        return r;
    xw_autocert X509 *peer = SSL_get1_peer_certificate(t->ssl);
    if (xw_enrol_proof_read(t->in.data + t->body_at, t->in.n - t->body_at, &answer) < 0 || !peer ||
        xw_cert_hash(peer, hash) < 0)
        return give_up(t, -EBADMSG, "answer", "this is no answer of a county");
    xw_code_prove(keys->county, hello.nonce, answer.nonce, hash, expected);
    if (!xw_code_equal(expected, answer.proof))
        return give_up(t, -EKEYREJECTED, "county",
                       "whoever answers there does not know the code: not the county, or somebody "
                       "in between");
    return 0;
}

/* The county that proved itself must also be the one whose authority it names. */
static int check_server(struct talk *t, const struct xw_enrol_grant *grant, const char **ret_why)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);
    struct xw_buf pem;
    int r = 0;
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    for (int i = 0; r == 0 && i < sk_X509_num(chain); i++)
        r = xw_cert_pem(sk_X509_value(chain, i), &pem);
    int64_t now_s = t->ask->now_s;
    struct xw_cert_facts facts;
    if (r == 0 && sk_X509_num(chain) > 0 && xw_cert_facts(sk_X509_value(chain, 0), &facts) == 0)
        now_s = XW_MIN(XW_MAX(now_s, facts.from_s), facts.until_s - 1);
    *ret_why = "no certificate";
    if (r == 0)
        r = xw_cert_verify(pem.data, pem.n, grant->ca, strlen(grant->ca), true, now_s, ret_why);
    xw_buf_done(&pem);
    return r;
}

static int request(struct talk *t, const struct xw_code_keys *keys,
                   struct xw_enrol_grant *ret_grant)
{
    struct xw_enrol_request body = {.csr_n = 0};
    struct xw_buf csr;
    xw_buf_init(&csr, sizeof(body.csr) - 1);
    int r = xw_csr_new(t->ask->key, "xinwang gateway", &csr);
    if (r < 0) {
        xw_buf_done(&csr);
        return give_up(t, r, "network", "no memory");
    }
    memcpy(body.id, keys->id, sizeof(body.id));
    memcpy(body.key, keys->gateway, sizeof(body.key));
    memcpy(body.csr, csr.data, csr.n);
    body.csr_n = csr.n;
    xw_buf_done(&csr);
    if (t->ask->was)
        snprintf(body.was, sizeof(body.was), "%s", t->ask->was);
    r = post(t, XW_ENROL_REQUEST_PATH, xw_enrol_request_text(&body));
    sodium_memzero(&body, sizeof(body));
    if (r < 0)
        return r;
    struct xw_enrol_grant grant;
    if (xw_enrol_grant_read(t->in.data + t->body_at, t->in.n - t->body_at, &grant) < 0)
        return give_up(t, -EBADMSG, "answer", "this is no answer of a county");
    const char *why;
    r = xw_enrol_check(grant.certificate, grant.ca, grant.gateway, t->ask->key, t->ask->now_s,
                       &why);
    if (r == 0 && t->ask->was && strcmp(t->ask->was, grant.gateway) != 0) {
        xw_enrol_grant_done(&grant);
        return give_up(t, -EACCES, "other_gateway", "this code is for another gateway");
    }
    if (r == 0)
        r = check_server(t, &grant, &why);
    if (r < 0) {
        xw_enrol_grant_done(&grant);
        give_up(t, r, "answer", "the county's certificate is of no use: ");
        size_t n = strlen(t->outcome->text);
        snprintf(t->outcome->text + n, sizeof(t->outcome->text) - n, "%s", why);
        return r;
    }
    *ret_grant = grant;
    return 0;
}

int xw_enrol_ask(const struct xw_enrol_ask *ask, struct xw_enrol_grant *ret_grant,
                 struct xw_enrol_outcome *ret_outcome)
{
    struct talk t = {
        .ask = ask, .outcome = ret_outcome, .deadline_us = now_us() + ask->timeout_us, .fd = -1};
    struct xw_code_keys keys;
    *ret_outcome = (struct xw_enrol_outcome){{0}, {0}};
    xw_buf_init(&t.in, XW_ENROL_HEAD_MAX + XW_ENROL_ANSWER_MAX);
    xw_code_derive(ask->code, &keys);
    int r = connect_to(&t);
    if (r == 0)
        r = shake(&t);
    if (r == 0)
        r = prove(&t, &keys);
    if (r == 0)
        r = request(&t, &keys, ret_grant);
    sodium_memzero(&keys, sizeof(keys));
    SSL_free(t.ssl);
    SSL_CTX_free(t.ctx);
    if (t.fd >= 0)
        close(t.fd);
    xw_buf_done(&t.in);
    return r;
}
