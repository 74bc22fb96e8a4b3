/* 20,000 made-up people: people_open_ms, reading and folding all of them at a start from an
 * encrypted store; people_search_NAME_ms and people_alike_ms, the slowest median of several
 * questions of a kind; people_register_us, one registration with the model store (queue, record,
 * fold). Thread rule: one thread. */
#include "bench/dsp/print.h"
#include "people/people.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { PEOPLE = 20000, ROUNDS = 41 };

static const struct xw_day today = {.year = 2026, .month = 11, .day = 23};
static struct xw_loop *loop;
static struct xw_store *store;
static struct xw_speller *speller;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Names as common as they are: a few surnames have most people. */
static struct xw_person made(uint32_t i)
{
    static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "黄",  "赵",
                                           "吴", "周", "单", "曾", "区", "解", "欧阳"};
    static const char *const given[] = {"伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋",
                                        "勇", "艳", "杰", "娟", "涛", "明", "超", "秀", "霞", "平",
                                        "刚", "桂", "英", "建", "国", "华", "文", "玉", "兰", "红"};
    struct xw_person p = {.numbers_n = 1};
    uint32_t r = i * 2654435761U;
    char id[19];
    (void)snprintf(p.name, sizeof(p.name), "%s%s%s", surnames[r % 15], given[r / 15 % 30],
                   given[r / 450 % 30]);
    (void)snprintf(p.phone, sizeof(p.phone), "13%09u", r % 1000000000);
    (void)snprintf(id, sizeof(id), "%02u%04u%04u%02u%02u%03u", 33U, r % 9000 + 1000,
                   1930 + r / 7 % 90, r / 11 % 12 + 1, r / 13 % 28 + 1, i % 1000);
    id[17] = xw_number_check_11_2(id);
    id[18] = 0;
    p.numbers[0].kind = XW_NUMBER_RESIDENT;
    memcpy(p.numbers[0].text, id, 19);
    struct xw_number_says says;
    xw_number_says(&p.numbers[0], &says);
    p.sex = says.sex;
    p.birth = (struct xw_birth){.kind = XW_BIRTH_DAY, .day = says.day};
    return p;
}

static void on_done(void *user, int status, const struct xw_uuid *change)
{
    (void)change;
    if (status < 0)
        abort();
    ++*(int *)user;
}

static void on_ready(void *user, int status)
{
    if (status < 0)
        abort();
    *(bool *)user = true;
}

static struct xw_people *open_people(void)
{
    bool ready = false;
    struct xw_people *people;
    struct xw_people_config config = {.store = store,
                                      .speller = speller,
                                      .gateway_id = "gw",
                                      .on_ready = on_ready,
                                      .user = &ready};
    if (xw_people_new(&config, &people) < 0)
        abort();
    while (!ready)
        (void)uv_run(xw_loop_uv(loop), UV_RUN_ONCE);
    return people;
}

static double fill(struct xw_people *people)
{
    static const struct xw_people_by by = {.author = "bench", .reason = ""};
    int done = 0, asked = 0;
    double begin = now_ms();
    while (done < PEOPLE) {
        while (asked < PEOPLE && asked - done < 1000) {
            struct xw_person p = made((uint32_t)asked);
            if (xw_people_register(people, NULL, &p, &by, on_done, &done, NULL) < 0)
                abort();
            asked++;
        }
        (void)uv_run(xw_loop_uv(loop), UV_RUN_ONCE);
    }
    return 1e3 * (now_ms() - begin) / PEOPLE;
}

static double median_ms(double ms[ROUNDS])
{
    qsort(ms, ROUNDS, sizeof(*ms), by_size);
    return ms[ROUNDS / 2];
}

static double search_ms(const struct xw_people *people, const char *text)
{
    struct xw_people_hit hits[XW_PEOPLE_HITS_MAX];
    double ms[ROUNDS];
    bool more;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ms();
        (void)xw_people_search(people, text, today, hits, &more);
        ms[i] = now_ms() - begin;
    }
    return median_ms(ms);
}

static double alike_ms(const struct xw_people *people, const struct xw_person *person)
{
    struct xw_people_like likes[10];
    double ms[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ms();
        (void)xw_people_alike(people, person, NULL, 10, likes);
        ms[i] = now_ms() - begin;
    }
    return median_ms(ms);
}

static void search_all(const struct xw_people *people)
{
    static const struct {
        const char *name, *texts[4];
    } kinds[] = {{"people_search_number_ms", {NULL, "002X", "330100", "1234"}},
                 {"people_search_phone_ms", {"13812345678", "5678", "13", "0000"}},
                 {"people_search_name_ms", {"王伟", "王", "国", "不在"}},
                 {"people_search_letters_ms", {"w", "wgh", "zhangwei", "l"}}};
    struct xw_person p = made(77);
    for (size_t k = 0; k < XW_ARRAY_N(kinds); k++) {
        double worst = 0;
        for (size_t i = 0; i < 4; i++) {
            const char *text = kinds[k].texts[i] ? kinds[k].texts[i] : p.numbers[0].text;
            worst = XW_MAX(worst, search_ms(people, text));
        }
        xw_bench_print(kinds[k].name, worst, "ms", NULL, 0);
    }
    xw_bench_print("people_alike_ms", alike_ms(people, &p), "ms", NULL, 0);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static int run(const char *dir)
{
    char folder[300], key[300];
    struct xw_store_config config = {
        .dir = folder, .key_file = key, .queue_bytes = 64 << 20, .readers_n = 2};
    struct xw_store_watch watch = {.user = NULL};
    bool closed = false;
    (void)snprintf(folder, sizeof(folder), "%s/store", dir);
    (void)snprintf(key, sizeof(key), "%s/key", dir);
    if (xw_loop_new(NULL, &loop) < 0 || xw_speller_new(&speller) < 0 ||
        xw_store_open_sqlite(loop, &config, &watch, &store) < 0)
        return 1;
    struct xw_people *people = open_people();
    xw_bench_print("people_register_us", fill(people), "us", NULL, 0);
    search_all(people);
    xw_people_free(people);
    double begin = now_ms();
    people = open_people();
    xw_bench_print("people_open_ms", now_ms() - begin, "ms", NULL, 0);
    xw_people_free(people);
    xw_store_close(store, on_closed, &closed);
    while (!closed)
        (void)uv_run(xw_loop_uv(loop), UV_RUN_ONCE);
    xw_speller_free(speller);
    return 0;
}

static int forget(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    (void)snprintf(dir, sizeof(dir), "%s/xw-bench-people-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    int r = run(dir);
    (void)nftw(dir, forget, 16, FTW_DEPTH | FTW_PHYS);
    return r;
}
