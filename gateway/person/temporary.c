/* Temporary numbers. */
#include "person/temporary.h"

#include "person/number_in.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_N = 16, M = 32 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* -1: none. */
static int value_of(char c)
{
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static char check_of(const char text[TEXT_N - 1])
{
    int p = M;
    for (size_t i = 0; i < TEXT_N - 1; i++) {
        int s = (p + value_of(text[i])) % M;
        p = (s ? s : M) * 2 % (M + 1);
    }
    return alphabet[(M + 1 - p) % M];
}

void xw_temporary_make(struct xw_day today, uint64_t bits, struct xw_number *ret_number)
{
    struct xw_number number = {.kind = XW_NUMBER_TEMPORARY};
    (void)snprintf(number.text, sizeof(number.text), "W%02d%02d%02d", today.year % 100, today.month,
                   today.day);
    for (size_t i = 0; i < XW_TEMPORARY_RANDOM_BITS / 5; i++)
        number.text[7 + i] = alphabet[bits >> (35 - 5 * i) & 31];
    number.text[TEXT_N - 1] = check_of(number.text);
    *ret_number = number;
}

void xw_temporary_new(struct xw_day today, struct xw_number *ret_number)
{
    uint64_t bits;
    randombytes_buf(&bits, sizeof(bits));
    xw_temporary_make(today, bits, ret_number);
}

char *xw_temporary_format(const struct xw_number *number, char ret_text[XW_TEMPORARY_TEXT_N_BYTES])
{
    const char *t = number->text;
    (void)snprintf(ret_text, XW_TEMPORARY_TEXT_N_BYTES, "%.7s-%.4s-%.4s-%.1s", t, t + 7, t + 11,
                   t + 15);
    return ret_text;
}

int xw_number_form_temporary(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault)
{
    char plain[TEXT_N + 1] = {0};
    size_t at = 0;
    (void)today; /* the clock of the gateway that made it may have been wrong */
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text[i]);
        if (text[i] == '-')
            continue;
        if (v < 0)
            return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)i);
        if (at == TEXT_N)
            return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
        plain[at++] = alphabet[v];
    }
    if (at != TEXT_N)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    if (plain[0] != 'W' || xw_number_digits(plain + 1, 6) != 6)
        return xw_number_fault(ret_fault, XW_REASON_FORM, 0);
    if (plain[TEXT_N - 1] != check_of(plain))
        return xw_number_fault(ret_fault, XW_REASON_CHECK, -1);
    memcpy(number->text, plain, sizeof(plain));
    return 0;
}
