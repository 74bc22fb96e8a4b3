/* Messages of enrolment; see enrol.h. */
#include "trust/enrol.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

bool xw_enrol_id_ok(const char *id)
{
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");
    return n >= 1 && n <= XW_ENROL_ID_MAX && !id[n];
}

bool xw_enrol_text_ok(const char *text, size_t max_n_bytes)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    json_t *utf8 = n <= max_n_bytes ? json_string(text) : NULL; /* NULL when it is not UTF-8 */
    json_decref(utf8);
    return utf8 != NULL;
}

/* NULL: no such object. */
static json_t *parse(const void *data, size_t n_bytes, size_t max_n_bytes)
{
    if (!n_bytes || n_bytes > max_n_bytes)
        return NULL;
    json_t *o = json_loadb(data, n_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

static bool take_bytes(const json_t *o, const char *key, uint8_t *ret_bytes, size_t n)
{
    const char *text = json_string_value(json_object_get(o, key));
    const char *end;
    size_t got;
    return text && strlen(text) == 2 * n &&
           sodium_hex2bin(ret_bytes, n, text, 2 * n, NULL, &got, &end) == 0 && got == n && !*end;
}

static bool take_text(const json_t *o, const char *key, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(o, key));
    size_t n = text ? strlen(text) : 0;
    if (!text || n >= size)
        return false;
    memcpy(ret_text, text, n + 1);
    return true;
}

static char *take_pem(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text && text[0] && strlen(text) <= XW_PEM_MAX_N_BYTES ? strdup(text) : NULL;
}

int xw_enrol_hello_read(const void *data, size_t n_bytes, struct xw_enrol_hello *ret_hello)
{
    struct xw_enrol_hello hello = {0};
    json_t *o = parse(data, n_bytes, XW_ENROL_BODY_MAX);
    bool good = take_bytes(o, "id", hello.id, sizeof(hello.id)) &&
                take_bytes(o, "nonce", hello.nonce, sizeof(hello.nonce));
    json_decref(o);
    if (good)
        *ret_hello = hello;
    return good ? 0 : -EBADMSG;
}

int xw_enrol_request_read(const void *data, size_t n_bytes, struct xw_enrol_request *ret_request)
{
    struct xw_enrol_request request = {0};
    json_t *o = parse(data, n_bytes, XW_ENROL_BODY_MAX);
    bool good = take_bytes(o, "id", request.id, sizeof(request.id)) &&
                take_bytes(o, "key", request.key, sizeof(request.key)) &&
                take_text(o, "csr", request.csr, sizeof(request.csr));
    if (good && json_object_get(o, "was"))
        good = take_text(o, "was", request.was, sizeof(request.was)) && xw_enrol_id_ok(request.was);
    json_decref(o);
    if (good) {
        request.csr_n = strlen(request.csr);
        *ret_request = request;
    }
    return good ? 0 : -EBADMSG;
}

int xw_enrol_proof_read(const void *data, size_t n_bytes, struct xw_enrol_proof *ret_proof)
{
    struct xw_enrol_proof proof = {0};
    json_t *o = parse(data, n_bytes, XW_ENROL_ANSWER_MAX);
    bool good = take_bytes(o, "nonce", proof.nonce, sizeof(proof.nonce)) &&
                take_bytes(o, "proof", proof.proof, sizeof(proof.proof));
    json_decref(o);
    if (good)
        *ret_proof = proof;
    return good ? 0 : -EBADMSG;
}

int xw_enrol_grant_read(const void *data, size_t n_bytes, struct xw_enrol_grant *ret_grant)
{
    struct xw_enrol_grant grant = {.port = 0};
    json_t *o = parse(data, n_bytes, XW_ENROL_ANSWER_MAX);
    json_int_t port = json_integer_value(json_object_get(o, "port"));
    bool good = take_text(o, "gateway", grant.gateway, sizeof(grant.gateway)) &&
                take_text(o, "site", grant.site, sizeof(grant.site)) &&
                take_text(o, "host", grant.host, sizeof(grant.host)) && port > 0 && port < 65536 &&
                grant.host[0] && xw_enrol_id_ok(grant.gateway) &&
                xw_enrol_text_ok(grant.site, XW_ENROL_SITE_MAX) &&
                xw_enrol_text_ok(grant.host, XW_ENROL_HOST_MAX);
    grant.port = (uint16_t)port;
    if (good) {
        grant.certificate = take_pem(o, "certificate");
        grant.ca = take_pem(o, "ca");
    }
    json_decref(o);
    if (!grant.certificate || !grant.ca) {
        xw_enrol_grant_done(&grant);
        return -EBADMSG;
    }
    *ret_grant = grant;
    return 0;
}

void xw_enrol_grant_done(struct xw_enrol_grant *grant)
{
    free(XW_STEAL(grant->certificate));
    free(XW_STEAL(grant->ca));
}

static void printable(const json_t *o, const char *key, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(o, key));
    size_t n = 0;
    for (; text && *text && n + 1 < size; text++)
        ret_text[n++] = (unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f ? *text : '?';
    ret_text[n] = 0;
}

void xw_enrol_error_read(const void *data, size_t n_bytes, char ret_word[32], char ret_text[160])
{
    json_t *o = parse(data, n_bytes, XW_ENROL_ANSWER_MAX);
    printable(o, "error", ret_word, 32);
    printable(o, "text", ret_text, 160);
    json_decref(o);
}

static void put_bytes(json_t *o, const char *key, const uint8_t *bytes, size_t n)
{
    char text[2 * XW_CODE_KEY_N + 1];
    sodium_bin2hex(text, sizeof(text), bytes, n);
    json_object_set_new(o, key, json_string(text));
}

static char *text_of(json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

char *xw_enrol_hello_text(const struct xw_enrol_hello *hello)
{
    json_t *o = json_object();
    put_bytes(o, "id", hello->id, sizeof(hello->id));
    put_bytes(o, "nonce", hello->nonce, sizeof(hello->nonce));
    return text_of(o);
}

char *xw_enrol_request_text(const struct xw_enrol_request *request)
{
    json_t *o = json_object();
    put_bytes(o, "id", request->id, sizeof(request->id));
    put_bytes(o, "key", request->key, sizeof(request->key));
    json_object_set_new(o, "csr", json_stringn(request->csr, request->csr_n));
    if (request->was[0])
        json_object_set_new(o, "was", json_string(request->was));
    return text_of(o);
}

char *xw_enrol_proof_text(const struct xw_enrol_proof *proof)
{
    json_t *o = json_object();
    put_bytes(o, "nonce", proof->nonce, sizeof(proof->nonce));
    put_bytes(o, "proof", proof->proof, sizeof(proof->proof));
    return text_of(o);
}

char *xw_enrol_grant_text(const struct xw_enrol_grant *grant)
{
    json_t *o = json_object();
    json_object_set_new(o, "gateway", json_string(grant->gateway));
    json_object_set_new(o, "site", json_string(grant->site));
    json_object_set_new(o, "host", json_string(grant->host));
    json_object_set_new(o, "port", json_integer(grant->port));
    json_object_set_new(o, "certificate", json_string(grant->certificate));
    json_object_set_new(o, "ca", json_string(grant->ca));
    return text_of(o);
}

char *xw_enrol_error_text(const char *word, const char *text)
{
    return text_of(json_pack("{s:s, s:s}", "error", word, "text", text));
}

int xw_enrol_check(const char *certificate, const char *ca, const char *gateway,
                   const EVP_PKEY *key, int64_t now_s, const char **ret_why)
{
    xw_autocert X509 *cert = NULL;
    struct xw_cert_facts facts;
    *ret_why = "it is no certificate";
    if (xw_cert_read(certificate, strlen(certificate), &cert) < 0 ||
        xw_cert_facts(cert, &facts) < 0)
        return -EKEYREJECTED;
    *ret_why = "it is for another gateway";
    if (strcmp(facts.name, gateway) != 0)
        return -EKEYREJECTED;
    *ret_why = "it is for another key";
    EVP_PKEY *certified = X509_get0_pubkey(cert);
    if (!certified || EVP_PKEY_eq(certified, key) != 1)
        return -EKEYREJECTED;
    /* A gateway without a battery clock may be years behind: what the county signed just now is not
     * refused for that. It is the county that checks the times, by its own clock. */
    now_s = XW_MIN(XW_MAX(now_s, facts.from_s), facts.until_s - 1);
    return xw_cert_verify(certificate, strlen(certificate), ca, strlen(ca), false, now_s, ret_why);
}
