/* Doing it on the store of a stopped center. */
#include "admin.h"

#include "base/loop.h"
#include "center/audit.h"
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
    const json_t *request;
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
    if (!w->answer)
        w->answer = w->ask.error ? json_pack("{s:s}", "error", w->ask.error) : json_object();
    xw_store_close(w->store, on_closed, w);
}

static void on_appended(void *user, const struct xw_store_done *done)
{
    finish(user, done->status);
}

static int append(struct work *w, const struct xw_user *user)
{
    char key[64], action[32];
    struct xw_buf body;
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    struct xw_store_batch *batch;
    xw_buf_init(&body, 2048);
    snprintf(action, sizeof(action), "user_%.15s", w->ask.verb);
    int r = xw_user_pack(user, key, &body, &records[0]);
    xw_audit_fill(&entry, "local-admin", action, user->user, "ok", &records[1]);
    if (r == 0)
        r = xw_store_batch_new(w->store, &batch);
    if (r == 0) {
        r = xw_store_batch_record(batch, &records[0], NULL, NULL, 0);
        if (r == 0)
            r = xw_store_batch_record(batch, &records[1], NULL, NULL, 0);
        if (r == 0)
            r = xw_store_append(w->store, batch, on_appended, w);
        else
            xw_store_batch_free(batch);
    }
    xw_buf_done(&body);
    return r;
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

static void on_users(void *arg, const struct xw_store_records *records)
{
    struct work *w = arg;
    for (size_t i = 0; records->status == 0 && i < records->records_n; i++) {
        struct xw_user user;
        if (xw_user_unpack(&records->records[i], &user) < 0 || xw_users_put(w->users, &user) < 0)
            fprintf(stderr, "xinwang-admin: a user record cannot be read\n");
    }
    if (records->status < 0) {
        finish(w, records->status);
    } else if (records->more && records->records_n) {
        const struct xw_store_record *last = &records->records[records->records_n - 1];
        w->after_n = XW_MIN(last->key_size, sizeof(w->after));
        memcpy(w->after, last->key, w->after_n);
        read_page(w);
    } else {
        act(w);
    }
}

static void read_page(struct work *w)
{
    int r = xw_store_records(w->store, XW_LOCAL_USER, w->after_n ? w->after : NULL, w->after_n,
                             false, PAGE, on_users, w);
    if (r < 0)
        finish(w, r);
}

int xw_admin_ask_store(const struct xw_center_config *config, const json_t *request,
                       json_t **ret_answer)
{
    struct work w = {.request = request};
    struct xw_store_config store = {.dir = config->store_dir,
                                    .retain_us = (uint64_t)config->store_retain_us,
                                    .queue_bytes = QUEUE_BYTES,
                                    .readers_n = 1};
    struct xw_store_watch watch = {0};
    w.ask.hash_rounds = (uint64_t)config->hash_rounds;
    w.ask.hash_memory_bytes = (size_t)config->hash_memory_bytes;
    if (xw_useradmin_read(request, &w.ask) < 0) {
        *ret_answer = json_pack("{s:s}", "error", w.ask.error);
        return 0;
    }
    int r = xw_users_new(&w.users);
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
    if (r == 0)
        *ret_answer = w.answer;
    else
        json_decref(w.answer);
    return r;
}
