/* Records of the county's own. */
#include "center/local.h"

int xw_local_pack(json_t *object, const struct xw_local *local, struct xw_buf *ret_body,
                  struct xw_store_record *ret_record)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(object);
    if (!text)
        return -ENOMEM;
    int r = xw_buf_append_text(ret_body, text);
    free(text);
    if (r < 0)
        return r;
    *ret_record = (struct xw_store_record){.key = local->key,
                                           .key_size = local->key_size,
                                           .revision = local->revision,
                                           .kind = local->kind,
                                           .body = ret_body->data,
                                           .body_size = ret_body->n,
                                           .origin = "county",
                                           .wall_us = local->wall_us};
    return 0;
}
