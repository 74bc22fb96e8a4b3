/* Finding people: one pass over all entries, which are few (50,000) and in memory. */
#include "people/people_in.h"

#include "person/text.h"

#include <string.h>

struct query {
    char name[XW_NAME_N_BYTES]; /* characters that are no letters: part of a name; else "" */
    char letters[64];           /* lower case; "" */
    char code[64];              /* digits and letters: of a number; "" */
    char number[XW_NUMBER_TEXT_N_BYTES]; /* in its one form, where it proves itself; "" */
    char phone[XW_PHONE_N_BYTES];        /* in its one form; "" */
    char digits[24];                     /* digits alone: of a phone's tail; "" */
    uint32_t letter;                     /* the first letter's bit */
    size_t code_n, digits_n;
};

enum { TAIL_MIN = 4, HEAD_MIN = 6 };

static void read_code(const char *plain, struct xw_day today, struct query *q)
{
    struct xw_number number;
    struct xw_person_fault fault;
    size_t n = 0, digits = 0;
    for (const char *c = plain; *c && n < sizeof(q->code) - 1; c++)
        if (!strchr(XW_PEOPLE_SIGNS, *c))
            q->code[n++] = *c;
    for (size_t i = 0; i < n; i++)
        digits += xw_person_digit(q->code[i]);
    if (digits == n && n < sizeof(q->digits))
        memcpy(q->digits, q->code, n);
    q->code_n = n;
    q->digits_n = strlen(q->digits);
    char phone[XW_PHONE_N_BYTES];
    if (xw_phone_read(plain, phone, &fault) == 0)
        for (size_t i = 0, k = 0; phone[i]; i++)
            if (!strchr(XW_PEOPLE_SIGNS, phone[i]))
                q->phone[k++] = phone[i];
    enum xw_number_kind kind = xw_number_guess(plain, today);
    if (kind != XW_NUMBER_NONE && xw_number_read(kind, plain, NULL, today, &number, &fault) == 0)
        memcpy(q->number, number.text, sizeof(q->number));
}

/* false: nothing can be found by it. */
static bool read_query(const char *text, struct xw_day today, struct query *q)
{
    char plain[512];
    struct xw_person_fault fault;
    int n = strnlen(text, 512) < 512 ? xw_person_plain(text, plain, sizeof(plain)) : -EOVERFLOW;
    bool digit = false, other = false;
    *q = (struct query){.letter = 0};
    if (n <= 0)
        return false;
    for (int i = 0; i < n; i++) {
        digit = digit || xw_person_digit(plain[i]);
        other = other || (uint8_t)plain[i] >= 0x80;
    }
    if (other)
        return xw_name_read(text, q->name, NULL, &fault) == 0 && q->name[0];
    if (digit) {
        read_code(plain, today, q);
        return n > 0 && q->code_n >= TAIL_MIN;
    }
    size_t out = 0;
    for (int i = 0; i < n && out < sizeof(q->letters) - 1; i++)
        if (xw_person_letter(plain[i]))
            q->letters[out++] = (char)(plain[i] - 'A' + 'a');
    if (out)
        q->letter = UINT32_C(1) << (q->letters[0] - 'a');
    /* ü is spelled with v and typed with u: at the beginning of no syllable. */
    return out > 0;
}

/* Rank of a match, or -1. */
static int match_number(const char *code, size_t n, const struct query *q)
{
    size_t k = q->code_n;
    if (q->number[0] && strncmp(code, q->number, n) == 0 && !q->number[n])
        return 0;
    if (k > n)
        return -1;
    if (memcmp(code + n - k, q->code, k) == 0)
        return k < n;
    return k >= HEAD_MIN && memcmp(code, q->code, k) == 0 ? 1 : -1;
}

static int match_phone(const char *code, size_t n, const struct query *q)
{
    size_t k = q->digits_n;
    if (q->phone[0] && strncmp(code, q->phone, n) == 0 && !q->phone[n])
        return 0;
    return k >= TAIL_MIN && k <= n && memcmp(code + n - k, q->digits, k) == 0 ? 1 : -1;
}

/* The best of the phone and the numbers; a number goes before a phone. */
static int match_codes(const char *codes, const struct query *q, enum xw_people_found *ret_by)
{
    const char *end = strchr(codes, '\n');
    int best = end > codes ? match_phone(codes, (size_t)(end - codes), q) : -1;
    *ret_by = XW_FOUND_PHONE;
    for (codes = end + 1; *codes; codes = end + 1) {
        end = strchr(codes, '\n');
        int rank = match_number(codes, (size_t)(end - codes), q);
        if (rank >= 0 && (best < 0 || rank <= best)) {
            best = rank;
            *ret_by = XW_FOUND_NUMBER;
        }
    }
    return best;
}

static int match_name(const char *name, const struct query *q)
{
    const char *at = strstr(name, q->name);
    if (!at)
        return -1;
    return at != name ? 2 : strlen(name) != strlen(q->name);
}

static bool match(const struct entry *e, const struct query *q, struct xw_people_hit *hit)
{
    int rank = -1;
    if (q->name[0]) {
        rank = match_name(e->person->name, q);
        hit->by = XW_FOUND_NAME;
    } else if (q->letters[0]) {
        if (e->letters & q->letter && xw_spelling_begins(e->spelling, q->letters))
            rank = 1;
        hit->by = XW_FOUND_LETTERS;
    } else {
        rank = match_codes(e->codes, q, &hit->by);
    }
    hit->rank = (uint8_t)(rank < 0 ? 0 : rank);
    return rank >= 0;
}

struct found {
    struct xw_people_hit hit;
    uint64_t newest;
};

static bool better(const struct found *a, const struct found *b)
{
    return a->hit.rank != b->hit.rank ? a->hit.rank < b->hit.rank : a->newest > b->newest;
}

/* Into the sorted list, one a head; the last one falls off when there is no room. */
static size_t insert(struct found *list, size_t n, const struct found *found, bool *more)
{
    for (size_t i = 0; i < n; i++)
        if (xw_uuid_equal(&list[i].hit.head, &found->hit.head)) {
            if (!better(found, &list[i]))
                return n;
            memmove(list + i, list + i + 1, (n - i - 1) * sizeof(*list));
            n--;
            break;
        }
    size_t at = n;
    while (at > 0 && better(found, &list[at - 1]))
        at--;
    if (n == XW_PEOPLE_HITS_MAX) {
        *more = true;
        if (at == n)
            return n;
        n--;
    }
    memmove(list + at + 1, list + at, (n - at) * sizeof(*list));
    list[at] = *found;
    return n + 1;
}

size_t xw_people_search(const struct xw_people *people, const char *text, struct xw_day today,
                        struct xw_people_hit ret_hits[XW_PEOPLE_HITS_MAX], bool *ret_more)
{
    struct found list[XW_PEOPLE_HITS_MAX];
    struct query q;
    size_t n = 0;
    *ret_more = false;
    if (!read_query(text, today, &q))
        return 0;
    for (size_t i = 0; i < people->entries_n; i++) {
        const struct entry *e = &people->entries[i];
        struct found found = {.newest = e->newest};
        if (!match(e, &q, &found.hit))
            continue;
        const struct entry *head = &people->entries[xw_people_head(people, (int32_t)i)];
        if (head->withdrawn)
            continue;
        found.hit.head = head->id;
        found.hit.entry = e->id;
        n = insert(list, n, &found, ret_more);
    }
    for (size_t i = 0; i < n; i++)
        ret_hits[i] = list[i].hit;
    return n;
}

/* ---- likeness ---- */

static bool may_be_one_number(const struct xw_number *a, const struct xw_number *b)
{
    unsigned differ = 0;
    if (a->kind != b->kind)
        return false;
    for (size_t i = 0; i < XW_NUMBER_TEXT_N_BYTES && a->text[i] && differ <= 3; i++)
        differ += a->text[i] != b->text[i];
    return differ <= 3; /* two places and the check character */
}

/* Whether a closer look can find anything: of all reasons only a number, a name or a phone carries
 * as far as POSSIBLE. Names that sound alike begin with one letter; of those that differ in one
 * character either the first or the last is the same. */
static bool worth_a_look(const struct entry *e, const struct xw_person *person, uint32_t letters,
                         const char *tail)
{
    size_t n = strlen(e->person->name), tail_n = strlen(tail);
    if (person->name[0] && n &&
        ((e->letters & letters) || !e->letters || !letters ||
         (n >= tail_n && strcmp(e->person->name + n - tail_n, tail) == 0)))
        return true;
    if (person->phone[0] && strcmp(person->phone, e->person->phone) == 0)
        return true;
    for (size_t i = 0; i < person->numbers_n; i++)
        for (size_t k = 0; k < e->person->numbers_n; k++)
            if (may_be_one_number(&person->numbers[i], &e->person->numbers[k]))
                return true;
    return false;
}

/* The last character. */
static const char *tail_of(const char *name)
{
    const char *at = name + strlen(name);
    while (at > name && (at == name + strlen(name) || ((uint8_t)*at & 0xc0) == 0x80))
        at--;
    return at;
}

size_t xw_people_alike(const struct xw_people *people, const struct xw_person *person,
                       const struct xw_uuid *except, size_t max, struct xw_people_like *ret_likes)
{
    char spelling[XW_SPELLING_N_BYTES];
    size_t n = 0;
    (void)xw_speller_spell(people->config.speller, person->name, spelling);
    uint32_t letters = xw_people_first_letters(spelling);
    const char *tail = tail_of(person->name);
    for (size_t i = 0; i < people->entries_n && max; i++) {
        const struct entry *e = &people->entries[i];
        if (!worth_a_look(e, person, letters, tail))
            continue;
        struct xw_people_like like = {
            .entry = e->id, .alike = xw_person_alike(person, spelling, e->person, e->spelling)};
        if (like.alike.level == XW_ALIKE_NO)
            continue;
        const struct entry *head = &people->entries[xw_people_head(people, (int32_t)i)];
        if (head->withdrawn || (except && xw_uuid_equal(&head->id, except)))
            continue;
        like.head = head->id;
        size_t same = 0;
        while (same < n && !xw_uuid_equal(&ret_likes[same].head, &like.head))
            same++;
        if (same < n) {
            if (ret_likes[same].alike.score >= like.alike.score)
                continue;
            memmove(ret_likes + same, ret_likes + same + 1, (n - same - 1) * sizeof(like));
            n--;
        }
        size_t at = n;
        while (at > 0 && like.alike.score > ret_likes[at - 1].alike.score)
            at--;
        if (at == max)
            continue;
        n -= n == max;
        memmove(ret_likes + at + 1, ret_likes + at, (n - at) * sizeof(like));
        ret_likes[at] = like;
        n++;
    }
    return n;
}
