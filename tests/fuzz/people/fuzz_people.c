/* A row of records (two bytes of length before each), folded as at a start. Whatever they hold, the
 * fold ends, no merge makes a circle, every entry has details within their limits, and searching
 * and comparing take them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "people/people_in.h"

static void check_texts(const struct xw_person *p)
{
    assert(strlen(p->name) < sizeof(p->name) && strlen(p->phone) < sizeof(p->phone));
    assert(p->numbers_n <= XW_PERSON_NUMBERS_MAX);
    char key[XW_NUMBER_KEY_N_BYTES];
    for (size_t i = 0; i < p->numbers_n; i++)
        assert(strlen(xw_number_key(&p->numbers[i], key)) < sizeof(key));
}

static void on_change(void *user, const struct xw_people_change *change)
{
    assert(change->author && change->reason);
    ++*(size_t *)user;
}

static void check(const struct xw_people *people)
{
    static const struct xw_day today = {.year = 2026, .month = 11, .day = 23};
    struct xw_people_hit hits[XW_PEOPLE_HITS_MAX];
    struct xw_people_like likes[4];
    size_t merged = 0;
    bool more;
    for (size_t i = 0; i < people->entries_n; i++) {
        const struct entry *e = &people->entries[i];
        size_t depth = 0, changes = 0;
        for (int32_t at = (int32_t)i; at != NO_ENTRY; at = people->entries[at].into) {
            assert(depth <= people->entries_n);
            depth++;
        }
        assert(e->person && e->details && e->presence);
        assert(xw_people_find(people, &e->id) == (int32_t)i);
        check_texts(e->person);
        merged += e->merged_n;
        assert(xw_people_history(people, &e->id, on_change, &changes) == 0);
        assert(changes >= 1 && changes <= e->changes_n);
        (void)xw_people_search(people, e->person->name, today, hits, &more);
        (void)xw_people_alike(people, e->person, NULL, 4, likes);
    }
    for (size_t i = 0; i < people->entries_n; i++)
        merged -= people->entries[i].into != NO_ENTRY;
    assert(merged == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xw_speller *speller;
    struct xw_people *people = calloc(1, sizeof(*people));
    if (!people || (!speller && xw_speller_new(&speller) < 0))
        abort();
    people->config.speller = speller;
    people->last = &people->first;
    for (size_t at = 0; at + 2 <= size;) {
        size_t n = (size_t)(data[at] | data[at + 1] << 8);
        struct change *c;
        at += 2;
        n = XW_MIN(n, size - at);
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, data + at, n);
        int r = xw_people_unpack(copy, n, &c);
        free(copy);
        at += n;
        if (r == 0 && xw_people_fold(people, c) < 0)
            xw_people_change_free(c);
    }
    check(people);
    xw_people_free(people);
    return 0;
}
