/* The tables of certificates and codes. */
#include "center/identities.h"

#include <string.h>

struct xw_identities {
    struct xw_identity **v; /* by id */
    size_t n, cap;
    struct xw_enrolment *enrolments;
    size_t enrolments_n;
    char held[XW_IDENTITIES_HELD_MAX][XW_ENROL_ID_MAX + 1];
    size_t held_n;
    struct xw_cert_facts newer[XW_IDENTITIES_NEWER_MAX];
    size_t newer_n;
};

int xw_identities_new(struct xw_identities **ret_identities)
{
    struct xw_identities *t = calloc(1, sizeof(*t));
    if (t)
        t->enrolments = calloc(XW_ENROLMENTS_MAX, sizeof(*t->enrolments));
    if (!t || !t->enrolments) {
        free(t);
        return -ENOMEM;
    }
    *ret_identities = t;
    return 0;
}

static void free_one(struct xw_identity *identity)
{
    free(identity->certificate);
    free(identity);
}

void xw_identities_free(struct xw_identities *identities)
{
    if (!identities)
        return;
    for (size_t i = 0; i < identities->n; i++)
        free_one(identities->v[i]);
    free(identities->v);
    free(identities->enrolments);
    free(identities);
}

/* Where it is, or would be. */
static size_t position(const struct xw_identities *t, const char *id, bool *ret_found)
{
    size_t low = 0, high = t->n;
    *ret_found = false;
    while (low < high) {
        size_t at = (low + high) / 2;
        int order = strcmp(t->v[at]->id, id);
        if (order == 0) {
            *ret_found = true;
            return at;
        }
        if (order < 0)
            low = at + 1;
        else
            high = at;
    }
    return low;
}

const struct xw_identity *xw_identities_find(const struct xw_identities *identities, const char *id)
{
    bool found;
    size_t at = position(identities, id, &found);
    return found ? identities->v[at] : NULL;
}

static int grow(struct xw_identities *t)
{
    if (t->n == XW_IDENTITIES_MAX)
        return -EOVERFLOW;
    if (t->n < t->cap)
        return 0;
    size_t cap = t->cap ? 2 * t->cap : 32;
    struct xw_identity **v = realloc(t->v, cap * sizeof(void *));
    if (!v)
        return -ENOMEM;
    t->v = v;
    t->cap = cap;
    return 0;
}

int xw_identities_put(struct xw_identities *identities, const struct xw_identity *identity)
{
    bool found;
    size_t at = position(identities, identity->id, &found);
    if (found && identity->revision < identities->v[at]->revision)
        return 0;
    int r = found ? 0 : grow(identities);
    if (r < 0)
        return r;
    struct xw_identity *copy = malloc(sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *identity;
    copy->certificate = identity->certificate ? strdup(identity->certificate) : NULL;
    if (found) {
        free_one(identities->v[at]);
    } else {
        memmove(&identities->v[at + 1], &identities->v[at], (identities->n - at) * sizeof(void *));
        identities->n++;
    }
    identities->v[at] = copy;
    return 0;
}

size_t xw_identities_n(const struct xw_identities *identities)
{
    return identities->n;
}

const struct xw_identity *xw_identities_at(const struct xw_identities *identities, size_t i)
{
    return identities->v[i];
}

uint64_t xw_identity_overrule(uint64_t revision)
{
    return (revision | 0xffff) + 2;
}

bool xw_identities_hold(struct xw_identities *identities, const char *id)
{
    for (size_t i = 0; i < identities->held_n; i++)
        if (strcmp(identities->held[i], id) == 0)
            return false;
    if (identities->held_n == XW_IDENTITIES_HELD_MAX || strlen(id) > XW_ENROL_ID_MAX)
        return false;
    memcpy(identities->held[identities->held_n++], id, strlen(id) + 1);
    return true;
}

void xw_identities_release(struct xw_identities *identities, const char *id)
{
    for (size_t i = 0; i < identities->held_n; i++)
        if (strcmp(identities->held[i], id) == 0) {
            memcpy(identities->held[i], identities->held[--identities->held_n],
                   sizeof(identities->held[0]));
            return;
        }
}

static void remember(struct xw_identities *t, const struct xw_cert_facts *certificate)
{
    for (size_t i = 0; i < t->newer_n; i++)
        if (strcmp(t->newer[i].name, certificate->name) == 0) {
            if (t->newer[i].generation < certificate->generation)
                t->newer[i] = *certificate;
            return;
        }
    if (t->newer_n < XW_IDENTITIES_NEWER_MAX)
        t->newer[t->newer_n++] = *certificate;
}

bool xw_identities_newer(struct xw_identities *identities, struct xw_cert_facts *ret_certificate)
{
    if (!identities->newer_n)
        return false;
    *ret_certificate = identities->newer[--identities->newer_n];
    return true;
}

const char *xw_identities_refuse(void *user, const struct xw_cert_facts *certificate)
{
    const struct xw_identity *identity = xw_identities_find(user, certificate->name);
    if (certificate->generation > (identity ? identity->generation : 0))
        remember(user, certificate);
    if (!identity || certificate->generation > identity->generation)
        return NULL;
    if (identity->revoked_wall_us)
        return "this gateway's certificate was revoked";
    if (certificate->generation == identity->generation)
        return NULL;
    return "this certificate was revoked: another gateway was enrolled in its place";
}

/* ---- codes ---- */

const char *xw_enrolment_state(const struct xw_enrolment *enrolment, int64_t now_wall_us)
{
    if (enrolment->used_wall_us)
        return "used";
    if (enrolment->withdrawn)
        return "withdrawn";
    return now_wall_us >= enrolment->expires_wall_us ? "expired" : "open";
}

static struct xw_enrolment *find_enrolment(const struct xw_identities *t, const uint8_t *id)
{
    for (size_t i = 0; i < t->enrolments_n; i++)
        if (memcmp(t->enrolments[i].id, id, XW_CODE_ID_N) == 0)
            return &t->enrolments[i];
    return NULL;
}

const struct xw_enrolment *xw_enrolments_find(const struct xw_identities *identities,
                                              const uint8_t id[XW_CODE_ID_N])
{
    return find_enrolment(identities, id);
}

int xw_enrolments_put(struct xw_identities *identities, const struct xw_enrolment *enrolment)
{
    struct xw_enrolment *known = find_enrolment(identities, enrolment->id);
    if (known) {
        if (enrolment->revision >= known->revision)
            *known = *enrolment;
        return 0;
    }
    if (identities->enrolments_n == XW_ENROLMENTS_MAX)
        return -EOVERFLOW;
    identities->enrolments[identities->enrolments_n++] = *enrolment;
    return 0;
}

void xw_enrolments_drop(struct xw_identities *identities, const uint8_t id[XW_CODE_ID_N])
{
    struct xw_enrolment *known = find_enrolment(identities, id);
    if (known)
        *known = identities->enrolments[--identities->enrolments_n];
}

size_t xw_enrolments_n(const struct xw_identities *identities)
{
    return identities->enrolments_n;
}

const struct xw_enrolment *xw_enrolments_at(const struct xw_identities *identities, size_t i)
{
    return &identities->enrolments[i];
}
