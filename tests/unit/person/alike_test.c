/* Likeness: cases from the front desk. All people are made up. */
#include "support.h"

#include "person/alike.h"
#include "person/pinyin.h"

static struct xw_speller *speller;

/* 17 digits; the check character is made. */
static const char *id(const char *digits)
{
    static char made[4][19];
    static unsigned at;
    char *to = made[at++ % 4];
    memcpy(to, digits, 17);
    to[17] = xw_number_check_11_2(digits);
    to[18] = 0;
    return to;
}

struct entry {
    const char *name, *sex, *birth, *phone, *id;
};

static struct xw_person person(const struct entry *e)
{
    struct xw_person_form form = {
        .name = e->name, .sex = e->sex, .birth = e->birth, .phone = e->phone, .numbers_n = 1};
    struct xw_person p;
    struct xw_person_faults f = {.n = 0};
    form.numbers[0].kind = e->id ? XW_NUMBER_RESIDENT : XW_NUMBER_NONE;
    form.numbers[0].text = e->id ? id(e->id) : NULL;
    if (xw_person_read(&form, today, &p, &f) < 0)
        fail_msg("%s: %s %s", e->name, xw_person_field_id(f.v[0].field),
                 xw_person_reason_id(f.v[0].reason));
    return p;
}

static struct xw_alike alike(const struct xw_person *a, const struct xw_person *b)
{
    char x[XW_SPELLING_N_BYTES], y[XW_SPELLING_N_BYTES];
    (void)xw_speller_spell(speller, a->name, x);
    (void)xw_speller_spell(speller, b->name, y);
    struct xw_alike r = xw_person_alike(a, x, b, y), back = xw_person_alike(b, y, a, x);
    assert_int_equal(r.reasons, back.reasons);
    assert_int_equal(r.score, back.score);
    assert_int_equal(r.level, back.level);
    assert_true(r.score >= 0 && r.score <= 100);
    return r;
}

#define R(x) (UINT32_C(1) << XW_ALIKE_##x)

static void cases_of_the_front_desk(void **state)
{
    static const struct {
        struct entry a, b;
        enum xw_alike_level level;
        uint32_t reasons; /* at least */
    } cases[] = {
        /* the same number: the same, whatever the name says */
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "", "", "", "11010519491231002"},
         XW_ALIKE_SAME,
         R(NUMBER) | R(NAME) | R(BIRTH) | R(SEX)},
        {{"李四", "", "", "", "11010519491231002"},
         {"王五", "", "", "", "11010519491231002"},
         XW_ALIKE_SAME,
         R(NUMBER) | R(NAME_OTHER)},
        /* name, birth, sex */
        {{"李四", "女", "1949-12-31", "", NULL},
         {"李四", "女", "1949-12-31", "", NULL},
         XW_ALIKE_LIKELY,
         R(NAME) | R(BIRTH) | R(SEX)},
        {{"李四", "女", "1949-12-31", "", NULL},
         {"李四", "男", "1949-12-31", "", NULL},
         XW_ALIKE_NO,
         R(SEX_OTHER)},
        {{"李四", "", "1949-12-31", "", NULL},
         {"李四", "", "1949-12-31", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(NAME) | R(BIRTH)},
        /* one of them has a number, the other not */
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "女", "1949-12-31", "", NULL},
         XW_ALIKE_LIKELY,
         R(NAME) | R(BIRTH) | R(SEX)},
        /* two numbers: two people of one name and birthday */
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "", "", "", "44052419491231118"},
         XW_ALIKE_NO,
         R(NUMBER_OTHER)},
        /* sounds the same */
        {{"张三", "男", "1980-02-03", "", NULL},
         {"章叁", "男", "1980-02-03", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(NAME_SOUND) | R(BIRTH)},
        {{"单雄", "", "1980-02-03", "", NULL},
         {"山雄", "", "1980-02-03", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(NAME_SOUND) | R(BIRTH)},
        /* one digit wrong (and its check character), two swapped */
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "", "", "", "11010519491221002"},
         XW_ALIKE_LIKELY,
         R(NUMBER_NEAR) | R(NAME)},
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "", "", "", "11015019491231002"},
         XW_ALIKE_LIKELY,
         R(NUMBER_NEAR)},
        /* the wrong digit is the sex's: not counted twice */
        {{"李四", "", "", "", "11010519491231002"},
         {"李四", "", "", "", "11010519491231012"},
         XW_ALIKE_LIKELY,
         R(NUMBER_NEAR)},
        /* twins with cards: numbers one apart, other names */
        {{"李大宝", "", "", "", "11010520101231002"},
         {"李小二", "", "", "", "11010520101231004"},
         XW_ALIKE_POSSIBLE,
         R(NUMBER_NEAR) | R(NAME_OTHER)},
        /* day and month */
        {{"李四", "女", "1949-02-11", "", NULL},
         {"李四", "女", "1949-11-02", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(BIRTH_SWAPPED)},
        {{"李四", "女", "1949-02-11", "", NULL},
         {"李四", "女", "1950-11-02", "", NULL},
         XW_ALIKE_NO,
         R(BIRTH_OTHER)},
        /* a phone is a family's */
        {{"李四", "女", "", "13812345678", NULL},
         {"李四", "女", "", "138 1234 5678", NULL},
         XW_ALIKE_LIKELY,
         R(PHONE) | R(NAME)},
        {{"李四", "女", "", "13812345678", NULL},
         {"王五", "男", "", "13812345678", NULL},
         XW_ALIKE_NO,
         R(PHONE)},
        /* ages */
        {{"李四", "女", "76岁", "", NULL},
         {"李四", "女", "1949-12-31", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(BIRTH_FITS)},
        {{"李四", "女", "77岁", "", NULL},
         {"李四", "女", "1949-12-31", "", NULL},
         XW_ALIKE_NO,
         R(NAME)},
        {{"李四", "女", "60岁", "", NULL},
         {"李四", "女", "1949-12-31", "", NULL},
         XW_ALIKE_NO,
         R(BIRTH_OTHER)},
        /* a name alone is nothing */
        {{"李四", "女", "", "", NULL}, {"李四", "女", "", "", NULL}, XW_ALIKE_NO, R(NAME)},
        {{"李四光", "男", "1980-02-03", "", NULL},
         {"李四方", "男", "1980-02-03", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(NAME_NEAR) | R(BIRTH)},
        {{"李四光", "男", "1980-02-03", "", NULL},
         {"李光", "男", "1980-02-03", "", NULL},
         XW_ALIKE_POSSIBLE,
         R(NAME_NEAR)},
        {{"李四", "男", "1980-02-03", "", NULL},
         {"李五", "男", "1980-02-03", "", NULL},
         XW_ALIKE_NO,
         R(NAME_OTHER)},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_person a = person(&cases[i].a), b = person(&cases[i].b);
        struct xw_alike r = alike(&a, &b);
        if (r.level != cases[i].level || (r.reasons & cases[i].reasons) != cases[i].reasons)
            fail_msg("case %zu: level %d score %d reasons %x", i, (int)r.level, r.score, r.reasons);
    }
}

static struct xw_person numbered(enum xw_number_kind kind, const char *text, const char *issuer)
{
    struct xw_person p = {.numbers_n = 1};
    struct xw_person_fault f;
    assert_int_equal(xw_number_read(kind, text, issuer, today, &p.numbers[0], &f), 0);
    return p;
}

static void numbers_of_other_kinds(void **state)
{
    struct xw_person a = numbered(XW_NUMBER_PASSPORT, "E12345678", "CHN");
    struct xw_person b = numbered(XW_NUMBER_PASSPORT, "E12345678", "CHN");
    struct xw_person c = numbered(XW_NUMBER_PASSPORT, "E12345678", NULL);
    struct xw_person d = numbered(XW_NUMBER_PASSPORT, "E12345678", "USA");
    struct xw_person e = numbered(XW_NUMBER_INPATIENT, "77", "A");
    struct xw_person f = numbered(XW_NUMBER_INPATIENT, "77", "B");
    struct xw_person g = numbered(XW_NUMBER_CLINIC, "77", "A");
    struct xw_person h = numbered(XW_NUMBER_HKMO, "H1234567800", NULL);
    struct xw_person i = numbered(XW_NUMBER_HKMO, "H1234567801", NULL);
    struct xw_person j = numbered(XW_NUMBER_HKMO, "H1234567901", NULL);
    (void)state;
    assert_int_equal(alike(&a, &b).level, XW_ALIKE_SAME);
    assert_int_equal(alike(&a, &c).level, XW_ALIKE_POSSIBLE);
    assert_int_equal(alike(&c, &c).level, XW_ALIKE_POSSIBLE);
    assert_int_equal(alike(&a, &d).level, XW_ALIKE_NO);
    assert_int_equal(alike(&e, &e).level, XW_ALIKE_SAME);
    assert_int_equal(alike(&e, &f).reasons, 0);
    assert_int_equal(alike(&e, &g).reasons, 0);
    assert_int_equal(alike(&h, &i).level, XW_ALIKE_SAME);
    assert_int_equal(alike(&h, &j).reasons, R(NUMBER_OTHER));
}

static void twins_are_two(void **state)
{
    struct xw_person mother = numbered(XW_NUMBER_RESIDENT, "11010519491231002X", NULL);
    struct xw_person one = mother, two = mother;
    struct xw_person_fault f;
    (void)state;
    assert_int_equal(xw_number_newborn(&mother.numbers[0], 1, &one.numbers[0], &f), 0);
    assert_int_equal(xw_number_newborn(&mother.numbers[0], 2, &two.numbers[0], &f), 0);
    one.birth = two.birth = (struct xw_birth){.kind = XW_BIRTH_DAY, .day = today};
    one.sex = two.sex = XW_SEX_MALE;
    memcpy(one.phone, "13812345678", 12);
    memcpy(two.phone, "13812345678", 12);
    memcpy(one.name, "李四之子", sizeof("李四之子"));
    memcpy(two.name, "李四之子", sizeof("李四之子"));
    assert_int_equal(alike(&one, &two).level, XW_ALIKE_NO);
    assert_int_equal(alike(&one, &one).level, XW_ALIKE_SAME);
    assert_int_equal(alike(&one, &mother).level, XW_ALIKE_NO);
}

static void only_a_number_makes_two_the_same(void **state)
{
    static const struct entry e = {"李四", "女", "1949-12-31", "13812345678", NULL};
    struct xw_person a = person(&e), b = a;
    struct xw_person p = numbered(XW_NUMBER_INSURANCE, "330000123", NULL);
    (void)state;
    a.numbers[0] = b.numbers[0] = p.numbers[0];
    a.numbers_n = b.numbers_n = 1;
    struct xw_alike r = alike(&a, &b);
    assert_int_equal(r.level, XW_ALIKE_LIKELY);
    assert_int_equal(r.score, 99);
}

static void every_reason_has_words_and_a_weight(void **state)
{
    (void)state;
    for (unsigned i = 0; i < XW_ALIKE_REASONS_N; i++) {
        enum xw_alike_reason reason = (enum xw_alike_reason)i;
        assert_true(*xw_alike_reason_id(reason));
        assert_true(*xw_alike_reason_words(reason, XW_PERSON_ZH));
        assert_true(*xw_alike_reason_words(reason, XW_PERSON_EN));
        assert_true(xw_alike_weight(reason) != 0);
    }
    assert_string_equal(xw_alike_reason_id(XW_ALIKE_REASONS_N), "");
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
        cmocka_unit_test(cases_of_the_front_desk),
        cmocka_unit_test(numbers_of_other_kinds),
        cmocka_unit_test(twins_are_two),
        cmocka_unit_test(only_a_number_makes_two_the_same),
        cmocka_unit_test(every_reason_has_words_and_a_weight),
    };
    return cmocka_run_group_tests(tests, open_speller, close_speller);
}
