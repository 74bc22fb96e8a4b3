/* A scan, from its bytes to fields. What comes out is in its one form: reading it again changes
 * nothing, and the whole passes the checks of a person. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "person/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct xw_day today = {.year = 2026, .month = 11, .day = 23};
    struct xw_scan scan;
    struct xw_person_fault fault;
    struct xw_person_faults faults;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    int r = xw_scan_read(copy, size, today, &scan, &fault);
    free(copy);
    if (r < 0) {
        assert(*xw_person_field_id(fault.field) && *xw_person_reason_id(fault.reason));
        return 0;
    }
    assert(size <= XW_SCAN_MAX);
    if (scan.kind == XW_SCAN_CODE) {
        assert(strlen(scan.code) > 0 && scan.person.numbers_n == 0);
        return 0;
    }
    const struct xw_person *p = &scan.person;
    char name[XW_NAME_N_BYTES];
    struct xw_number number;
    assert(p->numbers_n == 1);
    assert(xw_person_check(p, today, &faults) == 0);
    assert(xw_name_read(p->name, name, NULL, &fault) == 0 && strcmp(name, p->name) == 0);
    assert(xw_number_read(p->numbers[0].kind, p->numbers[0].text, p->numbers[0].issuer, today,
                          &number, &fault) == 0);
    assert(xw_number_equal(&number, &p->numbers[0]));
    return 0;
}
