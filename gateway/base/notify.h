/* Tells the service manager how we are (Type=notify, watchdog) without libsystemd.
 *
 * Threads: any. Source: sd_notify(3): one datagram to $NOTIFY_SOCKET, a path or an abstract name.
 * Without that variable everything is a successful no-op. */
#ifndef XW_BASE_NOTIFY_H
#define XW_BASE_NOTIFY_H

#include "base/base.h"

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…", several separated by newlines. Returns 1 sent,
 * 0 nobody listens, or -errno. */
int xw_notify(const char *state);
/* Half of the watchdog's period in ms: the interval at which to send WATCHDOG=1; 0 = no watchdog
 * asked of this process. */
uint64_t xw_notify_watchdog_ms(void);

#endif
