/* What the statements that are shipped (dsp/interpret, built-in tables) say of a class: what the
 * network has to beat. */
#ifndef XW_TRAIN_TWELVE_RULES_H
#define XW_TRAIN_TWELVE_RULES_H

#include "dsp/interpret/interpret.h"
#include "dsp/train/twelve/cases.h"

/* Whether a statement answers to the class: NORM, AF, LBBB, RBBB, paced, AVB1. */
bool xw_twelve_has_rule(unsigned class);
/* All false where nothing is stated. room: for what is stated. */
void xw_twelve_rules(const struct xw_interpret_tables *tables,
                     const struct xw_interpret_input *input, struct xw_interpretation *room,
                     bool ret_said[XW_NET12_CLASSES]);

#endif
