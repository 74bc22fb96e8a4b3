/* The process's libwebsockets context on its libuv loop, and its vhosts. */
#include "link/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/log.h"
#include "link/linger.h"
#include "link/tls.h"

enum {
    SERVICE_BUFFER_N_BYTES = 65536, /* measured: 2.5 times the rate of the default at 2 kB */
    CLOSE_ROUNDS = 64,
    HANDSHAKE_S = 5,
};

struct kept {
    struct kept *next;
    void *memory;
};

struct xw_net {
    struct xw_loop *loop;
    struct lws_context *context;
    struct kept *kept;
    struct xw_linger *linger;
};

static void emit(int level, const char *line)
{
    /* What libwebsockets says of a peer is no event of ours; the text may hold the peer's bytes. */
    if (level & (LLL_ERR | LLL_WARN))
        xw_log_debug("net.library", XW_LOG_STR("text", line));
}

int xw_net_new(struct xw_loop *loop, struct xw_net **ret_net)
{
    struct xw_net *net = calloc(1, sizeof(*net));
    void *loops[1] = {xw_loop_uv(loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pt_serv_buf_size = SERVICE_BUFFER_N_BYTES,
        .timeout_secs = HANDSHAKE_S, /* of a TLS handshake: who is slow on purpose does not stay */
        .user = net,
    };
    if (!net)
        return -ENOMEM;
    int r = xw_linger_new(loop, &net->linger);
    if (r < 0) {
        free(net);
        return r;
    }
    info.gid = -1; /* keep the process's own */
    info.uid = -1;
    lws_set_log_level(LLL_ERR | LLL_WARN, emit);
    net->loop = loop;
    net->context = lws_create_context(&info);
    if (!net->context) {
        xw_linger_free(net->linger);
        free(net);
        return -ENOMEM;
    }
    *ret_net = net;
    return 0;
}

void xw_net_free(struct xw_net *net)
{
    if (!net)
        return;
    uv_loop_t *uv = xw_loop_uv(net->loop);
    lws_context_destroy(net->context);
    /* Its handles close over some rounds of the loop; only then may the rest go. */
    for (unsigned i = 0; i < CLOSE_ROUNDS; i++)
        uv_run(uv, UV_RUN_NOWAIT);
    lws_context_destroy(net->context);
    for (unsigned i = 0; i < CLOSE_ROUNDS; i++)
        uv_run(uv, UV_RUN_NOWAIT);
    xw_linger_free(net->linger);
    while (net->kept) {
        struct kept *kept = net->kept;
        net->kept = kept->next;
        free(kept->memory);
        free(kept);
    }
    free(net);
}

struct lws_context *xw_net_context(struct xw_net *net)
{
    return net->context;
}

void xw_net_keep(struct xw_net *net, void *memory)
{
    struct kept *kept = malloc(sizeof(*kept));
    if (!kept)
        abort(); /* 16 bytes, at start */
    *kept = (struct kept){net->kept, memory};
    net->kept = kept;
}

static bool loopback(const char *address)
{
    struct in6_addr a6;
    struct in_addr a4;
    if (inet_pton(AF_INET, address, &a4) == 1)
        return ntohl(a4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &a6) == 1 && IN6_IS_ADDR_LOOPBACK(&a6);
}

/* libwebsockets does not say why it could not listen. */
static int try_bind(const char *address, uint16_t port)
{
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct sockaddr *a = (const struct sockaddr *)&a4;
    socklen_t size = sizeof(a4);
    int one = 1;
    if (inet_pton(AF_INET6, address, &a6.sin6_addr) == 1) {
        a = (const struct sockaddr *)&a6;
        size = sizeof(a6);
    } else if (inet_pton(AF_INET, address, &a4.sin_addr) != 1) {
        return -EINVAL;
    }
    xw_autoclose int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a, size) < 0 || listen(fd, 1) < 0)
        return -errno;
    return 0;
}

static int readable(const char *path)
{
    return !path || access(path, R_OK) == 0 ? 0 : -errno;
}

static int tls_files(const struct xw_net_tls *tls)
{
    int r = readable(tls->cert_path);
    if (r >= 0)
        r = readable(tls->key_path);
    if (r >= 0)
        r = readable(tls->ca_path);
    if (r < 0)
        return r == -ENOENT ? r : -EACCES;
    return !tls->cert_path == !tls->key_path ? 0 : -EINVAL;
}

int xw_net_listen(struct xw_net *net, const struct xw_net_listen *listen,
                  struct lws_vhost **ret_vhost, uint16_t *ret_port)
{
    const struct xw_net_tls *tls = &listen->tls;
    if (!tls->cert_path && (tls->ca_path || !loopback(listen->address)))
        return -EINVAL;
    int r = tls_files(tls);
    if (r >= 0)
        r = try_bind(listen->address, listen->port);
    if (r < 0)
        return r;
    struct lws_context_creation_info info = {
        .vhost_name = listen->name,
        .port = listen->port,
        .iface = listen->address,
        .protocols = listen->protocols,
        .user = listen->user,
        .retry_and_idle_policy = listen->idle,
        .timeout_secs = HANDSHAKE_S,
        .keepalive_timeout = HANDSHAKE_S,
        .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    };
    if (tls->cert_path) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = tls->cert_path;
        info.ssl_private_key_filepath = tls->key_path;
        info.ssl_ca_filepath = tls->ca_path;
        info.ssl_options_set = XW_TLS_OPTIONS | (long)SSL_OP_CIPHER_SERVER_PREFERENCE;
        info.ssl_cipher_list = xw_tls_ciphers;
        info.alpn = "http/1.1";
        if (tls->ca_path)
            info.options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT;
    }
    struct lws_vhost *vhost = lws_create_vhost(net->context, &info);
    int port = vhost ? lws_get_vhost_listen_port(vhost) : -1;
    if (port <= 0)
        return -EINVAL; /* a key that does not fit its certificate, most likely */
    *ret_vhost = vhost;
    if (ret_port)
        *ret_port = (uint16_t)port;
    return 0;
}

int xw_net_client(struct xw_net *net, const struct xw_net_client *client,
                  struct lws_vhost **ret_vhost)
{
    const struct xw_net_tls *tls = &client->tls;
    int r = tls_files(tls);
    if (r < 0)
        return r;
    struct lws_context_creation_info info = {
        .vhost_name = client->name,
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = client->protocols,
        .user = client->user,
        .retry_and_idle_policy = client->idle,
        .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .timeout_secs = HANDSHAKE_S,
    };
    if (tls->ca_path) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.client_ssl_cert_filepath = tls->cert_path;
        info.client_ssl_private_key_filepath = tls->key_path;
        info.client_ssl_ca_filepath = tls->ca_path;
        info.ssl_client_options_set = XW_TLS_OPTIONS;
        info.client_ssl_cipher_list = xw_tls_ciphers;
        info.alpn = "http/1.1";
    }
    *ret_vhost = lws_create_vhost(net->context, &info);
    return *ret_vhost ? 0 : -EINVAL;
}

bool xw_net_verify(struct lws *wsi, enum lws_callback_reasons reason, void *user, size_t len,
                   int *ret_result)
{
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        struct xw_net *net = lws_context_user(lws_get_context(wsi));
        xw_tls_watch_server(user, net->linger);
        *ret_result = 0;
        return true;
    }
    if (reason != LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION)
        return false;
    *ret_result = len ? 0 : 1; /* len: OpenSSL's own verdict on this certificate of the chain */
    return true;
}
