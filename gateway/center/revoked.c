/* The file of revocations. */
#include "center/revoked.h"

#include "base/crc32c.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_N = XW_ENROL_ID_MAX + 96, FIELDS_N = 6 };

static char *path_of(const char *store_dir)
{
    char *path = NULL;
    size_t n = strlen(store_dir);
    while (n > 1 && store_dir[n - 1] == '/')
        n--;
    return asprintf(&path, "%.*s.revoked", (int)n, store_dir) < 0 ? NULL : path;
}

int xw_revoked_add(const char *store_dir, enum xw_revoked_kind kind, const char *gateway,
                   uint32_t generation, int64_t wall_us)
{
    char line[LINE_MAX_N];
    xw_autofree char *path = path_of(store_dir);
    if (path == NULL)
        return -ENOMEM;
    int n = snprintf(line, sizeof(line), "\n1 %c %" PRIu32 " %" PRId64 " %s ", (char)kind,
                     generation, wall_us, gateway);
    if (n < 0 || (size_t)n + 12 > sizeof(line) || !xw_enrol_id_ok(gateway))
        return -EINVAL;
    uint32_t crc = xw_crc32c(0, line + 1, (size_t)n - 1);
    n += snprintf(line + n, sizeof(line) - (size_t)n, "%08" PRIx32 "\n", crc);
    bool fresh = access(path, F_OK) < 0;
    xw_autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = xw_fault_point("center.revoked");
    if (r == 0)
        r = xw_file_write_all(fd, line, (size_t)n);
    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    return r == 0 && fresh ? xw_file_sync_parent(path) : r;
}

/* ---- reading ---- */

struct entry {
    enum xw_revoked_kind kind;
    uint32_t generation;
    int64_t wall_us;
    char gateway[XW_ENROL_ID_MAX + 1];
};

/* Digits alone; false if it is above most. */
static bool number(const char *text, uint64_t most, uint64_t *ret_value)
{
    uint64_t v = 0;
    if (*text == 0)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || v > (most - (uint64_t)(*text - '0')) / 10)
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    *ret_value = v;
    return true;
}

/* Cuts the line in pieces. */
static bool parse(char *line, struct entry *ret_entry)
{
    char *fields[FIELDS_N] = {line}, hex[9];
    size_t n = 1;
    for (char *c = line; *c; c++)
        if (*c == ' ') {
            if (n == FIELDS_N)
                return false;
            fields[n++] = c + 1;
        }
    if (n != FIELDS_N)
        return false;
    uint32_t crc = xw_crc32c(0, line, (size_t)(fields[5] - line));
    snprintf(hex, sizeof(hex), "%08" PRIx32, crc);
    if (strcmp(fields[5], hex) != 0)
        return false;
    for (size_t i = 1; i < FIELDS_N; i++)
        *(fields[i] - 1) = 0; /* the space before it */
    uint64_t generation, wall_us;
    if (strcmp(fields[0], "1") != 0 || !number(fields[2], UINT32_MAX, &generation) ||
        !number(fields[3], INT64_MAX, &wall_us) || !xw_enrol_id_ok(fields[4]) ||
        (strcmp(fields[1], "R") != 0 && strcmp(fields[1], "N") != 0))
        return false;
    *ret_entry = (struct entry){.kind = (enum xw_revoked_kind)fields[1][0],
                                .generation = (uint32_t)generation,
                                .wall_us = (int64_t)wall_us};
    snprintf(ret_entry->gateway, sizeof(ret_entry->gateway), "%s", fields[4]);
    return true;
}

/* 1 when the table did not know it. */
static int put(struct xw_identities *identities, const struct entry *entry)
{
    const struct xw_identity *known = xw_identities_find(identities, entry->gateway);
    bool newer = entry->kind == XW_REVOKED_NEWER;
    if (known && (known->generation > entry->generation ||
                  (known->generation == entry->generation && known->revoked_wall_us && !newer)))
        return 0;
    if (newer && entry->generation == UINT32_MAX)
        return 0;
    struct xw_identity identity = {
        .generation = newer ? entry->generation + 1 : entry->generation,
        .revoked_wall_us = newer ? 0 : entry->wall_us,
        .revision = xw_identity_overrule(known ? known->revision : 0),
    };
    snprintf(identity.id, sizeof(identity.id), "%s", entry->gateway);
    snprintf(identity.site, sizeof(identity.site), "%s", known ? known->site : "");
    int r = xw_identities_put(identities, &identity);
    return r < 0 ? r : 1;
}

int xw_revoked_merge(const char *store_dir, struct xw_identities *identities,
                     void (*changed)(void *user, const char *gateway), void *user)
{
    xw_autofree char *path = path_of(store_dir);
    uint8_t *data;
    size_t data_n;
    int changes = 0, bad = 0;
    int r = path ? xw_file_read(path, XW_REVOKED_MAX_N_BYTES, &data, &data_n) : -ENOMEM;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    char *next = (char *)data;
    for (char *line; r >= 0 && (line = strsep(&next, "\n")) != NULL;) {
        struct entry entry;
        if (*line == 0)
            continue;
        if (!parse(line, &entry)) {
            bad++;
            continue;
        }
        r = put(identities, &entry);
        if (r != 1)
            continue;
        changes++;
        const struct xw_identity *now = xw_identities_find(identities, entry.gateway);
        if (changed && now && now->revoked_wall_us)
            changed(user, entry.gateway);
    }
    free(data);
    if (bad)
        xw_log_warning("revoked.unreadable_lines", XW_LOG_INT("lines", bad));
    if (changes)
        xw_log_notice("revoked.merged", XW_LOG_INT("changes", changes));
    return r < 0 ? r : changes;
}
