/* Recordings cut off anywhere: what is whole is found, and nothing else is taken for it. */
#include "gst/fragments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { FILE_MAX = 8192, FRAGMENTS = 3, FRAMES = 25 };

struct file {
    uint8_t data[FILE_MAX];
    size_t n;
    size_t ends[FRAGMENTS]; /* of whole fragments */
};

static void put32(struct file *f, uint32_t v)
{
    for (int i = 3; i >= 0; i--)
        f->data[f->n++] = (uint8_t)(v >> (8 * i));
}

static size_t begin(struct file *f, const char *type)
{
    size_t at = f->n;
    put32(f, 0);
    memcpy(f->data + f->n, type, 4);
    f->n += 4;
    return at;
}

static void end(struct file *f, size_t at)
{
    size_t after = f->n;
    f->n = at;
    put32(f, (uint32_t)(after - at));
    f->n = after;
}

static void zeros(struct file *f, size_t n)
{
    memset(f->data + f->n, 0, n);
    f->n += n;
}

static void put_avc1(struct file *f)
{
    size_t stsd = begin(f, "stsd");
    zeros(f, 8);
    size_t avc1 = begin(f, "avc1");
    size_t body = f->n;
    zeros(f, 78);
    f->data[body + 24] = 640 >> 8;
    f->data[body + 25] = 640 & 255;
    f->data[body + 26] = 480 >> 8;
    f->data[body + 27] = 480 & 255;
    size_t avcc = begin(f, "avcC");
    put32(f, 0x0142c01f);
    end(f, avcc);
    end(f, avc1);
    end(f, stsd);
}

static void put_moov(struct file *f)
{
    size_t moov = begin(f, "moov"), trak = begin(f, "trak"), mdia = begin(f, "mdia");
    size_t mdhd = begin(f, "mdhd");
    zeros(f, 12);
    put32(f, 2500);
    zeros(f, 8);
    end(f, mdhd);
    size_t minf = begin(f, "minf"), stbl = begin(f, "stbl");
    put_avc1(f);
    end(f, stbl);
    end(f, minf);
    end(f, mdia);
    end(f, trak);
    end(f, moov);
}

static void put_fragment(struct file *f, size_t no)
{
    size_t moof = begin(f, "moof"), traf = begin(f, "traf"), trun = begin(f, "trun");
    put32(f, 0x100);
    put32(f, FRAMES);
    for (int i = 0; i < FRAMES; i++)
        put32(f, 100);
    end(f, trun);
    end(f, traf);
    end(f, moof);
    size_t mdat = begin(f, "mdat");
    memset(f->data + f->n, (int)no, 100 + no * 50);
    f->n += 100 + no * 50;
    end(f, mdat);
    f->ends[no] = f->n;
}

static void make(struct file *f)
{
    f->n = 0;
    size_t ftyp = begin(f, "ftyp");
    zeros(f, 16);
    end(f, ftyp);
    put_moov(f);
    for (size_t i = 0; i < FRAGMENTS; i++)
        put_fragment(f, i);
    size_t mfra = begin(f, "mfra");
    zeros(f, 20);
    end(f, mfra);
}

static int take_in(struct xw_fragments *f, const uint8_t *data, size_t n, size_t piece)
{
    int r = 0;
    for (size_t at = 0; r == 0 && at < n; at += piece)
        r = xw_fragments_take(f, data + at, XW_MIN(piece, n - at));
    return r;
}

static void what_is_whole_is_found_wherever_the_file_ends(void **state)
{
    static struct file file;
    (void)state;
    make(&file);
    for (size_t cut = 0; cut <= file.n; cut++) {
        struct xw_fragments f;
        size_t whole = 0, n = 0;
        for (; n < FRAGMENTS && file.ends[n] <= cut; n++)
            whole = file.ends[n];
        xw_fragments_init(&f);
        assert_int_equal(take_in(&f, file.data, cut, 1 + cut % 97), 0);
        assert_int_equal(f.whole, whole);
        assert_int_equal(f.whole_n, n);
        assert_int_equal(f.frames_n, n * FRAMES);
        assert_int_equal(xw_fragments_duration_us(&f), (int64_t)n * 1000000);
        xw_fragments_done(&f);
    }
}

static void codec_and_size_are_read(void **state)
{
    static struct file file;
    struct xw_fragments f;
    (void)state;
    make(&file);
    xw_fragments_init(&f);
    assert_int_equal(xw_fragments_take(&f, file.data, file.n), 0);
    assert_string_equal(f.codec, "avc1.42C01F");
    assert_int_equal(f.width, 640);
    assert_int_equal(f.height, 480);
    assert_int_equal(f.timescale, 2500);
    xw_fragments_done(&f);
}

/* Any byte of any box's size or type broken: never more is whole than before, never a crash. */
static void a_broken_byte_makes_nothing_whole_that_was_not(void **state)
{
    static struct file file, broken;
    (void)state;
    make(&file);
    for (size_t at = 0; at < file.n; at++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            struct xw_fragments f;
            broken = file;
            broken.data[at] ^= (uint8_t)flip;
            xw_fragments_init(&f);
            (void)!take_in(&f, broken.data, broken.n, 61);
            assert_true(f.whole <= broken.n);
            assert_true(f.whole_n <= FRAGMENTS);
            if (f.whole && f.whole < file.ends[FRAGMENTS - 1])
                assert_true(at < file.n);
            xw_fragments_done(&f);
        }
}

static void what_is_no_recording_is_refused(void **state)
{
    static const char text[] = "this is a text and no recording at all, of more than sixteen bytes";
    static const uint8_t huge[] = {0, 0, 0, 16, 'f',  't',  'y',  'p',  0,   0,   0,   0,
                                   0, 0, 0, 0,  0xff, 0xff, 0xff, 0xff, 'm', 'o', 'o', 'v'};
    struct xw_fragments f;
    (void)state;
    xw_fragments_init(&f);
    assert_int_equal(xw_fragments_take(&f, text, sizeof(text)), -EBADMSG);
    assert_int_equal(xw_fragments_take(&f, huge, 1), -EBADMSG); /* and stays refused */
    xw_fragments_done(&f);
    xw_fragments_init(&f);
    assert_int_equal(xw_fragments_take(&f, huge, sizeof(huge)), -EBADMSG);
    assert_int_equal(f.whole, 0);
    xw_fragments_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_whole_is_found_wherever_the_file_ends),
        cmocka_unit_test(codec_and_size_are_read),
        cmocka_unit_test(a_broken_byte_makes_nothing_whole_that_was_not),
        cmocka_unit_test(what_is_no_recording_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
