/* Statements to classes. */
#include "dsp/train/twelve/rules.h"

#include <stddef.h>
#include <string.h>

enum { NAMES_MAX = 3 };

static const char *const NAMES[XW_NET12_CLASSES][NAMES_MAX] = {
    [XW_NET12_NORM] = {"normal", "otherwise_normal"},
    [XW_NET12_AF] = {"atrial_fibrillation", "af_rapid", "af_slow"},
    [XW_NET12_LBBB] = {"lbbb"},
    [XW_NET12_RBBB] = {"rbbb", "bifascicular_ra", "bifascicular_rp"},
    [XW_NET12_PACED] = {"paced_ventricular", "paced_atrial"},
    [XW_NET12_AVB1] = {"av_block_1"},
};

bool xw_twelve_has_rule(unsigned class)
{
    return class < XW_NET12_CLASSES && NAMES[class][0] != NULL;
}

static bool is_said(const struct xw_interpretation *all, const char *name)
{
    for (unsigned i = 0; i < all->n; i++)
        if (strcmp(all->said[i].entry->name, name) == 0)
            return true;
    return false;
}

void xw_twelve_rules(const struct xw_interpret_tables *tables,
                     const struct xw_interpret_input *input, struct xw_interpretation *room,
                     bool said[XW_NET12_CLASSES])
{
    xw_interpret_make(tables, input, room);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        said[c] = false;
        for (unsigned k = 0; k < NAMES_MAX && NAMES[c][k]; k++)
            said[c] |= is_said(room, NAMES[c][k]);
    }
}
