/* What requests are made of: cookies, origins, hosts, arguments, JSON bodies, pages. */
#include "center/http.h"
#include "center/live_parse.h"
#include "center/static.h"

#include "base/file.h"

#include "live.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void the_cookie_is_found_among_others(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    (void)state;
    assert_int_equal(xw_http_cookie("a=1; xw_session=" TOKEN "; b=2", token), 0);
    assert_string_equal(token, TOKEN);
    assert_int_equal(xw_http_cookie("xw_session=" TOKEN, token), 0);
    assert_int_equal(xw_http_cookie("xw_session=" TOKEN "0", token), -EBADMSG);
    assert_int_equal(xw_http_cookie("xw_session=", token), -EBADMSG);
    assert_int_equal(xw_http_cookie("yxw_session=" TOKEN, token), -ENOENT);
    assert_int_equal(xw_http_cookie("", token), -ENOENT);
    assert_int_equal(xw_http_cookie(";;; ;", token), -ENOENT);
}

static void an_origin_must_be_this_very_server(void **state)
{
    (void)state;
    assert_true(xw_http_origin_ok("http://localhost:8700", "localhost:8700", false));
    assert_true(xw_http_origin_ok("https://county.example", "county.example", true));
    assert_false(xw_http_origin_ok("http://county.example", "county.example", true));
    assert_false(xw_http_origin_ok("http://localhost:8701", "localhost:8700", false));
    assert_false(xw_http_origin_ok("http://localhost:8700.evil.example", "localhost:8700", false));
    assert_false(xw_http_origin_ok("null", "localhost:8700", false));
    assert_false(xw_http_origin_ok("http://", "", false));
}

static void a_host_must_be_one_of_ours(void **state)
{
    static char *names[] = {"localhost", "127.0.0.1", "[::1]"};
    static struct xw_center center;
    (void)state;
    center.config.browser_hosts = (struct xw_config_list){names, XW_ARRAY_N(names)};
    assert_true(xw_http_host_ok(&center, "localhost:8700"));
    assert_true(xw_http_host_ok(&center, "LOCALHOST"));
    assert_true(xw_http_host_ok(&center, "127.0.0.1:80"));
    assert_true(xw_http_host_ok(&center, "[::1]:8700"));
    assert_true(xw_http_host_ok(&center, "[::1]"));
    assert_false(xw_http_host_ok(&center, "evil.example:8700"));
    assert_false(xw_http_host_ok(&center, ""));
    assert_false(xw_http_host_ok(&center, "localhost.evil.example"));
}

static void arguments_are_whole_numbers_or_refused(void **state)
{
    static struct xw_http_request req;
    uint64_t v = 1;
    (void)state;
    snprintf(req.args, sizeof(req.args),
             "first=0\ncount=9007199254740991\nbig=9007199254740992\n"
             "neg=-1\nempty=\nhex=0x10\nfirstling=7\n");
    assert_int_equal(xw_http_arg_index(&req, "first", &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(xw_http_arg_index(&req, "count", &v), 0);
    assert_true(v == UINT64_C(9007199254740991));
    assert_int_equal(xw_http_arg_index(&req, "big", &v), -EBADMSG);
    assert_int_equal(xw_http_arg_index(&req, "neg", &v), -EBADMSG);
    assert_int_equal(xw_http_arg_index(&req, "empty", &v), -EBADMSG);
    assert_int_equal(xw_http_arg_index(&req, "hex", &v), -EBADMSG);
    assert_int_equal(xw_http_arg_index(&req, "none", &v), -ENOENT);
}

static int parse(const char *text)
{
    json_t *o = NULL;
    int r = xw_json_parse(text, strlen(text), &o);
    json_decref(o);
    return r;
}

static void a_body_is_one_flat_enough_object(void **state)
{
    char deep[21] = "";
    (void)state;
    assert_int_equal(parse("{\"a\":1}"), 0);
    assert_int_equal(parse("{\"a\":\"[[[[[[[[[[\\\"[[[\"}"), 0);
    assert_int_equal(parse(""), -EBADMSG);
    assert_int_equal(parse("[]"), -EBADMSG);
    assert_int_equal(parse("1"), -EBADMSG);
    assert_int_equal(parse("{\"a\":1"), -EBADMSG);
    assert_int_equal(parse("{\"a\":1,\"a\":2}"), -EBADMSG);
    assert_int_equal(parse("{\"a\":1}x"), -EBADMSG);
    assert_int_equal(parse("{\"a\":\"\xff\"}"), -EBADMSG);
    memset(deep, '[', sizeof(deep) - 1);
    assert_int_equal(parse(deep), -EBADMSG);
}

static void numbers_of_a_body_are_exact(void **state)
{
    uint64_t v = 7;
    json_t *o =
        json_loads("{\"a\":5,\"b\":5.0,\"c\":-1,\"d\":9007199254740992,\"e\":\"5\"}", 0, NULL);
    (void)state;
    assert_int_equal(xw_json_get_index(o, "a", &v), 0);
    assert_int_equal(v, 5);
    assert_int_equal(xw_json_get_index(o, "b", &v), -EBADMSG);
    assert_int_equal(xw_json_get_index(o, "c", &v), -EBADMSG);
    assert_int_equal(xw_json_get_index(o, "d", &v), -EBADMSG);
    assert_int_equal(xw_json_get_index(o, "e", &v), -EBADMSG);
    assert_int_equal(xw_json_get_index(o, "f", &v), -ENOENT);
    assert_int_equal(v, 5);
    json_decref(o);
}

static void bytes_of_a_device_that_are_no_text_do_no_harm(void **state)
{
    json_t *o = xw_json_text("lead \xff\xfe");
    (void)state;
    assert_non_null(o);
    assert_string_equal(json_string_value(o), "lead ??");
    json_decref(o);
}

static void browser_messages_are_checked_before_use(void **state)
{
    uint8_t data[64], id[16] = {5};
    struct xw_browser_message m;
    Xw__WatchStream watch = XW__WATCH_STREAM__INIT;
    Xw__BrowserMessage wire = XW__BROWSER_MESSAGE__INIT;
    (void)state;
    watch.stream_id.len = sizeof(id);
    watch.stream_id.data = id;
    watch.history_ms = 4000000000u;
    wire.body_case = XW__BROWSER_MESSAGE__BODY_WATCH;
    wire.watch = &watch;
    size_t n = xw__browser_message__pack(&wire, data);
    assert_int_equal(xw_browser_message_parse(data, n, &m), 0);
    assert_int_equal(m.kind, XW_BROWSER_WATCH);
    assert_int_equal(m.history_ms, 2000);
    assert_int_equal(m.stream.b[0], 5);
    assert_int_equal(xw_browser_message_parse(data, n - 1, &m), -EBADMSG);
    watch.stream_id.len = 15;
    n = xw__browser_message__pack(&wire, data);
    assert_int_equal(xw_browser_message_parse(data, n, &m), -EBADMSG);
    assert_int_equal(xw_browser_message_parse("", 0, &m), 0);
    assert_int_equal(m.kind, XW_BROWSER_NOTHING);
    static const uint8_t unknown[] = {0xfa, 0x01, 0x02, 'h', 'i'};
    assert_int_equal(xw_browser_message_parse(unknown, sizeof(unknown), &m), 0);
    assert_int_equal(m.kind, XW_BROWSER_NOTHING);
    static const uint8_t bomb[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0x07};
    assert_int_equal(xw_browser_message_parse(bomb, sizeof(bomb), &m), -EBADMSG);
    static uint8_t big[XW_BROWSER_MESSAGE_MAX_BYTES + 1];
    assert_int_equal(xw_browser_message_parse(big, sizeof(big), &m), -EOVERFLOW);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(xw_file_write_atomic(path, text, strlen(text), 0600), 0);
}

static void pages_come_from_a_table_and_nowhere_else(void **state)
{
    char dir[] = "/tmp/xw-pages-XXXXXX", path[512];
    struct xw_static *pages;
    const uint8_t *data;
    const char *encoding;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/assets", dir);
    assert_int_equal(xw_file_make_dirs(path, 0700), 0);
    put(dir, "index.html", "<!doctype html>");
    put(dir, "assets/app-1234.js", "1");
    put(dir, "assets/app-1234.js.gz", "packed");
    put(dir, ".secret", "no");
    snprintf(path, sizeof(path), "%s/out", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(xw_static_load(dir, &pages), 0);
    assert_int_equal(xw_static_n(pages), 2);
    const struct xw_static_file *js = xw_static_find(pages, "/assets/app-1234.js");
    assert_non_null(js);
    assert_true(js->forever);
    assert_int_equal(xw_static_body(js, true, true, &data, &encoding), 6);
    assert_string_equal(encoding, "gzip");
    assert_int_equal(xw_static_body(js, false, true, &data, &encoding), 1);
    assert_null(encoding);
    const struct xw_static_file *index = xw_static_find(pages, "/live/some-stream");
    assert_non_null(index);
    assert_string_equal(index->name, "/index.html");
    assert_false(index->forever);
    assert_null(xw_static_find(pages, "/assets/missing"));
    assert_null(xw_static_find(pages, "/missing.js"));
    assert_null(xw_static_find(pages, "/.secret"));
    assert_null(xw_static_find(pages, "/../../etc/passwd.txt"));
    assert_string_equal(xw_static_find(pages, "/../../etc/passwd")->name, "/index.html");
    assert_string_equal(xw_static_find(pages, "/out")->name, "/index.html");
    xw_static_free(pages);
    snprintf(path, sizeof(path), "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cookie_is_found_among_others),
        cmocka_unit_test(an_origin_must_be_this_very_server),
        cmocka_unit_test(a_host_must_be_one_of_ours),
        cmocka_unit_test(arguments_are_whole_numbers_or_refused),
        cmocka_unit_test(a_body_is_one_flat_enough_object),
        cmocka_unit_test(numbers_of_a_body_are_exact),
        cmocka_unit_test(bytes_of_a_device_that_are_no_text_do_no_harm),
        cmocka_unit_test(browser_messages_are_checked_before_use),
        cmocka_unit_test(pages_come_from_a_table_and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
