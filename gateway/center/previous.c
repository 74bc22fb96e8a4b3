/* The patient of ten seconds, and what there is of him from before. */
#include "center/previous.h"

#include "center/api.h"
#include "center/hub.h"
#include "center/studies.h"
#include "reading/reading.h"

#include <math.h>

static bool item_of(const Xw__StudyItem *item, struct xw_uuid *ret_stream,
                    struct xw_range *ret_range)
{
    return item->item_case == XW__STUDY_ITEM__ITEM_SAMPLES &&
           xw_uuid_from_bytes(item->samples->stream_id.data, item->samples->stream_id.len,
                              ret_stream) == 0 &&
           !__builtin_add_overflow(item->samples->first, item->samples->count, &ret_range->end) &&
           ((ret_range->first = item->samples->first), true);
}

/* The study that these samples lie in. */
static const struct xw_study *study_of(const struct xw_studies *studies,
                                       const struct xw_uuid *stream, struct xw_range range)
{
    for (size_t i = 0; i < xw_studies_n(studies); i++) {
        const struct xw_study *study = xw_studies_at(studies, i);
        for (size_t k = 0; k < study->state.items_n; k++) {
            struct xw_uuid id;
            struct xw_range held;
            if (item_of(study->state.items[k], &id, &held) && xw_uuid_equal(&id, stream) &&
                range.first < held.end && held.first < range.end)
                return study;
        }
    }
    return NULL;
}

/* Ten seconds that can be read, from the beginning of an item. */
static bool readable(const struct xw_center *center, const struct xw_study *study,
                     struct xw_previous *ret)
{
    for (size_t k = 0; k < study->state.items_n; k++) {
        struct xw_hub_view view;
        struct xw_range held;
        size_t ten;
        if (!item_of(study->state.items[k], &ret->stream, &held) ||
            xw_hub_find(center->hub, &ret->stream, &view) < 0 ||
            xw_reading_samples(view.header, &ten) < 0)
            continue;
        uint64_t n = XW_MIN(held.end - held.first, (uint64_t)ten);
        ret->range = (struct xw_range){held.first, held.first + n};
        if ((double)n >= XW_ECG12_SECONDS_MIN / 10 * (double)ten)
            return true;
    }
    return false;
}

static void look_back(struct xw_http_request *req, const struct xw_patient *patient,
                      const struct xw_study *here, int64_t before_us, struct xw_previous *ret)
{
    struct xw_center *center = req->center;
    for (size_t i = 0; i < xw_studies_n(center->studies); i++) {
        const struct xw_study *study = xw_studies_at(center->studies, i);
        const struct xw_study_state *s = &study->state;
        if (study == here || !s->create || s->create->kind != XW__STUDY_KIND__STUDY_ECG_12 ||
            s->state == XW__STUDY_STATE__STUDY_CANCELLED || s->created_wall_us >= before_us ||
            (ret->found && s->created_wall_us <= ret->wall_us) ||
            xw_patients_of_study(center->patients, &study->id) != patient ||
            !xw_api_sees(req, xw_study_site(study)))
            continue;
        struct xw_previous one = *ret;
        if (!readable(center, study, &one))
            continue;
        *ret = one;
        ret->found = true;
        ret->study = study->id;
        ret->wall_us = s->created_wall_us;
    }
}

void xw_previous_find(struct xw_http_request *req, const struct xw_uuid *stream,
                      struct xw_range range, struct xw_previous *ret)
{
    struct xw_center *center = req->center;
    const struct xw_study *here = study_of(center->studies, stream, range);
    const struct xw_patient *patient =
        here ? xw_patients_of_study(center->patients, &here->id) : NULL;
    int64_t wall_us = here ? here->state.created_wall_us : xw_clock_wall(NULL).us;
    struct xw_hub_view view;
    struct xw_uuid attachment;
    *ret = (struct xw_previous){.age_years = NAN, .age_before_years = NAN};
    bool of_study = patient;
    if (!patient && xw_hub_find(center->hub, stream, &view) == 0 &&
        xw_uuid_from_bytes(view.header->attachment_id.data, view.header->attachment_id.len,
                           &attachment) == 0)
        patient = xw_patients_of_attachment(center->patients, &attachment, wall_us);
    if (!patient)
        return;
    ret->patient_known = true;
    ret->age_years = of_study ? xw_patients_age_at_study(center->patients, &here->id, wall_us)
                              : xw_patient_age_years(patient, wall_us);
    ret->sex = patient->sex;
    look_back(req, patient, here, wall_us, ret);
    if (ret->found)
        ret->age_before_years =
            xw_patients_age_at_study(center->patients, &ret->study, ret->wall_us);
}
