/* Who gets the records of an attachment. */
#include "center/hub_internal.h"

#include <string.h>

int xw_hub_attachments(struct xw_hub_socket *socket, const struct xw_uuid *ids, size_t ids_n)
{
    if (ids_n > XW_HUB_ATTACHMENTS_MAX)
        return -EOVERFLOW;
    if (ids_n)
        memcpy(socket->attachments, ids, ids_n * sizeof(*ids));
    socket->attachments_n = (uint32_t)ids_n;
    hub_picture_states(socket);
    return 0;
}

bool hub_socket_lists(const struct xw_hub_socket *socket, const struct xw_uuid *attachment)
{
    for (uint32_t i = 0; i < socket->attachments_n; i++)
        if (xw_uuid_equal(&socket->attachments[i], attachment))
            return true;
    return false;
}

void xw_hub_attachment_record(struct xw_hub *hub, const struct xw_uuid *attachment,
                              const struct xw_store_record *record, const char *site, bool to_list)
{
    struct hub_message *message = NULL;
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        if (!hub_socket_sees(s, site) || !((to_list && s->list) || hub_socket_lists(s, attachment)))
            continue;
        if (!message)
            message = hub_message_record(record);
        if (!message)
            return;
        hub_socket_queue(s, hub_message_ref(message));
    }
    hub_message_unref(message);
}
