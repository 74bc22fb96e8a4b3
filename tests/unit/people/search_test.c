/* Finding people, and those who may be one. All people are made up. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static size_t find(struct tp *tp, const char *text, struct xw_people_hit hits[XW_PEOPLE_HITS_MAX],
                   bool *more)
{
    return xw_people_search(tp->people, text, tp_today, hits, more);
}

static void people_are_found_by_what_is_at_hand(void **state)
{
    static const struct {
        const char *text;
        int who; /* -1: nobody, -2: both */
        enum xw_people_found by;
    } cases[] = {
        {"11010519491231002X", 0, XW_FOUND_NUMBER},
        {"110105491231002", 0, XW_FOUND_NUMBER}, /* as on an old card */
        {"002x", 0, XW_FOUND_NUMBER},
        {"110105", 0, XW_FOUND_NUMBER},
        {"11010", -1, 0}, /* too short for a beginning, and no end */
        {"02x", -1, 0},
        {"13812345678", 1, XW_FOUND_PHONE},
        {"+86 138 1234 5678", 1, XW_FOUND_PHONE},
        {"5678", 1, XW_FOUND_PHONE},
        {"678", -1, 0},
        {"李四", 0, XW_FOUND_NAME},
        {"四", 0, XW_FOUND_NAME},
        {"单", 1, XW_FOUND_NAME},
        {"ls", 0, XW_FOUND_LETTERS},
        {"lisi", 0, XW_FOUND_LETTERS},
        {"SXX", 1, XW_FOUND_LETTERS},
        {"dxx", 1, XW_FOUND_LETTERS},
        {"x", -1, 0},
        {"ZY1", 1, XW_FOUND_NUMBER}, /* replaced below: three are too few */
        {"ZY-001", 1, XW_FOUND_NUMBER},
        {"zy001", 1, XW_FOUND_NUMBER},
        {"", -1, 0},
        {"--", -1, 0},
        {"<script>alert(1)</script>", -1, 0},
        {"'; DROP TABLE record", -1, 0},
        {"\xff", -1, 0},
    };
    struct tp tp;
    struct xw_person p = tp_person("李四", "", "", "", "11010519491231002");
    struct xw_person q = tp_person("单雄信", "男", "", "13812345678", NULL);
    struct xw_person_fault f;
    struct xw_uuid id[2];
    struct xw_people_hit hits[XW_PEOPLE_HITS_MAX];
    bool more;
    assert_int_equal(
        xw_number_read(XW_NUMBER_INPATIENT, "zy-001", "town", tp_today, &q.numbers[0], &f), 0);
    q.numbers_n = 1;
    (void)state;
    tp_init(&tp, TS_MEMORY);
    id[0] = tp_register(&tp, &p);
    id[1] = tp_register(&tp, &q);
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        size_t n = find(&tp, cases[i].text, hits, &more);
        if (strcmp(cases[i].text, "ZY1") == 0) {
            assert_int_equal(n, 0);
            continue;
        }
        if (n != (cases[i].who >= 0))
            fail_msg("%s: %zu", cases[i].text, n);
        if (n) {
            assert_true(xw_uuid_equal(&hits[0].head, &id[cases[i].who]));
            assert_int_equal(hits[0].by, cases[i].by);
        }
        assert_false(more);
    }
    tp_done(&tp);
}

static void whoever_was_merged_leads_to_who_he_is(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "", "", "", "11010519491231002");
    struct xw_person q = tp_person("李思", "女", "", "13812345678", NULL);
    struct xw_uuid a, b, change, made;
    struct xw_people_hit hits[XW_PEOPLE_HITS_MAX];
    bool more;
    (void)state;
    tp_init(&tp, TS_MEMORY);
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &q);
    assert_int_equal(find(&tp, "ls", hits, &more), 2);
    assert_true(xw_uuid_equal(&hits[0].head, &b)); /* the newest first */
    assert_int_equal(tp_merge(&tp, b, a, &change), 0);
    assert_int_equal(find(&tp, "ls", hits, &more), 1);
    assert_int_equal(find(&tp, "13812345678", hits, &more), 1);
    assert_true(xw_uuid_equal(&hits[0].head, &a));
    assert_true(xw_uuid_equal(&hits[0].entry, &b));
    assert_int_equal(tp_split(&tp, b, &change), 0);
    made = tp_entry_of(&tp, b).details;
    assert_int_equal(tp_undo(&tp, b, made, &change), 0);
    assert_int_equal(find(&tp, "13812345678", hits, &more), 0);
    assert_int_equal(find(&tp, "李四", hits, &more), 1);
    tp_done(&tp);
}

static void fifty_are_shown_and_that_there_are_more(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("张三", "男", "", "", NULL);
    struct xw_person q = tp_person("小张三", "男", "", "", NULL);
    struct xw_people_hit hits[XW_PEOPLE_HITS_MAX];
    struct xw_uuid last = {{0}}, within;
    bool more;
    (void)state;
    tp_init(&tp, TS_MEMORY);
    within = tp_register(&tp, &q);
    for (int i = 0; i < 49; i++)
        last = tp_register(&tp, &p);
    assert_int_equal(find(&tp, "张三", hits, &more), 50);
    assert_false(more);
    assert_true(xw_uuid_equal(&hits[0].head, &last));
    assert_true(xw_uuid_equal(&hits[49].head, &within));
    last = tp_register(&tp, &p);
    assert_int_equal(find(&tp, "张三", hits, &more), 50);
    assert_true(more);
    assert_true(xw_uuid_equal(&hits[0].head, &last));
    assert_false(xw_uuid_equal(&hits[49].head, &within)); /* the least of them fell off */
    assert_int_equal(find(&tp, "zs", hits, &more), 50);
    assert_false(more);
    tp_done(&tp);
}

static void likenesses_are_offered_the_likest_first(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "", "", "", "11010519491231002");
    struct xw_person q = tp_person("李四", "女", "1949-12-31", "", NULL);
    struct xw_person s = tp_person("王五", "男", "1950-01-01", "", NULL);
    struct xw_people_like likes[4];
    struct xw_uuid a, b, change;
    (void)state;
    tp_init(&tp, TS_MEMORY);
    b = tp_register(&tp, &q);
    a = tp_register(&tp, &p);
    (void)tp_register(&tp, &s);
    assert_int_equal(xw_people_alike(tp.people, &p, NULL, 4, likes), 2);
    assert_true(xw_uuid_equal(&likes[0].head, &a));
    assert_int_equal(likes[0].alike.level, XW_ALIKE_SAME);
    assert_true(xw_uuid_equal(&likes[1].head, &b));
    assert_int_equal(likes[1].alike.level, XW_ALIKE_LIKELY);
    assert_int_equal(xw_people_alike(tp.people, &p, NULL, 1, likes), 1);
    assert_true(xw_uuid_equal(&likes[0].head, &a));
    assert_int_equal(xw_people_alike(tp.people, &p, &a, 4, likes), 1);
    assert_int_equal(xw_people_alike(tp.people, &p, NULL, 0, likes), 0);
    assert_int_equal(tp_merge(&tp, b, a, &change), 0);
    assert_int_equal(xw_people_alike(tp.people, &p, NULL, 4, likes), 1);
    assert_int_equal(likes[0].alike.level, XW_ALIKE_SAME);
    tp_done(&tp);
}

/* The quick look leaves out nobody whom the long one would find. */
static void everybody_alike_is_found(void **state)
{
    static const char *const names[] = {"张三",   "章三", "张三丰", "李三丰", "单雄信", "山雄信",
                                        "单雄",   "𠮷田", "",       "小单",   "John",   "欧阳修",
                                        "欧阳秀", "阳修", "李四",   "李四光", "四光",   "王四光"};
    static const char *const births[] = {"1980-02-03", "1980-03-02", "46岁", "", "1980"};
    static const char *const phones[] = {"", "13812345678", "13912345678"};
    static const char *const ids[] = {NULL, "11010519800203002", "11010519800203003",
                                      "11010519800203020", "11010519800302002"};
    struct tp tp;
    uint64_t seed = ts_seed();
    size_t found = 0;
    (void)state;
    tp_init(&tp, TS_MEMORY);
    static struct xw_person all[400];
    for (size_t i = 0; i < XW_ARRAY_N(all); i++) {
        const char *id = ids[ts_random(&seed) % XW_ARRAY_N(ids)];
        const char *name = names[ts_random(&seed) % XW_ARRAY_N(names)];
        all[i] = tp_person(*name || id ? name : "无", "",
                           id ? "" : births[ts_random(&seed) % XW_ARRAY_N(births)],
                           phones[ts_random(&seed) % XW_ARRAY_N(phones)], id);
        (void)tp_register(&tp, &all[i]);
    }
    for (size_t i = 0; i < XW_ARRAY_N(all); i += 3) {
        static struct xw_people_like likes[XW_ARRAY_N(all)];
        char a[XW_SPELLING_N_BYTES], b[XW_SPELLING_N_BYTES];
        size_t want = 0;
        (void)xw_speller_spell(tp_speller(), all[i].name, a);
        for (size_t k = 0; k < XW_ARRAY_N(all); k++) {
            (void)xw_speller_spell(tp_speller(), all[k].name, b);
            want += xw_person_alike(&all[i], a, &all[k], b).level != XW_ALIKE_NO;
        }
        assert_int_equal(xw_people_alike(tp.people, &all[i], NULL, XW_ARRAY_N(all), likes), want);
        for (size_t k = 1; k < want; k++)
            assert_true(likes[k - 1].alike.score >= likes[k].alike.score);
        found += want;
    }
    assert_true(found > 1000);
    tp_done(&tp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_are_found_by_what_is_at_hand),
        cmocka_unit_test(whoever_was_merged_leads_to_who_he_is),
        cmocka_unit_test(fifty_are_shown_and_that_there_are_more),
        cmocka_unit_test(likenesses_are_offered_the_likest_first),
        cmocka_unit_test(everybody_alike_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
