/* Messages of real monitors (XW_DATA/formats/hl7v2), none of which is in this repository: each is
 * parsed or refused for a reason, none gives a number that cannot be. Skipped (77) without them. */
#include "support.h"

#include <dirent.h>

#include "hl7/mllp.h"

static unsigned files_n, readings_n, absent_n, refused_n;

static size_t load(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(bytes, 1, size, file) : 0;
    if (file)
        fclose(file);
    return n;
}

static void look_at(const char *name, const char *bytes, size_t n)
{
    struct hl7_read t;
    struct xw_hl7_error error;
    hl7_read_bytes(&t, bytes, n);
    files_n++;
    bool oru = t.message.text && xw_hl7_header_is_oru(&t.header, &error);
    refused_n += t.r < 0 || !oru;
    if (t.r < 0)
        assert_true(t.error.where[0] && t.error.text[0]);
    else
        assert_true(t.oru.device_id[0]);
    for (size_t i = 0; t.r >= 0 && i < t.oru.readings_n; i++) {
        const struct xw_hl7_reading *g = &t.oru.readings[i];
        readings_n++;
        absent_n += g->absent != XW_HL7_PRESENT;
        if (g->absent == XW_HL7_PRESENT)
            assert_true(xw_vital_possible(g->vital, g->number));
        printf("%-44s %-10s %6.1f %-7s %s (%s %s)\n", name, g->vital->name, g->number,
               g->vital->ucum, g->absent ? "absent" : "", g->value, g->unit);
    }
    hl7_read_done(&t);
}

static void look_at_framed(const char *name, const char *bytes, size_t n)
{
    struct xw_mllp m;
    size_t used, at = 0;
    unsigned found = 0;
    xw_mllp_init(&m);
    while (at < n) {
        int r = xw_mllp_feed(&m, bytes + at, n - at, 0, &used);
        assert_true(r >= 0);
        at += used;
        if (r == 1) {
            look_at(name, (const char *)m.message.data, m.message.n);
            found++;
        }
    }
    assert_true(found > 0);
    xw_mllp_done(&m);
}

static void every_message_is_read_or_refused_with_a_reason(void **state)
{
    static char bytes[1 << 20];
    char folder[512], path[1024];
    (void)state;
    snprintf(folder, sizeof(folder), "%s/formats/hl7v2", getenv("XW_DATA"));
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        size_t n = load(path, bytes, sizeof(bytes));
        if (strstr(e->d_name, ".mllp"))
            look_at_framed(e->d_name, bytes, n);
        else if (strstr(e->d_name, ".hl7"))
            look_at(e->d_name, bytes, n);
    }
    closedir(dir);
    printf("%u messages, %u refused, %u readings, %u of them absent\n", files_n, refused_n,
           readings_n, absent_n);
    assert_true(files_n > 10 && readings_n > 30);
}

int main(void)
{
    char path[600];
    const char *data = getenv("XW_DATA");
    snprintf(path, sizeof(path), "%s/formats/hl7v2", data ? data : "");
    DIR *dir = data ? opendir(path) : NULL;
    if (!dir)
        return 77;
    closedir(dir);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_read_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
