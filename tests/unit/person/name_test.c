/* Names, their spelling, and phone numbers. All people are made up. */
#include "support.h"

#include "person/name.h"
#include "person/phone.h"
#include "person/pinyin.h"

static struct xw_speller *speller;

static void names_come_to_one_form(void **state)
{
    static const struct {
        const char *text, *is;
    } cases[] = {
        {"张三", "张三"},
        {"  张　三 ", "张三"},
        {"买买提·艾力", "买买提·艾力"},
        {"买买提・艾力", "买买提·艾力"},
        {"买买提•艾力", "买买提·艾力"},
        {"买买提‧艾力", "买买提·艾力"},
        {"买买提.艾力", "买买提·艾力"},
        {"买买提．艾力", "买买提·艾力"},
        {"买买提。艾力", "买买提·艾力"},
        {"买买提 · 艾力", "买买提·艾力"},
        {"买买提··艾力", "买买提·艾力"},
        {"John  F. Smith", "John F. Smith"},
        {"Ｊｏｈｎ", "John"},
        {"e\xcc\x81lan", "\xc3\xa9lan"}, /* NFC */
        {"O'Neil-Meyer", "O'Neil-Meyer"},
        {"张三（大）", "张三（大）"},
        {"김 철수", "김 철수"},
        {"张三2", "张三2"},
        {"𠮷田", "𠮷田"},
        {"张𰻝", "张𰻝"},                       /* extension G, plane 3 */
        {"张\xf0\xae\xaf\xb0", "张\xf0\xae\xaf\xb0"}, /* U+2EBF0: younger than this ICU */
        {"张\xee\xa0\x96", "张\xee\xa0\x96"},         /* U+E816, private use */
        {"", ""},
        {" 　", ""},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char name[XW_NAME_N_BYTES];
        struct xw_person_fault f;
        if (xw_name_read(cases[i].text, name, NULL, &f) != 0)
            fail_msg("%s: %s at %d", cases[i].text, xw_person_reason_id(f.reason), f.at);
        assert_string_equal(name, cases[i].is);
    }
}

static void what_no_name_holds_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum xw_person_reason reason;
        int at;
    } cases[] = {
        {"张\x01三", XW_REASON_CHARACTER, 1},
        {"张三\n", XW_REASON_CHARACTER, 2},
        {"张\x7f", XW_REASON_CHARACTER, 1},
        {"<b>张三", XW_REASON_CHARACTER, 0},
        {"张三\"", XW_REASON_CHARACTER, 2},
        {"张;三", XW_REASON_CHARACTER, 1},
        {"张&三", XW_REASON_CHARACTER, 1},
        {"=张三", XW_REASON_CHARACTER, 0}, /* a formula in somebody's table */
        {"@张三", XW_REASON_CHARACTER, 0},
        {"张\xe2\x80\x8b三", XW_REASON_CHARACTER, 1}, /* zero width */
        {"张\xe2\x80\xae三", XW_REASON_CHARACTER, 1}, /* right to left */
        {"张\xef\xbf\xbd", XW_REASON_CHARACTER, 1},   /* what a wrong decoder leaves */
        {"张\xef\xbf\xbe", XW_REASON_CHARACTER, 1},   /* U+FFFE */
        {"张😀", XW_REASON_CHARACTER, 1},
        {"张\xed\xa0\x80", XW_REASON_ENCODING, -1}, /* a surrogate */
        {"\xff", XW_REASON_ENCODING, -1},
        {"···", XW_REASON_FORM, -1},
        {"123", XW_REASON_FORM, -1},
        {"...", XW_REASON_FORM, -1},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char name[XW_NAME_N_BYTES] = "kept";
        struct xw_person_fault f = {.at = 99};
        int r = xw_name_read(cases[i].text, name, NULL, &f);
        if (r != -EINVAL || f.reason != cases[i].reason || f.at != cases[i].at)
            fail_msg("case %zu: %d %s at %d", i, r, xw_person_reason_id(f.reason), f.at);
        assert_int_equal(f.field, XW_PERSON_NAME);
        assert_string_equal(name, "kept");
    }
}

static void append(char *text, size_t cap, const char *more, int times)
{
    size_t n = strlen(text), k = strlen(more);
    for (int i = 0; i < times; i++, n += k) {
        assert_true(n + k < cap);
        memcpy(text + n, more, k + 1);
    }
}

static void fifty_characters_are_a_name_and_fifty_one_are_not(void **state)
{
    char text[1200] = "", name[XW_NAME_N_BYTES];
    struct xw_person_fault f;
    struct xw_name_says says;
    (void)state;
    append(text, sizeof(text), "𠮷", 50);
    assert_int_equal(xw_name_read(text, name, &says, &f), 0);
    assert_int_equal(says.chars, 50);
    assert_int_equal(strlen(name), 200);
    append(text, sizeof(text), "  ", 1);
    assert_int_equal(xw_name_read(text, name, &says, &f), 0);
    append(text, sizeof(text), "三", 1);
    assert_int_equal(xw_name_read(text, name, &says, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_LONG);
    append(text, sizeof(text), "三", 220);
    assert_int_equal(xw_name_read(text, name, &says, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_LONG);
}

static void characters_that_may_not_print_are_said(void **state)
{
    static const struct {
        const char *text;
        int rare, unsure;
        bool han;
    } cases[] = {
        {"张三", 0, 0, true},
        {"买买提·艾力", 0, 0, true},
        {"张㐂", 1, 0, true},
        {"𠮷𰻝", 2, 0, true},
        {"张龥", 0, 0, true},
        {"张\xe9\xbe\xb4", 1, 0, true},
        {"张\xee\xa0\x96", 0, 1, false},
        {"John", 0, 0, false},
        {"", 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char name[XW_NAME_N_BYTES];
        struct xw_person_fault f;
        struct xw_name_says says;
        assert_int_equal(xw_name_read(cases[i].text, name, &says, &f), 0);
        assert_int_equal(says.rare_n, cases[i].rare);
        assert_int_equal(says.unsure_n, cases[i].unsure);
        assert_int_equal(says.han, cases[i].han);
    }
}

static void names_are_spelled_with_every_reading_that_matters(void **state)
{
    static const struct {
        const char *name, *is;
    } cases[] = {
        {"张三", "zhang san"},
        {"单雄信", "shan/dan/chan xiong xin"},
        {"小单", "xiao dan"},
        {"单于明", "chan/shan/dan yu ming"},
        {"尉迟恭", "yu/wei chi gong"},
        {"吕布", "lv bu"},
        {"买买提·艾力", "mai mai ti ai li"},
        {"John Smith", "john smith"},
        {"José", "jose"},
        {"𠮷田", "ji tian"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char spelling[XW_SPELLING_N_BYTES];
        assert_int_equal(xw_speller_spell(speller, cases[i].name, spelling), strlen(cases[i].is));
        assert_string_equal(spelling, cases[i].is);
    }
}

static void letters_find_names(void **state)
{
    static const struct {
        const char *name, *letters;
        bool found;
    } cases[] = {
        {"张三", "zs", true},
        {"张三", "ZS", true},
        {"张三", "z", true},
        {"张三", "zh", true},
        {"张三", "zhs", true},
        {"张三", "zhangsan", true},
        {"张三", "zhangs", true},
        {"张三", "zhang s", true},
        {"张三", "zsan", true},
        {"张三", "zha", true},
        {"张三", "zhasan", false},
        {"张三", "zl", false},
        {"张三", "zsx", false},
        {"张三", "s", false},
        {"张三", "", false},
        {"单雄信", "sxx", true},
        {"单雄信", "dxx", true},
        {"单雄信", "danx", true},
        {"仇英", "qy", true},
        {"仇英", "cy", true},
        {"区寄", "ouji", true},
        {"解珍", "xz", true},
        {"曾国藩", "zgf", true},
        {"曾国藩", "cengguofan", true},
        {"查良镛", "zly", true},
        {"查良镛", "cly", true},
        {"盖叫天", "gejt", true},
        {"朴树", "piaoshu", true},
        {"朴树", "ps", true},
        {"吕布", "lvbu", true},
        {"吕布", "lubu", true},
        {"鲁肃", "lusu", true},
        {"乐毅", "yueyi", true},
        {"王乐", "wyue", true},
        {"王乐", "wangle", true},
        {"王长青", "wzq", true},
        {"欧阳修", "oyx", true},
        {"李安", "lian", true},
        {"李", "lian", false},
        {"西安", "xian", true},
        {"先", "xian", true},
        {"John Smith", "js", true},
        {"John Smith", "smith", false},
        {"张\xee\xa0\x96三", "zs", true},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char spelling[XW_SPELLING_N_BYTES];
        (void)xw_speller_spell(speller, cases[i].name, spelling);
        if (xw_spelling_begins(spelling, cases[i].letters) != cases[i].found)
            fail_msg("%s (%s) by %s", cases[i].name, spelling, cases[i].letters);
    }
}

static void a_spelling_takes_sixty_three_letters(void **state)
{
    char name[XW_NAME_N_BYTES] = "", spelling[XW_SPELLING_N_BYTES], q[80];
    (void)state;
    append(name, sizeof(name), "庄", 50); /* zhuang: as long as a syllable is */
    assert_true(xw_speller_spell(speller, name, spelling) < XW_SPELLING_N_BYTES);
    memset(q, 'z', sizeof(q));
    q[50] = 0;
    assert_true(xw_spelling_begins(spelling, q));
    q[50] = 'z';
    q[51] = 0;
    assert_false(xw_spelling_begins(spelling, q));
    for (int i = 0; i < 66; i++)
        q[i] = "zhuang"[i % 6];
    q[63] = 0;
    assert_true(xw_spelling_begins(spelling, q));
    q[63] = 'u';
    q[64] = 0;
    assert_false(xw_spelling_begins(spelling, q));
    for (int i = 0; i < 50; i++)
        memcpy(name + 3 * i, "单", 3); /* the longest readings */
    assert_true(xw_speller_spell(speller, name, spelling) < XW_SPELLING_N_BYTES);
}

static void names_that_sound_alike_are_known(void **state)
{
    static const struct {
        const char *a, *b;
        bool alike;
    } cases[] = {
        {"张三", "章叁", true}, {"张三", "张三", true}, {"张三", "张三丰", false},
        {"单雄", "丹雄", true}, {"单雄", "山雄", true}, {"张三", "李三", false},
        {"李安", "连", false},  {"", "", false},        {"吕布", "鲁布", true},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char a[XW_SPELLING_N_BYTES], b[XW_SPELLING_N_BYTES];
        (void)xw_speller_spell(speller, cases[i].a, a);
        (void)xw_speller_spell(speller, cases[i].b, b);
        assert_int_equal(xw_spelling_alike(a, b), cases[i].alike);
        assert_int_equal(xw_spelling_alike(b, a), cases[i].alike);
    }
}

static void phone_numbers_come_to_one_form(void **state)
{
    static const struct {
        const char *text, *is; /* NULL: a fault */
        enum xw_person_reason reason;
    } cases[] = {
        {"13812345678", "13812345678", 0},
        {"138 1234-5678", "13812345678", 0},
        {"+86 138 1234 5678", "13812345678", 0},
        {"008613812345678", "13812345678", 0},
        {"8613812345678", "13812345678", 0},
        {"１３８１２３４５６７８", "13812345678", 0},
        {"19912345678", "19912345678", 0},
        {"12812345678", NULL, XW_REASON_FORM},
        {"1381234567", NULL, XW_REASON_FORM},
        {"138123456789", NULL, XW_REASON_FORM},
        {"0571-88888888", "0571-88888888", 0},
        {"057188888888", "0571-88888888", 0},
        {"（0571）8888 888", "0571-8888888", 0},
        {"010-88888888", "010-88888888", 0},
        {"021-8888888", "021-8888888", 0},
        {"+86 571 88888888", "0571-88888888", 0},
        {"+86 10 88888888", "010-88888888", 0},
        {"0571-888888", NULL, XW_REASON_FORM},
        {"0571-888888888", NULL, XW_REASON_FORM},
        {"0571-18888888", NULL, XW_REASON_FORM},
        {"88888888", NULL, XW_REASON_FORM}, /* of which town? */
        {"400-800-1234", "4008001234", 0},
        {"+852 9123 4567", "+85291234567", 0},
        {"00852 91234567", "+85291234567", 0},
        {"+1234567", "+1234567", 0},
        {"+123456", NULL, XW_REASON_FORM},
        {"+123456789012345", "+123456789012345", 0},
        {"+1234567890123456", NULL, XW_REASON_FORM},
        {"+0123456789", NULL, XW_REASON_FORM},
        {"1381234567a", NULL, XW_REASON_CHARACTER},
        {"138+12345678", NULL, XW_REASON_CHARACTER},
        {"12345678901234567890", NULL, XW_REASON_CHARACTER},
        {"+", NULL, XW_REASON_FORM},
        {"+86", NULL, XW_REASON_FORM},
        {"00", NULL, XW_REASON_FORM},
        {"-", NULL, XW_REASON_FORM},
        {"\xff", NULL, XW_REASON_ENCODING},
        {"", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char phone[XW_PHONE_N_BYTES];
        struct xw_person_fault f = {.at = 0};
        int r = xw_phone_read(cases[i].text, phone, &f);
        if ((r == 0) != (cases[i].is != NULL) || (r < 0 && f.reason != cases[i].reason))
            fail_msg("%s: %d %s", cases[i].text, r, xw_person_reason_id(f.reason));
        if (r == 0)
            assert_string_equal(phone, cases[i].is);
    }
}

static int open_speller(void **state)
{
    (void)state;
    return xw_speller_new(&speller);
}

static int close_speller(void **state)
{
    (void)state;
    xw_speller_free(speller);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_to_one_form),
        cmocka_unit_test(what_no_name_holds_is_refused),
        cmocka_unit_test(fifty_characters_are_a_name_and_fifty_one_are_not),
        cmocka_unit_test(characters_that_may_not_print_are_said),
        cmocka_unit_test(names_are_spelled_with_every_reading_that_matters),
        cmocka_unit_test(letters_find_names),
        cmocka_unit_test(a_spelling_takes_sixty_three_letters),
        cmocka_unit_test(names_that_sound_alike_are_known),
        cmocka_unit_test(phone_numbers_come_to_one_form),
    };
    return cmocka_run_group_tests(tests, open_speller, close_speller);
}
