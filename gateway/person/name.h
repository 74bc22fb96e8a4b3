/* Names of people: brought to one form (NFC, one sign for "·", no blanks between Han characters),
 * refused where they hold what no name holds, and what of them may not print.
 *
 * Kept are letters and marks of any script, digits, and the signs · - ' . ( ) and （ ）. Characters
 * of planes 2 and 3 are ideographs whether this ICU knows them or not (GB 18030-2022 goes on
 * growing). Characters of the private use areas are kept, since systems before GB 18030-2005 put
 * rare ideographs there, and said: a page must look whether its font has them.
 *
 * Threads: pure functions (ICU's normalizer is shared and constant). */
#ifndef XW_PERSON_NAME_H
#define XW_PERSON_NAME_H

#include "person/fault.h"

enum { XW_NAME_MAX_CHARS = 50, XW_NAME_N_BYTES = XW_NAME_MAX_CHARS * 4 + 1 };

struct xw_name_says {
    int chars;
    bool han;     /* all ideographs, but for "·" */
    int rare_n;   /* of planes 2 and 3, or of an extension that common fonts lack */
    int unsure_n; /* of the private use areas: what they mean depends on the font */
};

/* Empty: no name, no fault. ret_says may be NULL. */
XW_MUST_CHECK int xw_name_read(const char *text, char ret_name[XW_NAME_N_BYTES],
                               struct xw_name_says *ret_says, struct xw_person_fault *ret_fault);
bool xw_name_is_han(uint32_t c);

#endif
