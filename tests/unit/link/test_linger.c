/* A refused connection stays until its refusal can have been read: no reset overtakes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/linger.h"

enum { ROUND_MS = 100, ROUNDS_MAX = 600 };
static const char why[] = "certificate expired";

static struct xw_loop *loop;
static struct xw_linger *linger;
static struct xw_timer *clock_of_test;
static int watched = -1;
static unsigned rounds;

static int listening(struct sockaddr_in *ret_address)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    *ret_address = a;
    return fd;
}

/* A client whose request lies unread when the server refuses, lingers (or not) and closes. */
static int refused(bool lingers)
{
    struct sockaddr_in a;
    int listener = listening(&a), client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(send(client, "the rest", 8, 0), 8);
    assert_int_equal(send(server, why, sizeof(why), 0), sizeof(why));
    if (lingers)
        xw_linger_take(linger, server);
    close(server);
    close(listener);
    return client;
}

static bool reset(int client)
{
    struct pollfd p = {.fd = client, .events = POLLIN};
    (void)send(client, "a request", 9, MSG_NOSIGNAL); /* what is closed answers this with a reset */
    assert_true(poll(&p, 1, 0) >= 0);
    return p.revents & (POLLERR | POLLHUP);
}

static void it_is_read_whatever_was_sent_meanwhile(void **state)
{
    (void)state;
    char text[64];
    int without = refused(false), with = refused(true);
    assert_true(reset(without));
    assert_false(reset(with));
    assert_false(reset(with));
    assert_int_equal(recv(with, text, sizeof(text), 0), sizeof(why));
    assert_string_equal(text, why);
    assert_int_equal(recv(with, text, sizeof(text), 0), 0); /* the end */
    close(without);
    close(with);
}

static void the_oldest_goes_when_there_are_too_many(void **state)
{
    (void)state;
    enum { MORE = 8 };
    int client[XW_LINGER_MAX + MORE];
    for (size_t i = 0; i < XW_ARRAY_N(client); i++)
        client[i] = refused(true);
    for (size_t i = 0; i < XW_ARRAY_N(client); i++) {
        assert_int_equal(reset(client[i]), i < MORE);
        close(client[i]);
    }
}

static void look(void *arg)
{
    (void)arg;
    if (reset(watched) || ++rounds == ROUNDS_MAX)
        xw_loop_quit(loop);
}

static void it_goes_by_itself(void **state)
{
    (void)state;
    watched = refused(true);
    rounds = 0;
    xw_timer_start(clock_of_test, ROUND_MS, ROUND_MS);
    xw_loop_run(loop);
    xw_timer_stop(clock_of_test);
    assert_true(reset(watched));
    assert_true(rounds >= XW_LINGER_MS / ROUND_MS / 2); /* it had its time */
    close(watched);
}

static int begin(void **state)
{
    (void)state;
    assert_int_equal(xw_loop_new(NULL, &loop), 0);
    assert_int_equal(xw_timer_new(loop, look, NULL, &clock_of_test), 0);
    return xw_linger_new(loop, &linger);
}

static int end(void **state)
{
    (void)state;
    xw_linger_free(linger);
    xw_timer_free(clock_of_test);
    xw_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_read_whatever_was_sent_meanwhile, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_goes_when_there_are_too_many, begin, end),
        cmocka_unit_test_setup_teardown(it_goes_by_itself, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
