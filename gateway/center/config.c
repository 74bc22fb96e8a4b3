/* The configuration table of xinwang-center. */
#include "center/config.h"

#include "vault/vault.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

typedef struct xw_center_config S;
#define MIN_US (60 * INT64_C(1000000))
#define DAY_US (24 * 60 * MIN_US)
#define MIB INT64_C(1048576)

static const struct xw_config_item items[] = {
    XW_CONFIG_STRING(S, browser_address, "web", "address", "127.0.0.1",
                     "where browsers connect; any address but loopback needs cert and key"),
    XW_CONFIG_INT(S, browser_port, "web", "port", 0, 65535, NULL, "8700",
                  "0 takes a free port, which is logged"),
    XW_CONFIG_PATH(S, browser_cert, "web", "cert", "", "TLS certificate chain (PEM)"),
    XW_CONFIG_PATH(S, browser_key, "web", "key", "", "its private key (PEM)"),
    XW_CONFIG_LIST(S, browser_hosts, "web", "hosts", 16, "localhost, 127.0.0.1, [::1]",
                   "names a browser may use for this server (Host and Origin without port)"),
    XW_CONFIG_PATH(S, browser_web, "web", "root", "/usr/share/xinwang/web",
                   "folder of the built pages"),
    XW_CONFIG_INT(S, sockets_max, "web", "sockets_max", 1, 4096, "sockets", "256",
                  "live WebSockets at once"),
    XW_CONFIG_INT(S, requests_max, "web", "requests_max", 8, 4096, "requests", "512",
                  "HTTP connections at once"),
    XW_CONFIG_DURATION(S, hold_us, "web", "hold", 200000, 10000000, "2s",
                       "of a stream a browser socket never holds more; older blocks are dropped "
                       "and announced"),

    XW_CONFIG_STRING(S, gateway_address, "link", "address", "127.0.0.1",
                     "where gateways connect (TLS with client certificates, always)"),
    XW_CONFIG_INT(S, gateway_port, "link", "port", 0, 65535, NULL, "8701", ""),
    XW_CONFIG_PATH(S, gateway_cert, "link", "cert", "/etc/xinwang/center.crt",
                   "the county's certificate"),
    XW_CONFIG_PATH(S, gateway_key, "link", "key", "/etc/xinwang/center.key", "its private key"),
    XW_CONFIG_PATH(S, gateway_ca, "link", "ca", "/etc/xinwang/ca.crt",
                   "the authority that signed the gateways' certificates"),
    XW_CONFIG_INT(S, gateways_max, "link", "gateways_max", 1, 10000, "gateways", "1000", ""),
    XW_CONFIG_DURATION(S, link_lost_us, "link", "lost_after", 0, 10000000, "2s",
                       "a gateway away for so long raises the technical alarm of a lost link"),

    XW_CONFIG_STRING(S, enrol_address, "enrol", "address", "127.0.0.1",
                     "where gateways without a certificate ask for one (TLS 1.3)"),
    XW_CONFIG_INT(S, enrol_port, "enrol", "port", 0, 65535, NULL, "8702", ""),
    XW_CONFIG_PATH(S, enrol_authority, "enrol", "authority", "/var/lib/xinwang/authority",
                   "folder made by xinwang-admin authority init; ca.pem, gateways.pem and "
                   "gateways.key are read at start; without it nobody is enrolled here"),
    XW_CONFIG_STRING(S, enrol_name, "enrol", "name", "",
                     "name by which gateways are to check the county; empty = the first DNS name "
                     "of link.cert"),
    XW_CONFIG_INT(S, enrol_link_port, "enrol", "link_port", 0, 65535, NULL, "0",
                  "port that gateways are told to connect to; 0 = link.port"),
    XW_CONFIG_DURATION(S, enrol_life_us, "enrol", "certificate_life", 5000000, 3650 * DAY_US,
                       "365d", "of gateways' certificates; they are rotated after two thirds"),
    XW_CONFIG_DURATION(S, enrol_code_us, "enrol", "code_life", 1000000, 30 * DAY_US, "24h",
                       "a code is good for so long, once"),
    XW_CONFIG_INT(S, enrol_tries, "enrol", "tries", 1, 1000, "a minute", "6",
                  "wrong codes per address before 429; ten times that in all"),

    XW_CONFIG_DURATION(S, probe_wait_us, "alarm", "probe_wait", 100000, 15000000, "10s",
                       "a gateway's probe of the alarm path that no alarm screen has answered by "
                       "then names the leg that is broken"),
    XW_CONFIG_DURATION(S, probe_late_us, "alarm", "probe_late", 1000000, 28000000, "25s",
                       "a probe this much later than the gateway's period is missing"),
    XW_CONFIG_DURATION(S, unattended_us, "alarm", "unattended", 1000000, 10 * MIN_US, "1min",
                       "no alarm screen open for so long is a technical alarm"),

    XW_CONFIG_PATH(S, store_dir, "store", "dir", "/var/lib/xinwang/center", "the county's archive"),
    XW_CONFIG_PATH(
        S, store_key_file, "store", "key_file", "/var/lib/xinwang-keys/center.key",
        "key that opens the encrypted archive and its copies, outside of store.dir; made "
        "at the first start; without it the archive is lost"),
    XW_CONFIG_BYTES(S, store_limit_bytes, "store", "limit", 0, INT64_MAX, "0",
                    "of samples and records together; 0 = only the disk limits"),
    XW_CONFIG_BYTES(S, store_reserve_bytes, "store", "reserve", 0, INT64_MAX, "1GiB",
                    "free disk space that is left alone"),
    XW_CONFIG_BYTES(S, store_low_bytes, "store", "low", 0, INT64_MAX, "10GiB",
                    "room below which the technical alarm \"store low\" is raised"),
    XW_CONFIG_DURATION(S, store_retain_us, "store", "retain", 60 * MIN_US, 36500 * DAY_US, "30d",
                       "continuous samples in no study are kept so long"),
    XW_CONFIG_BYTES(S, store_queue_bytes, "store", "queue", MIB, 1024 * MIB, "64MiB",
                    "batches waiting for the writer, at most"),
    XW_CONFIG_INT(S, store_readers_n, "store", "readers", 1, 8, "threads", "2", "reading workers"),

    XW_CONFIG_DURATION(S, session_idle_us, "login", "idle", MIN_US, DAY_US, "30min",
                       "a session ends after so long without a request"),
    XW_CONFIG_DURATION(S, session_max_us, "login", "max", MIN_US, 30 * DAY_US, "12h",
                       "a session ends after so long in any case"),
    XW_CONFIG_INT(S, tries_per_min, "login", "tries", 1, 1000, "a minute", "5",
                  "wrong passwords per user and per address before 429"),
    XW_CONFIG_INT(S, sessions_max, "login", "sessions_max", 8, 65536, "sessions", "1024",
                  "the one idle longest ends when there are more"),
    XW_CONFIG_BYTES(S, hash_memory_bytes, "login", "hash_memory", 8 * MIB, 1024 * MIB, "64MiB",
                    "argon2id memory of new passwords"),
    XW_CONFIG_INT(S, hash_rounds, "login", "hash_rounds", 1, 20, "rounds", "3",
                  "argon2id passes of new passwords"),
    XW_CONFIG_INT(S, workers_n, "login", "workers", 1, 8, "threads", "2",
                  "passwords hashed at the same time"),

    XW_CONFIG_PATH(
        S, admin_socket, "admin", "socket", "auto",
        "unix socket of xinwang-admin; auto = admin.sock in the store's folder; empty = none"),

    XW_CONFIG_BOOL(S, demo, "demo", "enabled", "no",
                   "roles without passwords and a console of faults; loopback only"),
    XW_CONFIG_PATH(S, demo_control, "demo", "control", "",
                   "unix socket of the demo supervisor; empty = no console"),
    XW_CONFIG_STRING(S, demo_technician_site, "demo", "technician_site", "",
                     "site of the demo technician; empty = the first gateway's"),
    XW_CONFIG_STRING(S, demo_village_site, "demo", "village_site", "",
                     "site of the demo village doctor; empty = the last gateway's"),
    XW_CONFIG_DURATION(S, demo_timeout_us, "demo", "timeout", 100000, 60000000, "5s",
                       "wait for the supervisor's answer"),
};

const struct xw_config_schema xw_center_schema = {
    .program = "xinwang-center",
    .items = items,
    .items_n = XW_ARRAY_N(items),
    .values_n_bytes = sizeof(struct xw_center_config),
};

bool xw_center_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

static int refuse(struct xw_config_error *ret_error, const char *text)
{
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    return -EINVAL;
}

int xw_center_admin_path(const struct xw_center_config *config, char *ret_path, size_t cap)
{
    bool automatic = strcmp(config->admin_socket, "auto") == 0;
    int n = automatic ? snprintf(ret_path, cap, "%s/admin.sock", config->store_dir)
                      : snprintf(ret_path, cap, "%s", config->admin_socket);
    return (size_t)n < cap ? 0 : -ENAMETOOLONG;
}

int xw_center_config_check(const void *values, struct xw_config_error *ret_error)
{
    const S *c = values;
    bool loopback = xw_center_is_loopback(c->browser_address);
    if ((c->browser_cert[0] != 0) != (c->browser_key[0] != 0))
        return refuse(ret_error, "web: cert and key belong together");
    if (!loopback && !c->browser_cert[0])
        return refuse(ret_error, "web: an address that is not loopback needs cert and key");
    if (c->demo && !loopback)
        return refuse(ret_error, "demo: only with a loopback web address");
    if (c->browser_hosts.n == 0)
        return refuse(ret_error, "web: hosts must name at least one");
    if (!c->gateway_cert[0] || !c->gateway_key[0] || !c->gateway_ca[0])
        return refuse(ret_error, "link: cert, key and ca are required");
    if (strlen(c->enrol_name) > 253)
        return refuse(ret_error, "enrol: name has 253 bytes at most");
    if (!c->store_dir[0])
        return refuse(ret_error, "store: dir is required");
    if (!xw_vault_is_outside(c->store_key_file, c->store_dir))
        return refuse(ret_error, "store: key_file is required, and not within dir");
    if (c->session_idle_us > c->session_max_us)
        return refuse(ret_error, "login: idle must not exceed max");
    return 0;
}
