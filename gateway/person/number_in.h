/* The forms of the kinds, one function each; what number.c dispatches to. */
#ifndef XW_PERSON_NUMBER_IN_H
#define XW_PERSON_NUMBER_IN_H

#include "person/number.h"
#include "person/text.h"

/* text: plain (xw_person_plain), n bytes, not empty; what is kept is written to number->text. */
typedef int (*xw_number_form_fn)(const char *text, size_t n, struct xw_day today,
                                 struct xw_number *number, struct xw_person_fault *ret_fault);

int xw_number_form_resident(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault);
int xw_number_form_foreigner(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault);
int xw_number_form_passport(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault);
int xw_number_form_hkmo(const char *text, size_t n, struct xw_day today, struct xw_number *number,
                        struct xw_person_fault *ret_fault);
int xw_number_form_taiwan(const char *text, size_t n, struct xw_day today, struct xw_number *number,
                          struct xw_person_fault *ret_fault);
int xw_number_form_insurance(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault);
int xw_number_form_hospital(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault);
int xw_number_form_temporary(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault);

/* The first character that is not a digit (0..9); n: all are. */
size_t xw_number_digits(const char *text, size_t n);
static inline int xw_number_fault(struct xw_person_fault *ret_fault, enum xw_person_reason reason,
                                  int at)
{
    return xw_person_fault_set(ret_fault, XW_PERSON_NUMBER, reason, at);
}

#endif
