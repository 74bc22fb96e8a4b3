/* Demo mode: the six steps of "two minutes", roles without passwords, the console.
 *
 * A step is done when the real thing happened (a stream is live, a reader watches, a high alarm
 * came, it was acknowledged, a link was lost, what was missing came). The console's actions go to
 * the demo supervisor over its unix socket, one JSON line each way, one connection an action.
 *
 * Threads: loop thread only. All hooks take NULL: not in demo mode. */
#ifndef XW_CENTER_DEMO_H
#define XW_CENTER_DEMO_H

#include "base/base.h"
#include "center/center.h"
#include "center/users.h"

#include <jansson.h>

struct xw_demo;

XW_MUST_CHECK int xw_demo_new(struct xw_center *center, struct xw_demo **ret_demo);
void xw_demo_free(struct xw_demo *demo);

void xw_demo_second(struct xw_demo *demo);
void xw_demo_watched(struct xw_demo *demo, enum xw_role role);
void xw_demo_alarm(struct xw_demo *demo, uint32_t priority);
void xw_demo_acked(struct xw_demo *demo);
void xw_demo_linked(struct xw_demo *demo, const char *gateway_id, bool linked);
void xw_demo_healed(struct xw_demo *demo, const char *gateway_id, double seconds);

json_t *xw_demo_steps(const struct xw_demo *demo);
json_t *xw_demo_roles(void);
/* The user of a role, with the site it has by now; made when missing. -EAGAIN while being made. */
XW_MUST_CHECK int xw_demo_user(struct xw_demo *demo, enum xw_role role, struct xw_user *ret_user);

/* Asks the supervisor. answer is borrowed; NULL with -ETIMEDOUT, -ECONNREFUSED, -EBADMSG, …; also
 * called with NULL when the demo ends. */
typedef void (*xw_demo_fn)(void *user, int status, const json_t *answer);
XW_MUST_CHECK int xw_demo_ask(struct xw_demo *demo, const char *action, const char *target,
                              xw_demo_fn done, void *user);

#endif
