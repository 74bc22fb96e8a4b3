/* TLS and WebSocket of a made-up gateway; see crowd_wire.h. */
#include "crowd_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_BINARY = 2, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10, FIN = 0x80 };
enum { MASKED = 0x80, DAY_S = 86400, WAIT_MS = 5000, PATH_MAX_N = 512 };

struct crowd_ca {
    SSL_CTX *context;
    X509 *root, *cert;   /* cert: that of gateways, which signs theirs */
    EVP_PKEY *key, *own; /* own: the key of every gateway */
    long serial;
};

static FILE *open_in(const char *dir, const char *name)
{
    char path[PATH_MAX_N];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return fopen(path, "re");
}

int crowd_ca_open(const char *dir, struct crowd_ca **ret_ca)
{
    struct crowd_ca *ca = calloc(1, sizeof(*ca));
    FILE *root = open_in(dir, "ca.pem"), *cert = open_in(dir, "authority/gateways.pem");
    FILE *key = open_in(dir, "authority/gateways.key");
    if (ca && root && cert && key) {
        ca->root = PEM_read_X509(root, NULL, NULL, NULL);
        ca->cert = PEM_read_X509(cert, NULL, NULL, NULL);
        ca->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
        ca->own = EVP_EC_gen("P-256");
        ca->context = SSL_CTX_new(TLS_client_method());
    }
    if (root)
        fclose(root);
    if (cert)
        fclose(cert);
    if (key)
        fclose(key);
    if (!ca || !ca->root || !ca->cert || !ca->key || !ca->own || !ca->context) {
        crowd_ca_close(ca);
        return -ENOENT;
    }
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ca->context), ca->root);
    SSL_CTX_set_verify(ca->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ca->context, SSL_MODE_RELEASE_BUFFERS);
    *ret_ca = ca;
    return 0;
}

void crowd_ca_close(struct crowd_ca *ca)
{
    if (!ca)
        return;
    SSL_CTX_free(ca->context);
    X509_free(ca->root);
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    EVP_PKEY_free(ca->own);
    free(ca);
}

static X509 *certificate(struct crowd_ca *ca, const char *id)
{
    X509 *cert = X509_new();
    if (!cert)
        return NULL;
    X509_NAME *name = X509_get_subject_name(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++ca->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), DAY_S);
    X509_set_pubkey(cert, ca->own);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)id, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    X509_EXTENSION *use = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "clientAuth");
    X509_add_ext(cert, use, -1);
    X509_EXTENSION_free(use);
    if (!X509_sign(cert, ca->key, EVP_sha256())) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static int dial(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/* Everything up to the empty line; frames may follow it at once and are kept. */
static int upgrade(struct crowd_wire *wire)
{
    static const char request[] = "GET /link HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Protocol: xw-link-1\r\n\r\n";
    if (SSL_write(wire->ssl, request, sizeof(request) - 1) <= 0)
        return -EPROTO;
    for (;;) {
        int n =
            SSL_read(wire->ssl, wire->rx + wire->rx_n, (int)(CROWD_WIRE_MAX_N_BYTES - wire->rx_n));
        if (n <= 0)
            return -EPROTO;
        wire->rx_n += (size_t)n;
        uint8_t *end = memmem(wire->rx, wire->rx_n, "\r\n\r\n", 4);
        if (!end)
            continue;
        if (!memmem(wire->rx, wire->rx_n, "HTTP/1.1 101", 12))
            return -EACCES;
        wire->rx_n -= (size_t)(end + 4 - wire->rx);
        memmove(wire->rx, end + 4, wire->rx_n);
        return 0;
    }
}

static int secure(struct crowd_ca *ca, const char *id, struct crowd_wire *wire)
{
    X509 *cert = certificate(ca, id);
    wire->ssl = SSL_new(ca->context);
    wire->rx = malloc(CROWD_WIRE_MAX_N_BYTES);
    if (!cert || !wire->ssl || !wire->rx) {
        X509_free(cert);
        return -ENOMEM;
    }
    bool good =
        SSL_use_certificate(wire->ssl, cert) == 1 && SSL_use_PrivateKey(wire->ssl, ca->own) == 1 &&
        SSL_add1_chain_cert(wire->ssl, ca->cert) == 1 && SSL_set1_host(wire->ssl, "localhost") &&
        SSL_set_tlsext_host_name(wire->ssl, "localhost") && SSL_set_fd(wire->ssl, wire->fd);
    X509_free(cert);
    return good && SSL_connect(wire->ssl) == 1 ? upgrade(wire) : -EACCES;
}

int crowd_wire_open(struct crowd_ca *ca, uint16_t port, const char *id, struct crowd_wire *ret_wire)
{
    *ret_wire = (struct crowd_wire){.fd = dial(port)};
    int r = ret_wire->fd < 0 ? ret_wire->fd : secure(ca, id, ret_wire);
    if (r < 0)
        crowd_wire_close(ret_wire);
    else
        fcntl(ret_wire->fd, F_SETFL, fcntl(ret_wire->fd, F_GETFL) | O_NONBLOCK);
    return r;
}

void crowd_wire_close(struct crowd_wire *wire)
{
    SSL_free(wire->ssl);
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->rx);
    *wire = (struct crowd_wire){.fd = -1};
}

static int send_frame(struct crowd_wire *wire, unsigned kind, const void *data, size_t n_bytes)
{
    static uint8_t frame[CROWD_WIRE_MAX_N_BYTES + 16];
    size_t n = 0;
    if (n_bytes > CROWD_WIRE_MAX_N_BYTES)
        return -EMSGSIZE;
    frame[n++] = (uint8_t)(FIN | kind);
    if (n_bytes < 126) {
        frame[n++] = (uint8_t)(MASKED | n_bytes);
    } else {
        frame[n++] = MASKED | 126;
        frame[n++] = (uint8_t)(n_bytes >> 8);
        frame[n++] = (uint8_t)n_bytes;
    }
    memset(frame + n, 0, 4); /* the mask: of zeros */
    memcpy(frame + n + 4, data, n_bytes);
    n += 4 + n_bytes;
    for (;;) {
        int r = SSL_write(wire->ssl, frame, (int)n);
        if (r > 0)
            return 0;
        struct pollfd fd = {wire->fd, POLLOUT, 0};
        if (SSL_get_error(wire->ssl, r) != SSL_ERROR_WANT_WRITE || poll(&fd, 1, WAIT_MS) <= 0)
            return -EPIPE;
    }
}

int crowd_wire_send(struct crowd_wire *wire, const void *data, size_t n_bytes)
{
    return send_frame(wire, FRAME_BINARY, data, n_bytes);
}

/* Length of the whole frame at the head; 0: not all of it is there. Frames of a server are not
 * masked, and this county does not split messages as short as these. */
static size_t frame_n(const struct crowd_wire *wire, size_t *ret_head)
{
    if (wire->rx_n < 2)
        return 0;
    size_t n = wire->rx[1] & 127, head = n == 126 ? 4 : 2;
    if (wire->rx_n < head)
        return 0;
    if (n == 126)
        n = (size_t)wire->rx[2] << 8 | wire->rx[3];
    *ret_head = head;
    return n == 127 ? SIZE_MAX : wire->rx_n >= head + n ? head + n : 0;
}

int crowd_wire_receive(struct crowd_wire *wire,
                       void (*take)(void *user, const uint8_t *data, size_t n_bytes), void *user)
{
    for (;;) {
        for (size_t n, head = 0; (n = frame_n(wire, &head)) != 0;) {
            if (n == SIZE_MAX)
                return -EMSGSIZE;
            unsigned kind = wire->rx[0] & 15;
            if (kind == FRAME_CLOSE)
                return -ECONNRESET;
            if (kind == FRAME_PING && send_frame(wire, FRAME_PONG, wire->rx + head, n - head) < 0)
                return -EPIPE;
            if (kind == FRAME_BINARY)
                take(user, wire->rx + head, n - head);
            wire->rx_n -= n;
            memmove(wire->rx, wire->rx + n, wire->rx_n);
        }
        if (wire->rx_n == CROWD_WIRE_MAX_N_BYTES)
            return -EMSGSIZE;
        int r =
            SSL_read(wire->ssl, wire->rx + wire->rx_n, (int)(CROWD_WIRE_MAX_N_BYTES - wire->rx_n));
        if (r <= 0)
            return SSL_get_error(wire->ssl, r) == SSL_ERROR_WANT_READ ? 0 : -ECONNRESET;
        wire->rx_n += (size_t)r;
    }
}
