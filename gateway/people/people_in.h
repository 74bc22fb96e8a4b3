/* What the parts of people share. Loop thread only. */
#ifndef XW_PEOPLE_PEOPLE_IN_H
#define XW_PEOPLE_PEOPLE_IN_H

#include "people/people.h"

enum { NO_ENTRY = -1 };
/* What does not count when numbers are searched. */
#define XW_PEOPLE_SIGNS "-./"

/* A change in memory: what the fold needs; the rest is unpacked from its body when asked for. */
struct change {
    struct xw_uuid id, person, into;
    uint64_t number;
    enum xw_people_verb verb;
    bool at_odds; /* not folded */
    uint8_t *body;
    size_t body_n;
};

/* The last changes of each sort are what the state is. */
struct entry {
    struct xw_uuid id;
    uint32_t letters;  /* bit per letter that its spelling may begin with */
    int32_t into;      /* entry that it was merged into, NO_ENTRY: none */
    uint32_t merged_n; /* entries right below it */
    bool withdrawn;
    uint64_t newest; /* number of its newest change */
    struct xw_person *person;
    char *codes; /* its phone and its numbers without signs, a line each */
    char *spelling;
    struct change **changes;
    size_t changes_n, changes_cap;
    const struct change *details, *link, *presence;
};

/* What is asked for, or waits. */
struct op {
    struct op *next;
    enum xw_people_verb verb;
    struct xw_uuid id, into, base, undoes;
    bool any_base, undo; /* undo: verb and the rest are found when its turn comes */
    struct xw_person *person;
    char author[XW_PEOPLE_AUTHOR_MAX + 1], reason[XW_PEOPLE_REASON_MAX + 1];
    xw_people_fn done;
    void *user;
    struct change *change; /* once it is under way */
};

struct xw_people {
    struct xw_people_config config;
    char gateway_id[XW_PEOPLE_AUTHOR_MAX + 1];
    bool ready, busy;
    struct entry *entries;
    size_t entries_n, entries_cap;
    int32_t *slots; /* open addressing by id, at most half full */
    size_t slots_n;
    size_t changes_n, unreadable_n;
    uint64_t last_number;
    struct op *first, **last; /* waiting */
    size_t waiting_n;
    struct op *under_way; /* in the batch that is with the store */
    struct change **loaded;
    size_t loaded_n, loaded_cap;
};

/* ---- record.c ---- */

/* The record's body; *ret_change is malloc'd with it. */
XW_MUST_CHECK int xw_people_pack(const struct op *op, uint64_t number, struct xw_uuid change_id,
                                 int64_t wall_us, struct change **ret_change);
/* -EBADMSG: not a change, or out of its limits. ret_person, ret_wire may be NULL; the caller frees
 * (person: free; wire: xw_people_wire_free). */
struct Xw__PersonChange;
XW_MUST_CHECK int xw_people_unpack(const void *body, size_t n, struct change **ret_change);
XW_MUST_CHECK int xw_people_details(const struct change *change, struct xw_person **ret_person);
/* Fills everything of view; the texts are of *ret_wire. */
XW_MUST_CHECK int xw_people_view(const struct change *change, struct xw_people_change *ret_view,
                                 void **ret_wire);
void xw_people_wire_free(void *wire);
void xw_people_change_free(struct change *change);

/* ---- fold.c ---- */

int32_t xw_people_find(const struct xw_people *people, const struct xw_uuid *id);
int32_t xw_people_head(const struct xw_people *people, int32_t at);
/* Whether it can be said now: 0 or the errors of people.h. */
XW_MUST_CHECK int xw_people_judge(const struct xw_people *people, const struct op *op);
/* An undo becomes the operation that takes its change back. */
XW_MUST_CHECK int xw_people_resolve(const struct xw_people *people, struct op *op);
/* Takes the change; one that is at odds with the state is kept aside (-ESTALE and the like). */
XW_MUST_CHECK int xw_people_fold(struct xw_people *people, struct change *change);
void xw_people_entry_done(struct entry *entry);
/* A bit per letter that a spelling may begin with. */
uint32_t xw_people_first_letters(const char *spelling);

#endif
