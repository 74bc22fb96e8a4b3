/* The MIT annotation format: 16-bit little-endian words of a 6-bit code and a 10-bit value. Codes
 * from SKIP on modify the annotation before them (SKIP: the time of the next one). */
#ifndef XW_WFDB_ANNOTATION_INTERNAL_H
#define XW_WFDB_ANNOTATION_INTERNAL_H

enum {
    XW_WFDB_WORD_SKIP = 59,
    XW_WFDB_WORD_NUM = 60,
    XW_WFDB_WORD_SUB = 61,
    XW_WFDB_WORD_CHN = 62,
    XW_WFDB_WORD_AUX = 63,
    XW_WFDB_WORD_VALUE_MAX = 1023,
};

#endif
