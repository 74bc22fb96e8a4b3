/* The state of a study: the fold of its changes, whatever order they came in.
 *
 * Changes are ordered by their id (UUIDv7: by birth), then folded. Once the county has claimed a
 * study it owns it: a cancellation from the site is then shown as a request and changes nothing,
 * whichever was born first (ARCHITECTURE, section 3). Steps that do not follow are shown and
 * ignored.
 *
 * Threads: pure functions. Ownership: the fold borrows the changes. */
#ifndef XW_CENTER_STUDY_FOLD_H
#define XW_CENTER_STUDY_FOLD_H

#include "base/base.h"

#include "study.pb-c.h"

enum { XW_STUDY_CHANGES_MAX = 256, XW_STUDY_ITEMS_MAX = 64 };

enum xw_study_verdict { XW_STUDY_APPLIED, XW_STUDY_REQUEST, XW_STUDY_IGNORED };

struct xw_study_state {
    const Xw__StudyCreate *create; /* NULL: the creation has not come yet */
    int64_t created_wall_us;
    const char *author;
    Xw__StudyState state;
    const char *claimed_by; /* NULL = nobody */
    const Xw__StudyItem *items[XW_STUDY_ITEMS_MAX];
    size_t items_n;
    enum xw_study_verdict verdicts[XW_STUDY_CHANGES_MAX];
};

/* Orders changes[0..n) in place, n <= XW_STUDY_CHANGES_MAX, and folds them. */
void xw_study_fold(Xw__StudyChange **changes, size_t n, struct xw_study_state *ret_state);
/* Does this step follow from where a study stands? */
bool xw_study_follows(Xw__StudyState from, Xw__StudyState to);

#endif
