/* Whose ten seconds these are, and the patient's previous ECG at the county.
 *
 * Threads: loop thread only. The previous ECG is the newest 12-lead study of the same patient that
 * began before this one, is not cancelled, and is of a site that the asker sees. */
#ifndef XW_CENTER_PREVIOUS_H
#define XW_CENTER_PREVIOUS_H

#include "center/patients.h"

struct xw_http_request;

struct xw_previous {
    bool patient_known, found;
    float age_years, age_before_years; /* now and then; NAN: not known */
    char sex;                          /* 'M', 'F', 0 */
    /* found: its first ten seconds */
    struct xw_uuid study, stream;
    struct xw_range range;
    int64_t wall_us;
};

/* The samples [range) of the stream, being looked at now. */
void xw_previous_find(struct xw_http_request *req, const struct xw_uuid *stream,
                      struct xw_range range, struct xw_previous *ret);

#endif
