// SPDX-License-Identifier: GPL-2.0
/* What one socket's row says of how a dead peer would be noticed, and how that is counted by groups. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exposure/groups.h"
#include "facts.h"

static struct exposure_rules rules = { .hz = HZ };

static struct exposure of(struct ho_event e)
{
	return exposure__of(&e, &rules);
}

/* ---- one socket ---- */

static void test_who_never_notices(void **state)
{
	static const struct {
		uint16_t flags;
		bool never;
	} cases[] = {
		{ 0, true }, { HO_F_KEEPALIVE, false }, { HO_F_ORPHAN, true },
		{ HO_F_FIN_QUEUED, false }, { HO_F_FIN_QUEUED | HO_F_ALL_ACKED, true },
		{ HO_F_FIN_QUEUED | HO_F_ALL_ACKED | HO_F_ORPHAN, false },
		{ HO_F_KEEPALIVE | HO_F_FIN_QUEUED | HO_F_ALL_ACKED, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ho_event e = fact(HO_SEEN, 20000);

		e.flags = cases[i].flags;
		assert_int_equal(exposure__never_notices(&e), cases[i].never);
		assert_int_equal(of(e).never_notices, cases[i].never);
		assert_int_equal(of(e).with_keepalive, (cases[i].flags & HO_F_KEEPALIVE) != 0);
	}
}

static void test_asks_by_the_kernels_counts(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	assert_int_equal(exposure__asks(&e, HZ), 0);
	e.probes_out = 3;
	e.last_tx_ns = 19500 * MS;
	assert_int_equal(exposure__last_ask_jiffies(&e, HZ), 19500 / 4);
	assert_int_equal(exposure__asks(&e, HZ), 3);
	assert_true(of(e).suspect);	/* the last may yet be answered: two were not */
	assert_int_equal(of(e).unanswered, 2);
	e.probes_out = 2;
	assert_false(of(e).suspect);
	rules.suspect_after = 1;
	assert_true(of(e).suspect);
	rules.suspect_after = 0;
	e.lrcvtime_jiffies = 19500 / 4;	/* data since then, which leave the count */
	assert_int_equal(exposure__asks(&e, HZ), 0);
	e.lrcvtime_jiffies = 19496 / 4;
	assert_int_equal(exposure__asks(&e, HZ), 2);
	e.last_tx_ns = 20001 * MS;	/* a clock of after it was read */
	assert_int_equal(exposure__last_ask_jiffies(&e, HZ), 20000 / 4);
	e.probes_out = 0;
	e.retransmits = 2;		/* and the first transmission */
	assert_int_equal(exposure__asks(&e, HZ), 3);
}

static void test_options_of_its_own(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	assert_true(of(e).own_idle && of(e).own_options && !of(e).dies_of_one_loss);
	e.sock_probes = 0;
	assert_true(of(e).own_idle && !of(e).own_options);
	e.sock_probes = 1;
	assert_true(of(e).own_options && of(e).dies_of_one_loss);
	e.sock_interval_jiffies = 0;
	assert_false(of(e).own_options);
	e.sock_interval_jiffies = HZ;
	e.sock_idle_jiffies = 0;
	assert_false(of(e).own_idle || of(e).own_options);
	e.sock_idle_jiffies = 10 * HZ;
	e.flags = 0;			/* keepalive is off: they are nobody's */
	assert_false(of(e).own_idle || of(e).own_options || of(e).dies_of_one_loss);
}

static void test_silences(void **state)
{
	struct ho_event e = fact(HO_SEEN, 70996);

	(void)state;
	assert_int_equal(of(e).silent_ns, 70 * S);	/* heard at 996 ms at the earliest */
	assert_false(of(e).long_silent || of(e).surely_dead || of(e).leaked);
	rules.long_ns = rules.path_ns = 70 * S;
	assert_false(of(e).long_silent || of(e).surely_dead);
	rules.long_ns = rules.path_ns = 70 * S - 1;
	assert_true(of(e).long_silent && of(e).surely_dead);
	e.oow_ack_jiffies = 51000 / 4;	/* its own probe was answered then, which is no other trace */
	assert_int_equal(of(e).silent_ns, 20 * S);
	assert_false(of(e).long_silent || of(e).surely_dead);
	e.oow_ack_jiffies = 500 / 4;	/* before it was heard */
	assert_int_equal(of(e).silent_ns, 70 * S);
	memcpy(e.local, e.peer, 4);	/* no path lies between */
	assert_true(of(e).long_silent && !of(e).surely_dead && of(e).peer_is_here);
	rules.long_ns = rules.path_ns = 0;
	e.state = TCP_CLOSE_WAIT;
	assert_true(of(e).leaked);
	assert_int_equal(of(e).state, EXPOSURE_CLOSE_WAIT);
	e.mono_ns = 60996 * MS;
	e.jiffies = 60996 / 4;
	assert_false(of(e).leaked);	/* not for longer than a minute */
	e.state = TCP_FIN_WAIT1;
	assert_int_equal(of(e).state, EXPOSURE_CLOSING);
}

/* Whoever said goodbye is silent for good, and no half-open peer, unless something of ours stays
 * unacknowledged (probes alone leave a leak of our program's). */
static void test_peers_that_said_goodbye(void **state)
{
	static const uint8_t said[] = { TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING };
	static const uint8_t did_not[] = { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2 };
	struct ho_event e = fact(HO_SEEN, 70996);
	unsigned int i;

	(void)state;
	rules.path_ns = S;
	for (i = 0; i < sizeof(said); i++) {
		e.state = said[i];
		e.retransmits = 0;
		e.probes_out = 9;
		assert_true(of(e).said_goodbye && !of(e).surely_dead && !of(e).path_known);
		e.retransmits = 1;
		assert_true(!of(e).said_goodbye && of(e).surely_dead && of(e).path_known);
		e.retransmits = 0;
		e.state = did_not[i];
		assert_true(!of(e).said_goodbye && of(e).surely_dead && of(e).path_known);
	}
	rules.path_ns = 0;
}

static void test_peers_of_this_host(void **state)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 127, 0, 0, 9 };
	static const uint8_t other[16] = { [0] = 127, [15] = 1 };
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	assert_false(exposure__peer_is_here(&e));
	e.peer[0] = 127;
	assert_true(exposure__peer_is_here(&e));
	e.family = AF_INET6;
	memcpy(e.peer, loopback6, 16);
	assert_true(exposure__peer_is_here(&e));
	memcpy(e.peer, mapped, 16);
	assert_true(exposure__peer_is_here(&e));
	memcpy(e.peer, other, 16);
	assert_false(exposure__peer_is_here(&e));
	memcpy(e.local, other, 16);	/* its own address */
	assert_true(exposure__peer_is_here(&e));
	memset(e.peer, 0, 16);		/* not known */
	memset(e.local, 0, 16);
	assert_false(exposure__peer_is_here(&e));
}

/* What the kernel says of it, addresses do not contradict: NAT may have changed them. */
static void test_the_kernels_word_on_peers_of_this_host(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000), other;

	(void)state;
	e.flags = 0;
	e.peer_place = HO_PLACE_HERE;	/* at two addresses */
	assert_true(exposure__peer_is_here(&e));
	assert_true(of(e).peer_is_here && !of(e).path_known && !of(e).surely_dead);
	other = e;
	memcpy(other.local, e.peer, sizeof(other.local));
	memcpy(other.peer, e.local, sizeof(other.peer));
	other.local_port = e.peer_port;
	other.peer_port = e.local_port;
	assert_int_equal(of(e).second_end + of(other).second_end, 1);
	assert_int_equal(of(e).never_notices + of(other).never_notices, 1);
	other.local_port = other.peer_port = e.local_port = e.peer_port = 7000;
	assert_int_equal(of(e).second_end + of(other).second_end, 1);
	e.peer_place = HO_PLACE_ELSEWHERE;	/* a published port of an address of ours */
	memcpy(e.peer, e.local, sizeof(e.peer));
	assert_false(exposure__peer_is_here(&e));
	e.peer[0] = 127;
	assert_false(exposure__peer_is_here(&e));
	assert_true(of(e).never_notices && !of(e).second_end);
	e.peer_place = 77;		/* of a later version */
	assert_true(exposure__peer_is_here(&e));
}

/* ---- counted ---- */

/* One end stands for both, whichever row is read. */
static void test_both_ends_here_count_once(void **state)
{
	static const struct {
		uint8_t local, peer;	/* 127.0.0.N */
		uint16_t local_port, peer_port;
		bool first, second;
	} cases[] = {
		{ 1, 1, 1883, 40000, true, false }, { 1, 1, 40000, 1883, false, true },
		{ 1, 2, 7000, 7000, true, false }, { 2, 1, 7000, 7000, false, true },
		{ 1, 1, 7000, 7000, true, false },	/* it connected to itself */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ho_event e = fact(HO_SEEN, 20000);
		struct exposure_counts c = { .sockets = 0 }, more = { .with_peer_here = 20 };
		struct exposure x;

		memcpy(e.local, (uint8_t[]){ 127, 0, 0, cases[i].local }, 4);
		memcpy(e.peer, (uint8_t[]){ 127, 0, 0, cases[i].peer }, 4);
		e.local_port = cases[i].local_port;
		e.peer_port = cases[i].peer_port;
		e.flags = 0;
		x = of(e);
		x.long_silent = true;
		assert_int_equal(x.never_notices, cases[i].first);
		assert_int_equal(x.second_end, cases[i].second);
		exposure_counts__add(&c, &x);
		assert_true(c.sockets == 1 && c.with_peer_here == 1);
		assert_int_equal(c.long_silent, cases[i].first);
		assert_int_equal(c.never_notice, cases[i].first);
		assert_int_equal(c.oldest_silence_ns > 0, cases[i].first);
		exposure_counts__merge(&more, &c);
		assert_int_equal(more.with_peer_here, 21);
		e.flags = HO_F_KEEPALIVE;
		assert_false(of(e).never_notices);
	}
}

static void test_counts_add_up(void **state)
{
	static const struct exposure all = { .with_keepalive = true, .never_notices = true,
					     .suspect = true, .own_idle = true, .own_options = true,
					     .dies_of_one_loss = true, .long_silent = true,
					     .surely_dead = true, .leaked = true,
					     .window_closed = true, .probes_off = true,
					     .state = EXPOSURE_CLOSE_WAIT, .silent_ns = 7 };
	static const struct exposure none = { .with_keepalive = false };
	struct exposure_counts c = { .sockets = 0 }, more;
	struct exposure some = { .with_keepalive = true, .own_idle = true, .silent_ns = 5 };

	(void)state;
	exposure_counts__add(&c, &all);
	exposure_counts__add(&c, &none);
	exposure_counts__add(&c, &some);
	assert_true(c.sockets == 3 && c.with_keepalive == 2 && c.never_notice == 1 && c.suspect == 1);
	assert_true(c.own_idle == 2 && c.own_options == 1 && c.die_of_one_loss == 1);
	assert_true(c.long_silent == 1 && c.surely_dead == 1 && c.leaked == 1);
	assert_true(c.window_closed == 1 && c.probes_off == 1 && c.oldest_silence_ns == 7);
	assert_true(c.by_state[EXPOSURE_ESTABLISHED] == 2 && c.by_state[EXPOSURE_CLOSE_WAIT] == 1);
	assert_true(c.with_keepalive_by_state[EXPOSURE_ESTABLISHED] == 1 &&
		    c.with_keepalive_by_state[EXPOSURE_CLOSE_WAIT] == 1);
	assert_int_equal(exposure_counts__following(&c), 1);
	more = (struct exposure_counts){ .sockets = 10, .with_keepalive = 20, .never_notice = 30,
					 .suspect = 40, .own_idle = 50, .own_options = 60,
					 .die_of_one_loss = 70, .long_silent = 80,
					 .surely_dead = 90, .leaked = 100, .window_closed = 110,
					 .probes_off = 120, .by_state = { 1, 2, 3 },
					 .with_keepalive_by_state = { 4, 5, 6 },
					 .oldest_silence_ns = 6 };
	exposure_counts__merge(&more, &c);
	assert_true(more.sockets == 13 && more.with_keepalive == 22 && more.never_notice == 31 &&
		    more.suspect == 41);
	assert_true(more.own_idle == 52 && more.own_options == 61 && more.die_of_one_loss == 71);
	assert_true(more.long_silent == 81 && more.surely_dead == 91 && more.leaked == 101);
	assert_true(more.window_closed == 111 && more.probes_off == 121);
	assert_true(more.by_state[0] == 3 && more.by_state[1] == 3 && more.by_state[2] == 3);
	assert_true(more.with_keepalive_by_state[0] == 5 && more.with_keepalive_by_state[1] == 6);
	assert_int_equal(more.oldest_silence_ns, 7);
}

/* ---- by groups ---- */

static uint32_t sockets_of(const struct exposure_counts *c)
{
	return c->sockets;
}

static struct exposure_key key_of(const char *comm, uint16_t port)
{
	struct exposure_key key;

	memset(&key, 0, sizeof(key));
	key.port = port;
	exposure_key__set_program(&key, comm);
	return key;
}

static void add(struct exposure_groups *g, const char *comm, uint16_t port, uint32_t sockets)
{
	struct exposure_key key = key_of(comm, port);
	struct exposure_counts *c = exposure_groups__of(g, &key);

	assert_non_null(c);
	c->sockets += sockets;
}

static void test_a_name_is_what_stands_before_its_end(void **state)
{
	struct exposure_key a = key_of("nginx", 80), b = key_of("nginx\0worker", 80);
	struct exposure_key c = key_of("a name of more than fifteen", 80);

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	assert_string_equal(c.comm, "a name of more ");
}

static void test_programs_are_ranked(void **state)
{
	struct exposure_groups g = { .count = 0 };
	struct program_count most[2];

	(void)state;
	assert_int_equal(exposure_groups__rank(&g, sockets_of, most, 2), 0);
	add(&g, "nginx", 80, 3);
	add(&g, "redis", 6379, 7);
	add(&g, "nginx", 443, 5);
	add(&g, "idle", 1, 0);
	assert_int_equal(exposure_groups__rank(&g, sockets_of, most, 2), 2);
	assert_string_equal(most[0].comm, "nginx");
	assert_int_equal(most[0].sockets, 8);
	assert_string_equal(most[1].comm, "redis");
	assert_int_equal(exposure_groups__rank(&g, sockets_of, most, 1), 1);
	exposure_groups__free(&g);
	assert_int_equal(g.count, 0);
}

/* Each keeps its counts, in order of appearance, however many there are. */
static void test_many_groups(void **state)
{
	struct exposure_groups g = { .count = 0 };
	uint32_t round, port;

	(void)state;
	for (round = 1; round <= 3; round++)
		for (port = 1; port <= 5000; port++)
			add(&g, "a", port, port);
	assert_int_equal(g.count, 5000);
	for (port = 1; port <= 5000; port++) {
		assert_int_equal(g.all[port - 1].key.port, port);
		assert_int_equal(g.all[port - 1].counts.sockets, 3 * port);
	}
	exposure_groups__free(&g);
}

/* Three of whom it is known how likely they are dead, and one of whom it is not. */
static void test_chances_are_summed(void **state)
{
	struct exposure_counts c = { 0 }, more = { 0 };

	(void)state;
	exposure_counts__add_chance(&c, 0.5, 0.4, 0.7);
	exposure_counts__add_unjudged(&c, "too few", 1);
	exposure_counts__add_unjudged(&more, "no network", 2);
	exposure_counts__add_chance(&more, 1, 1, 1);
	exposure_counts__add_chance(&more, 0.2, 0, 0.25);
	exposure_counts__merge(&c, &more);
	assert_int_equal(c.judged, 3);
	assert_string_equal(exposure_counts__why_unjudged(&c), "no network");
	assert_true(fabs(c.dead_sum - 1.7) < 1e-12 && fabs(c.dead_low - 1.4) < 1e-12);
	assert_true(fabs(c.dead_high - 1.95) < 1e-12 && fabs(c.dead_low_variance - 0.24) < 1e-12);
	assert_true(fabs(c.dead_high_variance - (0.21 + 0.1875)) < 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_never_notices),
		cmocka_unit_test(test_asks_by_the_kernels_counts),
		cmocka_unit_test(test_options_of_its_own),
		cmocka_unit_test(test_silences),
		cmocka_unit_test(test_peers_that_said_goodbye),
		cmocka_unit_test(test_peers_of_this_host),
		cmocka_unit_test(test_the_kernels_word_on_peers_of_this_host),
		cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_both_ends_here_count_once),
		cmocka_unit_test(test_a_name_is_what_stands_before_its_end),
		cmocka_unit_test(test_programs_are_ranked),
		cmocka_unit_test(test_chances_are_summed),
		cmocka_unit_test(test_many_groups),
	};

	return cmocka_run_group_tests_name("exposure", tests, NULL, NULL);
}
