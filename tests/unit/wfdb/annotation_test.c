/* Annotations: bytes made by hand, the traps of real files, and writing back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/wfdb/scratch.h"
#include "wfdb/wfdb.h"

#define WORD(code, value) (uint8_t)((value)&0xff), (uint8_t)((code) << 2 | (value) >> 8)
enum { SKIP = 59, NUM = 60, SUB = 61, CHN = 62, AUX = 63 };

static int parse(const uint8_t *data, size_t n, struct xw_wfdb_annotations *a)
{
    struct xw_wfdb_error e;
    return xw_wfdb_annotations_parse(data, n, a, &e);
}

static void words_of_every_kind_are_understood(void **state)
{
    (void)state;
    static const uint8_t data[] = {
        WORD(SKIP, 0),
        0xff,
        0xff,
        0xf1,
        0xff, /* -15, high half first */
        WORD(1, 0),
        WORD(SUB, 0xff),
        WORD(CHN, 1), /* N at -15 */
        WORD(5, 1023),
        WORD(NUM, 2), /* V at 1008 */
        WORD(SKIP, 0),
        0x01,
        0x00,
        0x00,
        0x00, /* + 65536 */
        WORD(28, 2),
        WORD(AUX, 5),
        '(',
        'A',
        'F',
        'I',
        'B',
        0, /* + at 66546 */
        WORD(32, 0),
        WORD(AUX, 3),
        '(',
        'N',
        0,
        0, /* [ with a counted NUL */
        WORD(0, 0),
    };
    struct xw_wfdb_annotations a;
    assert_int_equal(parse(data, sizeof(data), &a), 0);
    assert_int_equal(a.n, 4);
    assert_int_equal(a.at[0].sample, -15);
    assert_int_equal(a.at[0].code, XW_WFDB_NORMAL);
    assert_int_equal(a.at[0].subtype, -1);
    assert_int_equal(a.at[0].channel, 1);
    assert_int_equal(a.at[1].sample, 1008);
    assert_int_equal(a.at[1].subtype, 0); /* SUB is for one annotation */
    assert_int_equal(a.at[1].channel, 1); /* CHN and NUM hold */
    assert_int_equal(a.at[1].num, 2);
    assert_int_equal(a.at[2].sample, 66546);
    assert_string_equal(a.at[2].aux, "(AFIB");
    assert_int_equal(a.at[2].aux_n, 5);
    assert_int_equal(a.at[2].num, 2);
    assert_int_equal(a.at[3].code, XW_WFDB_VFON);
    assert_string_equal(a.at[3].aux, "(N");
    assert_int_equal(a.at[3].aux_n, 2);
    xw_wfdb_annotations_done(&a);
    /* cut anywhere, it is an error and never a crash */
    for (size_t n = 0; n < sizeof(data); n++)
        assert_int_equal(parse(data, n, &a), -ENODATA);
}

static void notes_of_the_file_itself_are_taken_out(void **state)
{
    (void)state;
    struct xw_wfdb_annotation_writer *w;
    struct xw_wfdb_annotations a;
    uint8_t *data;
    size_t n;
    assert_int_equal(xw_wfdb_annotation_writer_new(&w), 0);
    assert_int_equal(
        xw_wfdb_annotation_writer_mark(w, 0, XW_WFDB_NOTE, 0, "## time resolution: 62.5"), 0);
    assert_int_equal(
        xw_wfdb_annotation_writer_mark(w, 0, XW_WFDB_NOTE, 0, "## annotation type definitions"), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 0, XW_WFDB_NOTE, 0, "42 x a code"), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 0, XW_WFDB_NOTE, 0, "## end of definitions"),
                     0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 0, XW_WFDB_NOTE, 0, "a real note"), 0);
    assert_int_equal(xw_wfdb_annotation_writer_encode(w, &data, &n), 0);
    assert_int_equal(parse(data, n, &a), 0);
    assert_int_equal(a.time_resolution_hz.num, 125);
    assert_int_equal(a.time_resolution_hz.den, 2);
    assert_int_equal(a.n, 1);
    assert_string_equal(a.at[0].aux, "a real note");
    xw_wfdb_annotations_done(&a);
    xw_wfdb_annotation_writer_free(w);
    free(data);
}

static void what_is_written_out_of_order_is_read_sorted(void **state)
{
    struct xw_wfdb_annotation_writer *w;
    struct xw_wfdb_annotations a;
    struct xw_wfdb_error e;
    static const int64_t far = INT64_C(10000000000);
    char long_aux[256];
    memset(long_aux, 'x', 255);
    long_aux[255] = 0;
    assert_int_equal(xw_wfdb_annotation_writer_new(&w), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, far, XW_WFDB_NORMAL, 0, NULL), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 700, XW_WFDB_RHYTHM, 0, "(AFIB"), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, -15, XW_WFDB_NOTE, 3, long_aux), 0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 700, XW_WFDB_PVC, -2, NULL), 0);
    assert_int_equal(
        xw_wfdb_annotation_writer_add(
            w, &(struct xw_wfdb_annotation){.sample = 700, .code = XW_WFDB_NOISE, .channel = -1}),
        0);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 1, 50, 0, NULL), -EINVAL);
    assert_int_equal(xw_wfdb_annotation_writer_mark(w, 1, XW_WFDB_NOTQRS, 0, NULL), -EINVAL);
    char path[SCRATCH_PATH_BYTES * 2];
    snprintf(path, sizeof(path), "%s", scratch_path(state, "a.atr"));
    assert_int_equal(xw_wfdb_annotation_writer_save(w, path, &e), 0);
    assert_int_equal(xw_wfdb_annotations_load(path, &a, &e), 0);
    static const int codes[] = {XW_WFDB_NOTE, XW_WFDB_NOISE, XW_WFDB_RHYTHM, XW_WFDB_PVC,
                                XW_WFDB_NORMAL};
    assert_int_equal(a.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(a.at[i].code, codes[i]);
    assert_string_equal(a.at[0].aux, long_aux);
    assert_int_equal(a.at[0].subtype, 3);
    assert_int_equal(a.at[1].channel, -1);
    assert_int_equal(a.at[2].channel, 0);
    assert_string_equal(a.at[2].aux, "(AFIB");
    assert_int_equal(a.at[3].subtype, -2);
    assert_int_equal(a.at[4].sample, far);
    xw_wfdb_annotations_done(&a);
    assert_int_equal(xw_wfdb_annotation_writer_save(w, scratch_path(state, "no/a.atr"), &e),
                     -ENOENT);
    xw_wfdb_annotation_writer_free(w);
}

static void random_annotations_survive_a_round_trip(void **state)
{
    (void)state;
    const char *given = getenv("XW_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : 77;
    print_message("XW_SEED=%u\n", seed);
    enum { N = 5000 };
    static struct xw_wfdb_annotation made[N];
    struct xw_wfdb_annotation_writer *w;
    struct xw_wfdb_annotations a;
    uint8_t *data;
    size_t n;
    int64_t time = -5;
    assert_int_equal(xw_wfdb_annotation_writer_new(&w), 0);
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        time += 1 + (seed >> 8) % (seed >> 28 ? 900 : 90000); /* SKIP now and then */
        made[i] = (struct xw_wfdb_annotation){.sample = time,
                                              .code = (uint8_t)(1 + (seed >> 4) % 49),
                                              .subtype = (int8_t)(seed >> 24),
                                              .channel = (int8_t)(seed >> 16 & 3),
                                              .num = (int8_t)(seed >> 12 & 1)};
        if (seed & 0x400) {
            made[i].aux = "abcdefghi";
            made[i].aux_n = (uint8_t)(1 + seed % 9);
        }
        assert_int_equal(xw_wfdb_annotation_writer_add(w, &made[i]), 0);
    }
    assert_int_equal(xw_wfdb_annotation_writer_encode(w, &data, &n), 0);
    assert_int_equal(parse(data, n, &a), 0);
    assert_int_equal(a.n, N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(a.at[i].sample, made[i].sample);
        assert_int_equal(a.at[i].code, made[i].code);
        assert_int_equal(a.at[i].subtype, made[i].subtype);
        assert_int_equal(a.at[i].channel, made[i].channel);
        assert_int_equal(a.at[i].num, made[i].num);
        assert_int_equal(a.at[i].aux_n, made[i].aux_n);
        if (made[i].aux_n)
            assert_memory_equal(a.at[i].aux, made[i].aux, made[i].aux_n);
    }
    xw_wfdb_annotations_done(&a);
    xw_wfdb_annotation_writer_free(w);
    free(data);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct xw_wfdb_annotations a;
    static const uint8_t orphan[] = {WORD(AUX, 1), 'x', 0, WORD(0, 0)};
    static const uint8_t unknown[] = {WORD(55, 1), WORD(0, 0)};
    static const uint8_t long_aux[2000] = {WORD(1, 1), WORD(AUX, 1000)};
    assert_int_equal(parse(orphan, sizeof(orphan), &a), -EBADMSG);
    assert_int_equal(parse(unknown, sizeof(unknown), &a), -EBADMSG);
    assert_int_equal(parse(long_aux, sizeof(long_aux), &a), -EBADMSG);
    static const uint8_t none[] = {WORD(0, 0)};
    assert_int_equal(parse(none, sizeof(none), &a), 0);
    assert_int_equal(a.n, 0);
    xw_wfdb_annotations_done(&a);
}

static void codes_and_mnemonics_agree(void **state)
{
    (void)state;
    unsigned beats = 0;
    for (int code = 0; code < XW_WFDB_CODES_N; code++) {
        if (*xw_wfdb_code_mnemonic(code))
            assert_int_equal(xw_wfdb_code_of(xw_wfdb_code_mnemonic(code)), code);
        beats += xw_wfdb_code_is_beat(code);
    }
    assert_int_equal(beats, 19);
    assert_int_equal(xw_wfdb_code_of("["), XW_WFDB_VFON);
    assert_int_equal(xw_wfdb_code_of("zz"), -1);
    assert_int_equal(xw_wfdb_code_of(""), -1);
    assert_true(xw_wfdb_code_is_beat(XW_WFDB_RONT));
    assert_false(xw_wfdb_code_is_beat(XW_WFDB_NAPC));
    assert_false(xw_wfdb_code_is_beat(-3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_every_kind_are_understood),
        cmocka_unit_test(notes_of_the_file_itself_are_taken_out),
        cmocka_unit_test_setup_teardown(what_is_written_out_of_order_is_read_sorted, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(random_annotations_survive_a_round_trip),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(codes_and_mnemonics_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
