/* Who may sign in: a table in memory over the local user records of the store.
 *
 * Threads: loop thread only. Ownership: the table copies. Limits: XW_USERS_MAX. A user is never
 * deleted (the audit names him), only disabled. Body of the record: JSON. */
#ifndef XW_CENTER_USERS_H
#define XW_CENTER_USERS_H

#include "base/base.h"
#include "base/buf.h"
#include "store/store.h"

enum {
    XW_USERS_MAX = 4096,
    XW_USER_NAME_N = 33,  /* a-z 0-9 . _ -, 1 to 32 */
    XW_USER_LABEL_N = 97, /* shown */
    XW_USER_SITE_N = 128,
    XW_USER_HASH_N = 128, /* argon2id in its own text form */
};

enum xw_role { XW_ROLE_READER = 1, XW_ROLE_TECHNICIAN = 2, XW_ROLE_VILLAGE = 4, XW_ROLE_ADMIN = 8 };
enum { XW_ROLE_ANY = 15, XW_ROLE_SITE = XW_ROLE_TECHNICIAN | XW_ROLE_VILLAGE };

struct xw_user {
    char user[XW_USER_NAME_N];
    char name[XW_USER_LABEL_N];
    char site[XW_USER_SITE_N]; /* "" for reader and admin */
    char hash[XW_USER_HASH_N]; /* "" = cannot sign in with a password */
    enum xw_role role;
    bool disabled;
    uint64_t revision; /* of its record; 0 = none yet */
};

struct xw_users;

XW_MUST_CHECK int xw_users_new(struct xw_users **ret_users);
void xw_users_free(struct xw_users *users);
/* Borrowed until the next put. */
const struct xw_user *xw_users_find(const struct xw_users *users, const char *name);
/* A higher revision replaces a lower one. -EOVERFLOW. */
XW_MUST_CHECK int xw_users_put(struct xw_users *users, const struct xw_user *user);
size_t xw_users_n(const struct xw_users *users);
const struct xw_user *xw_users_at(const struct xw_users *users, size_t i);

bool xw_user_name_ok(const char *name);
const char *xw_role_word(enum xw_role role);
XW_MUST_CHECK int xw_role_parse(const char *word, enum xw_role *ret_role);

/* The record of a user (at its revision). ret_key of 64 bytes; ret_body is appended to. */
XW_MUST_CHECK int xw_user_pack(const struct xw_user *user, char ret_key[64],
                               struct xw_buf *ret_body, struct xw_store_record *ret_record);
XW_MUST_CHECK int xw_user_unpack(const struct xw_store_record *record, struct xw_user *ret_user);

#endif
