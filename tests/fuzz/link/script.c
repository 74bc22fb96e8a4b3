/* Scripts against one end of the link; see script.h. */
#include "fuzz/link/script.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 400, HEARD_MAX = 200 };

static const struct xw_uuid store_named = {{0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8,
                                            0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf}};

struct play {
    const struct script_end *end;
    struct xw_clock *clock;
    struct xw_store *store;
    struct xw_conn conn[XW_LINK_ROLES_N];
    bool up[XW_LINK_ROLES_N];
    struct xw_wire_arena arena;
};

static void open_socket(struct play *p, unsigned role)
{
    xw_conn_init(&p->conn[role], p->clock);
    memcpy(p->conn[role].peer_name, "town-a", sizeof("town-a"));
    p->up[role] = true;
    p->end->open(p->end->core, &p->conn[role], role);
}

static void close_socket(struct play *p, unsigned role)
{
    if (!p->up[role])
        return;
    p->up[role] = false;
    p->end->closed(p->end->core, &p->conn[role]);
    xw_conn_done(&p->conn[role]);
}

/* What the end says is well-formed, and a failed connection comes to its end. */
static void hear(struct play *p, unsigned role)
{
    struct xw_buf buf;
    int r = 1;
    xw_buf_init(&buf, XW_LINK_HELLO_MAX_N_BYTES);
    for (unsigned i = 0; p->up[role] && r > 0 && i < HEARD_MAX; i++) {
        Xw__LinkMessage *message;
        struct xw_wire_fault fault;
        xw_buf_clear(&buf);
        r = p->end->pull(p->end->core, &p->conn[role], &buf);
        if (r > 0 && xw_wire_read(&p->arena, p->end->from, buf.data, buf.n, &message, &fault) < 0)
            abort();
    }
    if (r == 0 && p->up[role] && p->conn[role].state >= XW_CONN_CLOSING)
        abort();
    if (r < 0)
        close_socket(p, role);
    xw_buf_done(&buf);
}

static void say(struct play *p, unsigned role, const uint8_t *data, size_t size)
{
    if (!p->up[role])
        return;
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, data, size);
    uint8_t *found = memmem(exact, size, store_named.b, sizeof(store_named.b));
    if (found)
        memcpy(found, p->end->store.b, sizeof(store_named.b));
    if (p->end->receive(p->end->core, &p->conn[role], exact, size) < 0 &&
        p->conn[role].state < XW_CONN_CLOSING)
        abort();
    free(exact);
}

static void step(struct play *p, uint8_t how)
{
    unsigned role = how >> 3 & 1, much = how >> 4;
    switch ((enum script_what)(how & 7)) {
    case SCRIPT_TICK:
        xw_clock_fake_advance(p->clock, INT64_C(10000) << (much % 10));
        p->end->tick(p->end->core);
        return;
    case SCRIPT_HEAR:
        hear(p, role);
        return;
    case SCRIPT_STORE:
        (void)model_run(p->store);
        return;
    case SCRIPT_REOPEN:
        close_socket(p, role);
        open_socket(p, role);
        return;
    case SCRIPT_FAIL_STORE:
        model_fail(p->store, much ? -ENOSPC : 0);
        return;
    case SCRIPT_HOLD_STORE:
        model_hold(p->store, much > 0);
        return;
    case SCRIPT_OWN:
        p->end->own(p->end->core, much);
        return;
    case SCRIPT_SAY:
        return;
    }
}

void script_play(const struct script_end *end, struct xw_clock *clock, struct xw_store *store,
                 const uint8_t *data, size_t size)
{
    struct play p = {.end = end, .clock = clock, .store = store};
    if (xw_wire_arena_init(&p.arena) < 0)
        abort();
    open_socket(&p, 0);
    for (size_t at = 0, steps = 0; at < size && steps < STEPS_MAX; steps++) {
        uint8_t how = data[at++];
        if ((how & 7) != SCRIPT_SAY) {
            step(&p, how);
            continue;
        }
        if (size - at < 2)
            break;
        size_t n = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        n = XW_MIN(n, size - at);
        say(&p, how >> 3 & 1, data + at, n);
        at += n;
    }
    model_fail(store, 0);
    model_hold(store, false);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        hear(&p, role);
    (void)model_run(store);
    end->tick(end->core);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        close_socket(&p, role);
    (void)model_run(store);
    xw_wire_arena_done(&p.arena);
}
