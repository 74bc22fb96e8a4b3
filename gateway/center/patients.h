/* Whose recordings they are: what records PATIENT and ASSIGNMENT say, as much of it as a
 * measurement needs. No name and no number of a patient is kept here.
 *
 * Threads: loop thread only. Ownership: the table owns what it folded; pointers are borrowed until
 * control goes back to the loop. Limits: XW_PATIENTS_MAX, XW_ASSIGNMENTS_MAX in memory; what has no
 * room is not known (counted), the store keeps all. */
#ifndef XW_CENTER_PATIENTS_H
#define XW_CENTER_PATIENTS_H

#include "base/base.h"
#include "base/uuid.h"
#include "store/store.h"

enum { XW_PATIENTS_MAX = 262144, XW_ASSIGNMENTS_MAX = 262144 };

struct xw_patient {
    struct xw_uuid id;
    uint64_t revision;
    char sex;          /* 'M', 'F', 0 = not known */
    int16_t year;      /* of birth; 0 = not known */
    int8_t month, day; /* 0: only the year is known */
};

struct xw_patients;

XW_MUST_CHECK int xw_patients_new(struct xw_patients **ret_patients);
void xw_patients_free(struct xw_patients *patients);
/* A durable record PATIENT or ASSIGNMENT, also at start. What is malformed is of no use (counted).
 */
void xw_patients_record(struct xw_patients *patients, const struct xw_store_record *record);
size_t xw_patients_n(const struct xw_patients *patients);
/* NULL: not known whose it is. of_attachment: at that wall time. */
const struct xw_patient *xw_patients_of_study(const struct xw_patients *patients,
                                              const struct xw_uuid *study);
const struct xw_patient *xw_patients_of_attachment(const struct xw_patients *patients,
                                                   const struct xw_uuid *attachment,
                                                   int64_t wall_us);
/* Years at that wall time; NAN: not known. Of a year alone: from its middle. */
float xw_patient_age_years(const struct xw_patient *patient, int64_t wall_us);
/* Of a study's patient when it was taken: by his date of birth, else as the recording says. */
float xw_patients_age_at_study(const struct xw_patients *patients, const struct xw_uuid *study,
                               int64_t wall_us);

#endif
