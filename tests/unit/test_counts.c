// SPDX-License-Identifier: GPL-2.0
/* Counts and orders: programs, ports, quantiles, cookies, owners. */
#include <stdio.h>
#include <stdlib.h>

#include "exposure/census.h"
#include "exposure/owner.h"
#include "exposure/ranking.h"
#include "table/tally.h"
#include "unit.h"
#include "value/quantile.h"

/* ---- programs ---- */

static void test_programs_are_added_up_and_ranked(void **state)
{
	struct program_count all[] = {
		{ "nginx", 3 }, { "redis", 7 }, { "", 1 }, { "nginx", 5 }, { "haproxy", 8 },
		{ "redis", 1 }, { "apache", 9 }, { "nginx", 2 },
	};

	(void)state;
	assert_int_equal(ranking__of_programs(all, 8), 5);
	/* 3 + 5 + 2; equals by name: apache has 9, haproxy and redis 8 each */
	assert_string_equal(all[0].comm, "nginx");
	assert_int_equal(all[0].sockets, 10);
	assert_string_equal(all[1].comm, "apache");
	assert_int_equal(all[1].sockets, 9);
	assert_string_equal(all[2].comm, "haproxy");
	assert_string_equal(all[3].comm, "redis");
	assert_int_equal(all[3].sockets, 8);
	assert_string_equal(all[4].comm, "");
	assert_int_equal(all[4].sockets, 1);
}

static void test_no_programs_and_one(void **state)
{
	struct program_count one = { "sshd", 4 };

	(void)state;
	assert_int_equal(ranking__of_programs(NULL, 0), 0);
	assert_int_equal(ranking__of_programs(&one, 1), 1);
	assert_string_equal(one.comm, "sshd");
	assert_int_equal(one.sockets, 4);
}

/* ---- quantiles ---- */

static void test_quantiles_are_members(void **state)
{
	double numbers[] = { 30, 10, 50, 20, 40 };
	double latencies[20];
	struct detection d;
	unsigned int i;

	(void)state;
	quantile__sort(numbers, 5);
	for (i = 0; i < 5; i++)
		assert_true(numbers[i] == 10 * (i + 1));
	/* the least that is no smaller than the share: 2.5 of five is the third */
	assert_true(quantile__of(numbers, 5, 0.5) == 30);
	assert_true(quantile__of(numbers, 5, 0.2) == 10 && quantile__of(numbers, 5, 0.21) == 20);
	assert_true(quantile__of(numbers, 5, 0.01) == 10 && quantile__of(numbers, 5, 1) == 50);
	assert_true(quantile__of(numbers, 1, 0.95) == 10);
	assert_true(quantile__of(NULL, 0, 0.5) == 0);
	for (i = 0; i < 20; i++)
		latencies[i] = 20 - i;
	d = detection__of(latencies, 20);
	assert_true(d.p50_s == 10 && d.p95_s == 19 && d.max_s == 20);
}

/* ---- ports with peers that are no devices ---- */

static void add_sockets(struct census *c, uint32_t netns, uint16_t port, uint32_t sockets,
			uint32_t peers)
{
	struct ho_event e = { .family = 2, .netns = netns, .local_port = port,
			      .flags = HO_F_KEEPALIVE, .net_idle_jiffies = 7200 * 250,
			      .net_interval_jiffies = 75 * 250, .net_probes = 9 };
	uint32_t i;

	for (i = 0; i < sockets; i++) {
		e.peer[2] = i % peers >> 8;
		e.peer[3] = i % peers & 0xff;
		e.peer_port = 1024 + i / peers;
		census__add(c, &e, 250);
	}
}

static void test_crowded_ports(void **state)
{
	struct census_port ports[4];
	struct census c = { 0 };

	(void)state;
	assert_int_equal(census__crowded_ports(&c, ports, 4), 0);
	add_sockets(&c, 1, 1883, 3000, 3000);	/* devices */
	add_sockets(&c, 1, 8883, 1000, 2);	/* 500 each: no device does that */
	add_sockets(&c, 1, 443, 998, 1);	/* one too few, with the one below: 999 */
	add_sockets(&c, 1, 443, 1, 1);
	add_sockets(&c, 1, 80, 1000, 3);	/* 333 each */
	add_sockets(&c, 2, 8883, 1500, 1);	/* another namespace's port of the same number */
	assert_int_equal(c.counts.sockets, 3000 + 1000 + 999 + 1000 + 1500);
	assert_int_equal(c.counts.never_notice, 0);
	assert_int_equal(census__crowded_ports(&c, ports, 4), 2);
	assert_int_equal(ports[0].netns, 2);
	assert_int_equal(ports[0].port, 8883);
	assert_int_equal(ports[0].sockets, 1500);
	assert_int_equal(ports[0].peers, 1);
	assert_int_equal(ports[1].netns, 1);
	assert_int_equal(ports[1].port, 8883);
	assert_int_equal(ports[1].sockets, 1000);
	assert_int_equal(ports[1].peers, 2);
	assert_int_equal(census__crowded_ports(&c, ports, 1), 1);
	assert_false(c.failed);
	census__free(&c);
	assert_null(c.entries);
}

static void test_an_address_of_each_family_is_a_peer(void **state)
{
	struct ho_event e = { .family = 2, .local_port = 5000 };
	struct census_port port;
	struct census c = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		e.family = i % 2 ? 10 : 2;
		census__add(&c, &e, 250);
	}
	assert_int_equal(c.counts.never_notice, 1000);
	assert_int_equal(census__crowded_ports(&c, &port, 1), 1);
	assert_int_equal(port.peers, 2);
	census__free(&c);
}

/* ---- cookies ---- */

static void test_tallies_against_the_obvious(void **state)
{
	enum { N = 700, STEPS = 60000 };
	static uint64_t counts[N + 1];
	struct tally t = { 0 };
	uint64_t random = 7, cookie, used = 0;
	unsigned int step;

	(void)state;
	memset(counts, 0, sizeof(counts));
	assert_int_equal(tally__of(&t, 5), 0);
	assert_int_equal(tally__take(&t, 5), 0);
	for (step = 0; step < STEPS; step++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		cookie = (random >> 33) % N + 1;
		/* it grows, and then shrinks */
		if ((random >> 60) < (step < STEPS / 2 ? 12 : 3)) {
			tally__add(&t, cookie);
			used += !counts[cookie]++;
		} else {
			assert_int_equal(tally__take(&t, cookie), counts[cookie]);
			used -= counts[cookie] > 0;
			counts[cookie] = 0;
		}
		assert_int_equal(t.used, used);
		assert_true(t.size < 64 || (t.size & (t.size - 1)) == 0);
	}
	for (cookie = 1; cookie <= N; cookie++)
		assert_int_equal(tally__of(&t, cookie), counts[cookie]);
	for (cookie = 1; cookie <= N; cookie++)
		tally__take(&t, cookie);
	assert_int_equal(t.used, 0);
	assert_int_equal(t.size, 64);	/* most are taken soon: nothing is held for them */
	tally__free(&t);
}

/* ---- owners ---- */

static void test_an_owner_lives_as_long_as_it_is_referred_to(void **state)
{
	struct owners o = { 0 };
	uint32_t a, b, c, again;

	(void)state;
	/* all in one chain */
	a = owners__take(&o, 1, "one", "/a", "");
	b = owners__take(&o, 257, "two", "/b", "id");
	c = owners__take(&o, 513, "three", "/c", "");
	assert_int_equal(owners__share(&o, b), b);
	assert_int_equal(owners__share(&o, 0), 0);
	owners__drop(&o, b);
	assert_int_equal(owners__at(&o, b)->pid, 257);
	assert_string_equal(owners__at(&o, b)->container_id, "id");
	owners__drop(&o, b);	/* the last */
	assert_int_equal(owners__at(&o, b)->references, 0);
	assert_int_equal(owners__take(&o, 1, "one", "/a", ""), a);
	assert_int_equal(owners__take(&o, 513, "three", "/c", ""), c);
	again = owners__take(&o, 257, "two", "/b", "id");
	assert_int_equal(again, b);	/* its place was free */
	assert_string_equal(owners__at(&o, again)->comm, "two");
	assert_int_equal(owners__at(&o, again)->references, 1);
	owners__free(&o);
	assert_null(o.entries);
}

static void test_each_word_of_an_owner_tells_it_apart(void **state)
{
	struct owners o = { 0 };
	uint32_t a = owners__take(&o, 1, "mosquitto", "/x", "c1");

	(void)state;
	assert_int_not_equal(owners__take(&o, 257, "mosquitto", "/x", "c1"), a);
	assert_int_not_equal(owners__take(&o, 1, "mosquittp", "/x", "c1"), a);
	assert_int_not_equal(owners__take(&o, 1, "mosquitto", "/y", "c1"), a);
	assert_int_not_equal(owners__take(&o, 1, "mosquitto", "/x", "c2"), a);
	assert_int_equal(owners__take(&o, 1, "mosquitto", "/x", "c1"), a);
	/* the kernel's names have 15 characters */
	a = owners__take(&o, 2, "fifteen-letters", "", "");
	assert_int_equal(owners__take(&o, 2, "fifteen-letters-and-more", "", ""), a);
	assert_int_not_equal(owners__take(&o, 2, "fifteen-letterz", "", ""), a);
	owners__free(&o);
}

static void test_many_owners_at_once(void **state)
{
	enum { N = 1000 };
	struct owners o = { 0 };
	uint32_t indices[N], i;
	char comm[16];

	(void)state;
	for (i = 0; i < N; i++) {
		snprintf(comm, sizeof(comm), "p%u", i);
		indices[i] = owners__take(&o, i, comm, "/", "");
		assert_int_not_equal(indices[i], 0);
	}
	for (i = 0; i < N; i++) {
		snprintf(comm, sizeof(comm), "p%u", i);
		assert_string_equal(owners__at(&o, indices[i])->comm, comm);
		assert_int_equal(owners__take(&o, i, comm, "/", ""), indices[i]);
		assert_int_equal(owners__at(&o, indices[i])->references, 2);
	}
	assert_int_equal(o.used, N);
	owners__free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_are_added_up_and_ranked),
		cmocka_unit_test(test_no_programs_and_one),
		cmocka_unit_test(test_quantiles_are_members),
		cmocka_unit_test(test_crowded_ports),
		cmocka_unit_test(test_an_address_of_each_family_is_a_peer),
		cmocka_unit_test(test_tallies_against_the_obvious),
		cmocka_unit_test(test_an_owner_lives_as_long_as_it_is_referred_to),
		cmocka_unit_test(test_each_word_of_an_owner_tells_it_apart),
		cmocka_unit_test(test_many_owners_at_once),
	};

	return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
