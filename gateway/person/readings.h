/* Characters of names that are read in several ways, or otherwise in names. A table, no code. */
#ifndef XW_PERSON_READINGS_H
#define XW_PERSON_READINGS_H

#include <stdbool.h>
#include <stddef.h>

struct xw_reading {
    const char *text;     /* one character, or two of a surname */
    const char *readings; /* of characters apart by blanks, of one character by '/', usual first */
    bool surname;         /* at the beginning of a name only */
};

extern const struct xw_reading xw_readings[];
extern const size_t xw_readings_n;

#endif
