/* Changes as records, and back. What is read was written by this code, but disks err: everything is
 * held to its limits again. */
#include "people/people_in.h"

#include "person.pb-c.h"

#include <string.h>

/* ---- packing ---- */

static ProtobufCBinaryData bytes_of(const struct xw_uuid *id)
{
    ProtobufCBinaryData bytes = {.len = 0};
    if (!xw_uuid_is_nil(id)) {
        bytes.len = sizeof(id->b);
        bytes.data = (uint8_t *)(uintptr_t)id->b;
    }
    return bytes;
}

struct details {
    Xw__PersonDetails wire;
    Xw__PersonBirth birth;
    Xw__PersonNumber numbers[XW_PERSON_NUMBERS_MAX];
    Xw__PersonNumber *list[XW_PERSON_NUMBERS_MAX];
};

static void fill_details(const struct xw_person *p, struct details *d)
{
    xw__person_details__init(&d->wire);
    xw__person_birth__init(&d->birth);
    d->wire.name = (char *)(uintptr_t)p->name;
    d->wire.phone = (char *)(uintptr_t)p->phone;
    d->wire.sex = p->sex;
    d->birth.kind = p->birth.kind;
    d->birth.year = (uint32_t)p->birth.day.year;
    d->birth.month = (uint32_t)p->birth.day.month;
    d->birth.day = (uint32_t)p->birth.day.day;
    d->birth.age = p->birth.age;
    d->wire.birth = p->birth.kind == XW_BIRTH_UNKNOWN ? NULL : &d->birth;
    for (size_t i = 0; i < p->numbers_n; i++) {
        Xw__PersonNumber *n = d->list[i] = &d->numbers[i];
        xw__person_number__init(n);
        n->kind = (Xw__PersonNumberKind)p->numbers[i].kind;
        n->mother = (Xw__PersonNumberKind)p->numbers[i].mother;
        n->order = p->numbers[i].order;
        n->text = (char *)(uintptr_t)p->numbers[i].text;
        n->issuer = (char *)(uintptr_t)p->numbers[i].issuer;
    }
    d->wire.n_numbers = p->numbers_n;
    d->wire.numbers = d->list;
}

int xw_people_pack(const struct op *op, uint64_t number, struct xw_uuid change_id, int64_t wall_us,
                   struct change **ret_change)
{
    Xw__PersonChange wire = XW__PERSON_CHANGE__INIT;
    struct details details;
    struct change *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->id = change_id;
    c->person = op->id;
    c->into = op->into;
    c->number = number;
    c->verb = op->verb;
    wire.number = number;
    wire.change_id = bytes_of(&c->id);
    wire.person_id = bytes_of(&c->person);
    wire.verb = (Xw__PersonVerb)op->verb;
    wire.into = bytes_of(&op->into);
    wire.author = (char *)(uintptr_t)op->author;
    wire.reason = (char *)(uintptr_t)op->reason;
    wire.wall_us = wall_us;
    wire.undoes = bytes_of(&op->undoes);
    if (op->person) {
        fill_details(op->person, &details);
        wire.details = &details.wire;
    }
    c->body_n = xw__person_change__get_packed_size(&wire);
    c->body = malloc(c->body_n);
    if (!c->body) {
        free(c);
        return -ENOMEM;
    }
    (void)xw__person_change__pack(&wire, c->body);
    *ret_change = c;
    return 0;
}

void xw_people_change_free(struct change *change)
{
    if (!change)
        return;
    free(change->body);
    free(change);
}

/* ---- unpacking ---- */

static bool take_id(const ProtobufCBinaryData *data, bool needed, struct xw_uuid *ret_id)
{
    if (data->len == 0 && !needed) {
        memset(ret_id, 0, sizeof(*ret_id));
        return true;
    }
    return xw_uuid_from_bytes(data->data, data->len, ret_id) == 0 && !xw_uuid_is_nil(ret_id);
}

static bool has_details(enum xw_people_verb verb)
{
    return verb == XW_PEOPLE_REGISTER || verb == XW_PEOPLE_CORRECT;
}

int xw_people_unpack(const void *body, size_t n, struct change **ret_change)
{
    struct change *c = calloc(1, sizeof(*c));
    uint8_t *copy = malloc(n ? n : 1);
    Xw__PersonChange *wire = xw__person_change__unpack(NULL, n, body);
    int r = !c || !copy ? -ENOMEM : !wire ? -EBADMSG : 0;
    if (r == 0) {
        unsigned verb = (unsigned)wire->verb;
        bool good = take_id(&wire->change_id, true, &c->id) &&
                    take_id(&wire->person_id, true, &c->person) &&
                    take_id(&wire->into, verb == XW_PEOPLE_MERGE, &c->into) && wire->number > 0 &&
                    wire->number < UINT64_MAX / 2 && verb >= XW_PEOPLE_REGISTER &&
                    verb <= XW_PEOPLE_RESTORE &&
                    (wire->details != NULL) == has_details((enum xw_people_verb)verb);
        c->number = wire->number;
        c->verb = good ? (enum xw_people_verb)verb : XW_PEOPLE_REGISTER;
        c->body = copy;
        c->body_n = n;
        memcpy(copy, body, n);
        r = good ? 0 : -EBADMSG;
    }
    if (wire)
        xw__person_change__free_unpacked(wire, NULL);
    if (r < 0) {
        free(copy);
        free(c);
        return r;
    }
    *ret_change = c;
    return 0;
}

static bool take_text(const char *text, char *ret, size_t cap)
{
    size_t n = strnlen(text, cap);
    if (n == cap)
        return false;
    memcpy(ret, text, n + 1);
    return true;
}

static bool take_number(const Xw__PersonNumber *wire, struct xw_number *ret)
{
    unsigned kind = (unsigned)wire->kind, mother = (unsigned)wire->mother;
    bool newborn = kind == XW_NUMBER_NEWBORN;
    if (kind == XW_NUMBER_NONE || kind >= XW_NUMBER_KINDS_N || wire->order > XW_NEWBORN_ORDER_MAX ||
        newborn != (wire->order > 0) || newborn != (mother != XW_NUMBER_NONE) ||
        mother >= XW_NUMBER_KINDS_N || mother == XW_NUMBER_NEWBORN)
        return false;
    ret->kind = (enum xw_number_kind)kind;
    ret->mother = (enum xw_number_kind)mother;
    ret->order = (uint8_t)wire->order;
    return take_text(wire->text, ret->text, sizeof(ret->text)) &&
           take_text(wire->issuer, ret->issuer, sizeof(ret->issuer));
}

/* Days are read as they were stated, whatever today is: no clock decides what was said. */
static bool take_birth(const Xw__PersonBirth *wire, struct xw_birth *ret)
{
    static const struct xw_day far = {.year = 9999, .month = 12, .day = 31};
    struct xw_person_fault fault;
    if (wire->kind >= XW_BIRTH_KINDS_N || wire->year > 9999 || wire->month > 12 || wire->day > 31 ||
        wire->age > UINT16_MAX)
        return false;
    *ret = (struct xw_birth){.kind = (enum xw_birth_kind)wire->kind,
                             .day = {.year = (int16_t)wire->year,
                                     .month = (int8_t)wire->month,
                                     .day = (int8_t)wire->day},
                             .age = (uint16_t)wire->age};
    struct xw_day at = ret->day;
    at.month = at.month ? at.month : 1;
    at.day = at.day ? at.day : 1;
    /* Held against its own year, it is neither in the future nor too long ago. */
    at.year = (int16_t)XW_MIN(at.year + 1, 9999);
    return xw_birth_check(ret, at.year >= 9999 ? far : at, &fault) == 0;
}

static bool take_details(const Xw__PersonDetails *wire, struct xw_person *p)
{
    bool good = take_text(wire->name, p->name, sizeof(p->name)) &&
                take_text(wire->phone, p->phone, sizeof(p->phone)) &&
                wire->n_numbers <= XW_PERSON_NUMBERS_MAX &&
                (wire->sex <= XW_SEX_FEMALE || wire->sex == XW_SEX_UNSAID) &&
                (!wire->birth || take_birth(wire->birth, &p->birth));
    p->sex = good ? (enum xw_sex)wire->sex : XW_SEX_UNKNOWN;
    for (size_t i = 0; good && i < wire->n_numbers; i++)
        good = take_number(wire->numbers[i], &p->numbers[i]);
    p->numbers_n = good ? wire->n_numbers : 0;
    return good;
}

int xw_people_details(const struct change *change, struct xw_person **ret_person)
{
    Xw__PersonChange *wire = xw__person_change__unpack(NULL, change->body_n, change->body);
    struct xw_person *p = calloc(1, sizeof(*p));
    bool good = wire && p && wire->details && take_details(wire->details, p);
    int r = good ? 0 : !wire || !p ? -ENOMEM : -EBADMSG;
    if (wire)
        xw__person_change__free_unpacked(wire, NULL);
    if (r == 0)
        *ret_person = p;
    else
        free(p);
    return r;
}

struct view {
    Xw__PersonChange *wire;
    struct xw_person *person;
};

int xw_people_view(const struct change *change, struct xw_people_change *ret_view, void **ret_wire)
{
    struct view *v = calloc(1, sizeof(*v));
    int r = v ? 0 : -ENOMEM;
    if (r == 0) {
        v->wire = xw__person_change__unpack(NULL, change->body_n, change->body);
        r = v->wire ? 0 : -ENOMEM;
    }
    if (r == 0 && has_details(change->verb))
        r = xw_people_details(change, &v->person);
    if (r < 0) {
        xw_people_wire_free(v);
        return r;
    }
    *ret_view = (struct xw_people_change){.id = change->id,
                                          .person = change->person,
                                          .into = change->into,
                                          .verb = change->verb,
                                          .number = change->number,
                                          .wall_us = v->wire->wall_us,
                                          .author = v->wire->author,
                                          .reason = v->wire->reason,
                                          .person_then = v->person};
    (void)take_id(&v->wire->undoes, false, &ret_view->undoes);
    *ret_wire = v;
    return 0;
}

void xw_people_wire_free(void *wire)
{
    struct view *v = wire;
    if (!v)
        return;
    if (v->wire)
        xw__person_change__free_unpacked(v->wire, NULL);
    free(v->person);
    free(v);
}
