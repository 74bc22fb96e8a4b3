/* Resident ids of 18 and 15 digits, and the two forms of the foreigners' permanent residence card,
 * of which the newer one is built like a resident id. */
#include "person/number_in.h"

#include <string.h>

size_t xw_number_digits(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && xw_person_digit(text[i]))
        i++;
    return i;
}

char xw_number_check_11_2(const char digits[17])
{
    static const uint8_t weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    for (size_t i = 0; i < 17; i++)
        sum += weight[i] * (unsigned)(digits[i] - '0');
    return "10X98765432"[sum % 11];
}

static int number_of(const char *digits, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (digits[i] - '0');
    return v;
}

/* GB/T 2260: the provinces, and 81, 82, 83 of residence permits. */
static bool is_province(int code)
{
    static const uint8_t codes[] = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34,
                                    35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
                                    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83};
    return memchr(codes, code, sizeof(codes)) != NULL;
}

static int check_day(const char *text, size_t at, struct xw_day today,
                     struct xw_person_fault *ret_fault)
{
    struct xw_day day = {.year = (int16_t)number_of(text + at, 4),
                         .month = (int8_t)number_of(text + at + 4, 2),
                         .day = (int8_t)number_of(text + at + 6, 2)};
    struct xw_birth birth = {.kind = XW_BIRTH_DAY, .day = day};
    int r = xw_birth_check(&birth, today, ret_fault);
    return r < 0 ? xw_number_fault(ret_fault, ret_fault->reason, (int)at) : 0;
}

/* 17 digits and their check character, the province at `province`, the birth date at 6. */
static int check_18(const char *text, size_t province, struct xw_day today,
                    struct xw_person_fault *ret_fault)
{
    size_t digits = xw_number_digits(text, 17);
    if (digits < 17)
        return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)digits);
    if (!xw_person_digit(text[17]) && text[17] != 'X')
        return xw_number_fault(ret_fault, XW_REASON_CHARACTER, 17);
    if (!is_province(number_of(text + province, 2)))
        return xw_number_fault(ret_fault, XW_REASON_PROVINCE, (int)province);
    int r = check_day(text, 6, today, ret_fault);
    if (r < 0)
        return r;
    if (text[17] != xw_number_check_11_2(text))
        return xw_number_fault(ret_fault, XW_REASON_CHECK, 17);
    return 0;
}

int xw_number_form_resident(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault)
{
    char wide[19] = {0};
    if (n != 15 && n != 18)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    memcpy(wide, text, n);
    if (n == 15) {
        /* Before 1999: no century, no check character. Everybody in it was born in 19xx. */
        size_t digits = xw_number_digits(text, 15);
        if (digits < 15)
            return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)digits);
        memcpy(wide + 6, "19", 2);
        memcpy(wide + 8, text + 6, 9);
        wide[17] = xw_number_check_11_2(wide);
    }
    if (wide[0] == '9')
        return xw_number_fault(ret_fault, XW_REASON_KIND, 0);
    int r = check_18(wide, 0, today, ret_fault);
    if (r == 0)
        memcpy(number->text, wide, sizeof(wide));
    return r;
}

/* AAA, four digits of the place, YYMMDD, two digits. */
static int check_15(const char *text, struct xw_person_fault *ret_fault)
{
    for (int i = 0; i < 15; i++)
        if (i < 3 ? !xw_person_letter(text[i]) : !xw_person_digit(text[i]))
            return xw_number_fault(ret_fault, XW_REASON_CHARACTER, i);
    int month = number_of(text + 9, 2), day = number_of(text + 11, 2);
    /* 2000 and 1900 differ in one day only: 29 February 1900. */
    struct xw_day late = {.year = (int16_t)(2000 + number_of(text + 7, 2)),
                          .month = (int8_t)month,
                          .day = (int8_t)day};
    return xw_day_is(late) ? 0 : xw_number_fault(ret_fault, XW_REASON_NO_SUCH_DAY, 7);
}

int xw_number_form_foreigner(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault)
{
    int r;
    if (n != 15 && n != 18)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    if (n == 18 && text[0] != '9')
        return xw_number_fault(ret_fault,
                               xw_person_digit(text[0]) ? XW_REASON_KIND : XW_REASON_CHARACTER, 0);
    r = n == 18 ? check_18(text, 1, today, ret_fault) : check_15(text, ret_fault);
    if (r == 0) {
        memcpy(number->text, text, n);
        number->text[n] = 0;
    }
    return r;
}

void xw_number_says(const struct xw_number *number, struct xw_number_says *ret_says)
{
    const char *t = number->text;
    size_t n = strnlen(t, sizeof(number->text));
    *ret_says = (struct xw_number_says){.sex = XW_SEX_UNKNOWN};
    if (number->kind != XW_NUMBER_RESIDENT && number->kind != XW_NUMBER_FOREIGNER)
        return;
    if (n == 18) {
        ret_says->sex = (t[16] - '0') % 2 ? XW_SEX_MALE : XW_SEX_FEMALE;
        ret_says->birth = ret_says->century = true;
        ret_says->day = (struct xw_day){.year = (int16_t)number_of(t + 6, 4),
                                        .month = (int8_t)number_of(t + 10, 2),
                                        .day = (int8_t)number_of(t + 12, 2)};
    } else if (n == 15) {
        ret_says->birth = true;
        ret_says->day = (struct xw_day){.year = (int16_t)number_of(t + 7, 2),
                                        .month = (int8_t)number_of(t + 9, 2),
                                        .day = (int8_t)number_of(t + 11, 2)};
    }
}
