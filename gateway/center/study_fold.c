/* Folding the changes of one study. */
#include "center/study_fold.h"

#include <string.h>

#define S(name) XW__STUDY_STATE__STUDY_##name

bool xw_study_follows(Xw__StudyState from, Xw__StudyState to)
{
    switch (from) {
    case S(CAPTURED):
        return to == S(CLAIMED) || to == S(CANCELLED);
    case S(CLAIMED):
        return to == S(REPORTED) || to == S(RETURNED) || to == S(CAPTURED);
    case S(REPORTED):
        return to == S(REVIEWED) || to == S(SIGNED) || to == S(RETURNED) || to == S(CLAIMED);
    case S(REVIEWED):
        return to == S(SIGNED) || to == S(REPORTED);
    case S(SIGNED):
        return to == S(RELEASED);
    case S(RELEASED):
        return to == S(SEEN);
    case S(RETURNED):
        return to == S(CAPTURED) || to == S(CLAIMED) || to == S(CANCELLED);
    default:
        return false; /* cancelled and seen are ends */
    }
}

static int compare(const Xw__StudyChange *a, const Xw__StudyChange *b)
{
    size_t n = XW_MIN(a->change_id.len, b->change_id.len);
    int order = n ? memcmp(a->change_id.data, b->change_id.data, n) : 0;
    if (order)
        return order;
    return a->change_id.len < b->change_id.len ? -1 : a->change_id.len > b->change_id.len;
}

/* Nearly always in order already. */
static void sort(Xw__StudyChange **changes, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        Xw__StudyChange *moving = changes[i];
        size_t at = i;
        for (; at > 0 && compare(moving, changes[at - 1]) < 0; at--)
            changes[at] = changes[at - 1];
        changes[at] = moving;
    }
}

static bool claims(const Xw__StudyChange *c)
{
    return c->by_county && c->change_case == XW__STUDY_CHANGE__CHANGE_STATE &&
           c->state->state == S(CLAIMED);
}

static void add_item(struct xw_study_state *state, const Xw__StudyItem *item)
{
    if (state->items_n < XW_STUDY_ITEMS_MAX)
        state->items[state->items_n++] = item;
}

static enum xw_study_verdict create(struct xw_study_state *state, const Xw__StudyChange *c)
{
    if (state->create)
        return XW_STUDY_IGNORED;
    state->create = c->create;
    state->created_wall_us = c->wall_us;
    state->author = c->author;
    if (state->state == XW__STUDY_STATE__STUDY_STATE_UNSPECIFIED)
        state->state = S(CAPTURED);
    for (size_t i = 0; i < c->create->n_items; i++)
        add_item(state, c->create->items[i]);
    return XW_STUDY_APPLIED;
}

static enum xw_study_verdict step(struct xw_study_state *state, const Xw__StudyChange *c,
                                  bool claimed)
{
    if (!c->by_county && claimed && c->state->state == S(CANCELLED))
        return XW_STUDY_REQUEST;
    if (!xw_study_follows(state->state, c->state->state))
        return XW_STUDY_IGNORED;
    state->state = c->state->state;
    if (state->state == S(CLAIMED))
        state->claimed_by = c->author;
    else if (state->state == S(CAPTURED) || state->state == S(RETURNED))
        state->claimed_by = NULL;
    return XW_STUDY_APPLIED;
}

void xw_study_fold(Xw__StudyChange **changes, size_t n, struct xw_study_state *ret_state)
{
    struct xw_study_state state = {.author = ""};
    bool claimed = false;
    sort(changes, n);
    for (size_t i = 0; i < n; i++)
        claimed = claimed || claims(changes[i]);
    for (size_t i = 0; i < n; i++) {
        const Xw__StudyChange *c = changes[i];
        enum xw_study_verdict verdict = XW_STUDY_APPLIED;
        if (c->change_case == XW__STUDY_CHANGE__CHANGE_CREATE)
            verdict = create(&state, c);
        else if (c->change_case == XW__STUDY_CHANGE__CHANGE_STATE)
            verdict = step(&state, c, claimed);
        else if (c->change_case == XW__STUDY_CHANGE__CHANGE_ADD_ITEM)
            add_item(&state, c->add_item);
        state.verdicts[i] = verdict;
    }
    *ret_state = state;
}
