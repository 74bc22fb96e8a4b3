/* xinwang-admin: its parts.
 *
 * Threads: one. Errors: negative errno; what a person must know is in the answer's "error". */
#ifndef XW_TOOLS_ADMIN_ADMIN_H
#define XW_TOOLS_ADMIN_ADMIN_H

#include "base/base.h"
#include "base/cli.h"
#include "center/config.h"

#include <jansson.h>

/* Asks the running center: -ENOENT, -ECONNREFUSED when none runs there. */
XW_MUST_CHECK int xw_admin_ask_running(const char *socket_path, const json_t *request,
                                       json_t **ret_answer);
/* Does the same on the store of a stopped center; the store's own lock keeps a running one out. */
XW_MUST_CHECK int xw_admin_ask_store(const struct xw_center_config *config, const json_t *request,
                                     json_t **ret_answer);
/* authority.c: `authority init|server|gateway|show …`; the exit status. */
struct xw_admin_options {
    const char *config;
    struct xw_cli_texts sets;
    const char *name, *role, *site;
    const char *out, *hosts;
    int64_t life_us;
    bool json, replace;
    bool forget, rewrite;
};
XW_MUST_CHECK int xw_admin_authority(const struct xw_admin_options *o, int argc, char **argv);
/* gateways.c: the request of `gateway list|codes|code|withdraw …` and `revoke`; NULL: not
 * understood.
 */
json_t *xw_admin_gateway_request(const struct xw_admin_options *o, int argc, char **argv);
void xw_admin_print_gateways(const json_t *answer);

/* keys.c: `keys show|rotate|rewrite`; the exit status, -EINVAL: not understood. */
XW_MUST_CHECK int xw_admin_keys(const struct xw_admin_options *o, const char *what, const char *dir,
                                const char *key_file);

/* A password: twice from the terminal without echo, or one line of a pipe. ret_text: cap bytes. */
XW_MUST_CHECK int xw_admin_password(char *ret_text, size_t cap);

#endif
