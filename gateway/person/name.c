/* Names. */
#include "person/name.h"

#include "person/text.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum { RAW_MAX = 200 }; /* characters as typed, before anything is made one */

bool xw_name_is_han(uint32_t c)
{
    return (c >= 0x20000 && c <= 0x3fffd) || c == 0x3007 ||
           (c >= 0x3400 && u_hasBinaryProperty((UChar32)c, UCHAR_IDEOGRAPHIC));
}

static bool is_private(uint32_t c)
{
    return (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xf0000 && c <= 0x10fffd);
}

static bool is_rare(uint32_t c)
{
    /* Beyond the block of 1993: extension A, what came later at its end, planes 2 and 3. */
    return xw_name_is_han(c) && c != 0x3007 && !(c >= 0x4e00 && c <= 0x9fa5);
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == 0xa0 || c == 0x3000 || c == 0x202f ||
           (c >= 0x2000 && c <= 0x200a);
}

static bool is_dot(uint32_t c)
{
    static const uint16_t dots[] = {0xb7,   0x387,  0x2022, 0x2024, 0x2027, 0x2219, 0x22c5,
                                    0x25cf, 0x26ab, 0x2e31, 0x30fb, 0xff65, 0x2e33, 0x2e30,
                                    0x16eb, 0xfe52, 0xff0e, 0x3002, 0xff61};
    for (size_t i = 0; i < XW_ARRAY_N(dots); i++)
        if (dots[i] == c)
            return true;
    return false;
}

static bool is_selector(uint32_t c)
{
    return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

static bool may_be_in_a_name(uint32_t c)
{
    /* Characters behind the last that this ICU knows of are "unassigned" to it. */
    uint32_t mask = U_GET_GC_MASK((UChar32)c);
    bool sign = c < 0x80 && strchr(" -'.()", (int)c) != NULL;
    return c && (sign || c == 0xb7 || c == 0xff08 || c == 0xff09 || c == 0x2019 ||
                 xw_name_is_han(c) || is_private(c) || is_selector(c) ||
                 (mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_NL_MASK)) != 0);
}

/* One form of each character that has several on keyboards. */
static uint32_t one_form(uint32_t c)
{
    if (is_blank(c))
        return ' ';
    if (is_dot(c))
        return 0xb7;
    if ((c >= 0xff10 && c <= 0xff19) || (c >= 0xff21 && c <= 0xff3a) ||
        (c >= 0xff41 && c <= 0xff5a))
        return c - 0xff01 + '!';
    if ((c >= 0x2010 && c <= 0x2015) || c == 0xff0d)
        return '-';
    return c;
}

static bool joins(uint32_t c)
{
    return xw_name_is_han(c) || is_private(c) || c == 0xb7;
}

/* Blanks at the ends and between Han characters go; several become one; '.' between Han is "·". */
static size_t tidy(uint32_t *c, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t before = out ? c[out - 1] : 0, here = c[i];
        size_t next = i + 1;
        while (next < n && c[next] == ' ')
            next++;
        uint32_t after = next < n ? c[next] : 0;
        if (here == ' ' && (!before || !after || before == ' ' || (joins(before) && joins(after))))
            continue;
        if (here == '.' && xw_name_is_han(before) && xw_name_is_han(after))
            here = 0xb7;
        if (here == 0xb7 && before == 0xb7)
            continue;
        c[out++] = here;
    }
    return out;
}

static int fault(struct xw_person_fault *ret_fault, enum xw_person_reason reason, int at)
{
    return xw_person_fault_set(ret_fault, XW_PERSON_NAME, reason, at);
}

/* NFC of the text, as code points; the number of them or a fault. */
static int composed(const char *text, uint32_t *ret, struct xw_person_fault *ret_fault)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar raw[RAW_MAX * 2 + 2], made[RAW_MAX * 4];
    UChar32 point[RAW_MAX * 2] = {0};
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&error);
    int32_t raw_n, made_n, n = 0;
    u_strFromUTF8(raw, RAW_MAX * 2, &raw_n, text, -1, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR)
        return fault(ret_fault, XW_REASON_LONG, -1);
    made_n = unorm2_normalize(nfc, raw, raw_n, made, XW_ARRAY_N(made), &error);
    if (error == U_BUFFER_OVERFLOW_ERROR || made_n > RAW_MAX * 2)
        return fault(ret_fault, XW_REASON_LONG, -1);
    if (U_FAILURE(error))
        return fault(ret_fault, XW_REASON_ENCODING, -1);
    u_strToUTF32(point, XW_ARRAY_N(point), &n, made, made_n, &error);
    if (U_FAILURE(error))
        return fault(ret_fault, XW_REASON_ENCODING, -1);
    for (int32_t i = 0; i < n; i++)
        ret[i] = one_form((uint32_t)point[i]);
    return n;
}

int xw_name_read(const char *text, char ret_name[XW_NAME_N_BYTES], struct xw_name_says *ret_says,
                 struct xw_person_fault *ret_fault)
{
    uint32_t c[RAW_MAX * 2] = {0};
    struct xw_name_says says = {.han = true};
    size_t at = 0;
    int n = composed(text, c, ret_fault);
    if (n < 0)
        return n;
    size_t count = tidy(c, (size_t)n);
    for (size_t i = 0; i < count; i++)
        if (!may_be_in_a_name(c[i]))
            return fault(ret_fault, XW_REASON_CHARACTER, (int)i);
    if (count > XW_NAME_MAX_CHARS)
        return fault(ret_fault, XW_REASON_LONG, XW_NAME_MAX_CHARS);
    bool letter = false;
    for (size_t i = 0; i < count; i++) {
        letter = letter || xw_name_is_han(c[i]) || is_private(c[i]) || u_isalpha((UChar32)c[i]);
        says.rare_n += is_rare(c[i]);
        says.unsure_n += is_private(c[i]);
        says.han = says.han && (xw_name_is_han(c[i]) || c[i] == 0xb7);
    }
    if (count && !letter)
        return fault(ret_fault, XW_REASON_FORM, -1);
    for (size_t i = 0; i < count; i++)
        at += xw_person_put(c[i], ret_name + at);
    ret_name[at] = 0;
    says.chars = (int)count;
    says.han = says.han && count > 0;
    if (ret_says)
        *ret_says = says;
    return 0;
}
