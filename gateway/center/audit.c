/* Audit entries. */
#include "center/audit.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/json.h"

#include <string.h>

XW_COUNTER(audit_entries, "xw_center_audit_entries_total", NULL, "audit entries made");
XW_COUNTER(audit_lost, "xw_center_audit_lost_total", NULL,
           "audit entries that could not be made durable");

void xw_audit_fill(struct xw_audit_entry *entry, const char *user, const char *action,
                   const char *subject, const char *outcome, struct xw_store_record *ret_record)
{
    struct xw_uuid id = xw_uuid_v7(NULL);
    entry->key[0] = 'A';
    memcpy(entry->key + 1, id.b, sizeof(id.b));
    json_t *o = json_object();
    json_object_set_new(o, "user", xw_json_text(user));
    json_object_set_new(o, "action", xw_json_text(action));
    json_object_set_new(o, "subject", xw_json_text(subject));
    json_object_set_new(o, "outcome", xw_json_text(outcome));
    size_t n = json_dumpb(o, entry->body, sizeof(entry->body), JSON_COMPACT);
    json_decref(o);
    if (n == 0 || n > sizeof(entry->body)) {
        static const char short_of[] = "{\"user\":\"?\",\"action\":\"?\"}";
        memcpy(entry->body, short_of, sizeof(short_of));
        n = sizeof(short_of) - 1;
    }
    xw_counter_add(&audit_entries, 1);
    *ret_record = (struct xw_store_record){.key = entry->key,
                                           .key_size = sizeof(entry->key),
                                           .revision = 1,
                                           .kind = XW_LOCAL_AUDIT,
                                           .body = entry->body,
                                           .body_size = n,
                                           .origin = "county",
                                           .wall_us = xw_clock_wall(NULL).us};
}

static void on_done(void *user, int status)
{
    (void)user;
    if (status < 0)
        xw_counter_add(&audit_lost, 1);
}

void xw_audit(struct xw_center *center, const char *user, const char *action, const char *subject,
              const char *outcome)
{
    struct xw_audit_entry entry;
    struct xw_store_record record;
    xw_audit_fill(&entry, user, action, subject, outcome, &record);
    int r = xw_journal_append(center->journal, &record, 1, NULL, on_done, NULL);
    if (r < 0) {
        xw_counter_add(&audit_lost, 1);
        xw_log_error("audit.lost", XW_LOG_STR("action", action), XW_LOG_ERR(r));
    }
}

void xw_audit_stream(struct xw_center *center, const char *user, const char *action,
                     const struct xw_uuid *stream)
{
    char text[XW_UUID_TEXT_N_BYTES];
    xw_audit(center, user, action, xw_uuid_format(stream, text), "ok");
}
