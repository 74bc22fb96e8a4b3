/* Changes to users, the same for the running center (admin socket) and for xinwang-admin on the
 * store of a stopped one. One JSON object asks, one answers:
 *
 *   {"do":"list"} {"users":[{"user","name","role","site","disabled"}]}
 *   {"do":"add","user","name","role","site","password"}       {}
 *   {"do":"passwd","user","password"}                         {}
 *   {"do":"disable","user"}  {"do":"enable","user"}           {}
 *   anything wrong                                            {"error": text}
 *
 * Threads: xw_useradmin_hash (slow) on a worker; the rest on the loop thread. */
#ifndef XW_CENTER_USERADMIN_H
#define XW_CENTER_USERADMIN_H

#include "base/base.h"
#include "center/users.h"

#include <jansson.h>

struct xw_useradmin {
    /* In. */
    char verb[16];
    struct xw_user user;
    char password[257];
    size_t password_n;
    uint64_t hash_rounds;
    size_t hash_memory_bytes;
    /* Out. */
    const char *error; /* NULL = fine */
};

/* Reads a request; -EINVAL with ret_ask->error. */
XW_MUST_CHECK int xw_useradmin_read(const json_t *request, struct xw_useradmin *ret_ask);
/* Hashes the password, if there is one, and wipes it. */
void xw_useradmin_hash(struct xw_useradmin *ask);
/* The user as it is to be stored (revision raised); 0, or -EINVAL with ask->error. Not for "list".
 */
XW_MUST_CHECK int xw_useradmin_apply(struct xw_useradmin *ask, const struct xw_users *users,
                                     struct xw_user *ret_user);
json_t *xw_useradmin_list(const struct xw_users *users);

#endif
