/* The power cut: which of what was not synced is on the disk. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
__thread unsigned disk_inside;
static uint64_t changes_n, syncs_n;

/* ---- one file ---- */

/* HOW_SECTORS: each sector of each write by itself. */
enum how { HOW_NONE, HOW_ALL, HOW_FIRST, HOW_LAST, HOW_ANY, HOW_SECTORS, HOWS_N };
static const char *const hows[HOWS_N] = {"none", "all", "first", "last", "any", "sectors"};

struct mix {
    struct draw draw;
    enum how how;
    uint64_t border; /* first, last: the write at which it changes */
    double chance;
    bool rubbish; /* in place of zeros, where a length is there and the bytes are not */
    uint64_t ops_n, whole_n, torn_n;
};

enum take { TAKE_NOT, TAKE_WHOLE, TAKE_TORN };

static enum take take_of(struct mix *mix, const struct file_op *op)
{
    if (op->durable)
        return TAKE_WHOLE;
    switch (mix->how) {
    case HOW_NONE:
        return TAKE_NOT;
    case HOW_FIRST:
        return op->order < mix->border    ? TAKE_WHOLE
               : op->order == mix->border ? TAKE_TORN
                                          : TAKE_NOT;
    case HOW_LAST:
        return op->order > mix->border    ? TAKE_WHOLE
               : op->order == mix->border ? TAKE_TORN
                                          : TAKE_NOT;
    case HOW_ANY:
        return !draw_chance(&mix->draw, mix->chance) ? TAKE_NOT
               : draw_chance(&mix->draw, 0.25)       ? TAKE_TORN
                                                     : TAKE_WHOLE;
    case HOW_SECTORS:
        return TAKE_TORN;
    default:
        return TAKE_WHOLE;
    }
}

/* The contents of the page cache (`now`) and of the disk (`out`), sector by sector; a sector comes
 * to the disk as it was in the cache after the write that brings it. */
struct image {
    struct sectors now, out;
    uint64_t now_n, out_n, max_n;
};

static uint8_t *now_of(struct image *image, const struct file *file, uint64_t no)
{
    uint8_t *data = sectors_find(&image->now, no);
    if (data)
        return data;
    data = sectors_put(&image->now, no);
    const uint8_t *before = sectors_find(&file->before, no);
    if (before)
        memcpy(data, before, SECTOR);
    return data;
}

/* Torn: the first so many sectors, the last so many, or any. */
static bool torn_takes(struct draw *draw, int shape, uint64_t border, uint64_t no)
{
    return shape == 0 ? no < border : shape == 1 ? no >= border : draw_chance(draw, 0.5);
}

static void play_write(struct mix *mix, struct image *image, const struct file *file,
                       const struct file_op *op)
{
    enum take take = take_of(mix, op);
    uint64_t first = op->offset / SECTOR, last = (op->offset + op->n - 1) / SECTOR;
    uint64_t border = first + draw_below(&mix->draw, (uint32_t)(last - first + 1));
    int shape = mix->how == HOW_SECTORS ? 2 : (int)draw_below(&mix->draw, 3);
    uint64_t end = op->offset + op->n, reached = 0;
    for (uint64_t no = first; no <= last; no++) {
        uint64_t at = no * SECTOR;
        uint64_t from = op->offset > at ? op->offset - at : 0;
        uint64_t to = end - at < SECTOR ? end - at : SECTOR;
        uint8_t *data = now_of(image, file, no);
        memcpy(data + from, op->data + (at + from - op->offset), (size_t)(to - from));
        if (take == TAKE_NOT || (take == TAKE_TORN && !torn_takes(&mix->draw, shape, border, no)))
            continue;
        memcpy(sectors_put(&image->out, no), data, SECTOR);
        reached = at + to;
    }
    image->now_n = end > image->now_n ? end : image->now_n;
    image->out_n = reached > image->out_n ? reached : image->out_n;
    mix->ops_n++;
    mix->whole_n += take == TAKE_WHOLE;
    mix->torn_n += take == TAKE_TORN;
}

static void cut_short(struct sectors *map, uint64_t length)
{
    for (size_t i = 0; i < map->room; i++) {
        if (!map->v[i].data)
            continue;
        uint64_t at = map->v[i].no * SECTOR;
        if (at + SECTOR > length)
            memset(map->v[i].data + (length > at ? length - at : 0), 0,
                   (size_t)(length > at ? at + SECTOR - length : SECTOR));
    }
}

static void play_truncate(struct mix *mix, struct image *image, const struct file *file,
                          const struct file_op *op)
{
    enum take take = take_of(mix, op);
    for (size_t i = 0; i < file->before.room; i++)
        if (file->before.v[i].data)
            (void)now_of(image, file, file->before.v[i].no);
    cut_short(&image->now, op->offset);
    image->now_n = op->offset;
    mix->ops_n++;
    if (take == TAKE_NOT || (take == TAKE_TORN && draw_chance(&mix->draw, 0.5)))
        return;
    mix->whole_n++;
    cut_short(&image->out, op->offset);
    image->out_n = op->offset;
}

static void fill(struct mix *mix, uint8_t *data)
{
    for (size_t i = 0; mix->rubbish && i < SECTOR; i += 8) {
        uint64_t word = draw_next(&mix->draw);
        memcpy(data + i, &word, 8);
    }
}

static void write_out(struct mix *mix, const struct file *file, struct image *image)
{
    /* What the cache had and the disk has not: it was never written there. */
    for (size_t i = 0; i < image->now.room; i++)
        if (image->now.v[i].data && !sectors_find(&image->out, image->now.v[i].no))
            fill(mix, sectors_put(&image->out, image->now.v[i].no));
    for (size_t i = 0; i < image->out.room; i++) {
        const struct sector *sector = &image->out.v[i];
        uint64_t at = sector->no * SECTOR;
        if (!sector->data || at >= image->out_n)
            continue;
        size_t n = image->out_n - at < SECTOR ? (size_t)(image->out_n - at) : SECTOR;
        if (raw_pwrite(file->shadow, sector->data, n, at) != (ssize_t)n)
            disk_die("what is left can not be written: %s", strerror(errno));
    }
    if (syscall(SYS_ftruncate, file->shadow, (off_t)image->out_n) < 0)
        disk_die("what is left can not be cut to length: %s", strerror(errno));
}

static void cut_file(struct mix *mix, const struct file *file)
{
    struct image image = {.now_n = file->durable_n, .out_n = file->durable_n};
    bool shrank = false;
    for (size_t i = 0; i < file->before.room; i++)
        if (file->before.v[i].data)
            memcpy(sectors_put(&image.out, file->before.v[i].no), file->before.v[i].data, SECTOR);
    for (const struct file_op *op = file->ops; op; op = op->next) {
        if (op->truncate)
            play_truncate(mix, &image, file, op);
        else if (op->n)
            play_write(mix, &image, file, op);
        shrank = shrank || op->truncate;
        image.max_n = image.now_n > image.max_n ? image.now_n : image.max_n;
    }
    /* The length is in another place of the disk than the bytes: it may be ahead or behind. */
    if (mix->how != HOW_ALL && image.max_n > image.out_n && draw_chance(&mix->draw, 0.15))
        image.out_n += 1 + draw_next(&mix->draw) % (image.max_n - image.out_n);
    else if (mix->how != HOW_ALL && !shrank && image.out_n > file->durable_n &&
             draw_chance(&mix->draw, 0.1))
        image.out_n = file->durable_n;
    write_out(mix, file, &image);
    sectors_done(&image.now);
    sectors_done(&image.out);
}

static void cut_files(struct mix *mix)
{
    for (size_t i = 0; i < sizeof(files_table) / sizeof(files_table[0]); i++)
        for (const struct file *file = files_table[i]; file; file = file->next)
            if (file->ops)
                cut_file(mix, file);
}

/* ---- the end ---- */

static uint64_t first_order(void)
{
    uint64_t first = files_order;
    for (size_t i = 0; i < sizeof(files_table) / sizeof(files_table[0]); i++)
        for (const struct file *file = files_table[i]; file; file = file->next)
            if (file->ops && file->ops->order < first)
                first = file->ops->order;
    return first;
}

void cut_now(const char *why)
{
    char names[80];
    disk_inside++;
    struct mix mix = {.draw = {disk_rules.power.seed ^ changes_n * 0x632BE59BD9B4E019ULL}};
    uint64_t first = first_order();
    mix.how = (enum how)draw_below(&mix.draw, HOWS_N);
    mix.border = first + draw_below(&mix.draw, (uint32_t)(files_order - first) + 1);
    mix.chance = 0.1 + 0.2 * draw_below(&mix.draw, 5);
    mix.rubbish = draw_chance(&mix.draw, 0.4);
    if (mix.how == HOW_LAST && mix.border > first) /* the last few, of what may be thousands */
        mix.border = files_order - draw_below(&mix.draw, 8);
    cut_files(&mix);
    names_cut(&mix.draw, names, sizeof(names));
    disk_say(
        "disk: power cut at change %llu (%s), seed %llu: writes %s: %llu whole and %llu torn of "
        "%llu; %s",
        (unsigned long long)changes_n, why, (unsigned long long)disk_rules.power.seed,
        hows[mix.how], (unsigned long long)mix.whole_n, (unsigned long long)mix.torn_n,
        (unsigned long long)mix.ops_n, names);
    for (;;) /* with the lock held: no call on a file ends any more */
        (void)syscall(SYS_kill, getpid(), SIGKILL);
}

void xw_disk_cut(void)
{
    pthread_mutex_lock(&disk_lock);
    cut_now("asked for");
}

void cut_count(void)
{
    changes_n++;
    if (disk_rules.power.on && disk_rules.power.after && changes_n >= disk_rules.power.after)
        cut_now("counted");
}

void cut_count_sync(void)
{
    syncs_n++;
    cut_count();
}

struct xw_disk_counts cut_counts(void)
{
    return (struct xw_disk_counts){.changes_n = changes_n,
                                   .syncs_n = syncs_n,
                                   .unsynced_n = files_unsynced_n() + names_unsynced_n(),
                                   .pending_max = files_pending_max};
}

/* ---- from outside: SIGPWR, and the timer ---- */

static void *wait_for_cut(void *arg)
{
    sigset_t set;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGPWR);
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        const struct timespec step = {.tv_nsec = 5000000};
        bool told = sigtimedwait(&set, NULL, &step) == SIGPWR;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t ms = (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
        pthread_mutex_lock(&disk_lock);
        if (disk_rules.power.on && told)
            cut_now("SIGPWR");
        if (disk_rules.power.on && disk_rules.power.ms && ms >= (int64_t)disk_rules.power.ms)
            cut_now("timer");
        pthread_mutex_unlock(&disk_lock);
    }
    return NULL;
}

int cut_begin(void)
{
    static pid_t begun_by;
    changes_n = syncs_n = 0;
    if (!disk_rules.power.on || begun_by == getpid())
        return 0;
    begun_by = getpid();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 16384 ? files.rlim_max : 16384;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    /* The table of descriptors grows once, while there is one thread: later that takes 10 ms. */
    (void)raw_close(fcntl(2, F_DUPFD_CLOEXEC, 512));
    sigset_t set, all, kept;
    sigemptyset(&set);
    sigaddset(&set, SIGPWR);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &kept);
    pthread_t thread;
    int r = pthread_create(&thread, NULL, wait_for_cut, NULL);
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    if (r == 0)
        pthread_detach(thread);
    return -r;
}
