/* Doing it on the store of a stopped center. */
#include "admin.h"

#include "base/loop.h"
#include "center/audit.h"
#include "center/gatewayadmin.h"
#include "center/revoked.h"
#include "center/useradmin.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 512, QUEUE_BYTES = 8 << 20 };

struct work {
    struct xw_loop *loop;
    struct xw_store *store;
    struct xw_users *users;
    struct xw_useradmin ask;
    struct xw_identities *identities;
    struct xw_gatewayadmin gateways;
    const char *store_dir;
    bool of_gateways;
    size_t step;
    json_t *answer;
    uint8_t after[64];
    size_t after_n;
    int status;
};

static void on_closed(void *user)
{
    struct work *w = user;
    w->store = NULL;
    xw_loop_quit(w->loop);
}

static void finish(struct work *w, int status)
{
    w->status = status;
    if (w->of_gateways && status == 0)
        w->answer = xw_gatewayadmin_answer(&w->gateways, w->identities, xw_clock_wall(NULL).us);
    if (!w->answer)
        w->answer = w->ask.error ? json_pack("{s:s}", "error", w->ask.error) : json_object();
    xw_store_close(w->store, on_closed, w);
}

static void on_appended(void *user, const struct xw_store_done *done)
{
    finish(user, done->status);
}

static int append_all(struct work *w, const struct xw_store_record *records, size_t n)
{
    struct xw_store_batch *batch;
    int r = xw_store_batch_new(w->store, &batch);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = xw_store_batch_record(batch, &records[i], NULL, NULL, 0);
    if (r == 0)
        return xw_store_append(w->store, batch, on_appended, w);
    xw_store_batch_free(batch);
    return r;
}

static int append(struct work *w, const struct xw_user *user)
{
    char key[64], action[32];
    struct xw_buf body;
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    xw_buf_init(&body, 2048);
    snprintf(action, sizeof(action), "user_%.15s", w->ask.verb);
    int r = xw_user_pack(user, key, &body, &records[0]);
    xw_audit_fill(&entry, "local-admin", action, user->user, "ok", &records[1]);
    if (r == 0)
        r = append_all(w, records, 2);
    xw_buf_done(&body);
    return r;
}

static void act_on_gateways(struct work *w)
{
    struct xw_gatewayadmin_records records;
    const struct xw_identity *identity = &w->gateways.identity;
    int r = xw_revoked_merge(w->store_dir, w->identities, NULL, NULL);
    if (r < 0) {
        finish(w, r);
        return;
    }
    r = xw_gatewayadmin_apply(&w->gateways, w->identities, xw_clock_wall(NULL).us);
    if (r < 0 || !xw_gatewayadmin_changes(&w->gateways)) {
        finish(w, 0); /* what is wrong is in the answer */
        return;
    }
    if (w->gateways.has_identity && identity->revoked_wall_us &&
        xw_revoked_add(w->store_dir, XW_REVOKED_REVOKED, identity->id, identity->generation,
                       identity->revoked_wall_us) < 0)
        fprintf(stderr, "xinwang-admin: a store restored from an older backup will not know of "
                        "this revocation: its file beside the store cannot be written\n");
    r = xw_gatewayadmin_pack(&w->gateways, &records);
    if (r == 0)
        r = append_all(w, records.v, records.n);
    xw_gatewayadmin_records_done(&records);
    if (r < 0)
        finish(w, r);
}

static void act(struct work *w)
{
    struct xw_user user;
    if (strcmp(w->ask.verb, "list") == 0) {
        w->answer = xw_useradmin_list(w->users);
        finish(w, 0);
        return;
    }
    xw_useradmin_hash(&w->ask);
    int r = xw_useradmin_apply(&w->ask, w->users, &user);
    if (r == -EINVAL && w->ask.error) {
        finish(w, 0);
        return;
    }
    if (r == 0)
        r = append(w, &user);
    if (r < 0)
        finish(w, r);
}

static void read_page(struct work *w);

static int take_user(struct work *w, const struct xw_store_record *record)
{
    struct xw_user user;
    int r = xw_user_unpack(record, &user);
    return r == 0 ? xw_users_put(w->users, &user) : r;
}

/* A gateway that was linked once has a setting of its own. */
static int take_setting(struct work *w, const struct xw_store_record *record)
{
    size_t n = strlen(w->gateways.gateway);
    if (record->key_size == n + 2 && memcmp(record->key, "g/", 2) == 0 &&
        memcmp((const char *)record->key + 2, w->gateways.gateway, n) == 0)
        w->gateways.known = true;
    return 0;
}

static int take_identity(struct work *w, const struct xw_store_record *record)
{
    struct xw_identity identity = {.certificate = NULL};
    int r = xw_identity_unpack(record, &identity);
    if (r == 0)
        r = xw_identities_put(w->identities, &identity);
    free(identity.certificate);
    return r;
}

static int take_enrolment(struct work *w, const struct xw_store_record *record)
{
    struct xw_enrolment enrolment;
    int r = xw_enrolment_unpack(record, &enrolment);
    return r == 0 ? xw_enrolments_put(w->identities, &enrolment) : r;
}

static const struct step {
    uint32_t kind;
    int (*take)(struct work *w, const struct xw_store_record *record);
} user_steps[] = {{XW_LOCAL_USER, take_user}, {0, NULL}},
  gateway_steps[] = {{XW_LOCAL_SETTING, take_setting},
                     {XW_LOCAL_IDENTITY, take_identity},
                     {XW_LOCAL_ENROLMENT, take_enrolment},
                     {0, NULL}};

static const struct step *step_of(const struct work *w)
{
    return (w->of_gateways ? gateway_steps : user_steps) + w->step;
}

static void on_page(void *arg, const struct xw_store_records *records)
{
    struct work *w = arg;
    for (size_t i = 0; records->status == 0 && i < records->records_n; i++)
        if (step_of(w)->take(w, &records->records[i]) < 0)
            fprintf(stderr, "xinwang-admin: a record cannot be read\n");
    if (records->status < 0) {
        finish(w, records->status);
    } else if (records->more && records->records_n) {
        const struct xw_store_record *last = &records->records[records->records_n - 1];
        w->after_n = XW_MIN(last->key_size, sizeof(w->after));
        memcpy(w->after, last->key, w->after_n);
        read_page(w);
    } else {
        w->step++;
        w->after_n = 0;
        if (step_of(w)->take)
            read_page(w);
        else if (w->of_gateways)
            act_on_gateways(w);
        else
            act(w);
    }
}

static void read_page(struct work *w)
{
    int r = xw_store_records(w->store, step_of(w)->kind, w->after_n ? w->after : NULL, w->after_n,
                             false, PAGE, on_page, w);
    if (r < 0)
        finish(w, r);
}

int xw_admin_ask_store(const struct xw_center_config *config, const json_t *request,
                       json_t **ret_answer)
{
    struct work w = {.of_gateways = xw_gatewayadmin_knows(request), .store_dir = config->store_dir};
    struct xw_store_config store = {.dir = config->store_dir,
                                    .key_file = config->store_key_file,
                                    .retain_us = (uint64_t)config->store_retain_us,
                                    .queue_bytes = QUEUE_BYTES,
                                    .readers_n = 1};
    struct xw_store_watch watch = {0};
    w.ask.hash_rounds = (uint64_t)config->hash_rounds;
    w.ask.hash_memory_bytes = (size_t)config->hash_memory_bytes;
    w.gateways.life_default_us = config->enrol_code_us;
    snprintf(w.gateways.by, sizeof(w.gateways.by), "local-admin");
    if (w.of_gateways ? xw_gatewayadmin_read(request, &w.gateways) < 0
                      : xw_useradmin_read(request, &w.ask) < 0) {
        *ret_answer = json_pack("{s:s}", "error", w.of_gateways ? w.gateways.error : w.ask.error);
        return 0;
    }
    int r = xw_users_new(&w.users);
    if (r == 0)
        r = xw_identities_new(&w.identities);
    if (r == 0)
        r = xw_loop_new(NULL, &w.loop);
    if (r == 0)
        r = xw_store_open_sqlite(w.loop, &store, &watch, &w.store);
    if (r == 0) {
        read_page(&w);
        xw_loop_run(w.loop);
        r = w.status;
    }
    xw_loop_free(w.loop);
    xw_users_free(w.users);
    xw_identities_free(w.identities);
    if (r == 0)
        *ret_answer = w.answer;
    else
        json_decref(w.answer);
    return r;
}
