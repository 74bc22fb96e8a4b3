/* The spool in an outage: 20 live streams of 12 leads at 500 Hz with their beats, none of it
 * acknowledged, appended as fast as it can be re-coded, days sealed as the simulated clock passes
 * them. What it takes on the disk, scaled to 72 hours, against the spool's default limit; how long
 * the start takes with all of it there; reading of sealed segments.
 *
 *   bench_spool [--hours H] [--dir DIR] [--keep] [--limit BYTES]
 *
 * One JSON object a line on stdout. Default 24 hours (XW_SHORT=1: 0.2); the figures for 72 hours
 * are three times what 24 hours took. --keep leaves the folder, for a gateway to start with. */
#include "base/base.h"
#include "base/clock.h"
#include "base/loop.h"
#include "bench/spool/signal.h"
#include "proto/signal.pb-c.h"
#include "store/sq.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <uv.h>

enum {
    STREAMS_N = 20,
    FLIGHT_MAX = 48,
    BEATS_EVERY = 4,         /* blocks: a beat a second and stream */
    COMPACT_EVERY = 24 << 20 /* bytes: re-coding keeps up */
};

struct bench {
    struct xw_loop *loop;
    struct xw_store *store;
    struct signal signal;
    struct xw_clock wall;
    char dir[512], key_file[600]; /* the key of a spool lies beside it: DIR.key */
    unsigned in_flight;
    uint64_t batches, raw_bytes, since_compact;
    bool flag;
    int status;
    size_t read_bytes;
};

static void die(const char *what, int r)
{
    (void)fprintf(stderr, "bench_spool: %s: %s\n", what, strerror(r < 0 ? -r : r));
    exit(1);
}

static void print(const char *name, double value, const char *unit, double baseline,
                  const char *baseline_name)
{
    const char *commit = getenv("XW_COMMIT"), *cpu = getenv("XW_CPU");
    printf("{\"name\":\"%s\",\"value\":%.5g,\"unit\":\"%s\"", name, value, unit);
    if (baseline_name != NULL)
        printf(",\"baseline\":%.5g,\"baseline_name\":\"%s\"", baseline, baseline_name);
    printf(",\"commit\":\"%s\",\"cpu\":\"%s\"}\n", commit == NULL ? "unknown" : commit,
           cpu == NULL ? "unknown" : cpu);
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

static void wait_flag(struct bench *bench)
{
    while (!bench->flag)
        spin(bench);
}

static void on_status(void *user, int status)
{
    struct bench *bench = user;
    bench->status = status;
    bench->flag = true;
}

static void on_closed(void *user)
{
    ((struct bench *)user)->flag = true;
}

/* ---- filling ---- */

static struct xw_uuid stream_id(unsigned n)
{
    struct xw_uuid id = {{0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80}};
    id.b[15] = (uint8_t)n;
    return id;
}

static int add_stream(struct xw_store_batch *batch, unsigned n)
{
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *list[SIGNAL_LEADS];
    uint8_t bytes[512];
    struct xw_uuid id = stream_id(n);
    rate.num = SIGNAL_RATE_HZ;
    rate.den = 1;
    for (unsigned i = 0; i < SIGNAL_LEADS; i++)
        list[i] = &channel;
    header.stream_id = (ProtobufCBinaryData){XW_UUID_N_BYTES, id.b};
    header.rate = &rate;
    header.channels = list;
    header.n_channels = SIGNAL_LEADS;
    size_t size = xw__stream_header__pack(&header, bytes);
    return xw_store_batch_stream(batch, &id, bytes, size);
}

static int add_beat(struct xw_store_batch *batch, unsigned n, uint64_t first)
{
    uint8_t key[24], body[40] = {0};
    struct xw_uuid id = stream_id(n);
    memcpy(key, id.b, 16);
    for (int i = 0; i < 8; i++)
        key[16 + i] = (uint8_t)(first >> (56 - 8 * i));
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof key,
                                     .revision = 1,
                                     .kind = 1,
                                     .body = body,
                                     .body_size = sizeof body,
                                     .origin = "gw",
                                     .has_span = true,
                                     .stream = id,
                                     .span = {first, first + 1},
                                     .event_kind = 1};
    return xw_store_batch_record(batch, &record, "county", NULL, 0);
}

static void on_done(void *user, const struct xw_store_done *done)
{
    struct bench *bench = user;
    if (done->status < 0 || done->conflicts > 0 || done->blocks_known > 0)
        die("append", done->status);
    bench->in_flight--;
}

static void append(struct bench *bench)
{
    struct xw_store_batch *batch = NULL;
    int r = xw_store_batch_new(bench->store, &batch);
    for (unsigned n = 0; r == 0 && n < STREAMS_N; n++) {
        size_t at = (bench->batches + n * bench->signal.n / STREAMS_N) % bench->signal.n;
        const struct signal_block *one = &bench->signal.blocks[at];
        struct xw_store_block block = {.stream = stream_id(n),
                                       .first = bench->batches * SIGNAL_COUNT,
                                       .count = SIGNAL_COUNT,
                                       .crc32c = one->crc32c,
                                       .data = one->data,
                                       .size = one->size};
        if (bench->batches == 0)
            r = add_stream(batch, n);
        if (r == 0)
            r = xw_store_batch_block(batch, &block);
        if (r == 0 && (bench->batches + n) % BEATS_EVERY == 0)
            r = add_beat(batch, n, block.first);
        bench->raw_bytes += one->size;
        bench->since_compact += one->size;
    }
    if (r == 0)
        r = xw_store_append(bench->store, batch, on_done, bench);
    if (r < 0)
        die("append", r);
    bench->in_flight++;
    bench->batches++;
    xw_clock_fake_advance(&bench->wall, 1000000LL * SIGNAL_COUNT / SIGNAL_RATE_HZ);
}

static void compact(struct bench *bench)
{
    while (bench->in_flight > 0)
        spin(bench);
    bench->flag = false;
    bench->since_compact = 0;
    int r = xw_store_compact(bench->store, on_status, bench);
    if (r < 0)
        die("compact", r);
    wait_flag(bench);
    if (bench->status < 0)
        die("compact", bench->status);
}

static void fill(struct bench *bench, double hours)
{
    uint64_t n = (uint64_t)(hours * 3600 * SIGNAL_RATE_HZ / SIGNAL_COUNT);
    double began = now_s(), cpu = cpu_s();
    for (uint64_t i = 0; i < n; i++) {
        while (bench->in_flight >= FLIGHT_MAX)
            spin(bench);
        append(bench);
        if (bench->since_compact >= COMPACT_EVERY)
            compact(bench);
        if (i % (n / 10 + 1) == 0)
            (void)fprintf(stderr, "%3.0f %% appended, %.0f s\n", 100.0 * (double)i / (double)n,
                          now_s() - began);
    }
    compact(bench);
    print("spool_append_realtime_x", hours * 3600 / (now_s() - began), "x", 0, NULL);
    print("spool_append_cpu_share", (cpu_s() - cpu) / (hours * 3600), "of a core at real time", 0,
          NULL);
}

/* ---- figures ---- */

static uint64_t size_of(const char *dir, const char *part)
{
    uint64_t sum = 0;
    DIR *folder = opendir(dir);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct stat st;
        if (strncmp(entry->d_name, part, strlen(part)) == 0 &&
            fstatat(dirfd(folder), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    }
    if (folder != NULL)
        (void)closedir(folder);
    return sum;
}

static void tell_sizes(const struct bench *bench, double hours, double limit)
{
    /* The log does not grow with what is stored. */
    double scale = 24 / hours, days = (double)size_of(bench->dir, "day-");
    double log = (double)(size_of(bench->dir, "meta.db-wal") + size_of(bench->dir, "meta.db-shm"));
    double all = (double)size_of(bench->dir, "") - log, raw = (double)bench->raw_bytes;
    double samples = (double)bench->batches * SIGNAL_COUNT * SIGNAL_LEADS * STREAMS_N;
    (void)fprintf(stderr, "%s; %.2f GB in day files, %.2f GB in all; measured %.3g h, scaled\n",
                  bench->signal.source, days / 1e9, all / 1e9, hours);
    print("spool_bits_per_sample", 8 * days / samples, "bits", 8 * raw / samples, "coding 0");
    print("spool_bytes_per_stream_day", days * scale / STREAMS_N, "bytes", raw * scale / STREAMS_N,
          "coding 0, without directories");
    print("spool_meta_bytes_per_stream_day", (all - days) * scale / STREAMS_N, "bytes", 0, NULL);
    print("spool_72h_bytes", 3 * scale * all + log, "bytes", limit, "spool.limit");
    print("spool_72h_share_of_limit", (3 * scale * all + log) / limit, "of spool.limit", 0, NULL);
}

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct bench *bench = user;
    if (samples->status < 0 || samples->unknown->n > 0 || samples->gaps_n > 0)
        die("read", samples->status);
    for (size_t i = 0; i < samples->blocks_n; i++)
        bench->read_bytes += samples->blocks[i].size;
    bench->flag = true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void read_ranges(struct bench *bench, unsigned seconds, const char *name)
{
    enum { N = 200 };
    static double ms[N];
    uint64_t length = (uint64_t)seconds * SIGNAL_RATE_HZ, total = bench->batches * SIGNAL_COUNT;
    uint64_t random = 12345;
    char text[64];
    double cpu = cpu_s();
    for (unsigned i = 0; i < N && total > length; i++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        struct xw_uuid id = stream_id((unsigned)(random >> 60) % STREAMS_N);
        uint64_t first = (random >> 20) % (total - length);
        bench->flag = false;
        double began = now_s();
        int r = xw_store_read(bench->store, &id, (struct xw_range){first, first + length}, 64 << 20,
                              on_samples, bench);
        if (r < 0)
            die("read", r);
        wait_flag(bench);
        ms[i] = (now_s() - began) * 1e3;
    }
    cpu = (cpu_s() - cpu) * 1e3 / N;
    qsort(ms, N, sizeof *ms, compare);
    (void)snprintf(text, sizeof text, "spool_read_%s_p50_ms", name);
    print(text, ms[N / 2], "ms", 0, NULL);
    (void)snprintf(text, sizeof text, "spool_read_%s_p99_ms", name);
    print(text, ms[N * 99 / 100], "ms", 0, NULL);
    (void)snprintf(text, sizeof text, "spool_read_%s_cpu_ms", name);
    print(text, cpu, "ms", 0, NULL);
}

static void open_store(struct bench *bench)
{
    struct xw_store_config config = {.dir = bench->dir,
                                     .key_file = bench->key_file,
                                     .low_bytes = 1 << 20,
                                     .queue_bytes = 64 << 20,
                                     .readers_n = 2,
                                     .retain_us = 86400000000ULL,
                                     .release_needed = true};
    int r = xw_store_open_sqlite(bench->loop, &config, NULL, &bench->store);
    if (r < 0)
        die("open", r);
}

static void close_store(struct bench *bench)
{
    bench->flag = false;
    xw_store_close(bench->store, on_closed, bench);
    wait_flag(bench);
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
    double hours = getenv("XW_SHORT") != NULL ? 0.2 : 24, limit = 20.0 * (1 << 30);
    bool keep = false;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--keep") == 0)
            keep = true;
        else if (i + 1 < argc && strcmp(argv[i], "--hours") == 0)
            hours = strtod(argv[++i], NULL);
        else if (i + 1 < argc && strcmp(argv[i], "--limit") == 0)
            limit = strtod(argv[++i], NULL);
        else if (i + 1 < argc && strcmp(argv[i], "--dir") == 0)
            dir = argv[++i];
    (void)snprintf(bench.dir, sizeof bench.dir, "%s", dir != NULL ? dir : "");
    if (dir == NULL)
        (void)snprintf(bench.dir, sizeof bench.dir, "%s/xw-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (dir == NULL && mkdtemp(bench.dir) == NULL)
        die("folder", errno);
    (void)snprintf(bench.key_file, sizeof bench.key_file, "%s.key", bench.dir);
    int r = signal_make(&bench.signal);
    if (r == 0)
        r = xw_loop_new(NULL, &bench.loop);
    if (r < 0)
        die("signal", r);
    /* It ends at noon of today. */
    int64_t wall_us = xw_clock_wall(NULL).us;
    wall_us += 43200000000LL - wall_us % 86400000000LL - (int64_t)(hours * 3600e6);
    xw_clock_fake_init(&bench.wall, 0, wall_us);
    sq_set_clock(&bench.wall);
    open_store(&bench);
    fill(&bench, hours);
    read_ranges(&bench, 10, "10s");
    read_ranges(&bench, 300, "5min");
    close_store(&bench);
    tell_sizes(&bench, hours, limit);
    double began = now_s();
    open_store(&bench);
    print("spool_open_s", now_s() - began, "s", 0, NULL);
    close_store(&bench);
    signal_done(&bench.signal);
    xw_loop_free(bench.loop);
    if (!keep) {
        remove_all(bench.dir);
        (void)unlink(bench.key_file);
    }
    return 0;
}
