/* The studies of the county: an index in memory, folded from their records.
 *
 * Threads: loop thread only. Ownership: the index owns what it folded. Limits: XW_STUDIES_MAX in
 * memory (the oldest finished ones go; the store keeps all), XW_STUDY_CHANGES_MAX changes each. */
#ifndef XW_CENTER_STUDIES_H
#define XW_CENTER_STUDIES_H

#include "base/base.h"
#include "base/uuid.h"
#include "center/clips.h"
#include "center/study_fold.h"
#include "store/store.h"

#include <jansson.h>

enum { XW_STUDIES_MAX = 20000 };

struct xw_study {
    struct xw_uuid id;
    char gateway_id[128]; /* whose log takes changes; "" = not known yet */
    Xw__StudyChange **changes;
    size_t changes_n, changes_cap;
    struct xw_study_state state;
};

struct xw_studies;

XW_MUST_CHECK int xw_studies_new(struct xw_studies **ret_studies);
void xw_studies_free(struct xw_studies *studies);
/* A durable record of kind STUDY, also at start. Returns the study (gateway_id is for the caller to
 * fill in), NULL when the record is of no use (counted). */
struct xw_study *xw_studies_record(struct xw_studies *studies,
                                   const struct xw_store_record *record);
const struct xw_study *xw_studies_find(const struct xw_studies *studies, const struct xw_uuid *id);
size_t xw_studies_n(const struct xw_studies *studies);
/* 0 = newest. */
const struct xw_study *xw_studies_at(const struct xw_studies *studies, size_t i);
/* clips: to name the clip of an object; NULL: none is named. */
json_t *xw_study_json(const struct xw_study *study, const struct xw_clips *clips);
/* The site of a study; "" while not known. */
const char *xw_study_site(const struct xw_study *study);

#endif
