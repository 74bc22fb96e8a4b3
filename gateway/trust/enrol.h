/* The messages of enrolment and rotation (PROTOCOL.md, section 3.13): JSON objects, both ends.
 *
 *   POST /enrol/hello    {"id","nonce"}               {"nonce","proof"}
 *   POST /enrol/request  {"id","key","csr","was"?}
 * {"gateway","site","host","port","certificate","ca"} anything wrong {"error","text"} over the
 * link, ephemeral: "renew" = the CSR; "certificate" = the chain; "renew-refused" = a text
 *
 * Bytes are lower-case hex, certificates and requests PEM. Unknown members are passed over, one
 * that comes twice is malformed. Threads: pure functions. Ownership: readers fill the struct given;
 * a grant's texts are freed with xw_enrol_grant_done. Errors: -EBADMSG, -ENOMEM; limits below. */
#ifndef XW_TRUST_ENROL_H
#define XW_TRUST_ENROL_H

#include "trust/cert.h"
#include "trust/code.h"

#include <stdatomic.h>

enum {
    XW_ENROL_BODY_MAX = 8192,    /* of a request */
    XW_ENROL_ANSWER_MAX = 65536, /* of an answer */
    XW_ENROL_ID_MAX = 64,        /* a gateway's id */
    XW_ENROL_SITE_MAX = 127,
    XW_ENROL_HOST_MAX = 253,
};
#define XW_ENROL_HELLO_PATH "/enrol/hello"
#define XW_ENROL_REQUEST_PATH "/enrol/request"
#define XW_ENROL_RENEW "renew"
#define XW_ENROL_CERTIFICATE "certificate"
#define XW_ENROL_REFUSED "renew-refused"

struct xw_enrol_hello {
    uint8_t id[XW_CODE_ID_N], nonce[XW_CODE_KEY_N];
};
struct xw_enrol_proof {
    uint8_t nonce[XW_CODE_KEY_N], proof[XW_CODE_KEY_N];
};
struct xw_enrol_request {
    uint8_t id[XW_CODE_ID_N], key[XW_CODE_KEY_N];
    char csr[XW_CSR_MAX_N_BYTES];
    size_t csr_n;
    char was[XW_ENROL_ID_MAX + 1]; /* who the gateway is already; "" = nobody yet */
};
struct xw_enrol_grant {
    char gateway[XW_ENROL_ID_MAX + 1], site[XW_ENROL_SITE_MAX + 1];
    char host[XW_ENROL_HOST_MAX + 1]; /* name in the county's certificate */
    uint16_t port;                    /* of the link */
    char *certificate, *ca;           /* PEM: our chain, leaf first; the county's root */
};

/* 1 to 64 of A-Z a-z 0-9 . _ : - */
bool xw_enrol_id_ok(const char *id);
/* UTF-8 without control characters, up to max bytes. */
bool xw_enrol_text_ok(const char *text, size_t max_n_bytes);

XW_MUST_CHECK int xw_enrol_hello_read(const void *data, size_t n_bytes,
                                      struct xw_enrol_hello *ret_hello);
XW_MUST_CHECK int xw_enrol_request_read(const void *data, size_t n_bytes,
                                        struct xw_enrol_request *ret_request);
XW_MUST_CHECK int xw_enrol_proof_read(const void *data, size_t n_bytes,
                                      struct xw_enrol_proof *ret_proof);
XW_MUST_CHECK int xw_enrol_grant_read(const void *data, size_t n_bytes,
                                      struct xw_enrol_grant *ret_grant);
void xw_enrol_grant_done(struct xw_enrol_grant *grant);
/* The word and text of a refusal; "" where there is none. Never fails: the text is printable. */
void xw_enrol_error_read(const void *data, size_t n_bytes, char ret_word[32], char ret_text[160]);

/* Texts to be freed; NULL: no memory. */
char *xw_enrol_hello_text(const struct xw_enrol_hello *hello);
char *xw_enrol_request_text(const struct xw_enrol_request *request);
char *xw_enrol_proof_text(const struct xw_enrol_proof *proof);
char *xw_enrol_grant_text(const struct xw_enrol_grant *grant);
char *xw_enrol_error_text(const char *word, const char *text);

/* Is this what a gateway may take as its own: a certificate for this key, with this id, that leads
 * to ca? 0; -EKEYREJECTED with the reason (static text). */
XW_MUST_CHECK int xw_enrol_check(const char *certificate, const char *ca, const char *gateway,
                                 const EVP_PKEY *key, int64_t now_s, const char **ret_why);

/* ---- the answer of an HTTP/1.1 server, as far as it is needed (enrol_http.c) ---- */

enum { XW_ENROL_HEAD_MAX = 4096 };
/* 0: more is needed; 1: the head is whole, ret_head_n bytes long, with a body of ret_body_n.
 * -EBADMSG, -EOVERFLOW. */
XW_MUST_CHECK int xw_enrol_head_read(const void *data, size_t n_bytes, unsigned *ret_status,
                                     size_t *ret_head_n, size_t *ret_body_n);

/* ---- a gateway asks (enrol_ask.c) ---- */

struct xw_enrol_ask {
    const char *host; /* name or address, as the person typed it */
    uint16_t port;
    const struct xw_code *code;
    EVP_PKEY *key;
    const char *was; /* our id, when we have one: a code for another is not used up; NULL = none */
    int64_t now_s;
    int64_t timeout_us;        /* for everything together */
    const atomic_bool *cancel; /* looked at five times a second; NULL: never */
};
struct xw_enrol_outcome {
    char word[32], text[200]; /* why not; words of PROTOCOL.md, or: network, tls, county, answer */
};
/* Blocks: for a worker. 0 with a grant that was checked; -EACCES the county refused, -ETIMEDOUT,
 * -EKEYREJECTED it could not prove that it knows the code, -EIO and others: no way there. */
XW_MUST_CHECK int xw_enrol_ask(const struct xw_enrol_ask *ask, struct xw_enrol_grant *ret_grant,
                               struct xw_enrol_outcome *ret_outcome);

#endif
