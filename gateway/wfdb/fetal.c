/* Which signals of a recording are a fetal monitor's. */
#include "wfdb.h"

#include <string.h>

bool xw_wfdb_fetal_signal(const struct xw_wfdb_signal *signal, struct xw_wfdb_fetal *ret_fetal)
{
    static const struct {
        const char *description;
        struct xw_wfdb_fetal is;
    } NAMES[] = {
        {"FHR", {"FHR1", "/min", true}},  {"FHR1", {"FHR1", "/min", true}},
        {"FHR2", {"FHR2", "/min", true}}, {"FHR3", {"FHR3", "/min", true}},
        {"MHR", {"MHR", "/min", true}},   {"UC", {"UC", "{toco}", false}},
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (strcmp(signal->description, NAMES[i].description) != 0)
            continue;
        bool rate = !strcmp(signal->unit, "bpm") || !strcmp(signal->unit, "/min");
        if (rate != NAMES[i].is.zero_is_none)
            return false; /* something else of that name */
        *ret_fetal = NAMES[i].is;
        if (!rate && !strcmp(signal->unit, "mmHg"))
            ret_fetal->unit = "mm[Hg]";
        return true;
    }
    return false;
}
