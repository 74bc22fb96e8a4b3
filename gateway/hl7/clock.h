/* The clock of a monitor, and when a reading was true by ours.
 *
 * A monitor's clock may be wrong by hours; only differences of its times are used. How far it is
 * behind ours is the least (arrival - MSH-7) of the last minutes: what comes with a greater one was
 * held back on the way (a break, a restart) and was true by so much earlier. A difference that
 * stays greater for 10 s of steady messages means that somebody set the clock: it is believed then.
 *
 * Threads: one at a time, no I/O. Times: µs; arrival is the gateway's wall clock. */
#ifndef XW_HL7_CLOCK_H
#define XW_HL7_CLOCK_H

#include "hl7/oru.h"

struct xw_hl7_clock {
    bool known;
    int64_t least_us[2]; /* arrival - sent: this period's least, and the one's before */
    int64_t period_from_us;
    int64_t late_from_us, late_low_us, late_high_us; /* steadily late since; 0 = not */
    uint32_t late_n;
};

/* A message arrives. Returns by how much it was held back, >= 0; differences up to 2 s are the
 * coarseness of MSH-7 and count as none. */
int64_t xw_hl7_clock_add(struct xw_hl7_clock *clock, int64_t arrival_us,
                         const struct xw_hl7_time *sent);
/* Arrival - sent as far as known, 0 if not. */
int64_t xw_hl7_clock_behind_us(const struct xw_hl7_clock *clock);
/* As an earlier process knew it. */
void xw_hl7_clock_set(struct xw_hl7_clock *clock, int64_t behind_us, int64_t now_us);

struct xw_hl7_when {
    int64_t wall_us;
    bool measured; /* by the monitor's own time of the reading; else: when the message was sent */
};
/* arrival_us: of the message, less what it was held back. A time in the future (beyond its own
 * coarseness and 2 s) or more than a year old is not believed: as if it had none. */
struct xw_hl7_when xw_hl7_when(const struct xw_hl7_header *header, const struct xw_hl7_oru *oru,
                               const struct xw_hl7_reading *reading, int64_t arrival_us);

#endif
