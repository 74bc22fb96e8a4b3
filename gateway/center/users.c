/* Users: names, roles, sites; packed as local records. */
#include "center/users.h"

#include "center/json.h"
#include "center/local.h"

#include <stdio.h>
#include <string.h>

struct xw_users {
    struct xw_user *v;
    size_t n, cap;
};

static const struct {
    enum xw_role role;
    const char *word;
} roles[] = {{XW_ROLE_READER, "reader"},
             {XW_ROLE_TECHNICIAN, "technician"},
             {XW_ROLE_VILLAGE, "village"},
             {XW_ROLE_ADMIN, "admin"}};

const char *xw_role_word(enum xw_role role)
{
    for (size_t i = 0; i < XW_ARRAY_N(roles); i++)
        if (roles[i].role == role)
            return roles[i].word;
    return "none";
}

int xw_role_parse(const char *word, enum xw_role *ret_role)
{
    for (size_t i = 0; i < XW_ARRAY_N(roles); i++) {
        if (strcmp(roles[i].word, word) == 0) {
            *ret_role = roles[i].role;
            return 0;
        }
    }
    return -EINVAL;
}

bool xw_user_name_ok(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n < XW_USER_NAME_N &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

int xw_users_new(struct xw_users **ret_users)
{
    struct xw_users *users = calloc(1, sizeof(*users));
    if (!users)
        return -ENOMEM;
    *ret_users = users;
    return 0;
}

void xw_users_free(struct xw_users *users)
{
    if (!users)
        return;
    free(users->v);
    free(users);
}

const struct xw_user *xw_users_find(const struct xw_users *users, const char *name)
{
    for (size_t i = 0; i < users->n; i++)
        if (strcmp(users->v[i].user, name) == 0)
            return &users->v[i];
    return NULL;
}

int xw_users_put(struct xw_users *users, const struct xw_user *user)
{
    for (size_t i = 0; i < users->n; i++) {
        if (strcmp(users->v[i].user, user->user) != 0)
            continue;
        if (user->revision >= users->v[i].revision)
            users->v[i] = *user;
        return 0;
    }
    if (users->n == XW_USERS_MAX)
        return -EOVERFLOW;
    if (users->n == users->cap) {
        size_t cap = users->cap ? users->cap * 2 : 16;
        struct xw_user *v = realloc(users->v, cap * sizeof(*v));
        if (!v)
            return -ENOMEM;
        users->v = v;
        users->cap = cap;
    }
    users->v[users->n++] = *user;
    return 0;
}

size_t xw_users_n(const struct xw_users *users)
{
    return users->n;
}

const struct xw_user *xw_users_at(const struct xw_users *users, size_t i)
{
    return &users->v[i];
}

int xw_user_pack(const struct xw_user *user, char ret_key[64], struct xw_buf *ret_body,
                 struct xw_store_record *ret_record)
{
    json_t *o = json_object();
    json_object_set_new(o, "user", xw_json_text(user->user));
    json_object_set_new(o, "name", xw_json_text(user->name));
    json_object_set_new(o, "site", xw_json_text(user->site));
    json_object_set_new(o, "hash", xw_json_text(user->hash));
    json_object_set_new(o, "role", json_string(xw_role_word(user->role)));
    json_object_set_new(o, "disabled", json_boolean(user->disabled));
    int n = snprintf(ret_key, 64, "u/%s", user->user);
    const struct xw_local local = {.key = ret_key,
                                   .key_size = (size_t)n,
                                   .kind = XW_LOCAL_USER,
                                   .revision = user->revision,
                                   .wall_us = xw_clock_wall(NULL).us};
    return xw_local_pack(o, &local, ret_body, ret_record);
}

static void take(const json_t *o, const char *key, char *ret_text, size_t cap)
{
    const char *text = xw_json_get_text(o, key, cap - 1);
    snprintf(ret_text, cap, "%s", text ? text : "");
}

int xw_user_unpack(const struct xw_store_record *record, struct xw_user *ret_user)
{
    json_t *o;
    struct xw_user user = {.revision = record->revision};
    int r = xw_json_parse(record->body, record->body_size, &o);
    if (r < 0)
        return r;
    const char *role = xw_json_get_text(o, "role", 32);
    take(o, "user", user.user, sizeof(user.user));
    take(o, "name", user.name, sizeof(user.name));
    take(o, "site", user.site, sizeof(user.site));
    take(o, "hash", user.hash, sizeof(user.hash));
    user.disabled = json_is_true(json_object_get(o, "disabled"));
    r = role && xw_user_name_ok(user.user) ? xw_role_parse(role, &user.role) : -EBADMSG;
    json_decref(o);
    if (r == 0)
        *ret_user = user;
    return r;
}
