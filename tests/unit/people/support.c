/* Helpers of the tests of people. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

const struct xw_people_by tp_by = {.author = "dr-li", .reason = "because"};
const struct xw_day tp_today = {.year = 2026, .month = 11, .day = 23};

struct xw_speller *tp_speller(void)
{
    static struct xw_speller *speller;
    if (!speller)
        assert_int_equal(xw_speller_new(&speller), 0);
    return speller;
}

static void on_ready(void *user, int status)
{
    ((struct tp *)user)->ready = status;
}

void tp_open(struct tp *tp)
{
    struct xw_people_config config = {.store = tp->ts.store,
                                      .speller = tp_speller(),
                                      .clock = &tp->clock,
                                      .gateway_id = "gw-01",
                                      .on_ready = on_ready,
                                      .user = tp};
    tp->ready = 1;
    assert_int_equal(xw_people_new(&config, &tp->people), 0);
    while (tp->ready == 1)
        ts_spin(&tp->ts);
    assert_int_equal(tp->ready, 0);
}

void tp_init(struct tp *tp, enum ts_kind kind)
{
    *tp = (struct tp){.people = NULL};
    ts_init(&tp->ts, kind);
    xw_clock_fake_init(&tp->clock, 0, 1795420800000000LL);
    ts_open(&tp->ts);
    tp_open(tp);
}

void tp_close(struct tp *tp)
{
    xw_people_free(tp->people);
    tp->people = NULL;
}

void tp_reopen(struct tp *tp)
{
    tp_close(tp);
    ts_reopen(&tp->ts);
    tp_open(tp);
}

void tp_done(struct tp *tp)
{
    tp_close(tp);
    ts_done(&tp->ts);
}

void tp_on_answer(void *user, int status, const struct xw_uuid *change)
{
    struct tp_answer *answer = user;
    assert_false(answer->over);
    *answer = (struct tp_answer){.over = true, .status = status, .change = *change};
}

int tp_wait(struct tp *tp, int asked, struct tp_answer *answer)
{
    if (asked < 0)
        return asked;
    while (!answer->over)
        ts_spin(&tp->ts);
    return answer->status;
}

struct xw_person tp_person(const char *name, const char *sex, const char *birth, const char *phone,
                           const char *id17)
{
    struct xw_person_form form = {
        .name = name, .sex = sex, .birth = birth, .phone = phone, .numbers_n = id17 ? 1 : 0};
    struct xw_person_faults faults;
    struct xw_person person;
    char id[19] = {0};
    if (id17) {
        memcpy(id, id17, 17);
        id[17] = xw_number_check_11_2(id17);
        form.numbers[0].kind = XW_NUMBER_RESIDENT;
        form.numbers[0].text = id;
    }
    assert_int_equal(xw_person_read(&form, tp_today, &person, &faults), 0);
    return person;
}

struct xw_uuid tp_register(struct tp *tp, const struct xw_person *person)
{
    struct tp_answer answer = {.over = false};
    struct xw_uuid id;
    int r = xw_people_register(tp->people, NULL, person, &tp_by, tp_on_answer, &answer, &id);
    assert_int_equal(tp_wait(tp, r, &answer), 0);
    return id;
}

struct xw_people_entry tp_entry_of(struct tp *tp, struct xw_uuid id)
{
    struct xw_people_entry e;
    assert_int_equal(xw_people_entry(tp->people, &id, &e), 0);
    return e;
}

bool tp_is_head(struct tp *tp, struct xw_uuid id, struct xw_uuid head)
{
    struct xw_people_entry e = tp_entry_of(tp, id);
    return xw_uuid_equal(&e.head, &head);
}

int tp_correct(struct tp *tp, struct xw_uuid id, struct xw_uuid base,
               const struct xw_person *person, struct xw_uuid *ret_change)
{
    struct tp_answer a = {.over = false};
    int r = tp_wait(tp, xw_people_correct(tp->people, &id, &base, person, &tp_by, tp_on_answer, &a),
                    &a);
    *ret_change = a.change;
    return r;
}

int tp_merge(struct tp *tp, struct xw_uuid from, struct xw_uuid into, struct xw_uuid *ret_change)
{
    struct tp_answer a = {.over = false};
    int r = tp_wait(tp, xw_people_merge(tp->people, &from, &into, &tp_by, tp_on_answer, &a), &a);
    *ret_change = a.change;
    return r;
}

int tp_split(struct tp *tp, struct xw_uuid from, struct xw_uuid *ret_change)
{
    struct tp_answer a = {.over = false};
    int r = tp_wait(tp, xw_people_split(tp->people, &from, &tp_by, tp_on_answer, &a), &a);
    *ret_change = a.change;
    return r;
}

int tp_undo(struct tp *tp, struct xw_uuid id, struct xw_uuid change, struct xw_uuid *ret_change)
{
    struct tp_answer a = {.over = false};
    int r = tp_wait(tp, xw_people_undo(tp->people, &id, &change, &tp_by, tp_on_answer, &a), &a);
    *ret_change = a.change;
    return r;
}
