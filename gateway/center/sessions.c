/* Sessions: a bounded table, and their records. */
#include "center/sessions.h"

#include "center/json.h"
#include "center/local.h"

#include <stdio.h>
#include <string.h>

struct xw_sessions {
    struct xw_sessions_config config;
    struct xw_session **v;
    size_t n;
};

int xw_sessions_new(const struct xw_sessions_config *config, struct xw_sessions **ret_sessions)
{
    struct xw_sessions *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->config = *config;
    s->v = calloc(config->max_n, sizeof(struct xw_session *));
    if (!s->v) {
        free(s);
        return -ENOMEM;
    }
    *ret_sessions = s;
    return 0;
}

void xw_sessions_free(struct xw_sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < sessions->n; i++)
        free(sessions->v[i]);
    free(sessions->v);
    free(sessions);
}

size_t xw_sessions_n(const struct xw_sessions *sessions)
{
    return sessions->n;
}

static void end_at(struct xw_sessions *sessions, size_t i)
{
    struct xw_session *session = sessions->v[i];
    sessions->v[i] = sessions->v[--sessions->n];
    if (sessions->config.on_end)
        sessions->config.on_end(sessions->config.user, session);
    free(session);
}

static int insert(struct xw_sessions *sessions, const struct xw_session *session,
                  struct xw_session **ret_session)
{
    struct xw_session *copy = malloc(sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *session;
    if (sessions->n == sessions->config.max_n) {
        size_t oldest = 0;
        for (size_t i = 1; i < sessions->n; i++)
            if (sessions->v[i]->seen_us < sessions->v[oldest]->seen_us)
                oldest = i;
        end_at(sessions, oldest);
    }
    sessions->v[sessions->n++] = copy;
    if (ret_session)
        *ret_session = copy;
    return 0;
}

int xw_sessions_begin(struct xw_sessions *sessions, const char *user,
                      char ret_token[XW_TOKEN_TEXT_N], struct xw_session **ret_session)
{
    int64_t now_us = xw_clock_wall(sessions->config.clock).us;
    struct xw_session session = {
        .began_us = now_us, .seen_us = now_us, .saved_us = now_us, .revision = 1};
    char token[XW_TOKEN_TEXT_N];
    snprintf(session.user, sizeof(session.user), "%s", user);
    xw_secret_token(session.csrf);
    xw_secret_token(token);
    int r = xw_secret_token_hash(token, session.hash);
    if (r == 0)
        r = insert(sessions, &session, ret_session);
    if (r == 0)
        memcpy(ret_token, token, sizeof(token));
    return r;
}

static bool ended(const struct xw_sessions *sessions, const struct xw_session *s)
{
    int64_t now_us = xw_clock_wall(sessions->config.clock).us;
    return now_us - s->seen_us > sessions->config.idle_us ||
           now_us - s->began_us > sessions->config.max_us;
}

static size_t index_of(const struct xw_sessions *sessions, const uint8_t hash[32])
{
    size_t i = 0;
    while (i < sessions->n && memcmp(sessions->v[i]->hash, hash, 32) != 0)
        i++;
    return i;
}

void xw_sessions_restore(struct xw_sessions *sessions, const struct xw_session *session)
{
    size_t i = index_of(sessions, session->hash);
    if (i == sessions->n && insert(sessions, session, NULL) < 0)
        return;
    i = index_of(sessions, session->hash);
    if (ended(sessions, sessions->v[i]))
        end_at(sessions, i);
}

struct xw_session *xw_sessions_peek(struct xw_sessions *sessions, const uint8_t hash[32])
{
    size_t i = index_of(sessions, hash);
    if (i == sessions->n)
        return NULL;
    if (ended(sessions, sessions->v[i])) {
        end_at(sessions, i);
        return NULL;
    }
    return sessions->v[i];
}

struct xw_session *xw_sessions_find(struct xw_sessions *sessions, const char *token)
{
    uint8_t hash[32];
    if (xw_secret_token_hash(token, hash) < 0)
        return NULL;
    struct xw_session *session = xw_sessions_peek(sessions, hash);
    if (session)
        session->seen_us = xw_clock_wall(sessions->config.clock).us;
    return session;
}

void xw_sessions_end(struct xw_sessions *sessions, struct xw_session *session)
{
    size_t i = index_of(sessions, session->hash);
    if (i < sessions->n)
        end_at(sessions, i);
}

void xw_sessions_end_user(struct xw_sessions *sessions, const char *user)
{
    for (size_t i = sessions->n; i > 0; i--)
        if (strcmp(sessions->v[i - 1]->user, user) == 0)
            end_at(sessions, i - 1);
}

void xw_sessions_expire(struct xw_sessions *sessions)
{
    for (size_t i = sessions->n; i > 0; i--)
        if (ended(sessions, sessions->v[i - 1]))
            end_at(sessions, i - 1);
}

void xw_sessions_save(struct xw_sessions *sessions,
                      void (*save)(void *user, const struct xw_session *session), void *user)
{
    for (size_t i = 0; i < sessions->n; i++) {
        struct xw_session *s = sessions->v[i];
        if (s->seen_us - s->saved_us < XW_SESSION_SAVE_US)
            continue;
        s->revision++;
        s->saved_us = s->seen_us;
        save(user, s);
    }
}

void xw_session_touch(const struct xw_sessions *sessions, struct xw_session *session)
{
    session->seen_us = xw_clock_wall(sessions->config.clock).us;
}

bool xw_session_note_read(struct xw_session *session, const struct xw_uuid *stream, int64_t now_us)
{
    size_t oldest = 0;
    for (size_t i = 0; i < XW_SESSION_SEEN_STREAMS; i++) {
        if (xw_uuid_equal(&session->read[i].id, stream) &&
            now_us - session->read[i].at_us < INT64_C(600000000))
            return false;
        if (session->read[i].at_us < session->read[oldest].at_us)
            oldest = i;
    }
    session->read[oldest].id = *stream;
    session->read[oldest].at_us = now_us;
    return true;
}

int xw_session_pack(const struct xw_session *session, uint8_t ret_key[34], struct xw_buf *ret_body,
                    struct xw_store_record *ret_record)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I}", "user", session->user, "csrf", session->csrf, "began_us",
                  (json_int_t)session->began_us, "seen_us", (json_int_t)session->seen_us);
    ret_key[0] = 's';
    ret_key[1] = '/';
    memcpy(ret_key + 2, session->hash, sizeof(session->hash));
    const struct xw_local local = {.key = ret_key,
                                   .key_size = 34,
                                   .kind = XW_LOCAL_SESSION,
                                   .revision = session->revision,
                                   .wall_us = session->seen_us};
    return xw_local_pack(o, &local, ret_body, ret_record);
}

int xw_session_unpack(const struct xw_store_record *record, struct xw_session *ret_session)
{
    json_t *o;
    uint64_t began_us, seen_us;
    struct xw_session session = {.revision = record->revision};
    if (record->key_size != 34)
        return -EBADMSG;
    int r = xw_json_parse(record->body, record->body_size, &o);
    if (r < 0)
        return r;
    memcpy(session.hash, (const uint8_t *)record->key + 2, 32);
    const char *user = xw_json_get_text(o, "user", sizeof(session.user) - 1);
    const char *csrf = xw_json_get_text(o, "csrf", sizeof(session.csrf) - 1);
    if (!user || !csrf || xw_json_get_index(o, "began_us", &began_us) < 0 ||
        xw_json_get_index(o, "seen_us", &seen_us) < 0)
        r = -EBADMSG;
    if (r == 0) {
        snprintf(session.user, sizeof(session.user), "%s", user);
        snprintf(session.csrf, sizeof(session.csrf), "%s", csrf);
        session.began_us = (int64_t)began_us;
        session.seen_us = session.saved_us = (int64_t)seen_us;
        *ret_session = session;
    }
    json_decref(o);
    return r;
}
