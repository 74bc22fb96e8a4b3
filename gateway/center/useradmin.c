/* Adding, changing and listing users. */
#include "center/useradmin.h"

#include "center/json.h"
#include "center/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct xw_useradmin *ask, const char *text)
{
    ask->error = text;
    return -EINVAL;
}

static bool is(const struct xw_useradmin *ask, const char *verb)
{
    return strcmp(ask->verb, verb) == 0;
}

static int read_new(struct xw_useradmin *ask, const json_t *request)
{
    const char *name = xw_json_get_text(request, "name", XW_USER_LABEL_N - 1);
    const char *role = xw_json_get_text(request, "role", 32);
    const char *site = xw_json_get_text(request, "site", XW_USER_SITE_N - 1);
    if (!role || xw_role_parse(role, &ask->user.role) < 0)
        return refuse(ask, "role: reader, technician, village or admin");
    bool scoped = (ask->user.role & XW_ROLE_SITE) != 0;
    if (scoped && !site)
        return refuse(ask, "site: needed for technician and village");
    snprintf(ask->user.name, sizeof(ask->user.name), "%s", name ? name : ask->user.user);
    snprintf(ask->user.site, sizeof(ask->user.site), "%s", scoped ? site : "");
    return 0;
}

int xw_useradmin_read(const json_t *request, struct xw_useradmin *ret_ask)
{
    const char *verb = xw_json_get_text(request, "do", sizeof(ret_ask->verb) - 1);
    const char *user = xw_json_get_text(request, "user", XW_USER_NAME_N - 1);
    const char *password = xw_json_get_text(request, "password", XW_PASSWORD_MAX_N);
    snprintf(ret_ask->verb, sizeof(ret_ask->verb), "%s", verb ? verb : "");
    if (is(ret_ask, "list"))
        return 0;
    if (!is(ret_ask, "add") && !is(ret_ask, "passwd") && !is(ret_ask, "disable") &&
        !is(ret_ask, "enable"))
        return refuse(ret_ask, "do: list, add, passwd, disable or enable");
    if (!user || !xw_user_name_ok(user))
        return refuse(ret_ask, "user: 1 to 32 of a-z 0-9 . _ -");
    snprintf(ret_ask->user.user, sizeof(ret_ask->user.user), "%s", user);
    if (is(ret_ask, "add") || is(ret_ask, "passwd")) {
        if (!password || strlen(password) < XW_PASSWORD_MIN_N)
            return refuse(ret_ask, "password: at least 8 characters");
        ret_ask->password_n = strlen(password);
        memcpy(ret_ask->password, password, ret_ask->password_n);
    }
    return is(ret_ask, "add") ? read_new(ret_ask, request) : 0;
}

void xw_useradmin_hash(struct xw_useradmin *ask)
{
    if (ask->password_n && xw_secret_hash(ask->password, ask->password_n, ask->hash_rounds,
                                          ask->hash_memory_bytes, ask->user.hash) < 0)
        ask->error = "not enough memory to hash the password";
    sodium_memzero(ask->password, sizeof(ask->password));
}

int xw_useradmin_apply(struct xw_useradmin *ask, const struct xw_users *users,
                       struct xw_user *ret_user)
{
    const struct xw_user *known = xw_users_find(users, ask->user.user);
    if (ask->error)
        return -EINVAL;
    if (is(ask, "add")) {
        if (known)
            return refuse(ask, "this user is there already");
        if (xw_users_n(users) == XW_USERS_MAX)
            return refuse(ask, "too many users");
        *ret_user = ask->user;
        ret_user->revision = 1;
        return 0;
    }
    if (!known)
        return refuse(ask, "no such user");
    struct xw_user user = *known;
    user.revision++;
    if (is(ask, "passwd"))
        memcpy(user.hash, ask->user.hash, sizeof(user.hash));
    else
        user.disabled = is(ask, "disable");
    *ret_user = user;
    return 0;
}

json_t *xw_useradmin_list(const struct xw_users *users)
{
    json_t *array = json_array();
    for (size_t i = 0; i < xw_users_n(users); i++) {
        const struct xw_user *u = xw_users_at(users, i);
        json_t *o = json_object();
        json_object_set_new(o, "user", xw_json_text(u->user));
        json_object_set_new(o, "name", xw_json_text(u->name));
        json_object_set_new(o, "role", json_string(xw_role_word(u->role)));
        json_object_set_new(o, "site", xw_json_text(u->site));
        json_object_set_new(o, "disabled", json_boolean(u->disabled));
        json_array_append_new(array, o);
    }
    return json_pack("{s:o}", "users", array);
}
