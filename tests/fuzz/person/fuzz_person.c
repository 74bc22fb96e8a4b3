/* The fields of a form: the first byte says which, the second of numbers what kind; the rest is the
 * text. What is accepted is in its one form: read again it stays what it is. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "person/person.h"
#include "person/pinyin.h"

static const struct xw_day today = {.year = 2026, .month = 11, .day = 23};
static struct xw_person_fault fault;

static void one_number(uint8_t kind, const char *text)
{
    struct xw_number a, b;
    char key[XW_NUMBER_KEY_N_BYTES];
    enum xw_number_kind k = (enum xw_number_kind)(kind % XW_NUMBER_KINDS_N);
    const char *issuer = k == XW_NUMBER_INPATIENT || k == XW_NUMBER_CLINIC ? "A-1" : "";
    if (xw_number_read(k, text, issuer, today, &a, &fault) < 0)
        return;
    assert(xw_number_read(k, a.text, a.issuer, today, &b, &fault) == 0);
    assert(xw_number_equal(&a, &b));
    assert(strlen(xw_number_key(&a, key)) + 1 < XW_NUMBER_KEY_N_BYTES);
    if (xw_number_newborn(&a, kind, &b, &fault) == 0)
        assert(b.order == kind && b.mother == k);
}

static void one_name(const char *text)
{
    static struct xw_speller *speller;
    char a[XW_NAME_N_BYTES], b[XW_NAME_N_BYTES], spelling[XW_SPELLING_N_BYTES];
    struct xw_name_says says;
    if (xw_name_read(text, a, &says, &fault) < 0)
        return;
    assert(xw_name_read(a, b, NULL, &fault) == 0 && strcmp(a, b) == 0);
    assert(says.chars <= XW_NAME_MAX_CHARS);
    if (!speller && xw_speller_new(&speller) < 0)
        abort();
    size_t n = xw_speller_spell(speller, a, spelling);
    assert(n == strlen(spelling) && n < XW_SPELLING_N_BYTES);
    assert(n == strspn(spelling, "abcdefghijklmnopqrstuvwxyz/ "));
    /* The first readings together begin it, as far as letters are taken. */
    char first[XW_SPELLING_N_BYTES];
    size_t k = 0;
    bool skip = false;
    for (const char *c = spelling; *c; c++) {
        skip = *c == ' ' ? false : skip || *c == '/';
        if (!skip && *c != ' ')
            first[k++] = *c;
    }
    first[XW_MIN(k, (size_t)63)] = 0;
    assert(!k || xw_spelling_begins(spelling, first));
    assert(!k || xw_spelling_alike(spelling, spelling));
}

static void one_birth(const char *text)
{
    struct xw_birth a, b;
    char out[XW_BIRTH_TEXT_N_BYTES];
    if (xw_birth_read(text, today, &a, &fault) < 0)
        return;
    (void)xw_birth_format(&a, out);
    if (a.kind <= XW_BIRTH_YEAR) {
        assert(xw_birth_read(out, today, &b, &fault) == 0);
        assert(b.kind == a.kind && xw_day_compare(a.day, b.day) == 0);
    }
    struct xw_day first, last;
    if (xw_birth_range(&a, &first, &last))
        assert(xw_day_is(first) && xw_day_is(last) && xw_day_compare(first, last) <= 0 &&
               (xw_day_compare(first, today) <= 0));
}

static void one_phone(const char *text)
{
    char a[XW_PHONE_N_BYTES], b[XW_PHONE_N_BYTES];
    if (xw_phone_read(text, a, &fault) < 0)
        return;
    assert(xw_phone_read(a, b, &fault) == 0 && strcmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum xw_sex sex;
    if (size < 2)
        return 0;
    char *text = malloc(size - 1);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = 0;
    switch (data[0]) {
    case 'N':
        one_number(data[1], text);
        break;
    case 'B':
        one_birth(text);
        break;
    case 'P':
        one_phone(text);
        break;
    case 'S':
        (void)!xw_sex_read(text, &sex, &fault);
        break;
    default:
        one_name(text);
    }
    free(text);
    return 0;
}
