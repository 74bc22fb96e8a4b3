/* Uplink and downlink over real sockets with TLS: who gets in, and that everything arrives. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <uv.h>

#include "base/block.h"
#include "base/fault.h"
#include "base/log.h"
#include "unit/link/rig.h"

enum { WAIT_MS = 20000 };

static char dir[64];
static char path_buf[16][128];

static const char *path(const char *name)
{
    static unsigned next;
    char *p = path_buf[next++ % 16];
    snprintf(p, sizeof(path_buf[0]), "%s/%s", dir, name);
    return p;
}

static void shell(const char *format, ...) XW_PRINTF(1, 2);
static void shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        abort();
    }
}

static void make_ca(const char *name)
{
    shell("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
          "-subj '/CN=%s' -keyout %s.key -out %s.crt 2>/dev/null",
          dir, name, name, name);
}

static void make_certificate(const char *ca, const char *file, const char *cn)
{
    shell("cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=%s' "
          "-keyout %s.key -out %s.csr 2>/dev/null && printf 'subjectAltName=DNS:%s' > %s.ext && "
          "openssl x509 -req -in %s.csr -CA %s.crt -CAkey %s.key -CAcreateserial -days 2 "
          "-extfile %s.ext -out %s.crt 2>/dev/null",
          dir, cn, file, file, cn, file, file, ca, ca, file, file);
}

static int make_certificates(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/xw-link-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    make_ca("ca");
    make_ca("stranger-ca");
    make_certificate("ca", "county", "county.test");
    make_certificate("ca", "town-a", "town-a");
    make_certificate("ca", "town-b", "town-b");
    make_certificate("stranger-ca", "stranger", "town-a");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    shell("rm -rf %s", dir);
    return 0;
}

struct bench {
    struct rig *rig; /* for its stores and streams; its own cores stay idle */
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_downlink *downlink;
    struct xw_uplink *uplink;
    struct xw_timer *stores;
    uint16_t port;
    struct rig_stream *stream;
    uint64_t shown, live;
    unsigned linked_n, unlinked_n, records, county_records;
    bool gateway_linked;
    const char *refusal; /* of every certificate; NULL: none */
    char serial[XW_CERT_SERIAL_N];
};

static void on_gateway(void *user, const struct xw_downlink_gateway *g)
{
    struct bench *b = user;
    assert_string_equal(g->gateway_id, "town-a");
    b->gateway_linked = g->linked;
    if (g->linked)
        b->linked_n++;
    else
        b->unlinked_n++;
}
static void on_block(void *user, const struct xw_store_block *block, bool live)
{
    struct bench *b = user;
    b->shown += block->count;
    b->live += live;
}
static void on_record(void *user, const struct xw_store_record *record, const char *gateway_id)
{
    struct bench *b = user;
    (void)record;
    (void)gateway_id;
    b->records++;
}
static void on_county_record(void *user, const struct xw_store_record *record)
{
    struct bench *b = user;
    (void)record;
    b->county_records++;
}

static void run_stores(void *arg)
{
    struct bench *b = arg;
    model_run(b->rig->spool);
    model_run(b->rig->archive);
}

static const char *refuse(void *user, const struct xw_cert_facts *certificate)
{
    struct bench *b = user;
    assert_true(certificate->name[0]);
    return b->refusal;
}

static void start_downlink(struct bench *b, bool tls)
{
    struct xw_downlink_config config = {.address = "127.0.0.1",
                                        .port = b->port,
                                        .gateways_max = 4,
                                        .refuse = refuse,
                                        .refuse_user = b};
    struct xw_downlink_watch watch = {
        .user = b, .on_gateway = on_gateway, .on_block = on_block, .on_record = on_record};
    if (tls)
        config.tls = (struct xw_net_tls){path("county.crt"), path("county.key"), path("ca.crt")};
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->rig->archive, &config, &watch, &b->downlink, &b->port),
        0);
    assert_true(b->port > 0);
}

static void start_uplink(struct bench *b, const char *certificate, const char *host)
{
    struct xw_uplink_config config = {.host = host,
                                      .address = "127.0.0.1",
                                      .port = b->port,
                                      .gateway_id = "town-a",
                                      .site_name = "东山镇卫生院",
                                      .software = "test",
                                      .demo = true,
                                      .live_late_us = 2000000};
    struct xw_uplink_watch watch = {.user = b, .on_record = on_county_record};
    char crt[64], key[64];
    if (certificate) {
        snprintf(crt, sizeof(crt), "%s.crt", certificate);
        snprintf(key, sizeof(key), "%s.key", certificate);
        config.tls = (struct xw_net_tls){path(crt), path(key), path("ca.crt")};
    }
    assert_int_equal(xw_uplink_new(b->loop, b->net, b->rig->spool, &config, &watch, &b->uplink), 0);
    if (b->stream)
        assert_int_equal(
            xw_uplink_stream(b->uplink, &b->stream->id, b->stream->header, b->stream->header_size),
            0);
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    b->rig = rig_new(1);
    b->stream = rig_add_stream(b->rig);
    assert_int_equal(xw_loop_new(NULL, &b->loop), 0);
    assert_int_equal(xw_net_new(b->loop, &b->net), 0);
    assert_int_equal(xw_timer_new(b->loop, run_stores, b, &b->stores), 0);
    xw_timer_start(b->stores, 2, 2);
    return b;
}

static void bench_free(struct bench *b)
{
    xw_uplink_free(b->uplink);
    xw_downlink_free(b->downlink);
    xw_timer_free(b->stores);
    xw_net_free(b->net);
    model_run(b->rig->spool);
    model_run(b->rig->archive);
    xw_loop_free(b->loop);
    rig_free(b->rig);
    free(b);
}

static void tick(void *arg)
{
    (void)arg; /* only so that the loop comes round */
}

/* Runs the loop in steps until it is so, or the time is up. */
static bool wait_for(struct bench *b, bool (*so)(struct bench *b), int64_t max_ms)
{
    struct xw_timer *timer;
    int64_t until_us = xw_clock_mono(NULL).us + max_ms * 1000;
    assert_int_equal(xw_timer_new(b->loop, tick, NULL, &timer), 0);
    xw_timer_start(timer, 5, 5);
    while (!so(b) && xw_clock_mono(NULL).us < until_us)
        uv_run(xw_loop_uv(b->loop), UV_RUN_ONCE);
    xw_timer_free(timer);
    return so(b);
}

static bool never(struct bench *b)
{
    (void)b;
    return false;
}
static bool linked(struct bench *b)
{
    struct xw_uplink_state state;
    xw_uplink_get_state(b->uplink, &state);
    return state.linked && b->gateway_linked;
}
static bool cut(struct bench *b)
{
    struct xw_uplink_state state;
    xw_uplink_get_state(b->uplink, &state);
    return !state.linked;
}
static bool all_there(struct bench *b)
{
    return rig_all_there(b->rig);
}
static bool all_released(struct bench *b)
{
    return rig_released(b->rig->spool, b->stream)->total == b->stream->end;
}

static void capture(struct bench *b, uint32_t count)
{
    uint8_t data[4096];
    struct rig_stream *s = b->stream;
    struct xw_store_block block = rig_encode(s, s->end, count, data);
    s->end += count;
    if (b->uplink)
        xw_uplink_block(b->uplink, &block);
    model_put_block(b->rig->spool, &block);
    if (b->uplink)
        xw_uplink_committed(b->uplink, xw_store_log_last(b->rig->spool, "county"));
}

static void live_records_and_healing_go_over_tls(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    for (unsigned i = 0; i < 500; i++)
        capture(b, 20);
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_true(wait_for(b, linked, WAIT_MS));
    for (unsigned i = 0; i < 50; i++) {
        capture(b, 20);
        rig_record(b->rig, b->stream, i == 25);
        rig_county_record(b->rig);
        xw_uplink_committed(b->uplink, b->rig->records_made);
        xw_downlink_committed(b->downlink, "town-a", b->rig->county_records_made);
        wait_for(b, never, 20);
    }
    assert_true(wait_for(b, all_there, WAIT_MS));
    assert_true(wait_for(b, all_released, WAIT_MS));
    rig_check_all(b->rig);
    assert_int_equal(b->live, 50);
    assert_int_equal(b->shown, b->stream->end);
    assert_int_equal(b->records, 50);
    assert_int_equal(b->county_records, 50);
    bench_free(b);
}

static void the_link_comes_back_after_the_county_was_away(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_true(wait_for(b, linked, WAIT_MS));
    for (unsigned round = 0; round < 2; round++) {
        xw_downlink_free(b->downlink);
        b->downlink = NULL;
        b->gateway_linked = false;
        b->port = 0;
        assert_true(wait_for(b, cut, WAIT_MS));
        capture(b, 20);
        wait_for(b, never, 300);
        xw_uplink_free(b->uplink);
        start_downlink(b, true); /* the old vhost keeps its port until the context ends */
        start_uplink(b, "town-a", "county.test");
        assert_true(wait_for(b, linked, WAIT_MS));
        assert_true(wait_for(b, all_there, WAIT_MS));
    }
    rig_check_all(b->rig);
    bench_free(b);
}

static void a_goodbye_says_why(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct xw_uplink_state s;
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_true(wait_for(b, linked, WAIT_MS));
    xw_downlink_goodbye(b->downlink);
    assert_true(wait_for(b, cut, WAIT_MS));
    xw_uplink_get_state(b->uplink, &s);
    assert_non_null(strstr(s.text, "shutting down"));
    xw_uplink_goodbye(b->uplink);
    wait_for(b, never, 50);
    bench_free(b);
}

static void sockets_that_fail_now_and_then_lose_nothing(void **state)
{
    (void)state;
    char error[128];
    struct bench *b = bench_new();
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_int_equal(xw_fault_configure("link.send:prob=0.02:seed=5:error=EPIPE;"
                                        "link.recv:prob=0.02:seed=6:error=EPIPE;"
                                        "link.ack.before_store:prob=0.05:seed=7:error=EIO",
                                        error, sizeof(error)),
                     0);
    for (unsigned i = 0; i < 100; i++) {
        capture(b, 20);
        rig_record(b->rig, b->stream, i % 20 == 0);
        xw_uplink_committed(b->uplink, b->rig->records_made);
        wait_for(b, never, 20);
    }
    assert_true(xw_fault_acted_n("link.send") > 0);
    assert_int_equal(xw_fault_configure(NULL, error, sizeof(error)), 0);
    assert_true(wait_for(b, all_there, WAIT_MS));
    rig_check_all(b->rig);
    bench_free(b);
}

static void refused_certificate(const char *certificate, const char *host)
{
    struct bench *b = bench_new();
    start_downlink(b, true);
    start_uplink(b, certificate, host);
    wait_for(b, linked, 1500);
    struct xw_uplink_state s;
    xw_uplink_get_state(b->uplink, &s);
    fprintf(stderr, "%s at %s: %s\n", certificate, host, s.text);
    assert_false(s.linked);
    assert_true(strlen(s.text) > 0);
    assert_int_equal(b->linked_n, 0);
    bench_free(b);
}

static void a_stranger_is_refused(void **state)
{
    (void)state;
    refused_certificate("stranger", "county.test");
}
static void a_certificate_of_another_gateway_is_refused(void **state)
{
    (void)state;
    refused_certificate("town-b", "county.test");
}
static void a_county_of_another_name_is_not_trusted(void **state)
{
    (void)state;
    refused_certificate("town-a", "elsewhere.test");
}

static bool told(struct bench *b)
{
    struct xw_uplink_state s;
    xw_uplink_get_state(b->uplink, &s);
    return b->refusal && strstr(s.text, b->refusal);
}

static void a_revoked_certificate_ends_a_live_session_and_opens_no_other(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_true(wait_for(b, linked, WAIT_MS));
    b->refusal = "it was revoked";
    xw_downlink_check(b->downlink);
    assert_true(wait_for(b, cut, WAIT_MS));
    assert_true(wait_for(b, told, WAIT_MS));
    unsigned linked_n = b->linked_n;
    wait_for(b, never, 6000); /* it tries again after 4 s */
    assert_int_equal(b->linked_n, linked_n);
    assert_true(told(b));
    b->refusal = NULL;
    capture(b, 20);
    assert_true(wait_for(b, linked, WAIT_MS));
    assert_true(wait_for(b, all_there, WAIT_MS));
    bench_free(b);
}

static bool other_certificate(struct bench *b)
{
    struct xw_cert_facts facts;
    return xw_downlink_certificate(b->downlink, "town-a", &facts) == 0 &&
           strcmp(facts.serial, b->serial) != 0;
}

static void a_new_certificate_is_used_without_losing_the_session(void **state)
{
    (void)state;
    struct xw_cert_facts facts;
    struct bench *b = bench_new();
    start_downlink(b, true);
    start_uplink(b, "town-a", "county.test");
    assert_true(wait_for(b, linked, WAIT_MS));
    assert_int_equal(xw_downlink_certificate(b->downlink, "town-a", &facts), 0);
    memcpy(b->serial, facts.serial, sizeof(b->serial));
    make_certificate("ca", "town-a", "town-a");
    assert_int_equal(xw_uplink_renewed(b->uplink), 0);
    for (unsigned i = 0; i < 20; i++) {
        capture(b, 20);
        wait_for(b, never, 20);
    }
    assert_true(wait_for(b, other_certificate, WAIT_MS));
    assert_true(wait_for(b, all_there, WAIT_MS));
    assert_int_equal(b->unlinked_n, 0);
    assert_int_equal(b->linked_n, 1);
    bench_free(b);
}

static void without_tls_only_loopback_is_served(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct xw_downlink_config config = {.address = "0.0.0.0", .gateways_max = 4};
    uint16_t port = 0;
    struct xw_downlink *second = NULL;
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->rig->archive, &config, NULL, &second, &port), -EINVAL);
    config.tls = (struct xw_net_tls){path("county.crt"), path("county.key"), NULL};
    config.address = "127.0.0.1";
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->rig->archive, &config, NULL, &second, &port), -EINVAL);
    config.tls = (struct xw_net_tls){path("no.crt"), path("no.key"), path("ca.crt")};
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->rig->archive, &config, NULL, &second, &port), -ENOENT);
    start_downlink(b, false);
    config.tls = (struct xw_net_tls){0};
    config.port = b->port;
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->rig->archive, &config, NULL, &second, &port),
        -EADDRINUSE);
    start_uplink(b, NULL, "127.0.0.1");
    capture(b, 20);
    assert_true(wait_for(b, linked, WAIT_MS));
    assert_true(wait_for(b, all_there, WAIT_MS));
    bench_free(b);
}

/* A WebSocket by hand: upgrade, then one masked frame of the given bytes. Reads until the end. */
static size_t raw_client(struct bench *b, const char *request, const void *frame, size_t frame_size,
                         uint8_t *ret_data, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(b->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    size_t n = 0;
    int r = connect(fd, (struct sockaddr *)&address, sizeof(address));
    assert_true(r == 0 || errno == EINPROGRESS);
    wait_for(b, never, 30);
    assert_true(write(fd, request, strlen(request)) > 0);
    wait_for(b, never, 50);
    if (frame_size)
        assert_true(write(fd, frame, frame_size) > 0);
    for (unsigned i = 0; i < 100 && n < size; i++) {
        ssize_t got = read(fd, ret_data + n, size - n);
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        wait_for(b, never, 20);
    }
    close(fd);
    wait_for(b, never, 20);
    return n;
}

static bool holds(const uint8_t *data, size_t size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

static void garbage_is_answered_with_a_reason_and_others_go_on(void **state)
{
    (void)state;
    const char *request = "GET /link HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                          "Sec-WebSocket-Protocol: xw-link-1\r\n\r\n";
    const char *no_protocol = "GET /link HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    const uint8_t garbage[] = {0x82, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    const uint8_t text[] = {0x81, 0x84, 0, 0, 0, 0, 'h', 'e', 'l', 'o'};
    const uint8_t early[] = {0x82, 0x83, 0, 0, 0, 0, 0x3a, 0x01, 0x00}; /* no message of ours */
    uint8_t answer[4096];
    size_t n;
    struct bench *b = bench_new();
    start_downlink(b, false);
    start_uplink(b, NULL, "127.0.0.1");
    assert_true(wait_for(b, linked, WAIT_MS));
    n = raw_client(b, request, garbage, sizeof(garbage), answer, sizeof(answer));
    assert_true(holds(answer, n, "101 ") && holds(answer, n, "not a message"));
    n = raw_client(b, request, text, sizeof(text), answer, sizeof(answer));
    assert_true(holds(answer, n, "not a binary message"));
    n = raw_client(b, request, early, sizeof(early), answer, sizeof(answer));
    assert_true(holds(answer, n, "101 "));
    n = raw_client(b, no_protocol, NULL, 0, answer, sizeof(answer));
    assert_false(holds(answer, n, "101 "));
    capture(b, 20);
    assert_true(wait_for(b, all_there, WAIT_MS));
    assert_int_equal(b->unlinked_n, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_records_and_healing_go_over_tls),
        cmocka_unit_test(the_link_comes_back_after_the_county_was_away),
        cmocka_unit_test(a_goodbye_says_why),
        cmocka_unit_test(sockets_that_fail_now_and_then_lose_nothing),
        cmocka_unit_test(a_stranger_is_refused),
        cmocka_unit_test(a_certificate_of_another_gateway_is_refused),
        cmocka_unit_test(a_county_of_another_name_is_not_trusted),
        cmocka_unit_test(a_revoked_certificate_ends_a_live_session_and_opens_no_other),
        cmocka_unit_test(a_new_certificate_is_used_without_losing_the_session),
        cmocka_unit_test(without_tls_only_loopback_is_served),
        cmocka_unit_test(garbage_is_answered_with_a_reason_and_others_go_on),
    };
    if (getenv("XW_TEST_ONLY"))
        cmocka_set_test_filter(getenv("XW_TEST_ONLY"));
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
