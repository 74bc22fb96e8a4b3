/* Signals: every format against bytes made here by hand, selection, skew, seeking, and files that
 * are not what their header says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/wfdb/scratch.h"
#include "wfdb/wfdb.h"

static struct xw_wfdb_reader *open_record(void **state, const char *name)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error e = {0};
    int r = xw_wfdb_reader_open(scratch_path(state, name), NULL, 0, &reader, &e);
    if (r < 0)
        fail_msg("%s: %d %s", name, r, e.text);
    return reader;
}

static void write_text(void **state, const char *name, const char *text)
{
    scratch_write(state, name, text, strlen(text));
}

static void assert_rows(struct xw_wfdb_reader *reader, const int32_t *expected, size_t rows_n)
{
    int32_t rows[256];
    size_t n = rows_n * xw_wfdb_reader_channels(reader);
    assert_int_equal(xw_wfdb_reader_length(reader), rows_n);
    assert_int_equal(xw_wfdb_reader_read(reader, rows, rows_n + 5, NULL), rows_n);
    for (size_t i = 0; i < n; i++) {
        if (rows[i] != expected[i])
            fail_msg("value %zu: %d instead of %d", i, rows[i], expected[i]);
    }
    assert_int_equal(xw_wfdb_reader_read(reader, rows, 5, NULL), 0);
}

static void every_format_decodes_its_extremes(void **state)
{
    static const struct {
        int format;
        uint8_t bytes[16];
        size_t bytes_n;
        int32_t expected[4];
        size_t n;
    } cases[] = {
        {16, {0x34, 0x12, 0xff, 0xff, 0x00, 0x80, 0xff, 0x7f}, 8, {0x1234, -1, -32768, 32767}, 4},
        {61, {0x12, 0x34, 0xff, 0xff, 0x80, 0x00, 0x7f, 0xff}, 8, {0x1234, -1, -32768, 32767}, 4},
        {80, {0, 128, 255, 127}, 4, {-128, 0, 127, -1}, 4},
        {160, {0x00, 0x00, 0x00, 0x80, 0xff, 0xff, 0xff, 0x7f}, 8, {-32768, 0, 32767, -1}, 4},
        /* 0x7ff, -2048, -1, 0x123: low bytes first, high nibbles shared in the middle */
        {212, {0xff, 0x87, 0x00, 0xff, 0x1f, 0x23}, 6, {2047, -2048, -1, 0x123}, 4},
        {212, {0xff, 0x87, 0x00, 0xff, 0x0f}, 5, {2047, -2048, -1}, 3}, /* odd number */
        {24,
         {0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0x00, 0x00, 0x80, 0xff, 0xff, 0x7f},
         12,
         {0x123456, -1, -8388608, 8388607},
         4},
        {32,
         {0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0x7f},
         16,
         {0x12345678, -1, INT32_MIN, INT32_MAX},
         4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[128];
        snprintf(header, sizeof(header), "f 1 100\nf.dat %d 1\n", cases[i].format);
        write_text(state, "f.hea", header);
        scratch_write(state, "f.dat", cases[i].bytes, cases[i].bytes_n);
        struct xw_wfdb_reader *reader = open_record(state, "f");
        assert_rows(reader, cases[i].expected, cases[i].n); /* length from the file's size */
        xw_wfdb_reader_close(reader);
    }
}

static void several_files_and_an_offset_make_one_row(void **state)
{
    uint8_t first[24 + 12] = {0};
    static const uint8_t pairs[] = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0};
    static const uint8_t second[] = {128 + 10, 128 + 20, 128 + 30};
    memcpy(first + 24, pairs, sizeof(pairs));
    scratch_write(state, "m.mat", first, sizeof(first));
    scratch_write(state, "n.dat", second, sizeof(second));
    write_text(state, "m.hea", "m 3 250 3\r\nm.mat 16+24 1\r\nm.mat 16+24 1\r\nn.dat 80 1\r\n");
    struct xw_wfdb_reader *reader = open_record(state, "m.hea");
    assert_rows(reader, (int32_t[]){1, 2, 10, 3, 4, 20, 5, 6, 30}, 3);
    xw_wfdb_reader_close(reader);
    /* any signals in any order */
    struct xw_wfdb_error e;
    assert_int_equal(
        xw_wfdb_reader_open(scratch_path(state, "m"), (unsigned[]){2, 0}, 2, &reader, &e), 0);
    assert_string_equal(xw_wfdb_reader_signal(reader, 0)->file, "n.dat");
    assert_rows(reader, (int32_t[]){10, 1, 20, 3, 30, 5}, 3);
    xw_wfdb_reader_close(reader);
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "m"), (unsigned[]){3}, 1, &reader, &e),
                     -EINVAL);
}

static void skewed_signals_are_put_back_in_time(void **state)
{
    static const uint8_t bytes[] = {128 + 1,  128,     128 + 2,  128,     128 + 3,
                                    128 + 11, 128 + 4, 128 + 12, 128 + 5, 128 + 13};
    scratch_write(state, "s.dat", bytes, sizeof(bytes));
    write_text(state, "s.hea", "s 2 100 5\ns.dat 80 1\ns.dat 80:2 1\n");
    struct xw_wfdb_reader *reader = open_record(state, "s");
    assert_rows(reader, (int32_t[]){1, 11, 2, 12, 3, 13, 4, -128, 5, -128}, 5);
    xw_wfdb_reader_close(reader);
}

static void samples_per_frame_multiply_the_rate(void **state)
{
    static const uint8_t bytes[] = {129, 130, 131, 228, 132, 133, 134, 229};
    scratch_write(state, "x.dat", bytes, sizeof(bytes));
    write_text(state, "x.hea", "x 2 62.5 2\nx.dat 80x3 1\nx.dat 80 1\n");
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error e;
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "x"), NULL, 0, &reader, &e), -ENOTSUP);
    assert_non_null(strstr(e.text, "sampling rates"));
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "x"), (unsigned[]){0}, 1, &reader, &e),
                     0);
    assert_int_equal(xw_wfdb_reader_rate_hz(reader).num, 375);
    assert_int_equal(xw_wfdb_reader_rate_hz(reader).den, 2);
    assert_rows(reader, (int32_t[]){1, 2, 3, 4, 5, 6}, 6);
    int32_t row;
    for (int64_t at = 0; at < 6; at++) { /* also into the middle of a frame */
        assert_int_equal(xw_wfdb_reader_seek(reader, at), 0);
        assert_int_equal(xw_wfdb_reader_read(reader, &row, 1, NULL), 1);
        assert_int_equal(row, at + 1);
    }
    xw_wfdb_reader_close(reader);
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "x"), (unsigned[]){1}, 1, &reader, &e),
                     0);
    assert_rows(reader, (int32_t[]){100, 101}, 2);
    xw_wfdb_reader_close(reader);
}

/* Packed 12-bit samples of an odd number of signals, so that frames begin in mid-unit; larger than
 * the reader's window. */
static void reads_of_any_size_give_the_same_samples(void **state)
{
    enum { CHANNELS = 3, ROWS = 40001, SAMPLES = CHANNELS * ROWS };
    uint8_t *bytes = calloc(1, SAMPLES * 3 / 2 + 2);
    int32_t *expected = malloc(SAMPLES * sizeof(*expected));
    int32_t *rows = malloc(SAMPLES * sizeof(*rows));
    assert_true(bytes && expected && rows);
    uint32_t seed = 20240611;
    for (size_t i = 0; i < SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t u = seed >> 20;
        expected[i] = (int32_t)(u ^ 0x800) - 0x800;
        bytes[i / 2 * 3 + (i % 2 ? 2 : 0)] = (uint8_t)(u & 0xff);
        bytes[i / 2 * 3 + 1] |= (uint8_t)(u >> 8 << (i % 2 ? 4 : 0));
    }
    scratch_write(state, "p.dat", bytes, (SAMPLES * 3 + 1) / 2);
    write_text(state, "p.hea", "p 3 360 40001\np.dat 212\np.dat 212\np.dat 212\n");
    struct xw_wfdb_reader *reader = open_record(state, "p");
    static const size_t sizes[] = {1, 7, 1000, 14563, ROWS};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        int64_t at = 0;
        int64_t n;
        assert_int_equal(xw_wfdb_reader_seek(reader, 0), 0);
        while ((n = xw_wfdb_reader_read(reader, rows + at * CHANNELS, sizes[k], NULL)) > 0)
            at += n;
        assert_int_equal(at, ROWS);
        assert_memory_equal(rows, expected, SAMPLES * sizeof(*rows));
    }
    for (int64_t at = ROWS; at >= 0; at -= 997) {
        assert_int_equal(xw_wfdb_reader_seek(reader, at), 0);
        assert_int_equal(xw_wfdb_reader_position(reader), at);
        int64_t n = xw_wfdb_reader_read(reader, rows, 13, NULL);
        assert_int_equal(n, ROWS - at < 13 ? ROWS - at : 13);
        assert_memory_equal(rows, expected + at * CHANNELS, (size_t)n * CHANNELS * sizeof(*rows));
    }
    assert_int_equal(xw_wfdb_reader_seek(reader, -1), -EINVAL);
    assert_int_equal(xw_wfdb_reader_seek(reader, ROWS + 1), -EINVAL);
    xw_wfdb_reader_close(reader);
    free(bytes);
    free(expected);
    free(rows);
}

static void files_that_break_their_header_are_refused(void **state)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error e;
    write_text(state, "t.hea", "t 2 250 100\nt.dat 212 200\nt.dat 212 200\n");
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "t"), NULL, 0, &reader, &e), -ENOENT);
    assert_non_null(strstr(e.text, "t.dat"));
    uint8_t bytes[300] = {0};
    scratch_write(state, "t.dat", bytes, 299);
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "t"), NULL, 0, &reader, &e), -ENODATA);
    assert_non_null(strstr(e.text, "truncated"));
    scratch_write(state, "t.dat", bytes, 300);
    reader = open_record(state, "t");
    scratch_write(state, "t.dat", bytes, 30); /* shrinks while it is open */
    int32_t rows[200];
    assert_int_equal(xw_wfdb_reader_read(reader, rows, 100, &e), -ENODATA);
    assert_non_null(strstr(e.text, "shorter"));
    xw_wfdb_reader_close(reader);
    unlink(scratch_path(state, "t.dat"));
    assert_int_equal(mkfifo(scratch_path(state, "t.dat"), 0600), 0);
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "t"), NULL, 0, &reader, &e), -EBADMSG);
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "none"), NULL, 0, &reader, &e),
                     -ENOENT);
    write_text(state, "z.hea", "z 0 250 0\n");
    assert_int_equal(xw_wfdb_reader_open(scratch_path(state, "z"), NULL, 0, &reader, &e), -ENODATA);
}

static void a_written_record_reads_back_and_verifies(void **state)
{
    const struct xw_wfdb_writer_signal signals[] = {{"I", "mV", {1000, 1}, 0},
                                                    {"V 1", "uV", {43051, 10}, -7}};
    struct xw_wfdb_writer *w;
    struct xw_wfdb_reader *r;
    struct xw_wfdb_error e;
    static int32_t rows[2 * 9000];
    static int32_t again[2 * 9000];
    for (int i = 0; i < 18000; i++)
        rows[i] = (i * 7919) % 65536 - 32768;
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "w-1"),
                                         (struct xw_wfdb_fraction){24989, 400}, signals, 2, &w, &e),
                     0);
    assert_int_equal(xw_wfdb_writer_write(w, rows, 1), 0);
    assert_int_equal(xw_wfdb_writer_write(w, rows + 2, 8999), 0);
    assert_int_equal(xw_wfdb_writer_write(w, (int32_t[]){0, 40000}, 1), -ERANGE);
    assert_int_equal(access(scratch_path(state, "w-1.hea"), F_OK), -1); /* not before it is whole */
    assert_int_equal(xw_wfdb_writer_finish(w, &e), 0);
    r = open_record(state, "w-1");
    assert_int_equal(xw_wfdb_reader_length(r), 9000);
    assert_int_equal(xw_wfdb_reader_rate_hz(r).num, 24989);
    assert_int_equal(xw_wfdb_reader_rate_hz(r).den, 400);
    assert_int_equal(xw_wfdb_reader_signal(r, 1)->gain.num, 43051);
    assert_int_equal(xw_wfdb_reader_signal(r, 1)->baseline, -7);
    assert_string_equal(xw_wfdb_reader_signal(r, 1)->description, "V 1");
    assert_int_equal(xw_wfdb_reader_verify(r, &e), 2);
    assert_int_equal(xw_wfdb_reader_position(r), 0);
    assert_int_equal(xw_wfdb_reader_read(r, again, 9000, &e), 9000);
    assert_memory_equal(rows, again, sizeof(rows));
    xw_wfdb_reader_close(r);
    again[5] ^= 1;
    uint8_t bytes[36000];
    for (size_t i = 0; i < 18000; i++) {
        bytes[2 * i] = (uint8_t)(again[i] & 0xff);
        bytes[2 * i + 1] = (uint8_t)((uint32_t)again[i] >> 8 & 0xff);
    }
    scratch_write(state, "w-1.dat", bytes, sizeof(bytes));
    r = open_record(state, "w-1");
    assert_int_equal(xw_wfdb_reader_verify(r, &e), -EBADMSG);
    assert_non_null(strstr(e.text, "checksum"));
    xw_wfdb_reader_close(r);
}

static void the_writer_refuses_what_a_header_cannot_say(void **state)
{
    struct xw_wfdb_writer_signal s = {"I", "mV", {1000, 1}, 0};
    const struct xw_wfdb_fraction rate = {500, 1};
    struct xw_wfdb_writer *w;
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "a b"), rate, &s, 1, &w, NULL),
                     -EINVAL);
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "ok"), rate, &s, 0, &w, NULL),
                     -EINVAL);
    const struct xw_wfdb_fraction third = {1000, 3};
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "ok"), third, &s, 1, &w, NULL),
                     -EINVAL);
    s.description = "I\n# x";
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "ok"), rate, &s, 1, &w, NULL),
                     -EINVAL);
    s.description = "I";
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "none/ok"), rate, &s, 1, &w, NULL),
                     -ENOENT);
    assert_int_equal(xw_wfdb_writer_open(scratch_path(state, "ok"), rate, &s, 1, &w, NULL), 0);
    xw_wfdb_writer_abandon(w);
    assert_int_equal(access(scratch_path(state, "ok.dat"), F_OK), -1);
}

int main(void)
{
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(every_format_decodes_its_extremes),
        IN_SCRATCH(several_files_and_an_offset_make_one_row),
        IN_SCRATCH(skewed_signals_are_put_back_in_time),
        IN_SCRATCH(samples_per_frame_multiply_the_rate),
        IN_SCRATCH(reads_of_any_size_give_the_same_samples),
        IN_SCRATCH(files_that_break_their_header_are_refused),
        IN_SCRATCH(a_written_record_reads_back_and_verifies),
        IN_SCRATCH(the_writer_refuses_what_a_header_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
