/* The laboratory's addresses: sums stay right, and connections from before a change vanish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linknat.h"

enum { OWN = 0x0ad50201, PUBLIC = 0x0ad50101, COUNTY = 0x0ad50001, PACKET_N = 46 };
enum { SYN = 2, ACK = 16 };

static void put(uint8_t *at, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}
static uint32_t get(const uint8_t *at, size_t n)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static uint32_t sum(const uint8_t *at, size_t n, uint32_t x)
{
    for (size_t i = 0; i < n; i += 2)
        x += get(at + i, 2);
    while (x >> 16)
        x = (x & 0xffff) + (x >> 16);
    return x;
}

/* Sum of the TCP segment with its pseudo header; 0xffff when it is right. */
static uint32_t tcp_sum(const uint8_t *packet)
{
    return sum(packet + 20, PACKET_N - 20, sum(packet + 12, 8, 6 + PACKET_N - 20));
}

static void make(uint8_t *packet, uint32_t from, uint32_t to, unsigned from_port, unsigned to_port,
                 unsigned flags)
{
    memset(packet, 0, PACKET_N);
    packet[0] = 0x45;
    put(packet + 2, 2, PACKET_N);
    packet[8] = 64;
    packet[9] = 6;
    put(packet + 12, 4, from);
    put(packet + 16, 4, to);
    put(packet + 10, 2, ~sum(packet, 20, 0) & 0xffff);
    put(packet + 20, 2, from_port);
    put(packet + 22, 2, to_port);
    packet[32] = 0x50;
    packet[33] = (uint8_t)flags;
    memcpy(packet + 40, "\x12\x34\x56\x78\x9a\xbc", 6);
    put(packet + 36, 2, ~tcp_sum(packet) & 0xffff);
}

static bool out(struct linknat *nat, uint8_t *packet, uint32_t own, unsigned port, unsigned flags)
{
    make(packet, own, COUNTY, port, 8701, flags);
    return linknat_out(nat, packet, PACKET_N);
}
static bool in(struct linknat *nat, uint8_t *packet, uint32_t to, unsigned port)
{
    make(packet, COUNTY, to, 8701, port, ACK);
    return linknat_in(nat, packet, PACKET_N);
}

static void assert_right(const uint8_t *packet)
{
    assert_int_equal(sum(packet, 20, 0), 0xffff);
    assert_int_equal(tcp_sum(packet), 0xffff);
}

static void test_the_county_sees_the_public_address_and_answers_it(void **state)
{
    (void)state;
    static struct linknat nat;
    uint8_t packet[PACKET_N];
    linknat_init(&nat, OWN, PUBLIC);
    assert_true(out(&nat, packet, OWN, 40000, SYN));
    assert_int_equal(get(packet + 12, 4), PUBLIC);
    assert_right(packet);
    assert_true(in(&nat, packet, PUBLIC, 40000));
    assert_int_equal(get(packet + 16, 4), OWN);
    assert_right(packet);
}

static void test_connections_from_before_a_change_vanish_both_ways(void **state)
{
    (void)state;
    static struct linknat nat;
    uint8_t packet[PACKET_N];
    linknat_init(&nat, OWN, PUBLIC);
    assert_true(out(&nat, packet, OWN, 40000, SYN));
    assert_int_equal(linknat_change(&nat, OWN), 0);
    assert_false(out(&nat, packet, OWN, 40000, ACK));
    assert_false(in(&nat, packet, PUBLIC, 40000));
    assert_false(in(&nat, packet, PUBLIC + 1, 40000));
    assert_int_equal(nat.stale_n, 3);
    assert_true(out(&nat, packet, OWN, 40001, SYN));
    assert_int_equal(get(packet + 12, 4), PUBLIC + 1);
    assert_true(in(&nat, packet, PUBLIC + 1, 40001));
}

static void test_an_own_address_that_is_gone_sends_nothing(void **state)
{
    (void)state;
    static struct linknat nat;
    uint8_t packet[PACKET_N];
    linknat_init(&nat, OWN, PUBLIC);
    assert_int_equal(linknat_change(&nat, OWN + 1), 0);
    assert_false(out(&nat, packet, OWN, 40000, SYN));
    assert_true(out(&nat, packet, OWN + 1, 40000, SYN));
    assert_true(in(&nat, packet, PUBLIC + 1, 40000));
    assert_int_equal(get(packet + 16, 4), OWN + 1);
}

static void test_what_is_no_whole_packet_vanishes(void **state)
{
    (void)state;
    static struct linknat nat;
    uint8_t packet[PACKET_N];
    linknat_init(&nat, OWN, PUBLIC);
    make(packet, OWN, COUNTY, 40000, 8701, SYN);
    for (size_t n = 0; n < 40; n++)
        assert_false(linknat_out(&nat, packet, n));
    packet[0] = 0x65;
    assert_false(linknat_out(&nat, packet, PACKET_N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_county_sees_the_public_address_and_answers_it),
        cmocka_unit_test(test_connections_from_before_a_change_vanish_both_ways),
        cmocka_unit_test(test_an_own_address_that_is_gone_sends_nothing),
        cmocka_unit_test(test_what_is_no_whole_packet_vanishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
