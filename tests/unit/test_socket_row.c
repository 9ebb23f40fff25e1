// SPDX-License-Identifier: GPL-2.0
/* What one socket's row says: asks, deadlines, and how it is counted. Values by KERNEL's rules: the
 * keepalive timer, its user timeout, retransmissions. */
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "exposure/counts.h"
#include "exposure/deadline.h"
#include "exposure/groups.h"
#include "exposure/holdings.h"
#include "tcp/tcp_states.h"
#include "unit.h"

#define HZ 250
#define JIFFIES(seconds) ((seconds) * HZ)

/* Established, keepalive 60/10/3 of its own, last heard `silent` jiffies ago, nothing under way. */
static struct ho_row row(uint32_t silent)
{
	struct ho_row r = { .keepalive_in_jiffies = JIFFIES(60) - silent, .write_in_jiffies = HO_TIMER_OFF };
	struct ho_event *e = &r.event;

	*e = (struct ho_event){
		.kind = HO_SEEN, .cookie = 1, .family = AF_INET, .state = TCP_ESTABLISHED,
		.mono_ns = 1000000000000ULL, .jiffies = JIFFIES(1000),
		.flags = HO_F_KEEPALIVE | HO_F_ALL_ACKED, .sock_idle_jiffies = JIFFIES(60),
		.sock_interval_jiffies = JIFFIES(10), .sock_probes = 3, .rto_jiffies = 50 };
	e->peer[0] = 10;
	e->local[0] = 192;
	e->rcv_tstamp_jiffies = e->lrcvtime_jiffies = e->jiffies - silent;
	e->last_tx_ns = e->mono_ns - silent * (1000000000ULL / HZ);
	return r;
}

static void assert_due(const struct ho_row *r, double next_s, double dies_s)
{
	struct deadline d = deadline__of(r, HZ, 15);

	assert_true(d.next_ask_s == next_s || fabs(d.next_ask_s - next_s) < 0.01);
	assert_true(d.dies_s == dies_s || fabs(d.dies_s - dies_s) < 0.01);
}

static void test_when_keepalive_gives_up(void **state)
{
	struct ho_row r = row(JIFFIES(20));

	(void)state;
	assert_due(&r, 40, 70);		/* three probes, 10 s apart, and then the end */
	r.event.probes_out = 2;
	r.keepalive_in_jiffies = JIFFIES(4);
	r.event.rcv_tstamp_jiffies = r.event.lrcvtime_jiffies = r.event.jiffies - JIFFIES(76);
	assert_due(&r, 4, 14);
	r.event.probes_out = 3;
	assert_due(&r, 4, 4);
	/* Heard since the timer was armed: it is armed anew for the rest. */
	r = row(JIFFIES(5));
	r.keepalive_in_jiffies = JIFFIES(30);
	assert_due(&r, 55, 85);
	/* No probe at all: the timer kills. */
	r = row(JIFFIES(20));
	r.event.sock_probes = 0;
	r.event.net_probes = 0;
	assert_due(&r, 40, 40);
}

/* With a user timeout the count of probes does not matter: the first expiry after it, and one probe is
 * out. */
static void test_when_a_user_timeout_gives_up(void **state)
{
	struct ho_row r = row(JIFFIES(20));

	(void)state;
	r.event.user_timeout_ms = 85000;	/* expiries 60, 70, 80, 90 s after the peer was heard */
	assert_due(&r, 40, 70);
	r.event.user_timeout_ms = 1000;
	assert_due(&r, 40, 50);
}

static void test_who_never_dies(void **state)
{
	struct ho_row r = row(JIFFIES(20));

	(void)state;
	r.event.flags = HO_F_ALL_ACKED;
	r.keepalive_in_jiffies = HO_TIMER_OFF;
	assert_due(&r, INFINITY, INFINITY);
	/* An orphan's timer is that of FIN_WAIT2. */
	r.event.state = TCP_FIN_WAIT2;
	r.event.flags |= HO_F_ORPHAN;
	r.keepalive_in_jiffies = JIFFIES(30);
	assert_due(&r, INFINITY, 30);
}

static void test_data_under_way_decide(void **state)
{
	struct ho_row r = row(JIFFIES(1));
	struct deadline d;

	(void)state;
	r.event.pending = 1;
	r.event.packets_out = 1;
	r.write_in_jiffies = 25;
	d = deadline__of(&r, HZ, 15);
	assert_true(fabs(d.next_ask_s - 0.1) < 0.01);
	/* tcp_retries2 = 15: 924.6 s by the kernel's model, and no more than two RTO_MAX later. */
	assert_true(d.dies_s > 924 && d.dies_s < 924 + 2 * 130);
	r.event.retransmits = 3;
	r.event.rto_jiffies = 400;
	r.event.retransmitting_ms = 1000;
	assert_true(deadline__of(&r, HZ, 15).dies_s < d.dies_s);
	r.event.user_timeout_ms = 5000;
	d = deadline__of(&r, HZ, 15);
	assert_true(d.dies_s > 3.5 && d.dies_s < 5.5);
}

static void test_a_stale_count_asked_nobody(void **state)
{
	struct ho_row r = row(JIFFIES(20));

	(void)state;
	r.event.probes_out = 3;
	r.event.last_tx_ns = r.event.mono_ns - 10000000000ULL;
	assert_int_equal(exposure__asks(&r.event, HZ), 3);
	r.event.lrcvtime_jiffies = r.event.jiffies - JIFFIES(5);	/* on the fast path */
	assert_int_equal(exposure__asks(&r.event, HZ), 0);
	r.event.retransmits = 2;
	assert_int_equal(exposure__asks(&r.event, HZ), 3);
}

static struct exposure_counts count_one(const struct ho_event *e)
{
	const struct exposure_rules rules = { .hz = HZ, .long_ns = 10000000000ULL,
					      .path_ns = 900000000000ULL };
	struct exposure x = exposure__of(e, &rules);
	struct exposure_counts c = { 0 };

	exposure_counts__add(&c, &x);
	return c;
}

static void test_what_a_row_counts_as(void **state)
{
	struct ho_event e = row(JIFFIES(20)).event;
	struct exposure_counts c = count_one(&e);

	(void)state;
	assert_int_equal(c.with_keepalive, 1);
	assert_int_equal(c.own_options, 1);
	assert_int_equal(exposure_counts__following(&c), 0);
	assert_int_equal(c.long_silent, 1);
	assert_int_equal(c.surely_dead + c.suspect + c.never_notice + c.leaked, 0);
	assert_int_equal(c.oldest_silence_ns / 1000000000, 20);
	e.flags = 0;
	assert_int_equal(count_one(&e).never_notice, 1);
	e.flags = HO_F_FIN_QUEUED;	/* its acknowledgement is waited for */
	assert_int_equal(count_one(&e).never_notice, 0);
	e.flags = HO_F_FIN_QUEUED | HO_F_ALL_ACKED;
	assert_int_equal(count_one(&e).never_notice, 1);
	e.flags |= HO_F_ORPHAN;
	assert_int_equal(count_one(&e).never_notice, 0);
	e = row(JIFFIES(901)).event;
	assert_int_equal(count_one(&e).surely_dead, 1);
	e.state = TCP_CLOSE_WAIT;
	assert_int_equal(count_one(&e).leaked, 1);
	assert_int_equal(count_one(&e).by_state[EXPOSURE_CLOSE_WAIT], 1);
	assert_int_equal(count_one(&e).surely_dead, 0);	/* that is what it waits for */
	e.state = TCP_ESTABLISHED;
	memcpy(e.peer, e.local, sizeof(e.peer));	/* of this host: no path */
	assert_int_equal(count_one(&e).surely_dead, 0);
}

static void test_a_leak_that_keepalive_hides(void **state)
{
	struct ho_row r = row(JIFFIES(2)), other;	/* a probe was answered 2 s ago */

	(void)state;
	r.event.state = TCP_CLOSE_WAIT;
	r.event.lrcvtime_jiffies = r.sent_data_jiffies = r.event.jiffies - JIFFIES(61);
	r.answered_since_fin = true;
	assert_true(exposure__leaks_under_keepalive(&r, HZ));
	other = r;
	other.event.state = TCP_ESTABLISHED;
	assert_false(exposure__leaks_under_keepalive(&other, HZ));
	other = r;
	other.answered_since_fin = false;	/* its FIN may be what came 2 s ago */
	assert_false(exposure__leaks_under_keepalive(&other, HZ));
	other = r;
	other.sent_data_jiffies = r.event.jiffies - JIFFIES(60);	/* it still sends */
	assert_false(exposure__leaks_under_keepalive(&other, HZ));
	other = r;
	other.event.lrcvtime_jiffies = r.event.jiffies - JIFFIES(60);
	assert_false(exposure__leaks_under_keepalive(&other, HZ));
	other = r;
	other.event.flags = 0;		/* its silence tells */
	assert_false(exposure__leaks_under_keepalive(&other, HZ));
}

static void test_peers_of_this_host(void **state)
{
	static const struct {
		uint8_t family, peer[16];
		bool is_here;
	} peers[] = {
		{ AF_INET, { 127, 0, 0, 1 }, true }, { AF_INET, { 127, 8, 9, 1 }, true },
		{ AF_INET, { 128, 0, 0, 1 }, false }, { AF_INET, { 192 }, true },
		{ AF_INET6, { [15] = 1 }, true }, { AF_INET6, { [0] = 0xfd, [15] = 1 }, false },
		{ AF_INET6, { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }, true },
		{ AF_INET6, { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 }, false },
		{ AF_INET, { 0 }, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct ho_event e = row(0).event;

		e.family = peers[i].family;
		memcpy(e.peer, peers[i].peer, sizeof(e.peer));
		assert_int_equal(exposure__peer_is_here(&e), peers[i].is_here);
	}
}

static uint32_t sockets(const struct exposure_counts *c)
{
	return c->sockets;
}

static void test_groups_are_told_apart_by_each_part(void **state)
{
	struct exposure_groups g = { 0 };
	struct program_count most[3];
	unsigned int i;

	(void)state;
	for (i = 0; i < 4000; i++) {
		struct exposure_key key = { .port = i % 1000, .netns = i % 2 };

		exposure_key__set_program(&key, i % 2 ? "broker" : "a-name-of-more-than-15-bytes");
		exposure_groups__of(&g, &key)->sockets++;
	}
	assert_int_equal(g.count, 1000);
	for (i = 0; i < g.count; i++)
		assert_int_equal(g.all[i].counts.sockets, 4);
	assert_int_equal(exposure_groups__rank(&g, sockets, most, 3), 2);
	assert_string_equal(most[0].comm, "a-name-of-more-");
	assert_int_equal(most[0].sockets + most[1].sockets, 4000);
	exposure_groups__free(&g);
}

static void test_the_first_holder_is_the_owner(void **state)
{
	struct holdings h = { 0 };
	uint32_t owner;
	uint64_t i;

	(void)state;
	holdings__expect(&h, 500);	/* and more come */
	for (i = 1; i <= 1000; i++)
		assert_true(holdings__add(&h, i << 32, i));
	assert_int_equal(h.untold, 1000);
	assert_false(holdings__add(&h, 7ULL << 32, 9));
	assert_true(holdings__tell(&h, 7ULL << 32, &owner));
	assert_int_equal(owner, 7);
	assert_false(holdings__tell(&h, 7ULL << 32, &owner));	/* once in a pass */
	assert_int_equal(h.untold, 999);
	assert_true(holdings__tell(&h, 5, &owner));
	assert_int_equal(owner, 0);
	assert_int_equal(h.untold, 999);	/* nobody's */
	assert_true(holdings__add(&h, 5, 3));	/* told before it was owned */
	assert_int_equal(h.untold, 999);
	holdings__free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_keepalive_gives_up),
		cmocka_unit_test(test_when_a_user_timeout_gives_up),
		cmocka_unit_test(test_who_never_dies),
		cmocka_unit_test(test_data_under_way_decide),
		cmocka_unit_test(test_a_stale_count_asked_nobody),
		cmocka_unit_test(test_what_a_row_counts_as),
		cmocka_unit_test(test_a_leak_that_keepalive_hides),
		cmocka_unit_test(test_peers_of_this_host),
		cmocka_unit_test(test_groups_are_told_apart_by_each_part),
		cmocka_unit_test(test_the_first_holder_is_the_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
