/* The folder of recordings as kills leave it. */
#include "edge/video_left.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    char dir[64];
    struct xw_uuid ids[4];
};

static void path_of(const struct place *p, const char *name, char ret[256])
{
    snprintf(ret, 256, "%s/%s", p->dir, name);
}

static void put(const struct place *p, const char *name)
{
    char path[256];
    path_of(p, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void put_of(const struct place *p, size_t i, const char *ending)
{
    char id[XW_UUID_TEXT_N_BYTES], name[64];
    snprintf(name, sizeof(name), "%s%s", xw_uuid_format(&p->ids[i], id), ending);
    put(p, name);
}

/* Whether it was there; it is not any more. */
static bool take(const struct place *p, const char *name)
{
    char path[256];
    path_of(p, name, path);
    return unlink(path) == 0;
}

static bool take_of(const struct place *p, size_t i, const char *ending)
{
    char id[XW_UUID_TEXT_N_BYTES], name[64];
    snprintf(name, sizeof(name), "%s%s", xw_uuid_format(&p->ids[i], id), ending);
    return take(p, name);
}

static int begin(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    if (!p)
        return -1;
    snprintf(p->dir, sizeof(p->dir), "/tmp/xw-left-XXXXXX");
    for (size_t i = 0; i < XW_ARRAY_N(p->ids); i++) {
        memset(p->ids[i].b, 0x11, 16);
        p->ids[i].b[5] = (uint8_t)(i + 1); /* the time, in its low bytes */
        p->ids[i].b[6] = 0x70;
        p->ids[i].b[8] = 0x80;
    }
    *state = p;
    return mkdtemp(p->dir) ? 0 : -1;
}

static int end(void **state)
{
    struct place *p = *state;
    int r = rmdir(p->dir); /* a test takes away all that should be left */
    free(p);
    return r;
}

static void a_recording_is_listed_once_whichever_of_its_files_is_left(void **state)
{
    struct place *p = *state;
    struct xw_uuid left[8];
    put_of(p, 2, ".part");
    put_of(p, 0, ".part");
    put_of(p, 0, ".clip");
    put_of(p, 1, ".clip");
    assert_int_equal(xw_video_left(p->dir, left, XW_ARRAY_N(left)), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(xw_uuid_equal(&left[i], &p->ids[i]));
    assert_true(take_of(p, 0, ".part") && take_of(p, 0, ".clip") && take_of(p, 1, ".clip") &&
                take_of(p, 2, ".part"));
}

static void what_a_kill_left_before_a_rename_is_deleted(void **state)
{
    struct place *p = *state;
    struct xw_uuid left[8];
    put_of(p, 0, ".clip.tmp");
    put_of(p, 1, ".clip.tmp");
    put_of(p, 1, ".part");
    assert_int_equal(xw_video_left(p->dir, left, XW_ARRAY_N(left)), 1);
    assert_true(xw_uuid_equal(&left[0], &p->ids[1]));
    assert_false(take_of(p, 0, ".clip.tmp"));
    assert_false(take_of(p, 1, ".clip.tmp"));
    assert_true(take_of(p, 1, ".part"));
}

static void what_is_not_named_like_a_recording_is_left_alone(void **state)
{
    static const char *const names[] = {
        "README",
        ".part",
        "x.clip.tmp",
        "01a20000-0000-7000-8000-00000000000g.part",
        "01a20000-0000-7000-8000-000000000001",
        "01a20000-0000-7000-8000-000000000001.parts",
        "01a20000-0000-7000-8000-000000000001.tmp",
    };
    struct place *p = *state;
    struct xw_uuid left[8];
    for (size_t i = 0; i < XW_ARRAY_N(names); i++)
        put(p, names[i]);
    assert_int_equal(xw_video_left(p->dir, left, XW_ARRAY_N(left)), 0);
    for (size_t i = 0; i < XW_ARRAY_N(names); i++)
        assert_true(take(p, names[i]));
}

static void no_more_are_listed_than_there_is_room_for(void **state)
{
    struct place *p = *state;
    struct xw_uuid left[3];
    memset(&left[2], 0xee, sizeof(left[2]));
    for (size_t i = 0; i < 4; i++)
        put_of(p, i, ".part");
    assert_int_equal(xw_video_left(p->dir, left, 2), 2);
    assert_int_equal(left[2].b[0], 0xee);
    for (size_t i = 0; i < 4; i++)
        assert_true(take_of(p, i, ".part"));
    assert_int_equal(xw_video_left("/nowhere", left, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_recording_is_listed_once_whichever_of_its_files_is_left,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_a_kill_left_before_a_rename_is_deleted, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_named_like_a_recording_is_left_alone, begin,
                                        end),
        cmocka_unit_test_setup_teardown(no_more_are_listed_than_there_is_room_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
