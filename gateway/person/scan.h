/* What a reader or scanner typed: one burst of keys or of a serial line, to fields.
 *
 *   card    an identity card reader's text: "姓名,性别,民族,出生,住址,号码" (separators , ; | TAB
 * or a line each; with labels "姓名:张三" in any order), or the card's own record of 256 bytes
 * UTF-16LE (128 characters: name 15, sex 1, nation 2, birth 8, address 35, number 18, issuer 15,
 * valid from 8, until 8, 18 spare; GA 467 in outline) number  a number that proves what it is
 * (xw_number_guess) code    any other code of letters and digits: a wristband, a device's label
 *
 * Text is UTF-8 or GB 18030 (told by whether it is valid UTF-8). A start code (STX, ]C1, BOM) and
 * the Enter behind it do not count. A name that cannot be a name, a number whose check fails: the
 * scan is refused with that fault, since a reader does not mistype. Nothing of the address is kept.
 *
 * Threads: pure functions. Limits: XW_SCAN_MAX bytes; a code of 1..64 characters. */
#ifndef XW_PERSON_SCAN_H
#define XW_PERSON_SCAN_H

#include "person/person.h"

enum { XW_SCAN_MAX = 2048, XW_SCAN_CODE_N_BYTES = 65 };

enum xw_scan_kind { XW_SCAN_CARD, XW_SCAN_NUMBER, XW_SCAN_CODE, XW_SCAN_KINDS_N };

struct xw_scan {
    enum xw_scan_kind kind;
    struct xw_person person;         /* of a card and a number: what it says; else empty */
    char code[XW_SCAN_CODE_N_BYTES]; /* of a code, as it is */
};

XW_MUST_CHECK int xw_scan_read(const void *data, size_t n, struct xw_day today,
                               struct xw_scan *ret_scan, struct xw_person_fault *ret_fault);

#endif
