/* Phone numbers, brought to one form.
 *
 * Kept as: mobile numbers of the mainland "13812345678"; landlines "0571-88888888"; 400 and 800
 * numbers "4008001234"; foreign ones "+85291234567". Signs, blanks and +86 do not count.
 *
 * Threads: pure functions. Source: YD/T 1-series numbering plan in outline: mobiles are 11 digits
 * from 13 to 19; area codes are 010, 02x, and 0 with three digits; E.164, at most 15 digits. */
#ifndef XW_PERSON_PHONE_H
#define XW_PERSON_PHONE_H

#include "person/fault.h"

enum { XW_PHONE_N_BYTES = 24 };

/* Empty: none, no fault. */
XW_MUST_CHECK int xw_phone_read(const char *text, char ret_phone[XW_PHONE_N_BYTES],
                                struct xw_person_fault *ret_fault);

#endif
