/* xinwang-admin: its parts.
 *
 * Threads: one. Errors: negative errno; what a person must know is in the answer's "error". */
#ifndef XW_TOOLS_ADMIN_ADMIN_H
#define XW_TOOLS_ADMIN_ADMIN_H

#include "base/base.h"
#include "center/config.h"

#include <jansson.h>

/* Asks the running center: -ENOENT, -ECONNREFUSED when none runs there. */
XW_MUST_CHECK int xw_admin_ask_running(const char *socket_path, const json_t *request,
                                       json_t **ret_answer);
/* Does the same on the store of a stopped center; the store's own lock keeps a running one out. */
XW_MUST_CHECK int xw_admin_ask_store(const struct xw_center_config *config, const json_t *request,
                                     json_t **ret_answer);
/* A password: twice from the terminal without echo, or one line of a pipe. ret_text: cap bytes. */
XW_MUST_CHECK int xw_admin_password(char *ret_text, size_t cap);

#endif
