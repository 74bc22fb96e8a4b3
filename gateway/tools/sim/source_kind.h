/* What one kind of source gives to source.c. Inner header of the simulator. */
#ifndef XW_SIM_SOURCE_KIND_H
#define XW_SIM_SOURCE_KIND_H

#include "source.h"

struct xw_sim_source {
    struct xw_sim_channel channels[XW_SIM_CHANNELS_MAX];
    unsigned channels_n;
    uint64_t rate_num, rate_den;
    Xw__Modality modality;
    uint64_t next;
    const char *off[17];
    xw_sim_truth_fn on_truth;
    xw_sim_movement_fn on_movement; /* may be NULL */
    void *user;
    void *state; /* of the kind */
    int (*read)(struct xw_sim_source *source, int32_t *ret_x, size_t n);
    int (*act)(struct xw_sim_source *source, const char *action); /* NULL: cannot be changed */
    void (*done)(struct xw_sim_source *source);
};

extern const char *const xw_sim_leads_12[12];
void xw_sim_source_fill_channels(struct xw_sim_source *source, unsigned channels_n,
                                 int64_t gain_per_mv);

int xw_sim_source_synth(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                        char ret_text[XW_SIM_TEXT_BYTES]) XW_MUST_CHECK;
int xw_sim_source_ctg(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                      char ret_text[XW_SIM_TEXT_BYTES]) XW_MUST_CHECK;
int xw_sim_source_wfdb(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                       char ret_text[XW_SIM_TEXT_BYTES]) XW_MUST_CHECK;

#endif
