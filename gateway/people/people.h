/* The people of a gateway: who was registered here, corrected, merged, split, by whom and why.
 *
 * Every change is a record of the store (kind XW_LOCAL_PERSON, body PersonChange), encrypted at
 * rest like all of it, appended and never rewritten; the state is their fold. Each entry keeps its
 * id for ever: a merge makes one entry point to another, a split ends that, and what was recorded
 * for either stays where it is. Every change can be taken back by a later one. Nothing is merged
 * by this code itself.
 *
 * An operation is over when it is durable: done(0) comes after the sync, and only then the fold
 * shows it. Operations wait in one queue and are judged when their turn comes, so that of two
 * phones that edit one entry the second is told (-ESTALE).
 *
 * Threads: loop thread only. Ownership: what is given in is copied; what is given out is borrowed
 * until control goes back to the loop. Limits: XW_PEOPLE_MAX entries, XW_PEOPLE_CHANGES_MAX
 * changes, XW_PEOPLE_QUEUE_MAX operations waiting. Errors: -EAGAIN not loaded yet or the queue is
 * full, -ENOENT no such entry or change, -ESTALE something else was said meanwhile, -EEXIST the id
 * is taken, -EALREADY just this is registered already, -ELOOP an entry into itself, -EBUSY others
 * were merged into it, -EINVAL no author or reason, -ENOSPC no room; and those of the store.
 * Fault points: people.append, people.fold.
 *
 * Nothing of a person goes into logs, metrics or names of files; ids are random. */
#ifndef XW_PEOPLE_PEOPLE_H
#define XW_PEOPLE_PEOPLE_H

#include "base/clock.h"
#include "base/uuid.h"
#include "person/alike.h"
#include "person/pinyin.h"
#include "store/store.h"

enum {
    XW_PEOPLE_MAX = 50000,
    XW_PEOPLE_CHANGES_MAX = 200000,
    XW_PEOPLE_QUEUE_MAX = 1024,
    XW_PEOPLE_AUTHOR_MAX = 64,  /* bytes */
    XW_PEOPLE_REASON_MAX = 600, /* bytes of UTF-8 */
    XW_PEOPLE_HITS_MAX = 50,
};

enum xw_people_verb {
    XW_PEOPLE_REGISTER = 1,
    XW_PEOPLE_CORRECT,
    XW_PEOPLE_MERGE,
    XW_PEOPLE_SPLIT,
    XW_PEOPLE_WITHDRAW,
    XW_PEOPLE_RESTORE,
};

struct xw_people;

struct xw_people_config {
    struct xw_store *store;
    struct xw_speller *speller;   /* kept while the people are open */
    const struct xw_clock *clock; /* NULL: the machine's */
    const char *gateway_id;
    /* Once, when all was read; with an error nothing can be done but free. */
    void (*on_ready)(void *user, int status);
    void *user;
};

XW_MUST_CHECK int xw_people_new(const struct xw_people_config *config,
                                struct xw_people **ret_people);
/* The store was closed or nothing is under way. What still waits is told -ECANCELED. */
void xw_people_free(struct xw_people *people);

/* ---- changes ---- */

struct xw_people_by {
    const char *author; /* user id, not empty */
    const char *reason; /* not empty but for registering and correcting */
};
/* change: of the record that is durable now; nil on failure. May come from within the call, with an
 * error, when the store refuses at once. */
typedef void (*xw_people_fn)(void *user, int status, const struct xw_uuid *change);

/* id: made by the caller (a UUIDv7; the same again is -EALREADY), or nil; ret_id (may be NULL) is
 * the entry's. The person must have passed xw_person_check. */
XW_MUST_CHECK int xw_people_register(struct xw_people *people, const struct xw_uuid *id,
                                     const struct xw_person *person, const struct xw_people_by *by,
                                     xw_people_fn done, void *user, struct xw_uuid *ret_id);
/* base: the change that made the details that the author saw (xw_people_entry.details). */
XW_MUST_CHECK int xw_people_correct(struct xw_people *people, const struct xw_uuid *id,
                                    const struct xw_uuid *base, const struct xw_person *person,
                                    const struct xw_people_by *by, xw_people_fn done, void *user);
/* `from` and all that was merged into it are from now on `into` (or what that was merged into). */
XW_MUST_CHECK int xw_people_merge(struct xw_people *people, const struct xw_uuid *from,
                                  const struct xw_uuid *into, const struct xw_people_by *by,
                                  xw_people_fn done, void *user);
/* `from` stands alone again, with what was merged into it before. */
XW_MUST_CHECK int xw_people_split(struct xw_people *people, const struct xw_uuid *from,
                                  const struct xw_people_by *by, xw_people_fn done, void *user);
/* Takes a change of an entry back, if it is the last of its sort (details; merge and split;
 * registered and withdrawn): as it was before. */
XW_MUST_CHECK int xw_people_undo(struct xw_people *people, const struct xw_uuid *id,
                                 const struct xw_uuid *change, const struct xw_people_by *by,
                                 xw_people_fn done, void *user);

/* ---- the present state ---- */

struct xw_people_entry {
    struct xw_uuid id;
    struct xw_uuid head;    /* who it is: itself, or at the end of its merges */
    struct xw_uuid details; /* the change that its details are of */
    const struct xw_person *person;
    size_t merged_n; /* entries that were merged right into it */
    bool withdrawn;
};
XW_MUST_CHECK int xw_people_entry(const struct xw_people *people, const struct xw_uuid *id,
                                  struct xw_people_entry *ret_entry);
/* Every entry whose head is this one, itself too. */
void xw_people_members(const struct xw_people *people, const struct xw_uuid *head,
                       void (*each)(void *user, const struct xw_uuid *id), void *user);

struct xw_people_change {
    struct xw_uuid id, person, into, undoes; /* the last two nil where there is none */
    enum xw_people_verb verb;
    uint64_t number;
    int64_t wall_us;
    const char *author, *reason;
    const struct xw_person *person_then; /* of a registration and a correction; else NULL */
};
/* All changes of an entry, oldest first. -ENOENT, -ENOMEM. */
XW_MUST_CHECK int xw_people_history(const struct xw_people *people, const struct xw_uuid *id,
                                    void (*each)(void *user, const struct xw_people_change *),
                                    void *user);

struct xw_people_stats {
    size_t entries_n, changes_n, merged_n, withdrawn_n, waiting_n;
    size_t unreadable_n; /* records of no use: damaged, or at odds with those before them */
};
void xw_people_stats(const struct xw_people *people, struct xw_people_stats *ret_stats);

/* ---- finding ---- */

enum xw_people_found { XW_FOUND_NUMBER, XW_FOUND_PHONE, XW_FOUND_NAME, XW_FOUND_LETTERS };

struct xw_people_hit {
    struct xw_uuid head, entry; /* whose; of which entry's details */
    enum xw_people_found by;
    uint8_t rank; /* 0 whole, 1 its beginning or end, 2 within */
};
/* What somebody typed or scanned: a number (whole, its last four or more, its first six or more), a
 * phone number (whole or its last four or more), part of a name, or its letters (pinyin.h). Best
 * first, newest first among equals, one hit a person; those withdrawn are left out. Returns how
 * many; ret_more: there were more than XW_PEOPLE_HITS_MAX. */
size_t xw_people_search(const struct xw_people *people, const char *text, struct xw_day today,
                        struct xw_people_hit ret_hits[XW_PEOPLE_HITS_MAX], bool *ret_more);

struct xw_people_like {
    struct xw_uuid head, entry;
    struct xw_alike alike;
};
/* Entries that may be this person, the likest first, one a head; never those whose head is
 * `except` (nil: all). */
size_t xw_people_alike(const struct xw_people *people, const struct xw_person *person,
                       const struct xw_uuid *except, size_t max, struct xw_people_like *ret_likes);

#endif
