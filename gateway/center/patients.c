/* Patients and whose recordings are theirs. */
#include "center/patients.h"

#include "base/metrics.h"

#include "signal.pb-c.h"
#include "study.pb-c.h"

#include <math.h>
#include <string.h>
#include <time.h>

XW_COUNTER(refused, "xw_center_patients_refused_total", NULL,
           "records of patients and assignments of no use: malformed, or no room in memory");

/* What is a study's or an attachment's; the newest assignment counts. */
struct assignment {
    struct xw_uuid subject, assignment, patient;
    uint64_t revision;
    int64_t from_us, to_us; /* to: 0 = open */
    float age_years;        /* as the recording says; NAN = not said */
};

/* Open addressing, at most half full; an entry begins with its id, nil = free. */
struct table {
    uint8_t *v;
    size_t size, n, cap, max;
};

struct xw_patients {
    struct table patients, assignments;
};

static void *slot(const struct table *t, const struct xw_uuid *id)
{
    for (size_t i = xw_uuid_hash(id) & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
        struct xw_uuid *at = (struct xw_uuid *)(void *)(t->v + i * t->size);
        if (xw_uuid_is_nil(at) || xw_uuid_equal(at, id))
            return at;
    }
}

static void *find(const struct table *t, const struct xw_uuid *id)
{
    struct xw_uuid *at = t->n && !xw_uuid_is_nil(id) ? slot(t, id) : NULL;
    return at && !xw_uuid_is_nil(at) ? at : NULL;
}

static int grow(struct table *t)
{
    struct table to = *t;
    to.cap = t->cap ? t->cap * 2 : 64;
    to.v = calloc(to.cap, t->size);
    if (!to.v)
        return -ENOMEM;
    for (size_t i = 0; i < t->cap; i++) {
        const struct xw_uuid *at = (const struct xw_uuid *)(void *)(t->v + i * t->size);
        if (!xw_uuid_is_nil(at))
            memcpy(slot(&to, at), at, t->size);
    }
    free(t->v);
    *t = to;
    return 0;
}

/* The entry of this id, made if there is none; NULL: no room. */
static void *obtain(struct table *t, const struct xw_uuid *id)
{
    void *at = find(t, id);
    if (at || xw_uuid_is_nil(id) || t->n >= t->max)
        return at;
    if (2 * (t->n + 1) > t->cap && grow(t) < 0)
        return NULL;
    at = slot(t, id);
    memcpy(at, id, sizeof(*id));
    t->n++;
    return at;
}

int xw_patients_new(struct xw_patients **ret_patients)
{
    struct xw_patients *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->patients = (struct table){.size = sizeof(struct xw_patient), .max = XW_PATIENTS_MAX};
    p->assignments = (struct table){.size = sizeof(struct assignment), .max = XW_ASSIGNMENTS_MAX};
    *ret_patients = p;
    return 0;
}

void xw_patients_free(struct xw_patients *patients)
{
    if (!patients)
        return;
    free(patients->patients.v);
    free(patients->assignments.v);
    free(patients);
}

size_t xw_patients_n(const struct xw_patients *patients)
{
    return patients->patients.n;
}

/* Exactly `n` digits, or -1. */
static int digits(const char *text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* YYYY-MM-DD or YYYY; anything else says nothing. */
static void read_birth(const char *text, struct xw_patient *patient)
{
    size_t n = strnlen(text, 11);
    int year = n == 4 || n == 10 ? digits(text, 4) : -1;
    patient->year = 0;
    patient->month = patient->day = 0;
    if (year < 1850 || year > 2200)
        return;
    if (n == 10) {
        int month = text[4] == '-' ? digits(text + 5, 2) : -1;
        int day = text[7] == '-' ? digits(text + 8, 2) : -1;
        if (month < 1 || month > 12 || day < 1 || day > 31)
            return;
        patient->month = (int8_t)month;
        patient->day = (int8_t)day;
    }
    patient->year = (int16_t)year;
}

static bool take_patient(struct xw_patients *p, const struct xw_store_record *record)
{
    Xw__PatientChange *wire = xw__patient_change__unpack(NULL, record->body_size, record->body);
    struct xw_uuid id;
    bool good = wire && xw_uuid_from_bytes(wire->patient_id.data, wire->patient_id.len, &id) == 0;
    struct xw_patient *patient = good ? obtain(&p->patients, &id) : NULL;
    if (patient && record->revision >= patient->revision) {
        patient->revision = record->revision;
        patient->sex = strcmp(wire->sex, "M") == 0 ? 'M' : strcmp(wire->sex, "F") == 0 ? 'F' : 0;
        read_birth(wire->birth_date, patient);
    }
    if (wire)
        xw__patient_change__free_unpacked(wire, NULL);
    return patient;
}

static bool take_assignment(struct xw_patients *p, const struct xw_store_record *record)
{
    Xw__Assignment *wire = xw__assignment__unpack(NULL, record->body_size, record->body);
    struct assignment a = {.revision = record->revision};
    bool good =
        wire &&
        xw_uuid_from_bytes(wire->assignment_id.data, wire->assignment_id.len, &a.assignment) == 0 &&
        xw_uuid_from_bytes(wire->patient_id.data, wire->patient_id.len, &a.patient) == 0 &&
        (xw_uuid_from_bytes(wire->study_id.data, wire->study_id.len, &a.subject) == 0 ||
         xw_uuid_from_bytes(wire->attachment_id.data, wire->attachment_id.len, &a.subject) == 0);
    struct assignment *at = good ? obtain(&p->assignments, &a.subject) : NULL;
    if (at) {
        bool same = xw_uuid_equal(&at->assignment, &a.assignment);
        a.from_us = wire->from_wall_us;
        a.to_us = wire->to_wall_us;
        a.age_years = wire->age_years > 0 && wire->age_years <= 130 ? (float)wire->age_years : NAN;
        if (same ? a.revision >= at->revision : at->revision == 0 || a.from_us >= at->from_us)
            *at = a;
    }
    if (wire)
        xw__assignment__free_unpacked(wire, NULL);
    return at;
}

void xw_patients_record(struct xw_patients *patients, const struct xw_store_record *record)
{
    bool taken = record->kind == XW__RECORD_KIND__RECORD_PATIENT
                     ? take_patient(patients, record)
                     : take_assignment(patients, record);
    if (!taken)
        xw_counter_add(&refused, 1);
}

const struct xw_patient *xw_patients_of_study(const struct xw_patients *patients,
                                              const struct xw_uuid *study)
{
    const struct assignment *a = find(&patients->assignments, study);
    return a ? find(&patients->patients, &a->patient) : NULL;
}

const struct xw_patient *xw_patients_of_attachment(const struct xw_patients *patients,
                                                   const struct xw_uuid *attachment,
                                                   int64_t wall_us)
{
    const struct assignment *a = find(&patients->assignments, attachment);
    return a && wall_us >= a->from_us && (!a->to_us || wall_us < a->to_us)
               ? find(&patients->patients, &a->patient)
               : NULL;
}

float xw_patient_age_years(const struct xw_patient *patient, int64_t wall_us)
{
    struct tm born = {.tm_year = patient->year - 1900,
                      .tm_mon = patient->month ? patient->month - 1 : 6,
                      .tm_mday = patient->day ? patient->day : 1};
    if (!patient->year)
        return NAN;
    double years = ((double)wall_us / 1e6 - (double)timegm(&born)) / (365.2425 * 86400);
    return years >= 0 && years <= 130 ? (float)years : NAN;
}

float xw_patients_age_at_study(const struct xw_patients *patients, const struct xw_uuid *study,
                               int64_t wall_us)
{
    const struct assignment *a = find(&patients->assignments, study);
    const struct xw_patient *p = a ? find(&patients->patients, &a->patient) : NULL;
    float years = p ? xw_patient_age_years(p, wall_us) : NAN;
    return isfinite(years) || !p ? years : a->age_years;
}
