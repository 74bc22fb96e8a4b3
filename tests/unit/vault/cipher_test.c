/* Pages and files through the cipher. */
#include "folder.h"

#include "vault/page.h"
#include "vault/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, USED = PAGE - XW_PAGE_RESERVE, CONTENT = 1000 };

struct set {
    struct folder folder;
    struct xw_vault *vault;
    struct xw_page_nonces nonces;
    struct xw_page_about about;
    uint8_t plain[PAGE], page[PAGE];
};

static int set_up(void **state)
{
    struct set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return -1;
    folder_init(&set->folder);
    if (xw_vault_open(set->folder.data, set->folder.key_file, XW_VAULT_NEW, &set->vault) < 0)
        return -1;
    xw_page_nonces_init(&set->nonces);
    set->about = (struct xw_page_about){{'P', 1, 2, 3}, 4};
    for (size_t i = 0; i < USED; i++)
        set->plain[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(set->page, set->plain, PAGE);
    *state = set;
    return 0;
}

static int tear_down(void **state)
{
    struct set *set = *state;
    xw_vault_free(set->vault);
    folder_done(&set->folder);
    free(set);
    return 0;
}

/* ---- pages ---- */

static void a_page_comes_back_with_a_reserve_of_zeros(void **state)
{
    struct set *set = *state;
    uint8_t other[PAGE];
    memcpy(other, set->plain, PAGE);
    xw_page_seal(set->vault, &set->nonces, &set->about, set->page, PAGE, 24);
    xw_page_seal(set->vault, &set->nonces, &set->about, other, PAGE, 24);
    assert_memory_equal(set->page, set->plain, 24);
    assert_memory_not_equal(set->page + 24, set->plain + 24, 64);
    assert_memory_not_equal(set->page + 24, other + 24, 64); /* no nonce twice */
    assert_int_equal(xw_page_key_of(set->page + USED), xw_vault_present(set->vault));
    assert_int_equal(xw_page_open(set->vault, &set->about, set->page, PAGE, 24), 0);
    assert_memory_equal(set->page, set->plain, PAGE);
}

static void a_flipped_bit_at_any_place_of_a_page_is_damage(void **state)
{
    struct set *set = *state;
    uint8_t bad[PAGE];
    xw_page_seal(set->vault, &set->nonces, &set->about, set->page, PAGE, 0);
    for (size_t bit = 0; bit < (size_t)PAGE * 8; bit++) {
        memcpy(bad, set->page, PAGE);
        bad[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(xw_page_open(set->vault, &set->about, bad, PAGE, 0), -EBADMSG);
    }
}

static void a_page_of_another_place_or_key_is_told(void **state)
{
    struct set *set = *state;
    struct folder other_folder;
    struct xw_vault *other = NULL;
    struct xw_page_about elsewhere = {{'P', 1, 2, 4}, 4};
    uint8_t copy[PAGE] = {0};
    assert_int_equal(xw_page_open(set->vault, &set->about, copy, PAGE, 0), 1);
    copy[17] = 1;
    assert_int_equal(xw_page_open(set->vault, &set->about, copy, PAGE, 0), -EBADMSG);
    xw_page_seal(set->vault, &set->nonces, &set->about, set->page, PAGE, 0);
    memcpy(copy, set->page, PAGE);
    assert_int_equal(xw_page_open(set->vault, &elsewhere, copy, PAGE, 0), -EBADMSG);
    folder_init(&other_folder);
    assert_int_equal(xw_vault_open(other_folder.data, other_folder.key_file, XW_VAULT_NEW, &other),
                     0);
    assert_int_equal(xw_page_open(other, &set->about, set->page, PAGE, 0), -ENOKEY);
    xw_vault_free(other);
    folder_done(&other_folder);
}

/* ---- files ---- */

static int open_file(const struct set *set, const char *name, int flags)
{
    char path[300];
    folder_path(&set->folder, name, path);
    int fd = open(path, flags, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void a_file_is_written_and_read_at_any_place(void **state)
{
    struct set *set = *state;
    struct xw_sealed sealed;
    uint8_t got[CONTENT];
    int fd = open_file(set, "a", O_RDWR | O_CREAT);
    assert_int_equal(xw_sealed_begin(set->vault, fd, &sealed), 0);
    for (size_t at = 0, n = 1; at < CONTENT; at += n, n = XW_MIN(n * 3, CONTENT - at))
        assert_int_equal(xw_sealed_pwrite(&sealed, fd, at, set->plain + at, n), 0);
    struct xw_sealed again;
    assert_int_equal(xw_sealed_open(set->vault, fd, &again), 0);
    for (size_t at = 0; at < CONTENT; at += 13)
        for (size_t n = 0; n < 200; n += 37) {
            size_t there = XW_MIN(n, CONTENT - at);
            assert_int_equal(xw_sealed_pread(&again, fd, at, got, n), (ssize_t)there);
            assert_memory_equal(got, set->plain + at, there);
        }
    assert_int_equal(xw_sealed_cut(fd, 500), 0);
    assert_int_equal(xw_sealed_pread(&again, fd, 0, got, CONTENT), 500);
    assert_int_equal(lseek(fd, 0, SEEK_END), 500 + XW_SEALED_HEAD);
    /* what lies on the disk is not what was written */
    assert_int_equal(pread(fd, got, 500, XW_SEALED_HEAD), 500);
    assert_memory_not_equal(got, set->plain, 16);
    (void)close(fd);
}

static void a_flipped_bit_in_a_files_head_is_damage_and_in_its_keys_id_none(void **state)
{
    struct set *set = *state;
    uint8_t head[XW_SEALED_HEAD], bad[XW_SEALED_HEAD];
    struct xw_sealed sealed;
    xw_sealed_make(set->vault, head, &sealed);
    assert_int_equal(xw_sealed_parse(set->vault, head, &sealed), 0);
    for (size_t bit = 0; bit < sizeof head * 8; bit++) {
        memcpy(bad, head, sizeof bad);
        bad[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        bool id = bit / 8 >= 8 && bit / 8 < 12;
        struct xw_sealed again;
        assert_int_equal(xw_sealed_parse(set->vault, bad, &again), id ? 0 : -EBADMSG);
        assert_true(!id || (again.key == sealed.key && again.key_id == sealed.key_id));
        bad[20] ^= 1; /* two places: nobody can say which */
        if (id)
            assert_int_equal(xw_sealed_parse(set->vault, bad, &again), -ENOKEY);
    }
}

static void a_small_file_is_whole_and_right_or_refused(void **state)
{
    struct set *set = *state;
    char path[300];
    uint8_t *data = NULL, file[CONTENT + 100];
    size_t n = 0, file_n = 0;
    folder_path(&set->folder, "note", path);
    assert_int_equal(xw_sealed_note_write(set->vault, path, set->plain, CONTENT, 0600), 0);
    assert_int_equal(xw_sealed_note_read(set->vault, path, CONTENT, &data, &n), 0);
    assert_int_equal(n, CONTENT);
    assert_memory_equal(data, set->plain, n);
    free(data);
    data = NULL;
    assert_int_equal(xw_sealed_note_read(set->vault, path, CONTENT - 1, &data, &n), -EOVERFLOW);
    folder_read(path, file, sizeof file, &file_n);
    for (size_t at = 0; at < file_n; at += 7) {
        file[at] ^= 1;
        folder_write(path, file, file_n);
        assert_true(xw_sealed_note_read(set->vault, path, CONTENT, &data, &n) < 0);
        file[at] ^= 1;
    }
    folder_write(path, set->plain, 300);
    assert_int_equal(xw_sealed_note_read(set->vault, path, CONTENT, &data, &n), -EBADMSG);
    assert_null(data);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_page_comes_back_with_a_reserve_of_zeros),
        CASE(a_flipped_bit_at_any_place_of_a_page_is_damage),
        CASE(a_page_of_another_place_or_key_is_told),
        CASE(a_file_is_written_and_read_at_any_place),
        CASE(a_flipped_bit_in_a_files_head_is_damage_and_in_its_keys_id_none),
        CASE(a_small_file_is_whole_and_right_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
