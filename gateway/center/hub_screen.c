/* Alarm screens: pages that show alarms, and are asked whether they do. */
#include "center/hub_internal.h"

void xw_hub_screen(struct xw_hub_socket *socket, bool on)
{
    if (socket->screen == on)
        return;
    socket->screen = on;
    if (on)
        socket->hub->stats.screens_n++;
    else
        socket->hub->stats.screens_n--;
}

uint32_t xw_hub_screens(const struct xw_hub *hub)
{
    return hub->stats.screens_n;
}

/* As records of alarms go: a message of their queue. */
uint32_t xw_hub_probe(struct xw_hub *hub, const char *gateway_id, uint64_t probe)
{
    uint32_t n = 0;
    Xw__LiveAlarmProbe wire = XW__LIVE_ALARM_PROBE__INIT;
    wire.probe = probe;
    wire.gateway_id = (char *)(uintptr_t)gateway_id;
    Xw__LiveMessage live = XW__LIVE_MESSAGE__INIT;
    live.body_case = XW__LIVE_MESSAGE__BODY_ALARM_PROBE;
    live.alarm_probe = &wire;
    struct hub_message *message = hub_message_pack(&live);
    if (!message)
        return 0;
    message->probe = probe;
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        if (!s->screen)
            continue;
        hub_socket_queue(s, hub_message_ref(message));
        n++;
    }
    hub_message_unref(message);
    return n;
}
