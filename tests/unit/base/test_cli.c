/* Command lines and the common start of the daemons. What they print goes to a file here. */
#include "support.h"
#include "tests.h"

#include "base/cli.h"
#include "base/daemon.h"
#include "base/version.h"

#include <fcntl.h>
#include <string.h>

static struct options {
    bool timing;
    const char *record;
    int64_t count;
    int64_t wait_us;
    double speed;
    struct xw_cli_texts names;
} opt;

static const struct xw_cli_option options[] = {
    {"timing", 't', NULL, XW_CLI_FLAG, &opt.timing, "print samples per second"},
    {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &opt.record, "recording to read"},
    {"count", 0, "N", XW_CLI_INT, &opt.count, "how many"},
    {"wait", 0, "TIME", XW_CLI_DURATION, &opt.wait_us, "how long"},
    {"speed", 0, "X", XW_CLI_NUMBER, &opt.speed, "multiple of real time"},
    {"name", 'n', "NAME", XW_CLI_TEXTS, &opt.names, "may be given again"},
};
static const struct xw_cli cli = {"test", "[FILE…]", "Does nothing.", options, XW_ARRAY_N(options)};

/* Runs fn with stdout and stderr going to a temporary file; ret_text gets what it wrote. */
static int run_quietly(int (*fn)(int, char **), char **argv, char *ret_text, size_t n_bytes)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    fflush(NULL);
    FILE *file = tmpfile();
    int saved_out = dup(1);
    int saved_err = dup(2);
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    int r = fn(argc, argv);
    fflush(NULL);
    dup2(saved_out, 1);
    dup2(saved_err, 2);
    close(saved_out);
    close(saved_err);
    rewind(file);
    size_t n = fread(ret_text, 1, n_bytes - 1, file);
    ret_text[n] = '\0';
    fclose(file);
    return r;
}

static int first;

static int parse(int argc, char **argv)
{
    memset(&opt, 0, sizeof(opt));
    first = -1;
    return xw_cli_parse(&cli, argc, argv, &first);
}

#define ARGS(...)                                                                                  \
    (char *[])                                                                                     \
    {                                                                                              \
        "test", ##__VA_ARGS__, NULL                                                                \
    }

static void options_of_every_type_reach_their_targets(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(run_quietly(parse,
                                 ARGS("-t", "--record=a/100", "--count", "-3", "--wait", "20ms",
                                      "--speed", "2.5", "-n", "x", "--name", "y", "file"),
                                 text, sizeof(text)),
                     0);
    assert_true(opt.timing);
    assert_string_equal(opt.record, "a/100");
    assert_int_equal(opt.count, -3);
    assert_int_equal(opt.wait_us, 20000);
    assert_true(opt.speed == 2.5);
    assert_int_equal(opt.names.n, 2);
    assert_string_equal(opt.names.v[1], "y");
    assert_int_equal(first, 12 + 1);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(run_quietly(parse, ARGS("--nonsense"), text, sizeof(text)), -EINVAL);
    assert_non_null(strstr(text, "Try 'test --help'"));
    assert_int_equal(run_quietly(parse, ARGS("--count=ten"), text, sizeof(text)), -EINVAL);
    assert_non_null(strstr(text, "--count: 'ten' is not a valid N"));
    assert_int_equal(run_quietly(parse, ARGS("--record"), text, sizeof(text)), -EINVAL);
    assert_int_equal(first, -1);
}

static void help_and_version_are_always_there(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(run_quietly(parse, ARGS("--help"), text, sizeof(text)), 1);
    assert_non_null(strstr(text, "-r, --record DIR/RECORD"));
    assert_non_null(strstr(text, "recording to read"));
    assert_int_equal(run_quietly(parse, ARGS("--version"), text, sizeof(text)), 1);
    assert_non_null(strstr(text, xw_version_git()));
    assert_non_null(strstr(text, xw_version_compiler()));
    assert_non_null(strstr(text, xw_version_isa()));
}

struct conf {
    int64_t port;
};
static const struct xw_config_item items[] = {
    XW_CONFIG_INT(struct conf, port, "device", "port", 1, 65535, NULL, "7701", "TCP port."),
};
static const struct xw_config_schema schema = {"testd", items, XW_ARRAY_N(items),
                                               sizeof(struct conf)};
static struct conf conf;

static int no_port_13(const void *values, struct xw_config_error *ret_error)
{
    const struct conf *c = values;
    if (c->port != 13)
        return 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "device.port: 13 brings bad luck");
    return -EINVAL;
}

static int start(int argc, char **argv)
{
    static const struct xw_daemon daemon = {
        .program = "testd", .summary = "Does nothing.", .schema = &schema, .check = no_port_13};
    int r = xw_daemon_start(&daemon, argc, argv, &conf);
    if (r == 0)
        xw_config_done(&schema, &conf);
    return r;
}

static void a_daemon_starts_checks_and_prints(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(run_quietly(start, ARGS("--set", "device.port=99"), text, sizeof(text)), 0);
    assert_int_equal(conf.port, 99);
    assert_int_equal(run_quietly(start, ARGS("--check"), text, sizeof(text)), 1);
    assert_non_null(strstr(text, "testd: the configuration is good"));
    assert_int_equal(run_quietly(start, ARGS("--print-config"), text, sizeof(text)), 1);
    assert_non_null(
        strstr(text, "[device]\n\n# TCP port.\n# 1 to 65535; default: 7701\nport = 7701"));
    assert_int_equal(run_quietly(start, ARGS("--list-faults"), text, sizeof(text)), 1);
    assert_non_null(strstr(text, "file.rename"));
    assert_int_equal(
        run_quietly(start, ARGS("--check", "-s", "device.port=13"), text, sizeof(text)), -EINVAL);
    assert_non_null(strstr(text, "testd: device.port: 13 brings bad luck"));
    assert_int_equal(run_quietly(start, ARGS("--log-level=loud"), text, sizeof(text)), -EINVAL);
    assert_int_equal(run_quietly(start, ARGS("stray"), text, sizeof(text)), -EINVAL);
    assert_int_equal(run_quietly(start, ARGS("-c", "/nonexistent"), text, sizeof(text)), -ENOENT);
}

const struct CMUnitTest cli_tests[] = {
    cmocka_unit_test(options_of_every_type_reach_their_targets),
    cmocka_unit_test(mistakes_are_told),
    cmocka_unit_test(help_and_version_are_always_there),
    cmocka_unit_test(a_daemon_starts_checks_and_prints),
};
const size_t cli_tests_n = XW_ARRAY_N(cli_tests);
