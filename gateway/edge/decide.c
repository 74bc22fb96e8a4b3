/* Decisions about devices, and their keys. */
#include "edge/decide.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "edge/commit.h"
#include "edge/port.h"
#include "proto/study.pb-c.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { DECISIONS_MAX = 1024, KEYS_MAX = 256, ID_MAX = 64, KEY_MIN = 16, KEY_MAX = 64 };
enum { KEY_FILE_MAX = 64 * 1024 };

struct decision {
    char device_id[ID_MAX + 1];
    bool accepted;
    uint64_t revision;
};

struct device_key {
    char device_id[ID_MAX + 1];
    uint8_t key[KEY_MAX];
    size_t size;
};

struct xw_decide {
    struct xw_edge *edge;
    struct decision decisions[DECISIONS_MAX];
    size_t decisions_n;
    struct device_key keys[KEYS_MAX];
    size_t keys_n;
};

static int add_key(struct xw_decide *decide, const char *line, size_t n)
{
    size_t id_n = strcspn(line, " \t");
    size_t hex_at = id_n + strspn(line + id_n, " \t");
    if (decide->keys_n == KEYS_MAX || !id_n || id_n > ID_MAX || hex_at >= n)
        return -EBADMSG;
    struct device_key *key = &decide->keys[decide->keys_n];
    memcpy(key->device_id, line, id_n);
    const char *end;
    if (sodium_hex2bin(key->key, KEY_MAX, line + hex_at, n - hex_at, NULL, &key->size, &end) < 0 ||
        end != line + n || key->size < KEY_MIN)
        return -EBADMSG;
    decide->keys_n++;
    return 0;
}

static int load_keys(struct xw_decide *decide, const char *path)
{
    xw_autofree uint8_t *data = NULL;
    size_t size;
    int r = xw_file_read(path, KEY_FILE_MAX, &data, &size);
    if (r < 0) {
        xw_log_error("edge.keys", XW_LOG_STR("path", path), XW_LOG_ERR(r));
        return r;
    }
    unsigned line_n = 0;
    for (char *line = (char *)data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        line_n++;
        size_t n = strcspn(line, "\r");
        line[n] = 0;
        if (!n || line[0] == '#')
            continue;
        if (add_key(decide, line, n) < 0) {
            xw_log_error("edge.keys", XW_LOG_STR("path", path), XW_LOG_UINT("line", line_n),
                         XW_LOG_STR("text", "DEVICE HEXKEY is expected, key of 16 to 64 bytes"));
            r = -EBADMSG;
        }
    }
    sodium_memzero(data, size);
    return r;
}

int xw_decide_new(struct xw_edge *edge, struct xw_decide **ret_decide)
{
    struct xw_decide *decide = calloc(1, sizeof(*decide));
    if (!decide)
        return -ENOMEM;
    decide->edge = edge;
    int r = edge->config->keys_path[0] ? load_keys(decide, edge->config->keys_path) : 0;
    if (r < 0) {
        xw_decide_free(decide);
        return r;
    }
    *ret_decide = decide;
    return 0;
}

void xw_decide_free(struct xw_decide *decide)
{
    if (decide)
        sodium_memzero(decide->keys, sizeof(decide->keys));
    free(decide);
}

static struct decision *find(const struct xw_decide *decide, const char *device_id)
{
    for (size_t i = 0; i < decide->decisions_n; i++)
        if (!strcmp(decide->decisions[i].device_id, device_id))
            return (struct decision *)&decide->decisions[i];
    return NULL;
}

static enum xw_decision decision_for(const struct xw_decide *decide, const char *device_id,
                                     const char *accept, const struct xw_config_list *listed)
{
    const struct decision *d = find(decide, device_id);
    if (d)
        return d->accepted ? XW_DECISION_ACCEPTED : XW_DECISION_REFUSED;
    if (decide->edge->config->demo || !strcmp(accept, "all"))
        return XW_DECISION_ACCEPTED;
    for (size_t i = 0; i < listed->n; i++)
        if (!strcmp(listed->items[i], device_id))
            return XW_DECISION_ACCEPTED;
    return XW_DECISION_NONE;
}

enum xw_decision xw_decide_device(const struct xw_decide *decide, const char *device_id)
{
    const struct xw_edge_config *config = decide->edge->config;
    return decision_for(decide, device_id, config->accept, &config->listed);
}

enum xw_decision xw_decide_monitor(const struct xw_decide *decide, const char *device_id)
{
    const struct xw_edge_config *config = decide->edge->config;
    return decision_for(decide, device_id, config->monitor_accept, &config->monitor_listed);
}

static struct decision *decision_of(struct xw_decide *decide, const char *device_id)
{
    struct decision *d = find(decide, device_id);
    if (d || decide->decisions_n == DECISIONS_MAX || strlen(device_id) > ID_MAX)
        return d;
    d = &decide->decisions[decide->decisions_n++];
    memset(d, 0, sizeof(*d));
    snprintf(d->device_id, sizeof(d->device_id), "%s", device_id);
    return d;
}

static struct xw_uuid decision_key(const struct xw_decide *decide, const char *device_id)
{
    const char *gateway = decide->edge->config->id;
    const struct xw_part parts[] = {
        {"xw-decision-1", 13}, {gateway, strlen(gateway) + 1}, {device_id, strlen(device_id)}};
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

void xw_decide_set(struct xw_decide *decide, const char *device_id, bool accepted,
                   const char *author)
{
    struct decision *d = decision_of(decide, device_id);
    if (!d)
        return;
    d->accepted = accepted;
    d->revision = XW_MAX(d->revision + 1, (uint64_t)xw_edge_wall_us());
    struct xw_uuid key = decision_key(decide, device_id);
    Xw__DeviceDecision message = XW__DEVICE_DECISION__INIT;
    message.device_id = d->device_id;
    message.accepted = accepted;
    message.author = (char *)author;
    struct xw_store_record record = {.key = key.b,
                                     .key_size = 16,
                                     .revision = d->revision,
                                     .kind = XW__RECORD_KIND__RECORD_DEVICE};
    xw_commit_message(decide->edge->commit, &record, &message.base, false);
    xw_log_notice("device.decided", XW_LOG_STR("device", d->device_id),
                  XW_LOG_STR("decision", accepted ? "accepted" : "refused"),
                  XW_LOG_STR("author", author));
    xw_port_decided(decide->edge->port, d->device_id, accepted);
}

void xw_decide_remember(struct xw_decide *decide, const struct xw_store_record *record)
{
    Xw__DeviceDecision *message =
        xw__device_decision__unpack(NULL, record->body_size, record->body);
    if (!message)
        return;
    struct xw_uuid key = decision_key(decide, message->device_id);
    bool ours = record->key_size == 16 && !memcmp(record->key, key.b, 16);
    struct decision *d = ours ? decision_of(decide, message->device_id) : NULL;
    if (d && record->revision > d->revision) {
        d->accepted = message->accepted;
        d->revision = record->revision;
        if (decide->edge->port)
            xw_port_decided(decide->edge->port, d->device_id, d->accepted);
    }
    xw__device_decision__free_unpacked(message, NULL);
}

static const struct device_key *key_of(const struct xw_decide *decide, const char *device_id)
{
    for (size_t i = 0; i < decide->keys_n; i++)
        if (!strcmp(decide->keys[i].device_id, device_id))
            return &decide->keys[i];
    return NULL;
}

bool xw_decide_has_key(const struct xw_decide *decide, const char *device_id)
{
    return key_of(decide, device_id) != NULL;
}

bool xw_decide_proves(const struct xw_decide *decide, const char *device_id,
                      const uint8_t nonce[XW_DECIDE_NONCE_BYTES], const void *hmac, size_t size)
{
    const struct device_key *key = key_of(decide, device_id);
    uint8_t right[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    if (!key || size != sizeof(right))
        return false;
    crypto_auth_hmacsha256_init(&state, key->key, key->size);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"xw-device-1", 11);
    crypto_auth_hmacsha256_update(&state, nonce, XW_DECIDE_NONCE_BYTES);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)device_id, strlen(device_id));
    crypto_auth_hmacsha256_final(&state, right);
    return sodium_memcmp(right, hmac, sizeof(right)) == 0;
}
