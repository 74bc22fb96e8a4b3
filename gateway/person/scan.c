/* Scans. */
#include "person/scan.h"

#include "person/text.h"

#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ustring.h>

enum { TEXT_MAX = XW_SCAN_MAX * 2, FIELDS_MAX = 16, CARD_BYTES = 256 };

static int fault(struct xw_person_fault *ret_fault, enum xw_person_reason reason)
{
    return xw_person_fault_set(ret_fault, XW_PERSON_SCAN, reason, -1);
}

/* ---- fields ---- */

enum column { NAME, SEX, NATION, BIRTH, ADDRESS, NUMBER, COLUMNS_N };

struct fields {
    const char *v[COLUMNS_N]; /* NULL: not said */
};

static int read_fields(const struct fields *fields, struct xw_day today, struct xw_scan *scan,
                       struct xw_person_fault *ret_fault)
{
    struct xw_person_faults faults;
    enum xw_number_kind kind = xw_number_guess(fields->v[NUMBER], today);
    struct xw_person_form form = {
        .name = fields->v[NAME], .sex = fields->v[SEX], .birth = fields->v[BIRTH], .numbers_n = 1};
    form.numbers[0].kind = kind == XW_NUMBER_NONE ? XW_NUMBER_RESIDENT : kind;
    form.numbers[0].text = fields->v[NUMBER];
    int r = xw_person_read(&form, today, &scan->person, &faults);
    if (r < 0)
        *ret_fault = faults.v[0];
    scan->kind = XW_SCAN_CARD;
    return r;
}

/* ---- the card's own record ---- */

static bool is_card(const uint8_t *data, size_t n)
{
    if (n != CARD_BYTES)
        return false;
    for (size_t i = 122; i < 122 + 34; i += 2) /* the number's first 17 characters are digits */
        if (data[i] < '0' || data[i] > '9' || data[i + 1])
            return false;
    return true;
}

static int read_card(const uint8_t *data, struct xw_day today, struct xw_scan *scan,
                     struct xw_person_fault *ret_fault)
{
    static const struct {
        enum column column;
        uint8_t at, chars;
    } places[] = {{NAME, 0, 15}, {SEX, 15, 1}, {BIRTH, 18, 8}, {NUMBER, 61, 18}};
    char text[COLUMNS_N][64] = {{0}};
    struct fields fields = {{NULL}};
    for (size_t i = 0; i < XW_ARRAY_N(places); i++) {
        UErrorCode error = U_ZERO_ERROR;
        UChar wide[16 + 4];
        const uint8_t *from = data + 2 * (size_t)places[i].at;
        char *to = text[places[i].column];
        for (size_t k = 0; k < places[i].chars; k++)
            wide[k] = (UChar)(from[2 * k] | from[2 * k + 1] << 8);
        u_strToUTF8(to, 64, NULL, wide, places[i].chars, &error);
        if (U_FAILURE(error))
            return fault(ret_fault, XW_REASON_ENCODING);
        fields.v[places[i].column] = to;
    }
    return read_fields(&fields, today, scan, ret_fault);
}

/* ---- text ---- */

static bool is_utf8(const char *text, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        uint32_t c;
        k = xw_person_char(text + i, n - i, &c);
        if (!k)
            return false;
    }
    return true;
}

/* To UTF-8, NUL-terminated; the length or a fault. */
static int decode(const char *data, size_t n, char *text, struct xw_person_fault *ret_fault)
{
    if (is_utf8(data, n)) {
        memcpy(text, data, n);
        text[n] = 0;
        return (int)n;
    }
    UErrorCode error = U_ZERO_ERROR;
    UChar wide[XW_SCAN_MAX + 1];
    int32_t wide_n, made = 0;
    UConverter *converter = ucnv_open("gb18030", &error);
    if (U_FAILURE(error))
        return fault(ret_fault, XW_REASON_ENCODING);
    ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &error);
    wide_n = ucnv_toUChars(converter, wide, XW_ARRAY_N(wide), data, (int32_t)n, &error);
    ucnv_close(converter);
    u_strToUTF8(text, TEXT_MAX, &made, wide, wide_n, &error);
    if (U_FAILURE(error) || made >= TEXT_MAX)
        return fault(ret_fault, XW_REASON_ENCODING);
    text[made] = 0;
    return made;
}

/* What lies around a scan: start codes, Enter, blanks. Returns the first byte that counts. */
static char *trim(char *text)
{
    size_t n;
    for (;;) {
        if (strncmp(text, "\xef\xbb\xbf", 3) == 0 || strncmp(text, "]C1", 3) == 0 ||
            strncmp(text, "]Q3", 3) == 0 || strncmp(text, "　", 3) == 0)
            text += 3;
        else if (*text && strchr(" \t\r\n\x02\x1d", *text))
            text++;
        else
            break;
    }
    n = strlen(text);
    while (n && strchr(" \t\r\n\x03\x04", text[n - 1]))
        n--;
    text[n] = 0;
    return text;
}

/* Cuts the text at its separators, in place. Returns how many fields; 0: too many. */
static size_t cut(char *text, char *v[FIELDS_MAX])
{
    size_t n = 0;
    char *at = text;
    for (;;) {
        size_t k = strcspn(at, ",;|\t\r\n\xef");
        /* Full-width , ; | : the only characters with this first byte that separate. */
        while (at[k] == '\xef' && strncmp(at + k, "，", 3) != 0 && strncmp(at + k, "；", 3) != 0 &&
               strncmp(at + k, "｜", 3) != 0) {
            k += 3;
            k += strcspn(at + k, ",;|\t\r\n\xef");
        }
        bool last = at[k] == 0, line = at[k] == '\r' || at[k] == '\n';
        size_t wide = at[k] == '\xef' ? 3 : 1;
        at[k] = 0;
        if (n == FIELDS_MAX)
            return 0;
        v[n] = trim(at);
        /* Empty lines do not count, empty fields between commas do. */
        if (!line || *v[n])
            n++;
        if (last)
            return n;
        at += k + wide;
    }
}

static const char *const labels[COLUMNS_N][3] = {
    {"姓名", "NAME", "Name"},   {"性别", "SEX", "Sex"},         {"民族", "NATION", "Nation"},
    {"出生", "BIRTH", "Birth"}, {"住址", "ADDRESS", "Address"}, {"公民身份号码", "号码", "ID"},
};

static int column_of(const char *label, size_t n)
{
    static const char *const more[] = {"身份证号", "证件号码", "身份证号码"};
    for (size_t i = 0; i < XW_ARRAY_N(more); i++)
        if (strlen(more[i]) == n && memcmp(more[i], label, n) == 0)
            return NUMBER;
    if (n == strlen("出生日期") && memcmp(label, "出生日期", n) == 0)
        return BIRTH;
    for (int c = 0; c < COLUMNS_N; c++)
        for (size_t i = 0; i < 3; i++)
            if (strlen(labels[c][i]) == n && memcmp(labels[c][i], label, n) == 0)
                return c;
    return -1;
}

/* "姓名:张三": its column, and what lies behind the colon. -1: no label of ours. */
static int labelled(char *field, char **ret_value)
{
    char *wide = strstr(field, "："), *narrow = strchr(field, ':');
    char *at = wide && (!narrow || wide < narrow) ? wide : narrow;
    if (!at)
        return -1;
    *ret_value = trim(at + (at == wide ? 3 : 1));
    size_t n = (size_t)(at - field);
    while (n && field[n - 1] == ' ')
        n--;
    return column_of(field, n);
}

/* Fields by label, or by place when none has one. 1: it is a card's text. */
static int find_fields(char *v[], size_t n, struct fields *fields,
                       struct xw_person_fault *ret_fault)
{
    size_t named = 0;
    for (size_t i = 0; i < n; i++) {
        char *value;
        int c = labelled(v[i], &value);
        if (c < 0)
            continue;
        if (fields->v[c])
            return fault(ret_fault, XW_REASON_TWICE);
        fields->v[c] = value;
        named++;
    }
    if (named)
        return fields->v[NUMBER] ? 1 : fault(ret_fault, XW_REASON_FORM);
    if (n < COLUMNS_N)
        return 0;
    for (size_t c = 0; c < COLUMNS_N; c++)
        fields->v[c] = v[c];
    return 1;
}

static int read_code(const char *text, struct xw_scan *scan, struct xw_person_fault *ret_fault)
{
    size_t n = strlen(text);
    if (!n)
        return fault(ret_fault, XW_REASON_EMPTY);
    if (n >= XW_SCAN_CODE_N_BYTES)
        return fault(ret_fault, XW_REASON_LONG);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (!(c >= 'a' && c <= 'z') && !xw_person_digit(c) && !xw_person_letter(c) &&
            !strchr("-_./:*#+", c))
            return fault(ret_fault, XW_REASON_CHARACTER);
    }
    scan->kind = XW_SCAN_CODE;
    memcpy(scan->code, text, n + 1);
    return 0;
}

static int read_number(const char *text, enum xw_number_kind kind, struct xw_day today,
                       struct xw_scan *scan, struct xw_person_fault *ret_fault)
{
    struct xw_person_form form = {.numbers_n = 1};
    struct xw_person_faults faults;
    form.numbers[0].kind = kind;
    form.numbers[0].text = text;
    int r = xw_person_read(&form, today, &scan->person, &faults);
    if (r < 0)
        *ret_fault = faults.v[0];
    scan->kind = XW_SCAN_NUMBER;
    return r;
}

/* 17 digits and one more character: what else could it be than a resident id, read wrongly? */
static bool looks_resident(const char *text)
{
    size_t n = strlen(text), digits = 0;
    while (xw_person_digit(text[digits]))
        digits++;
    return n == 18 && (digits == 18 || (digits == 17 && (text[17] | 32) == 'x'));
}

int xw_scan_read(const void *data, size_t n, struct xw_day today, struct xw_scan *ret_scan,
                 struct xw_person_fault *ret_fault)
{
    struct xw_scan scan = {.kind = XW_SCAN_CODE};
    struct fields fields = {{NULL}};
    char text[TEXT_MAX + 1] = "", *v[FIELDS_MAX], *at;
    int r;
    if (n > XW_SCAN_MAX)
        return fault(ret_fault, XW_REASON_LONG);
    if (is_card(data, n)) {
        r = read_card(data, today, &scan, ret_fault);
        if (r == 0)
            *ret_scan = scan;
        return r;
    }
    if (n && memchr(data, 0, n))
        return fault(ret_fault, XW_REASON_CHARACTER);
    r = n ? decode(data, n, text, ret_fault) : 0;
    if (r < 0)
        return r;
    text[r] = 0;
    at = trim(text);
    if (!*at)
        return fault(ret_fault, XW_REASON_EMPTY);
    enum xw_number_kind kind = xw_number_guess(at, today);
    if (kind == XW_NUMBER_NONE && looks_resident(at))
        kind = XW_NUMBER_RESIDENT;
    if (kind != XW_NUMBER_NONE) {
        r = read_number(at, kind, today, &scan, ret_fault);
    } else {
        size_t fields_n = cut(at, v);
        r = fields_n ? find_fields(v, fields_n, &fields, ret_fault)
                     : fault(ret_fault, XW_REASON_FORM);
        if (r == 1)
            r = read_fields(&fields, today, &scan, ret_fault);
        else if (r == 0)
            r = fields_n == 1 ? read_code(v[0], &scan, ret_fault)
                              : fault(ret_fault, XW_REASON_FORM);
    }
    if (r == 0)
        *ret_scan = scan;
    return r;
}
