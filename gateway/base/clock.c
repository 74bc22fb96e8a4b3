/* The machine's clocks and the clock that tests hold still. Fake values are read and written as
 * relaxed atomics: a worker may look at the time while the test moves it. */
#include "base/clock.h"

#include "base/uuid.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static int64_t real_us(clockid_t id)
{
    struct timespec ts = {0};
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t fake_us(const int64_t *us)
{
    return __atomic_load_n(us, __ATOMIC_RELAXED);
}

static void fake_move(int64_t *us, int64_t by_us)
{
    __atomic_fetch_add(us, by_us, __ATOMIC_RELAXED);
}

struct xw_mono_us xw_clock_mono(const struct xw_clock *clock)
{
    bool fake = clock && clock->fake;
    return (struct xw_mono_us){fake ? fake_us(&clock->mono_us) : real_us(CLOCK_MONOTONIC)};
}

struct xw_boot_us xw_clock_boot(const struct xw_clock *clock)
{
    bool fake = clock && clock->fake;
    return (struct xw_boot_us){fake ? fake_us(&clock->boot_us) : real_us(CLOCK_BOOTTIME)};
}

struct xw_wall_us xw_clock_wall(const struct xw_clock *clock)
{
    bool fake = clock && clock->fake;
    return (struct xw_wall_us){fake ? fake_us(&clock->wall_us) : real_us(CLOCK_REALTIME)};
}

void xw_clock_fake_init(struct xw_clock *clock, int64_t mono_us, int64_t wall_us)
{
    *clock =
        (struct xw_clock){.fake = true, .mono_us = mono_us, .boot_us = mono_us, .wall_us = wall_us};
}

void xw_clock_fake_advance(struct xw_clock *clock, int64_t us)
{
    fake_move(&clock->mono_us, us);
    xw_clock_fake_suspend(clock, us);
}

void xw_clock_fake_step_wall(struct xw_clock *clock, int64_t us)
{
    fake_move(&clock->wall_us, us);
}

void xw_clock_fake_suspend(struct xw_clock *clock, int64_t us)
{
    fake_move(&clock->boot_us, us);
    fake_move(&clock->wall_us, us);
}

char *xw_wall_format(struct xw_wall_us wall, char ret_text[XW_WALL_TEXT_N_BYTES])
{
    int64_t second = wall.us / 1000000;
    int64_t rest_us = wall.us % 1000000;
    if (rest_us < 0) {
        second--;
        rest_us += 1000000;
    }
    time_t t = (time_t)second;
    struct tm tm;
    size_t n = 0;
    if (gmtime_r(&t, &tm))
        n = strftime(ret_text, XW_WALL_TEXT_N_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_text + n, XW_WALL_TEXT_N_BYTES - n, ".%06uZ", (unsigned)rest_us);
    return ret_text;
}

int xw_boot_id(uint8_t ret_id[16])
{
    xw_autoclose int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char text[64];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return -errno;
    if (n > XW_UUID_TEXT_N_BYTES - 1)
        n = XW_UUID_TEXT_N_BYTES - 1; /* without the newline */
    text[n] = '\0';
    struct xw_uuid id;
    int r = xw_uuid_parse(text, &id);
    if (r < 0)
        return r;
    for (size_t i = 0; i < XW_UUID_N_BYTES; i++)
        ret_id[i] = id.b[i];
    return 0;
}
