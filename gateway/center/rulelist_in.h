/* What rulelist.c and rulelist_pass.c share (internal). Threads: loop thread only. */
#ifndef XW_CENTER_RULELIST_IN_H
#define XW_CENTER_RULELIST_IN_H

#include "center/rulelist.h"

struct xw_rulelists {
    struct xw_journal *journal;
    struct xw_rulelist newest;
    uint32_t seen_version; /* highest in the store, also of lists that this program cannot read */
    bool saving;
    bool rising;      /* a version above one that a gateway brought is being saved: ask */
    int64_t risen_us; /* when such a one was tried last; 0: never */
    struct xw_rulelist_ask ask;
    size_t giving_n;
    struct xw_store_record record; /* of newest, for the gateways' logs; key_size 0: none */
    uint8_t key[XW_RULELIST_KEY_N], body[XW_RULELIST_BODY_N];
};

#endif
