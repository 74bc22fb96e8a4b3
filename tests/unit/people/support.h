/* What the tests of people share: people on a store of either kind, requests that wait. */
#ifndef XW_TESTS_PEOPLE_SUPPORT_H
#define XW_TESTS_PEOPLE_SUPPORT_H

#include "../store/support.h"
#include "people/people.h"

struct tp {
    struct ts ts;
    struct xw_people *people;
    struct xw_clock clock;
    int ready; /* 1: not yet */
};

void tp_init(struct tp *tp, enum ts_kind kind);
/* The store is there already. */
void tp_open(struct tp *tp);
void tp_close(struct tp *tp); /* the people only */
void tp_reopen(struct tp *tp);
void tp_done(struct tp *tp);

struct tp_answer {
    bool over;
    int status;
    struct xw_uuid change;
};
void tp_on_answer(void *user, int status, const struct xw_uuid *change);
/* Waits for the answer of what was asked; the call's own error is one too. */
int tp_wait(struct tp *tp, int asked, struct tp_answer *answer);

/* One speller for the program. */
struct xw_speller *tp_speller(void);
struct xw_person tp_person(const char *name, const char *sex, const char *birth, const char *phone,
                           const char *id17);
struct xw_uuid tp_register(struct tp *tp, const struct xw_person *person);
extern const struct xw_people_by tp_by;
extern const struct xw_day tp_today;

/* Each waits for its end. */
struct xw_people_entry tp_entry_of(struct tp *tp, struct xw_uuid id);
bool tp_is_head(struct tp *tp, struct xw_uuid id, struct xw_uuid head);
int tp_correct(struct tp *tp, struct xw_uuid id, struct xw_uuid base,
               const struct xw_person *person, struct xw_uuid *ret_change);
int tp_merge(struct tp *tp, struct xw_uuid from, struct xw_uuid into, struct xw_uuid *ret_change);
int tp_split(struct tp *tp, struct xw_uuid from, struct xw_uuid *ret_change);
int tp_undo(struct tp *tp, struct xw_uuid id, struct xw_uuid change, struct xw_uuid *ret_change);

#endif
