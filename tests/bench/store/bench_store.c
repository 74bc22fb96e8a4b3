/* The store as an archive of 20 streams of 12 leads at 500 Hz: 24 hours appended as fast as it
 * goes, read back by range, backed up while appends go on, opened again.
 *
 *   bench_store [--hours H] [--dir DIR]
 *
 * One JSON object a line on stdout; the folder is removed at the end. It needs about 1.3 GB an hour
 * (twice that while the backup is there). XW_SHORT=1: 0.2 hours. */
#include "base/base.h"
#include "base/block.h"
#include "base/clock.h"
#include "base/loop.h"
#include "proto/signal.pb-c.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <uv.h>

enum {
    STREAMS_N = 20,
    LEADS_N = 12,
    RATE_HZ = 500,
    COUNT = 125, /* 250 ms */
    SHAPES_N = 64,
    FLIGHT_MAX = 48,
    BEATS_EVERY = 4, /* a beat a second and stream */
};

struct bench {
    struct xw_loop *loop;
    struct xw_store *store;
    char dir[512], copy[600];
    struct {
        uint8_t data[LEADS_N * COUNT * 5];
        size_t size;
        uint32_t crc32c;
    } shapes[SHAPES_N];
    unsigned in_flight;
    uint64_t batches, wal_max;
    bool closed, answered;
    int status;
    size_t read_bytes;
};

static void die(const char *what, int r)
{
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, strerror(r < 0 ? -r : r));
    exit(1);
}

static void print(const char *name, double value, const char *unit)
{
    const char *commit = getenv("XW_COMMIT"), *cpu = getenv("XW_CPU");
    printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",\"commit\":\"%s\",\"cpu\":\"%s\"}\n",
           name, value, unit, commit == NULL ? "unknown" : commit, cpu == NULL ? "unknown" : cpu);
    (void)fflush(stdout);
}

static double now_s(void)
{
    return (double)xw_clock_mono(NULL).us / 1e6;
}

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void spin(struct bench *bench)
{
    (void)uv_run(xw_loop_uv(bench->loop), UV_RUN_ONCE);
}

/* ---- what is appended ---- */

static struct xw_uuid stream_id(unsigned n)
{
    struct xw_uuid id = {{0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80}};
    id.b[15] = (uint8_t)n;
    return id;
}

/* QRS-like spikes over a slow wave with a few counts of noise: sizes as of a real recording. */
static void make_shapes(struct bench *bench)
{
    static int32_t x[LEADS_N * COUNT];
    uint32_t random = 1;
    for (unsigned s = 0; s < SHAPES_N; s++) {
        for (unsigned i = 0; i < COUNT; i++)
            for (unsigned c = 0; c < LEADS_N; c++) {
                random = random * 1664525U + 1013904223U;
                double t = (double)(s * COUNT + i) / RATE_HZ, beat = fmod(t * 1.2, 1.0) - 0.3;
                double v = (100.0 + 40.0 * c) * exp(-beat * beat * 2500.0) + 60.0 * sin(t * 1.6) +
                           (double)(random >> 29) - 4.0;
                x[i * LEADS_N + c] = (int32_t)v;
            }
        int n = xw_block_encode(XW_CODING_DELTA, x, LEADS_N, COUNT, bench->shapes[s].data,
                                sizeof bench->shapes[s].data);
        if (n < 0)
            die("encode", n);
        bench->shapes[s].size = (size_t)n;
        bench->shapes[s].crc32c = xw_block_crc(x, LEADS_N, COUNT);
    }
}

static void add_stream(struct xw_store_batch *batch, unsigned n)
{
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *list[LEADS_N];
    uint8_t bytes[512];
    struct xw_uuid id = stream_id(n);
    rate.num = RATE_HZ;
    rate.den = 1;
    for (unsigned i = 0; i < LEADS_N; i++)
        list[i] = &channel;
    header.rate = &rate;
    header.channels = list;
    header.n_channels = LEADS_N;
    size_t size = xw__stream_header__pack(&header, bytes);
    int r = xw_store_batch_stream(batch, &id, bytes, size);
    if (r < 0)
        die("stream", r);
}

static void add_beat(struct xw_store_batch *batch, unsigned n, uint64_t first)
{
    uint8_t key[32], body[40] = {0};
    struct xw_uuid id = stream_id(n);
    memcpy(key, id.b, 16);
    for (int i = 0; i < 8; i++)
        key[16 + i] = (uint8_t)(first >> (56 - 8 * i));
    struct xw_store_record record = {.key = key,
                                     .key_size = 24,
                                     .revision = 1,
                                     .kind = 1,
                                     .body = body,
                                     .body_size = sizeof body,
                                     .origin = "gw",
                                     .has_span = true,
                                     .stream = id,
                                     .span = {first, first + 1},
                                     .event_kind = 1};
    int r = xw_store_batch_record(batch, &record, "county", NULL, 0);
    if (r < 0)
        die("record", r);
}

static void on_done(void *user, const struct xw_store_done *done)
{
    struct bench *bench = user;
    if (done->status < 0 || done->conflicts > 0 || done->blocks_known > 0)
        die("append", done->status);
    bench->in_flight--;
}

/* All streams' next 250 ms. */
static void append(struct bench *bench)
{
    struct xw_store_batch *batch = NULL;
    int r = xw_store_batch_new(bench->store, &batch);
    for (unsigned n = 0; r == 0 && n < STREAMS_N; n++) {
        unsigned shape = (unsigned)((bench->batches + n * 7) % SHAPES_N);
        struct xw_store_block block = {.stream = stream_id(n),
                                       .first = bench->batches * COUNT,
                                       .count = COUNT,
                                       .crc32c = bench->shapes[shape].crc32c,
                                       .data = bench->shapes[shape].data,
                                       .size = bench->shapes[shape].size};
        if (bench->batches == 0)
            add_stream(batch, n);
        r = xw_store_batch_block(batch, &block);
        if ((bench->batches + n) % BEATS_EVERY == 0)
            add_beat(batch, n, block.first);
    }
    if (r == 0)
        r = xw_store_append(bench->store, batch, on_done, bench);
    if (r < 0)
        die("append", r);
    bench->in_flight++;
    bench->batches++;
}

static void look_at_wal(struct bench *bench)
{
    uint64_t sum = 0;
    DIR *folder = opendir(bench->dir);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        size_t n = strlen(entry->d_name);
        struct stat st;
        if (n > 4 && strcmp(entry->d_name + n - 4, "-wal") == 0 &&
            fstatat(dirfd(folder), entry->d_name, &st, 0) == 0)
            sum += (uint64_t)st.st_size;
    }
    if (folder != NULL)
        (void)closedir(folder);
    bench->wal_max = XW_MAX(bench->wal_max, sum);
}

static void ingest(struct bench *bench, double hours)
{
    uint64_t n = (uint64_t)(hours * 3600 * RATE_HZ / COUNT);
    double began = now_s(), cpu = cpu_s();
    for (uint64_t i = 0; i < n; i++) {
        while (bench->in_flight >= FLIGHT_MAX)
            spin(bench);
        append(bench);
        if (i % 64 == 0)
            look_at_wal(bench);
        if (i % (n / 10 + 1) == 0)
            (void)fprintf(stderr, "%3.0f %% appended, %.0f s\n", 100.0 * (double)i / (double)n,
                          now_s() - began);
    }
    while (bench->in_flight > 0)
        spin(bench);
    double blocks = (double)n * STREAMS_N;
    print("store_append_us_per_block", (now_s() - began) * 1e6 / blocks, "us");
    print("store_append_cpu_us_per_block", (cpu_s() - cpu) * 1e6 / blocks, "us");
    print("store_append_realtime_x", hours * 3600 / (now_s() - began), "x");
    print("store_wal_max_bytes", (double)bench->wal_max, "bytes");
}

/* Beats alone, 40 a batch, as of a county of 300 streams. */
static void beats(struct bench *bench)
{
    enum { BATCHES = 1000, EACH = 40 };
    double began = now_s(), cpu = cpu_s();
    for (unsigned i = 0; i < BATCHES; i++) {
        struct xw_store_batch *batch = NULL;
        int r = xw_store_batch_new(bench->store, &batch);
        for (unsigned k = 0; r == 0 && k < EACH; k++)
            add_beat(batch, k % STREAMS_N, (1ULL << 40) + (uint64_t)i * EACH + k);
        while (bench->in_flight >= FLIGHT_MAX)
            spin(bench);
        if (r == 0)
            r = xw_store_append(bench->store, batch, on_done, bench);
        if (r < 0)
            die("append", r);
        bench->in_flight++;
    }
    while (bench->in_flight > 0)
        spin(bench);
    print("store_record_us", (now_s() - began) * 1e6 / (BATCHES * EACH), "us");
    print("store_record_cpu_us", (cpu_s() - cpu) * 1e6 / (BATCHES * EACH), "us");
}

/* ---- reading ---- */

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct bench *bench = user;
    if (samples->status < 0 || samples->unknown->n > 0 || samples->gaps_n > 0)
        die("read", samples->status);
    for (size_t i = 0; i < samples->blocks_n; i++)
        bench->read_bytes += samples->blocks[i].size;
    bench->answered = true;
}

/* A day appended in minutes leaves gigabytes to be written back, which a day in a day does not. */
static void settle(const struct bench *bench)
{
    int fd = open(bench->dir, O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        (void)syncfs(fd);
        (void)close(fd);
    }
}

/* Makes the next read find nothing of the day files in the page cache. */
static void forget_pages(const struct bench *bench)
{
    DIR *folder = opendir(bench->dir);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, "day-", 4) != 0)
            continue;
        int fd = openat(dirfd(folder), entry->d_name, O_RDONLY);
        if (fd >= 0) {
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            (void)close(fd);
        }
    }
    if (folder != NULL)
        (void)closedir(folder);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void read_ranges(struct bench *bench, unsigned seconds, unsigned n, bool cold,
                        const char *name)
{
    double *ms = calloc(n, sizeof *ms);
    uint64_t length = (uint64_t)seconds * RATE_HZ, total = bench->batches * COUNT;
    uint64_t random = 12345;
    char text[64];
    for (unsigned i = 0; ms != NULL && i < n && total > length; i++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        struct xw_uuid id = stream_id((unsigned)(random >> 60) % STREAMS_N);
        uint64_t first = (random >> 20) % (total - length);
        if (cold)
            forget_pages(bench);
        bench->answered = false;
        double began = now_s();
        int r = xw_store_read(bench->store, &id, (struct xw_range){first, first + length}, 64 << 20,
                              on_samples, bench);
        if (r < 0)
            die("read", r);
        while (!bench->answered)
            spin(bench);
        ms[i] = (now_s() - began) * 1e3;
    }
    if (ms == NULL)
        die("memory", -ENOMEM);
    qsort(ms, n, sizeof *ms, compare);
    (void)snprintf(text, sizeof text, "store_read_%s_p50_ms", name);
    print(text, ms[n / 2], "ms");
    (void)snprintf(text, sizeof text, "store_read_%s_p99_ms", name);
    print(text, ms[n * 99 / 100], "ms");
    free(ms);
}

/* ---- backup, restart ---- */

static void on_status(void *user, int status)
{
    struct bench *bench = user;
    bench->status = status;
    bench->answered = true;
}

static void on_closed(void *user)
{
    ((struct bench *)user)->closed = true;
}

/* Appends go on at their real pace meanwhile. */
static void back_up(struct bench *bench)
{
    double began = now_s(), next = began, worst = 0;
    uint64_t before = bench->batches;
    bench->answered = false;
    bench->wal_max = 0;
    int r = xw_store_backup(bench->store, bench->copy, on_status, bench);
    if (r < 0)
        die("backup", r);
    while (!bench->answered) {
        if (now_s() >= next) {
            double at = now_s();
            append(bench);
            next += (double)COUNT / RATE_HZ;
            while (bench->in_flight > 0)
                spin(bench);
            worst = XW_MAX(worst, now_s() - at);
            look_at_wal(bench);
        }
        (void)uv_run(xw_loop_uv(bench->loop), UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    if (bench->status < 0)
        die("backup", bench->status);
    print("store_backup_s", now_s() - began, "s");
    print("store_backup_appends", (double)(bench->batches - before), "batches");
    print("store_backup_append_max_ms", worst * 1e3, "ms");
    print("store_backup_wal_max_bytes", (double)bench->wal_max, "bytes");
}

static void open_store(struct bench *bench)
{
    char key_file[600];
    (void)snprintf(key_file, sizeof key_file, "%s.key", bench->dir);
    struct xw_store_config config = {.dir = bench->dir,
                                     .key_file = key_file,
                                     .low_bytes = 1 << 20,
                                     .queue_bytes = 64 << 20,
                                     .readers_n = 2};
    int r = xw_store_open_sqlite(bench->loop, &config, NULL, &bench->store);
    if (r < 0)
        die("open", r);
}

static void close_store(struct bench *bench)
{
    bench->closed = false;
    xw_store_close(bench->store, on_closed, bench);
    while (!bench->closed)
        spin(bench);
}

static void remove_all(const char *dir)
{
    DIR *folder = opendir(dir);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_type != DT_DIR)
            (void)unlink(path);
        else if (entry->d_name[0] != '.')
            remove_all(path);
    }
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(dir);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *tmp = getenv("TMPDIR"), *dir = NULL;
    double hours = getenv("XW_SHORT") != NULL ? 0.2 : 24;
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--hours") == 0)
            hours = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--dir") == 0)
            dir = argv[i + 1];
    if (dir != NULL)
        (void)snprintf(bench.dir, sizeof bench.dir, "%s", dir);
    else
        (void)snprintf(bench.dir, sizeof bench.dir, "%s/xw-bench-XXXXXX",
                       tmp == NULL ? "/tmp" : tmp);
    if (dir == NULL && mkdtemp(bench.dir) == NULL)
        die("folder", errno);
    (void)snprintf(bench.copy, sizeof bench.copy, "%s/copy", bench.dir);
    make_shapes(&bench);
    int r = xw_loop_new(NULL, &bench.loop);
    if (r < 0)
        die("loop", r);
    open_store(&bench);
    ingest(&bench, hours);
    beats(&bench);
    settle(&bench);
    read_ranges(&bench, 10, 400, false, "10s");
    read_ranges(&bench, 300, 200, false, "5min");
    read_ranges(&bench, 10, 100, true, "10s_cold");
    read_ranges(&bench, 300, 50, true, "5min_cold");
    back_up(&bench);
    close_store(&bench);
    double began = now_s();
    open_store(&bench);
    print("store_open_s", now_s() - began, "s");
    close_store(&bench);
    xw_loop_free(bench.loop);
    remove_all(bench.dir);
    char key_file[600];
    (void)snprintf(key_file, sizeof key_file, "%s.key", bench.dir);
    (void)unlink(key_file);
    return 0;
}
