/* Spelling of names, and finding them by what was spelled. */
#include "person/pinyin.h"

#include "person/name.h"
#include "person/readings.h"
#include "person/text.h"

#include <string.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

/* What was asked last; names repeat a few hundred characters. */
enum { CACHE = 1024 };
struct known {
    uint32_t c; /* 0: free */
    uint8_t n;
    char text[27];
};

struct xw_speller {
    UTransliterator *icu;
    struct known known[CACHE];
};

int xw_speller_new(struct xw_speller **ret_speller)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar id[48];
    struct xw_speller *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    u_uastrcpy(id, "Han-Latin; Latin-ASCII; Lower");
    s->icu = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &error);
    if (U_FAILURE(error)) {
        free(s);
        return -ENOTSUP;
    }
    *ret_speller = s;
    return 0;
}

void xw_speller_free(struct xw_speller *speller)
{
    if (!speller)
        return;
    utrans_close(speller->icu);
    free(speller);
}

/* ---- spelling ---- */

struct out {
    char *text;
    size_t n;
};

/* A syllable or word with a blank before it; left out whole when there is no room. ü becomes v:
 * searching takes u and v for one. */
static void add(struct out *out, const char *word, size_t n)
{
    if (!n || out->n + n + 2 > XW_SPELLING_N_BYTES)
        return;
    if (out->n)
        out->text[out->n++] = ' ';
    for (size_t i = 0; i < n; i++)
        if (word[i] == '\xc3' && i + 1 < n && word[i + 1] == '\xbc') {
            out->text[out->n++] = 'v';
            i++;
        } else {
            out->text[out->n++] = word[i];
        }
    out->text[out->n] = 0;
}

/* By the table: how many bytes of the name it spelled. */
static size_t by_table(const char *name, size_t n, bool first, struct out *out)
{
    for (size_t i = 0; i < xw_readings_n; i++) {
        const struct xw_reading *r = &xw_readings[i];
        size_t k = strlen(r->text);
        if (k <= n && memcmp(name, r->text, k) == 0 && (first || !r->surname)) {
            add(out, r->readings, strlen(r->readings));
            return k;
        }
    }
    return 0;
}

/* What ICU makes of one character: only its letters; none when it knows no reading. */
static size_t by_icu(struct xw_speller *speller, uint32_t c, const char **ret_text)
{
    struct known *known = &speller->known[c % CACHE];
    UErrorCode error = U_ZERO_ERROR;
    UChar text[32];
    int32_t n = 0, end;
    *ret_text = known->text;
    if (known->c == c)
        return known->n;
    U16_APPEND_UNSAFE(text, n, c);
    end = n;
    utrans_transUChars(speller->icu, text, &n, XW_ARRAY_N(text), 0, &end, &error);
    known->c = c;
    known->n = 0;
    for (int32_t i = 0; U_SUCCESS(error) && i < n && known->n < sizeof(known->text); i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            known->text[known->n++] = (char)text[i];
    return known->n;
}

size_t xw_speller_spell(struct xw_speller *speller, const char *name,
                        char ret_spelling[XW_SPELLING_N_BYTES])
{
    struct out out = {.text = ret_spelling};
    size_t n = strlen(name), word_n = 0;
    char word[XW_NAME_N_BYTES * 2];
    ret_spelling[0] = 0;
    for (size_t i = 0, k; i < n; i += k) {
        uint32_t c;
        k = xw_person_char(name + i, n - i, &c);
        if (!k)
            break;
        bool han = xw_name_is_han(c);
        const char *made;
        size_t letters = han ? 0 : by_icu(speller, c, &made);
        if (letters && word_n + letters < sizeof(word)) {
            memcpy(word + word_n, made, letters);
            word_n += letters;
            continue;
        }
        add(&out, word, word_n);
        word_n = 0;
        if (!han)
            continue;
        size_t spelled = by_table(name + i, n - i, i == 0, &out);
        if (spelled)
            k = spelled;
        else if ((letters = by_icu(speller, c, &made)) > 0)
            add(&out, made, letters);
    }
    add(&out, word, word_n);
    return out.n;
}

/* ---- searching ---- */

enum { QUERY_MAX = 64 };

static bool same(char spelled, char typed)
{
    return spelled == typed || (spelled == 'v' && typed == 'u') || (spelled == 'u' && typed == 'v');
}

static size_t common(const char *reading, size_t reading_n, const char *q)
{
    size_t n = 0;
    while (n < reading_n && q[n] && same(reading[n], q[n]))
        n++;
    return n;
}

/* After the next character, from[] says at which letters of the query the search may stand.
 * A set of places in one word: no going back, at most 64 letters. */
static uint64_t step(const char *at, size_t n, const char *q, size_t q_n, uint64_t from)
{
    uint64_t to = 0;
    for (size_t place = 0; place < q_n; place++) {
        if (!(from >> place & 1))
            continue;
        for (size_t i = 0; i < n;) {
            const char *end = memchr(at + i, '/', n - i);
            size_t r_n = end ? (size_t)(end - at) - i : n - i;
            size_t k = common(at + i, r_n, q + place);
            if (k == q_n - place || k == r_n)
                to |= UINT64_C(1) << (place + k);
            if (k >= 1)
                to |= UINT64_C(1) << (place + 1);
            if (k >= 2 && at[i + 1] == 'h' && r_n > 2)
                to |= UINT64_C(1) << (place + 2);
            i += r_n + 1;
        }
    }
    return to;
}

bool xw_spelling_begins(const char *spelling, const char *letters)
{
    char q[QUERY_MAX];
    size_t q_n = 0;
    for (; *letters; letters++) {
        char c = *letters >= 'A' && *letters <= 'Z' ? (char)(*letters - 'A' + 'a') : *letters;
        if (c < 'a' || c > 'z')
            continue;
        if (q_n == QUERY_MAX - 1)
            return false;
        q[q_n++] = c;
    }
    q[q_n] = 0;
    if (!q_n)
        return false;
    uint64_t places = 1, end = UINT64_C(1) << q_n;
    while (*spelling && places && !(places & end)) {
        size_t n = strcspn(spelling, " ");
        places = step(spelling, n, q, q_n, places);
        spelling += n + (spelling[n] == ' ');
    }
    return places & end;
}

/* A reading of one is a reading of the other. */
static bool one_alike(const char *a, size_t a_n, const char *b, size_t b_n)
{
    for (size_t i = 0; i < a_n;) {
        const char *end = memchr(a + i, '/', a_n - i);
        size_t r = end ? (size_t)(end - a) - i : a_n - i;
        for (size_t j = 0; j < b_n;) {
            const char *stop = memchr(b + j, '/', b_n - j);
            size_t s = stop ? (size_t)(stop - b) - j : b_n - j;
            if (r == s && common(a + i, r, b + j) == r)
                return true;
            j += s + 1;
        }
        i += r + 1;
    }
    return false;
}

bool xw_spelling_alike(const char *a, const char *b)
{
    if (!*a || !*b)
        return false;
    for (;;) {
        size_t n = strcspn(a, " "), m = strcspn(b, " ");
        if (!one_alike(a, n, b, m))
            return false;
        if (!a[n] || !b[m])
            return !a[n] && !b[m];
        a += n + 1;
        b += m + 1;
    }
}
