/* Synthetic labours and traces made by hand, through the fetal chain, for the tests and benches of
 * dsp/fetal. Events go to the recorder of scenario.h. */
#ifndef XW_TEST_DSP_LABOUR_H
#define XW_TEST_DSP_LABOUR_H

#include "dsp/fetal/chain.h"
#include "dsp/synth/ctg.h"
#include "unit/dsp/scenario.h"

enum { XW_LABOUR_CHANNELS_MAX = XW_SYNTH_CTG_CHANNELS_MAX };

/* FHR1 … FHRn, MHR, UC, FLAGS in the counts of the synthetic labour. */
void xw_labour_config(struct xw_fetal_config *config, uint32_t rate_num, uint32_t rate_den,
                      unsigned fetuses_n, struct xw_recorder *recorder);
/* n samples of a labour whose scene changes every ten minutes, by chance. */
void xw_labour_read(int32_t *x, size_t n, uint32_t rate_num, uint32_t rate_den, unsigned fetuses_n,
                    uint64_t seed);

#endif
