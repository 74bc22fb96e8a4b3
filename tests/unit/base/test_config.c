/* Configuration: types, ranges, errors with their place, fragments, printing. */
#include "support.h"
#include "tests.h"

#include "base/config.h"
#include "base/file.h"

#include <string.h>
#include <sys/stat.h>

struct conf {
    char *name;
    char *mode;
    char *folder;
    char *token;
    int64_t port;
    bool strict;
    int64_t idle_us;
    int64_t spool_n_bytes;
    struct xw_config_list peers;
};

static const struct xw_config_item items[] = {
    XW_CONFIG_STRING(struct conf, name, "site", "name", "somewhere", "Name shown to readers."),
    XW_CONFIG_CHOICE(struct conf, mode, "site", "mode", "auto|on|off", "auto", "How to do it."),
    XW_CONFIG_PATH(struct conf, folder, "spool", "folder", "/var/lib/xinwang", "Where it lies."),
    XW_CONFIG_BYTES(struct conf, spool_n_bytes, "spool", "size", 1 << 20, 1LL << 40, "2GiB",
                    "Largest size of the spool."),
    XW_CONFIG_INT(struct conf, port, "device", "port", 1, 65535, NULL, "7701", "TCP port."),
    XW_CONFIG_BOOL(struct conf, strict, "device", "strict", "yes", "Refuse unknown devices."),
    XW_CONFIG_DURATION(struct conf, idle_us, "device", "idle", 1000, 60000000, "5s",
                       "A device that is silent for this long is taken as gone; a second sentence "
                       "makes this help long enough to be broken into two lines by the printer."),
    XW_CONFIG_SECRET(struct conf, token, "uplink", "token", "", "Shared secret."),
    XW_CONFIG_LIST(struct conf, peers, "uplink", "peers", 3, "", "Centers to try, in order."),
};
static const struct xw_config_schema schema = {"test", items, XW_ARRAY_N(items),
                                               sizeof(struct conf)};

struct place {
    char folder[64];
    char path[96];
    char fragments[96];
    struct conf conf;
    struct xw_config_error error;
};

static int set_up(void **state)
{
    struct place *p = test_calloc(1, sizeof(*p));
    snprintf(p->folder, sizeof(p->folder), "/tmp/xw-config-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/a.conf", p->folder);
    snprintf(p->fragments, sizeof(p->fragments), "%s/a.conf.d", p->folder);
    assert_int_equal(xw_config_init(&schema, &p->conf, &p->error), 0);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    xw_config_done(&schema, &p->conf);
    char command[160];
    snprintf(command, sizeof(command), "rm -r '%s'", p->folder);
    int r = system(command);
    test_free(p);
    return r;
}

static void put_file(const char *path, const char *text)
{
    assert_int_equal(xw_file_write_atomic(path, text, strlen(text), 0600), 0);
}

static int load_text(struct place *p, const char *text)
{
    put_file(p->path, text);
    return xw_config_load(&schema, p->path, &p->conf, &p->error);
}

static void defaults_are_set(void **state)
{
    struct place *p = *state;
    assert_string_equal(p->conf.name, "somewhere");
    assert_int_equal(p->conf.port, 7701);
    assert_true(p->conf.strict);
    assert_int_equal(p->conf.idle_us, 5000000);
    assert_int_equal(p->conf.spool_n_bytes, 2LL << 30);
    assert_int_equal(p->conf.peers.n, 0);
}

static void a_file_sets_values_of_every_type(void **state)
{
    struct place *p = *state;
    assert_int_equal(load_text(p, "# comment\n; too\n[site]\nname =  \" spaced \" \r\nmode=off\n"
                                  "[spool]\nsize = 1.5MiB\n[device]\nport = 80\nstrict = off\n"
                                  "idle=250ms\n[uplink]\npeers = a , b,c\n"),
                     0);
    assert_string_equal(p->conf.name, " spaced ");
    assert_string_equal(p->conf.mode, "off");
    assert_int_equal(p->conf.spool_n_bytes, 3 << 19);
    assert_int_equal(p->conf.port, 80);
    assert_false(p->conf.strict);
    assert_int_equal(p->conf.idle_us, 250000);
    assert_int_equal(p->conf.peers.n, 3);
    assert_string_equal(p->conf.peers.items[0], "a");
    assert_string_equal(p->conf.peers.items[2], "c");
}

static void every_mistake_is_told_with_its_line(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *text;
        const char *told;
    } cases[] = {
        {"[site]\n\nnaem = x\n", "a.conf:3: there is no setting 'naem' in [site]"},
        {"[stie]\n", "a.conf:1: there is no section [stie]"},
        {"[site\n", "a.conf:1: a section looks like [name]"},
        {"name = x\n", "a.conf:1: 'name' stands before any [section]"},
        {"[site]\nname\n", "a.conf:2: wanted name = value"},
        {"[site]\nname=a\nname=b\n", "a.conf:3: 'name' is set twice"},
        {"[site]\nmode=maybe\n", "a.conf:2: mode: 'maybe' is none of auto|on|off"},
        {"[site]\nmode=o\n", "a.conf:2: mode: 'o' is none of"},
        {"[device]\nport=0\n", "a.conf:2: port: '0' is out of range"},
        {"[device]\nport=80x\n", "a.conf:2: port: '80x' is not a whole number"},
        {"[device]\nport=99999999999999999999\n", "out of range"},
        {"[device]\nidle=5\n", "a.conf:2: idle: '5' is not a duration such as"},
        {"[device]\nidle=2min\n", "out of range"},
        {"[device]\nstrict=maybe\n", "'maybe' is neither yes nor no"},
        {"[spool]\nsize=10QB\n", "is not a size such as"},
        {"[uplink]\npeers=a,,b\n", "has an empty item"},
        {"[uplink]\npeers=a,b,c,d\n", "has 4 items, wanted 0 to 3"},
    };
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        assert_int_equal(load_text(p, cases[i].text), -EINVAL);
        if (!strstr(p->error.text, cases[i].told))
            fail_msg("told '%s', wanted '%s'", p->error.text, cases[i].told);
    }
    assert_int_equal(p->conf.port, 7701); /* the old value stays */
    assert_int_equal(xw_config_load(&schema, "/nonexistent/x", &p->conf, &p->error), -ENOENT);
}

static void fragments_follow_in_byte_order(void **state)
{
    struct place *p = *state;
    char path[256];
    assert_int_equal(mkdir(p->fragments, 0700), 0);
    snprintf(path, sizeof(path), "%s/20-b.conf", p->fragments);
    put_file(path, "[device]\nport=20\n");
    snprintf(path, sizeof(path), "%s/10-a.conf", p->fragments);
    put_file(path, "[device]\nport=10\n[site]\nname=ten\n");
    snprintf(path, sizeof(path), "%s/30-c.conf~", p->fragments);
    put_file(path, "nonsense");
    assert_int_equal(load_text(p, "[device]\nport=1\n"), 0);
    assert_int_equal(p->conf.port, 20);
    assert_string_equal(p->conf.name, "ten");
    snprintf(path, sizeof(path), "%s/40-d.conf", p->fragments);
    put_file(path, "[device]\nprot=1\n");
    assert_int_equal(load_text(p, ""), -EINVAL);
    assert_non_null(strstr(p->error.text, "40-d.conf:2: there is no setting 'prot'"));
}

static void what_is_printed_reads_back_the_same(void **state)
{
    struct place *p = *state;
    assert_int_equal(xw_config_set(&schema, "device.idle=90ms", &p->conf, &p->error), 0);
    assert_int_equal(xw_config_set(&schema, "uplink.peers=x,y", &p->conf, &p->error), 0);
    assert_int_equal(xw_config_set(&schema, "uplink.token=hush", &p->conf, &p->error), 0);
    assert_int_equal(xw_config_set(&schema, "site.name= a=b ", &p->conf, &p->error), 0);
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    xw_config_print(&schema, &p->conf, out);
    fclose(out);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "idle = 90ms\n"));
    assert_non_null(strstr(text, "# 1ms to 1min; default: 5s\n"));
    struct conf back;
    assert_int_equal(xw_config_init(&schema, &back, &p->error), 0);
    put_file(p->path, text);
    assert_int_equal(xw_config_load(&schema, p->path, &back, &p->error), 0);
    assert_int_equal(back.idle_us, 90000);
    assert_string_equal(back.peers.items[1], "y");
    assert_string_equal(back.name, " a=b ");
    assert_int_equal(back.spool_n_bytes, 2LL << 30);
    xw_config_done(&schema, &back);
    free(text);
}

/* What the quotes kept on the way in has to be quoted on the way out. */
static void quotes_and_long_values_read_back_the_same(void **state)
{
    static const char *const lists[] = {"\"\"a\"\"", "\"\"a\",\"b\"\"", "a\", b", "\"a, b\""};
    static const char *const names[] = {"\"\"a\"\"", "\"a", "a\"", "\"\t\"", "\"\"", "\""};
    struct place *p = *state;
    for (size_t i = 0; i < XW_ARRAY_N(lists) + XW_ARRAY_N(names) + 1; i++) {
        char wide[XW_CONFIG_VALUE_MAX_N_BYTES + 1], text[2 * sizeof(wide)], *printed = NULL;
        size_t n, j = i - XW_ARRAY_N(lists);
        memset(wide, ',', sizeof(wide));
        wide[sizeof(wide) - 1] = '\0';
        wide[0] = '"';
        snprintf(text, sizeof(text),
                 i < XW_ARRAY_N(lists) ? "[uplink]\npeers = %s\n" : "[site]\nname = %s\n",
                 i < XW_ARRAY_N(lists)   ? lists[i]
                 : j < XW_ARRAY_N(names) ? names[j]
                                         : wide);
        struct conf once, back;
        assert_int_equal(xw_config_init(&schema, &once, &p->error), 0);
        assert_int_equal(xw_config_init(&schema, &back, &p->error), 0);
        put_file(p->path, text);
        assert_int_equal(xw_config_load(&schema, p->path, &once, &p->error), 0);
        FILE *out = open_memstream(&printed, &n);
        xw_config_print(&schema, &once, out);
        fclose(out);
        put_file(p->path, printed);
        assert_int_equal(xw_config_load(&schema, p->path, &back, &p->error), 0);
        assert_string_equal(back.name, once.name);
        assert_int_equal(back.peers.n, once.peers.n);
        for (size_t k = 0; k < once.peers.n; k++)
            assert_string_equal(back.peers.items[k], once.peers.items[k]);
        free(printed);
        xw_config_done(&schema, &once);
        xw_config_done(&schema, &back);
    }
}

static void control_characters_and_too_long_values_are_refused(void **state)
{
    struct place *p = *state;
    static char wide[sizeof("site.name=") + XW_CONFIG_VALUE_MAX_N_BYTES + 1] = "site.name=";
    assert_int_equal(load_text(p, "[site]\nname = \"x\r\"\n"), -EINVAL);
    assert_non_null(strstr(p->error.text, "control character"));
    assert_int_equal(load_text(p, "[uplink]\npeers = a\001, b\n"), -EINVAL);
    assert_int_equal(load_text(p, "[device]\nport = \v7\n"), -EINVAL);
    assert_int_equal(xw_config_set(&schema, "site.name=a\nb", &p->conf, &p->error), -EINVAL);
    memset(wide + strlen(wide), 'x', XW_CONFIG_VALUE_MAX_N_BYTES + 1);
    assert_int_equal(xw_config_set(&schema, wide, &p->conf, &p->error), -EINVAL);
    assert_non_null(strstr(p->error.text, "longer than"));
}

static void set_refuses_what_does_not_exist(void **state)
{
    struct place *p = *state;
    assert_int_equal(xw_config_set(&schema, "device.prot=1", &p->conf, &p->error), -EINVAL);
    assert_int_equal(xw_config_set(&schema, "port=1", &p->conf, &p->error), -EINVAL);
    assert_int_equal(xw_config_set(&schema, "device.port", &p->conf, &p->error), -EINVAL);
    assert_int_equal(xw_config_set(&schema, "device.port=-1", &p->conf, &p->error), -EINVAL);
}

static void numbers_with_units_are_exact(void **state)
{
    (void)state;
    int64_t v = -1;
    assert_int_equal(xw_parse_duration_us("0.1s", &v), 0);
    assert_int_equal(v, 100000);
    assert_int_equal(xw_parse_duration_us("1.5 h", &v), 0);
    assert_int_equal(v, 5400000000LL);
    assert_int_equal(xw_parse_duration_us("0", &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(xw_parse_duration_us("1.5us", &v), -EINVAL);
    assert_int_equal(xw_parse_duration_us("-1s", &v), -EINVAL);
    assert_int_equal(xw_parse_duration_us("1e3s", &v), -EINVAL);
    assert_int_equal(xw_parse_duration_us("999999999999d", &v), -ERANGE);
    assert_int_equal(xw_parse_bytes("4096", &v), 0);
    assert_int_equal(v, 4096);
    assert_int_equal(xw_parse_bytes("2k", &v), 0);
    assert_int_equal(v, 2000);
    assert_int_equal(xw_parse_bytes("9999999TiB", &v), -ERANGE);
    assert_int_equal(xw_parse_int(" 1", &v), -EINVAL);
    assert_int_equal(xw_parse_int("", &v), -EINVAL);
    assert_int_equal(v, 2000);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
const struct CMUnitTest config_tests[] = {
    WITH_PLACE(defaults_are_set),
    WITH_PLACE(a_file_sets_values_of_every_type),
    WITH_PLACE(every_mistake_is_told_with_its_line),
    WITH_PLACE(fragments_follow_in_byte_order),
    WITH_PLACE(what_is_printed_reads_back_the_same),
    WITH_PLACE(quotes_and_long_values_read_back_the_same),
    WITH_PLACE(control_characters_and_too_long_values_are_refused),
    WITH_PLACE(set_refuses_what_does_not_exist),
    cmocka_unit_test(numbers_with_units_are_exact),
};
const size_t config_tests_n = XW_ARRAY_N(config_tests);
