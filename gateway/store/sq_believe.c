/* The time that retention believes.
 *
 * A wall clock that somebody set to next year, or that a dead battery or a wrong time server left
 * there, must not expire an archive. Retention therefore keeps the wall time that it believed last
 * (in `state`, so that a restart does not forget it) and lets it go on with boot time. A wall clock
 * that is JUMP ahead of that is held in doubt and said; when it still says so after CONFIRM of
 * running it is right, and it was the machine that had been off. A clock that went back expires
 * nothing and is believed at once. */
#include "store/sq_day.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

XW_GAUGE(doubt_gauge, "xw_store_retention_held", NULL,
         "1 while retention waits because the wall clock jumped ahead");

enum { DAY_S = 86400 };
static const int64_t jump_us = 2LL * DAY_S * 1000000, confirm_us = 1LL * DAY_S * 1000000,
                     keep_every_us = 3600LL * 1000000;

struct believe_job {
    struct sq_job job;
    int64_t us; /* out, or in */
    bool set, found;
};

static int believe_stage(struct sq_store *store, struct sq_job *job)
{
    struct believe_job *self = XW_CONTAINER_OF(job, struct believe_job, job);
    sqlite3_stmt *row = sq_get(&store->writer.conn, self->set ? SQ_STATE_SET : SQ_STATE_GET);
    sq_bind_text(row, 1, "retain_wall_us");
    if (self->set) {
        (void)sqlite3_bind_int64(row, 2, self->us);
        int r = sq_run(row);
        return r < 0 ? sq_fail(store, r) : 0;
    }
    int r = sq_step(row);
    self->found = r == 1;
    self->us = r == 1 ? sqlite3_column_int64(row, 0) : 0;
    (void)sqlite3_reset(row);
    return r < 0 ? sq_fail(store, r) : 0;
}

static int load(struct sq_store *store, struct sq_belief *b)
{
    struct believe_job job = {.job = {.stage = believe_stage}};
    int r = sq_call(store, &job.job);
    if (r < 0)
        return r;
    *b = (struct sq_belief){.loaded = true,
                            .wall_us = job.found ? job.us : sq_wall_us(),
                            .boot_us = sq_boot_us(),
                            .kept_us = job.us};
    return 0;
}

static void doubt(struct sq_belief *b, int64_t wall_us, int64_t boot_us)
{
    char now[XW_WALL_TEXT_N_BYTES], then[XW_WALL_TEXT_N_BYTES];
    b->doubt = true;
    b->doubt_boot_us = boot_us;
    xw_gauge_set(&doubt_gauge, 1);
    xw_log_warning("store.retention_held",
                   XW_LOG_STR("clock", xw_wall_format((struct xw_wall_us){wall_us}, now)),
                   XW_LOG_STR("believed", xw_wall_format((struct xw_wall_us){b->wall_us}, then)));
}

/* A disk that is full must not keep room from being made: what cannot be written down is written
 * down at a later pass. */
static void believe(struct sq_store *store, struct sq_belief *b, int64_t wall_us)
{
    if (b->doubt)
        xw_gauge_set(&doubt_gauge, 0);
    b->doubt = false;
    b->wall_us = wall_us;
    if (b->kept_us <= wall_us && wall_us - b->kept_us < keep_every_us)
        return;
    struct believe_job job = {.job = {.stage = believe_stage}, .us = wall_us, .set = true};
    if (sq_call(store, &job.job) == 0)
        b->kept_us = wall_us;
}

int sq_retain_time(struct sq_store *store, int64_t *ret_wall_us)
{
    struct sq_belief *b = &store->belief;
    int r = b->loaded ? 0 : load(store, b);
    if (r < 0)
        return r;
    int64_t wall_us = sq_wall_us(), boot_us = sq_boot_us();
    b->wall_us += boot_us - b->boot_us;
    b->boot_us = boot_us;
    bool ahead = wall_us - b->wall_us > jump_us;
    if (ahead && !b->doubt)
        doubt(b, wall_us, boot_us);
    if (!ahead || boot_us - b->doubt_boot_us >= confirm_us)
        believe(store, b, wall_us);
    *ret_wall_us = b->wall_us;
    return 0;
}
