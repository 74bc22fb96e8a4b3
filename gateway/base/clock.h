/* Three clocks that cannot be mixed up, and a clock that tests can hold still.
 *
 * xw_mono_us  CLOCK_MONOTONIC: intervals, time-outs. Stands still while the machine sleeps.
 * xw_boot_us  CLOCK_BOOTTIME: time anchors (with the boot id). Goes on while the machine sleeps.
 * xw_wall_us  CLOCK_REALTIME, µs since 1970 UTC: shown and recorded, never used for order.
 *
 * Threads: the real clock from any thread; a fake clock may be read from any thread while one
 * thread moves it. Ownership: a fake clock is embedded by its user, nothing to free. */
#ifndef XW_BASE_CLOCK_H
#define XW_BASE_CLOCK_H

#include "base/base.h"

struct xw_mono_us {
    int64_t us;
};
struct xw_boot_us {
    int64_t us;
};
struct xw_wall_us {
    int64_t us;
};

/* Every function takes `const struct xw_clock *`; NULL means the real clocks of the machine. */
struct xw_clock {
    bool fake;
    int64_t mono_us;
    int64_t boot_us;
    int64_t wall_us;
};

struct xw_mono_us xw_clock_mono(const struct xw_clock *clock);
struct xw_boot_us xw_clock_boot(const struct xw_clock *clock);
struct xw_wall_us xw_clock_wall(const struct xw_clock *clock);

/* a - b in µs. */
static inline int64_t xw_mono_diff_us(struct xw_mono_us a, struct xw_mono_us b)
{
    return a.us - b.us;
}
static inline int64_t xw_boot_diff_us(struct xw_boot_us a, struct xw_boot_us b)
{
    return a.us - b.us;
}
static inline int64_t xw_wall_diff_us(struct xw_wall_us a, struct xw_wall_us b)
{
    return a.us - b.us;
}
static inline struct xw_mono_us xw_mono_add_us(struct xw_mono_us a, int64_t us)
{
    return (struct xw_mono_us){a.us + us};
}

/* A fake clock: all three move only by the calls below. Boot time starts equal to mono. */
void xw_clock_fake_init(struct xw_clock *clock, int64_t mono_us, int64_t wall_us);
/* Time passes: all three go on by `us` >= 0. */
void xw_clock_fake_advance(struct xw_clock *clock, int64_t us);
/* Somebody sets the wall clock (us may be negative): only wall time moves. */
void xw_clock_fake_step_wall(struct xw_clock *clock, int64_t us);
/* The machine sleeps: boot and wall time go on, mono does not. */
void xw_clock_fake_suspend(struct xw_clock *clock, int64_t us);

/* "2026-11-22T03:21:28.123456Z"; returns ret_text. */
enum { XW_WALL_TEXT_N_BYTES = 32 };
char *xw_wall_format(struct xw_wall_us wall, char ret_text[XW_WALL_TEXT_N_BYTES]);

/* The kernel's id of this boot, 16 bytes; -errno when /proc cannot be read. */
int xw_boot_id(uint8_t ret_id[16]) XW_MUST_CHECK;

#endif
