/* From readings to observations as the county knows them: identity, time, group.
 *
 * observation_id = SHA-256("xw-observation-1" | gateway | device | code | channel | time text |
 * value | unit), version 8. The time text is OBX-14; without one it is MSH-7 and MSH-10, so that a
 * message sent again gives the same ids. A time told only to the minute goes with MSH-7 and MSH-10
 * for continuous values, which change within it.
 *
 * Threads: one at a time. Ownership: what is given to `add` is valid within the call. */
#ifndef XW_HL7_OBSERVE_H
#define XW_HL7_OBSERVE_H

#include "hl7/memory.h"
#include "proto/study.pb-c.h"

enum { XW_OBSERVATION_KEY_SIZE = 41 };

struct xw_observe_context {
    const char *gateway_id, *device_id;
    const struct xw_uuid *attachment;
    int64_t received_us; /* gateway's wall clock when the last byte had come */
    int64_t now_us;      /* monotonic */
    bool demo;
    bool county_offset_known;
    int64_t county_offset_us;
    struct xw_vitals_rule rule;
};

struct xw_observe_counts {
    uint32_t new_n, absent_n, known_n, thin_n;
    uint32_t held_back; /* 1: the message had been held back on its way */
};

/* A new observation with its key. Negative: stops, and becomes the result. */
typedef int (*xw_observe_add_fn)(void *user, const Xw__Observation *observation,
                                 const uint8_t key[XW_OBSERVATION_KEY_SIZE]);

/* All readings of a message. What is new is noted in memory as kept: when that fails later, the
 * memory must be read anew from the store. */
XW_MUST_CHECK int xw_observe(struct xw_vitals_memory *memory,
                             const struct xw_observe_context *context,
                             const struct xw_hl7_header *header, const struct xw_hl7_oru *oru,
                             xw_observe_add_fn add, void *user,
                             struct xw_observe_counts *ret_counts);

/* attachment | "o" | wall_us big-endian | observation id. */
void xw_observation_key(const struct xw_uuid *attachment, int64_t wall_us, const struct xw_uuid *id,
                        uint8_t ret_key[XW_OBSERVATION_KEY_SIZE]);

#endif
