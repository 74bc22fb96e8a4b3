/* People: reading them, the queue of operations, one batch at a time with the store. */
#include "people/people_in.h"

#include "base/fault.h"

#include <string.h>

enum { PAGE = 256, BATCH_MAX = 64 };

static const struct xw_uuid nil;

/* ---- reading all ---- */

static int ask(struct xw_people *people, const void *after, size_t after_n);

static void on_page(void *user, const struct xw_store_records *records);

static int by_number(const void *a, const void *b)
{
    const struct change *x = *(struct change *const *)a, *y = *(struct change *const *)b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return xw_uuid_compare(&x->id, &y->id);
}

static int fold_all(struct xw_people *people)
{
    int r = 0;
    if (people->loaded_n)
        qsort(people->loaded, people->loaded_n, sizeof(struct change *), by_number);
    for (size_t i = 0; i < people->loaded_n; i++) {
        struct change *c = people->loaded[i];
        people->last_number = XW_MAX(people->last_number, c->number);
        int folded = r < 0 ? r : xw_people_fold(people, c);
        if (folded == -ENOMEM)
            r = folded;
        people->unreadable_n += folded < 0 || c->at_odds;
        if (folded < 0)
            xw_people_change_free(c);
    }
    free(people->loaded);
    people->loaded = NULL;
    people->loaded_n = people->loaded_cap = 0;
    return r;
}

static void loaded(struct xw_people *people, int status)
{
    if (status == 0)
        status = fold_all(people);
    people->ready = status == 0;
    if (people->config.on_ready)
        people->config.on_ready(people->config.user, status);
}

static int keep(struct xw_people *people, const struct xw_store_record *record)
{
    struct change *c;
    if (people->loaded_n >= XW_PEOPLE_CHANGES_MAX)
        return -ENOSPC;
    if (people->loaded_n == people->loaded_cap) {
        size_t cap = people->loaded_cap ? people->loaded_cap * 2 : 256;
        struct change **v = reallocarray(people->loaded, cap, sizeof(struct change *));
        if (!v)
            return -ENOMEM;
        people->loaded = v;
        people->loaded_cap = cap;
    }
    int r = xw_people_unpack(record->body, record->body_size, &c);
    if (r == 0)
        people->loaded[people->loaded_n++] = c;
    else if (r == -EBADMSG)
        people->unreadable_n++;
    return r == -EBADMSG ? 0 : r;
}

static void on_page(void *user, const struct xw_store_records *records)
{
    struct xw_people *people = user;
    int r = records->status;
    for (size_t i = 0; r == 0 && i < records->records_n; i++)
        r = keep(people, &records->records[i]);
    if (r == 0 && records->more && records->records_n) {
        const struct xw_store_record *last = &records->records[records->records_n - 1];
        r = ask(people, last->key, last->key_size);
        if (r == 0)
            return;
    }
    loaded(people, r);
}

static int ask(struct xw_people *people, const void *after, size_t after_n)
{
    return xw_store_records(people->config.store, XW_LOCAL_PERSON, after, after_n, false, PAGE,
                            on_page, people);
}

int xw_people_new(const struct xw_people_config *config, struct xw_people **ret_people)
{
    size_t n = strlen(config->gateway_id);
    struct xw_people *people = calloc(1, sizeof(*people));
    if (!people)
        return -ENOMEM;
    if (n >= sizeof(people->gateway_id)) {
        free(people);
        return -EINVAL;
    }
    people->config = *config;
    memcpy(people->gateway_id, config->gateway_id, n + 1);
    people->last = &people->first;
    int r = ask(people, NULL, 0);
    if (r < 0) {
        free(people);
        return r;
    }
    *ret_people = people;
    return 0;
}

/* ---- operations ---- */

static void op_free(struct op *op)
{
    xw_people_change_free(op->change);
    free(op->person);
    free(op);
}

static void over(struct op *op, int status, const struct xw_uuid *change)
{
    if (op->done)
        op->done(op->user, status, status < 0 ? &nil : change);
    op_free(op);
}

void xw_people_free(struct xw_people *people)
{
    if (!people)
        return;
    people->ready = false;
    struct op *waiting[] = {people->under_way, people->first};
    for (size_t i = 0; i < XW_ARRAY_N(waiting); i++)
        for (struct op *op = waiting[i], *next; op; op = next) {
            next = op->next;
            over(op, -ECANCELED, NULL);
        }
    for (size_t i = 0; i < people->loaded_n; i++)
        xw_people_change_free(people->loaded[i]);
    free(people->loaded);
    for (size_t i = 0; i < people->entries_n; i++)
        xw_people_entry_done(&people->entries[i]);
    free(people->entries);
    free(people->slots);
    free(people);
}

static int judge(const struct xw_people *people, struct op *op)
{
    int r = op->undo ? xw_people_resolve(people, op) : 0;
    return r < 0 ? r : xw_people_judge(people, op);
}

/* Several that neither concern the same entry nor depend on one another go together. */
static bool goes_with(const struct op *batch, const struct op *op)
{
    if (op->undo || (op->verb != XW_PEOPLE_REGISTER && op->verb != XW_PEOPLE_CORRECT))
        return false;
    for (; batch; batch = batch->next)
        if (batch->undo ||
            (batch->verb != XW_PEOPLE_REGISTER && batch->verb != XW_PEOPLE_CORRECT) ||
            xw_uuid_equal(&batch->id, &op->id))
            return false;
    return true;
}

static struct op *pop(struct xw_people *people)
{
    struct op *op = people->first;
    people->first = op->next;
    if (!people->first)
        people->last = &people->first;
    people->waiting_n--;
    op->next = NULL;
    return op;
}

static int add_record(struct xw_people *people, struct xw_store_batch *batch, struct op *op,
                      uint64_t number)
{
    struct xw_wall_us wall = xw_clock_wall(people->config.clock);
    if (op->verb == XW_PEOPLE_MERGE) {
        /* What it is merged into now, so that a later split elsewhere does not move it. */
        int32_t into = xw_people_head(people, xw_people_find(people, &op->into));
        op->into = people->entries[into].id;
    }
    int r = xw_people_pack(op, number, xw_uuid_v7(people->config.clock), wall.us, &op->change);
    if (r < 0)
        return r;
    uint8_t key[2 * XW_UUID_N_BYTES];
    memcpy(key, op->id.b, XW_UUID_N_BYTES);
    memcpy(key + XW_UUID_N_BYTES, op->change->id.b, XW_UUID_N_BYTES);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW_LOCAL_PERSON,
                                     .body = op->change->body,
                                     .body_size = op->change->body_n,
                                     .origin = people->gateway_id,
                                     .wall_us = wall.us};
    return xw_store_batch_record(batch, &record, NULL, NULL, 0);
}

static void kick(struct xw_people *people);

/* A list of operations in order; the tail is where the next one goes. */
static struct op *gather(struct xw_people *people, struct xw_store_batch *batch, int *ret_error)
{
    struct op *list = NULL, **tail = &list;
    size_t n = 0;
    while (people->first && n < BATCH_MAX && (!list || goes_with(list, people->first))) {
        struct op *op = pop(people);
        int r = judge(people, op);
        if (r == 0 && people->changes_n + n >= XW_PEOPLE_CHANGES_MAX)
            r = -ENOSPC;
        if (r == 0 && op->verb == XW_PEOPLE_REGISTER && people->entries_n + n >= XW_PEOPLE_MAX)
            r = -ENOSPC;
        if (r < 0) {
            over(op, r, NULL);
            continue;
        }
        *tail = op;
        tail = &op->next;
        *ret_error = add_record(people, batch, op, people->last_number + 1 + n);
        if (*ret_error < 0)
            break;
        n++;
    }
    return list;
}

static void finish(struct xw_people *people, int status)
{
    struct op *list = people->under_way;
    people->under_way = NULL;
    if (status == 0)
        (void)!xw_fault_point("people.fold");
    for (struct op *op = list; op && status == 0; op = op->next) {
        struct xw_uuid id = op->change->id;
        struct change *change = op->change;
        op->change = NULL;
        /* Durable already: what memory has no room for is there again after a restart. */
        if (xw_people_fold(people, change) < 0) {
            people->last_number = XW_MAX(people->last_number, change->number);
            people->unreadable_n++;
            xw_people_change_free(change);
        }
        op->base = id; /* its answer */
    }
    for (struct op *op = list, *next; op; op = next) {
        next = op->next;
        struct xw_uuid id = op->base;
        over(op, status, &id);
    }
    kick(people);
}

static void on_stored(void *user, const struct xw_store_done *done)
{
    finish(user, done->status);
}

/* The next batch, if none is under way. Operations that fail here are told at once. */
static void kick(struct xw_people *people)
{
    /* Whoever is told here may ask for more: that waits for this round. */
    if (people->busy)
        return;
    people->busy = true;
    while (people->first && !people->under_way) {
        struct xw_store_batch *batch;
        int r = xw_store_batch_new(people->config.store, &batch);
        if (r < 0) {
            over(pop(people), r, NULL);
            continue;
        }
        struct op *list = gather(people, batch, &r);
        if (!list) {
            xw_store_batch_free(batch);
            continue;
        }
        if (r == 0)
            r = xw_fault_point("people.append");
        if (r == 0)
            r = xw_store_append(people->config.store, XW_STEAL(batch), on_stored, people);
        if (batch)
            xw_store_batch_free(batch);
        if (r == 0) {
            people->under_way = list;
            break;
        }
        for (struct op *next; list; list = next) {
            next = list->next;
            over(list, r, NULL);
        }
    }
    people->busy = false;
}

/* Takes op, also on failure. */
static int submit(struct xw_people *people, struct op *op)
{
    int r = people->ready && people->waiting_n < XW_PEOPLE_QUEUE_MAX ? 0 : -EAGAIN;
    bool idle = !people->first && !people->under_way && !people->busy;
    /* What is wrong already is said at once. */
    if (r == 0 && idle)
        r = judge(people, op);
    if (r < 0) {
        op_free(op);
        return r;
    }
    *people->last = op;
    people->last = &op->next;
    people->waiting_n++;
    if (idle)
        kick(people);
    return 0;
}

static int new_op(enum xw_people_verb verb, const struct xw_uuid *id, const struct xw_people_by *by,
                  xw_people_fn done, void *user, struct op **ret_op)
{
    bool why = verb != XW_PEOPLE_REGISTER && verb != XW_PEOPLE_CORRECT;
    const char *reason = by->reason ? by->reason : "";
    size_t author_n = by->author ? strlen(by->author) : 0, reason_n = strlen(reason);
    if (!author_n || author_n > XW_PEOPLE_AUTHOR_MAX || reason_n > XW_PEOPLE_REASON_MAX ||
        (why && !reason_n))
        return -EINVAL;
    struct op *op = calloc(1, sizeof(*op));
    if (!op)
        return -ENOMEM;
    op->verb = verb;
    op->id = *id;
    memcpy(op->author, by->author, author_n + 1);
    memcpy(op->reason, reason, reason_n + 1);
    op->done = done;
    op->user = user;
    *ret_op = op;
    return 0;
}

static int with_person(struct op *op, const struct xw_person *person)
{
    op->person = malloc(sizeof(*person));
    if (!op->person) {
        op_free(op);
        return -ENOMEM;
    }
    *op->person = *person;
    return 0;
}

int xw_people_register(struct xw_people *people, const struct xw_uuid *id,
                       const struct xw_person *person, const struct xw_people_by *by,
                       xw_people_fn done, void *user, struct xw_uuid *ret_id)
{
    struct op *op;
    struct xw_uuid own = id && !xw_uuid_is_nil(id) ? *id : xw_uuid_v7(people->config.clock);
    int r = new_op(XW_PEOPLE_REGISTER, &own, by, done, user, &op);
    if (r == 0)
        r = with_person(op, person);
    if (r == 0)
        r = submit(people, op);
    if (r == 0 && ret_id)
        *ret_id = own;
    return r;
}

int xw_people_correct(struct xw_people *people, const struct xw_uuid *id,
                      const struct xw_uuid *base, const struct xw_person *person,
                      const struct xw_people_by *by, xw_people_fn done, void *user)
{
    struct op *op;
    int r = new_op(XW_PEOPLE_CORRECT, id, by, done, user, &op);
    if (r == 0)
        r = with_person(op, person);
    if (r < 0)
        return r;
    op->base = *base;
    return submit(people, op);
}

int xw_people_merge(struct xw_people *people, const struct xw_uuid *from,
                    const struct xw_uuid *into, const struct xw_people_by *by, xw_people_fn done,
                    void *user)
{
    struct op *op;
    int r = new_op(XW_PEOPLE_MERGE, from, by, done, user, &op);
    if (r < 0)
        return r;
    op->into = *into;
    return submit(people, op);
}

int xw_people_split(struct xw_people *people, const struct xw_uuid *from,
                    const struct xw_people_by *by, xw_people_fn done, void *user)
{
    struct op *op;
    int r = new_op(XW_PEOPLE_SPLIT, from, by, done, user, &op);
    return r < 0 ? r : submit(people, op);
}

int xw_people_undo(struct xw_people *people, const struct xw_uuid *id, const struct xw_uuid *change,
                   const struct xw_people_by *by, xw_people_fn done, void *user)
{
    struct op *op;
    int r = new_op(XW_PEOPLE_SPLIT, id, by, done, user, &op);
    if (r < 0)
        return r;
    op->undo = true;
    op->undoes = *change;
    return submit(people, op);
}

/* ---- the present state ---- */

int xw_people_entry(const struct xw_people *people, const struct xw_uuid *id,
                    struct xw_people_entry *ret_entry)
{
    int32_t at = xw_people_find(people, id);
    if (at == NO_ENTRY)
        return -ENOENT;
    const struct entry *e = &people->entries[at];
    *ret_entry = (struct xw_people_entry){.id = e->id,
                                          .head = people->entries[xw_people_head(people, at)].id,
                                          .details = e->details->id,
                                          .person = e->person,
                                          .merged_n = e->merged_n,
                                          .withdrawn = e->withdrawn};
    return 0;
}

void xw_people_members(const struct xw_people *people, const struct xw_uuid *head,
                       void (*each)(void *user, const struct xw_uuid *id), void *user)
{
    int32_t at = xw_people_find(people, head);
    for (size_t i = 0; at != NO_ENTRY && i < people->entries_n; i++)
        if (xw_people_head(people, (int32_t)i) == at)
            each(user, &people->entries[i].id);
}

int xw_people_history(const struct xw_people *people, const struct xw_uuid *id,
                      void (*each)(void *user, const struct xw_people_change *), void *user)
{
    int32_t at = xw_people_find(people, id);
    if (at == NO_ENTRY)
        return -ENOENT;
    const struct entry *e = &people->entries[at];
    for (size_t i = 0; i < e->changes_n; i++) {
        struct xw_people_change view;
        void *wire;
        if (e->changes[i]->at_odds)
            continue;
        int r = xw_people_view(e->changes[i], &view, &wire);
        if (r < 0)
            return r;
        each(user, &view);
        xw_people_wire_free(wire);
    }
    return 0;
}

void xw_people_stats(const struct xw_people *people, struct xw_people_stats *ret_stats)
{
    struct xw_people_stats stats = {.entries_n = people->entries_n,
                                    .changes_n = people->changes_n,
                                    .waiting_n = people->waiting_n,
                                    .unreadable_n = people->unreadable_n};
    for (size_t i = 0; i < people->entries_n; i++) {
        stats.merged_n += people->entries[i].into != NO_ENTRY;
        stats.withdrawn_n += people->entries[i].withdrawn;
    }
    *ret_stats = stats;
}
