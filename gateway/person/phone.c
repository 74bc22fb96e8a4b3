/* Phone numbers. */
#include "person/phone.h"

#include "person/text.h"

#include <string.h>

/* Digits alone, a + before them kept. -1: another character; too many. */
static int only_digits(const char *plain, char *ret, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; plain[i]; i++) {
        char c = plain[i];
        if (c == '(' || c == ')' || c == '-' || c == '/' || c == '.')
            continue;
        if ((!xw_person_digit(c) && !(c == '+' && n == 0)) || n + 1 >= cap)
            return -1;
        ret[n++] = c;
    }
    ret[n] = 0;
    return (int)n;
}

static size_t area_code(const char *d)
{
    return d[1] == '1' || d[1] == '2' ? 3 : 4;
}

/* The number's form, by its first digits and its length; 0: none. */
static bool keep(const char *d, size_t n, char ret_phone[XW_PHONE_N_BYTES])
{
    size_t area = area_code(d);
    if (d[0] == '+') {
        memcpy(ret_phone, d, n + 1);
        return n >= 8 && n <= 16 && d[1] >= '1';
    }
    if ((d[0] == '1' && n == 11 && d[1] >= '3') ||
        (n == 10 && (strncmp(d, "400", 3) == 0 || strncmp(d, "800", 3) == 0))) {
        memcpy(ret_phone, d, n + 1);
        return true;
    }
    if (d[0] != '0' || d[1] < '1' || n < area + 7 || n > area + 8 || d[area] < '2')
        return false;
    memcpy(ret_phone, d, area);
    ret_phone[area] = '-';
    memcpy(ret_phone + area + 1, d + area, n - area + 1);
    return true;
}

int xw_phone_read(const char *text, char ret_phone[XW_PHONE_N_BYTES],
                  struct xw_person_fault *ret_fault)
{
    char plain[64] = "", digits[20] = "", phone[XW_PHONE_N_BYTES];
    int n = xw_person_plain(text, plain, sizeof(plain));
    enum xw_person_reason reason = XW_REASON_FORM;
    if (n == 0) {
        ret_phone[0] = 0;
        return 0;
    }
    if (n < 0) {
        reason = n == -EOVERFLOW ? XW_REASON_LONG : XW_REASON_ENCODING;
    } else if ((n = only_digits(plain, digits, sizeof(digits))) < 0) {
        reason = XW_REASON_CHARACTER;
    } else {
        const char *d = digits;
        size_t size = (size_t)n;
        if (strncmp(d, "00", 2) == 0) { /* as dialled: 0086…, 00852… */
            d++;
            digits[1] = '+';
            size--;
        }
        if (strncmp(d, "+86", 3) == 0) {
            d += 3;
            size -= 3;
            /* Abroad a landline loses the 0 of its area code. */
            if (size >= 9 && size <= 11 && !(d[0] == '1' && size == 11) && d[0] != '0') {
                memmove(digits + 1, d, size + 1);
                digits[0] = '0';
                d = digits;
                size++;
            }
        } else if (strncmp(d, "86", 2) == 0 && size == 13 && d[2] == '1') {
            d += 2;
            size -= 2;
        }
        if (size > 0 && keep(d, size, phone)) {
            memcpy(ret_phone, phone, strlen(phone) + 1);
            return 0;
        }
    }
    return xw_person_fault_set(ret_fault, XW_PERSON_PHONE, reason, -1);
}
