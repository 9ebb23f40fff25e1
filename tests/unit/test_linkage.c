// SPDX-License-Identifier: GPL-2.0
/* Reconnects: the evidence of ports and silences, and how it is learned. */
#include <math.h>
#include <stdlib.h>

#include "devices/linkage.h"
#include "unit.h"

#define POOL 42

static struct link_view view_after(const struct linkage *l, const struct link_pool *pool,
				   uint16_t last_port, uint16_t port)
{
	struct link_view v = linkage__view(l, pool);

	linkage__see_previous(&v, pool, last_port, port);
	return v;
}

/* ---- first guesses ---- */

static void test_classes_of_port_steps(void **state)
{
	static const struct {
		uint16_t old, new;
		unsigned int step;
	} cases[] = {
		{ 1000, 1001, 0 },  { 1000, 1002, 1 },	{ 1000, 1003, 2 },  { 1000, 1004, 2 },
		{ 1000, 1005, 3 },  { 1000, 1008, 3 },	{ 1000, 1009, 4 },  { 1000, 1016, 4 },
		{ 1000, 1017, 5 },  { 1000, 1064, 5 },	{ 1000, 1065, 6 },  { 1000, 1256, 6 },
		{ 1000, 1257, 7 },  { 1000, 2024, 7 },	{ 1000, 2025, 12 }, { 1000, 999, 8 },
		{ 1000, 984, 8 },   { 1000, 983, 9 },	{ 5000, 4936, 9 },  { 5000, 4935, 10 },
		{ 5000, 4744, 10 }, { 5000, 4743, 11 }, { 5000, 3976, 11 }, { 5000, 3975, 12 },
		{ 1000, 1000, 12 }, { 65535, 0, 0 },	{ 0, 65535, 8 },    { 65535, 1, 1 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(linkage__step(cases[i].old, cases[i].new), cases[i].step);
}

static void test_nothing_is_known_at_first(void **state)
{
	struct linkage l = { 0 };
	struct link_view v = linkage__view(&l, NULL);

	(void)state;
	assert_null(linkage__find(&l, POOL));
	assert_true(fabs(v.share - 0.65) < 1e-9);
	assert_true(fabs(v.weight[LINK_IDLE] - 1) < 1e-9);
	assert_true(v.weight[LINK_TWIN] < v.weight[LINK_FRESH]);
	assert_true(v.weight[LINK_FRESH] < v.weight[LINK_RECENT]);
	assert_true(v.weight[LINK_OVERDUE] < v.weight[LINK_ASKED_ONCE]);
	assert_true(v.weight[LINK_ASKED_ONCE] < v.weight[LINK_ASKED]);
	assert_true(v.twin[LINK_TWIN] > 0.95 && v.twin[LINK_ASKED] < 0.01);
	assert_true(v.ordinary == 1);
	/* the next port: a link in 0.65, 0.002 or 0.24 of those where it says something; one of
	 * 64,512 by chance */
	assert_true(fabs(linkage__port_weight(&v, 5000, 5001) /
				 ((0.25 * 0.65 + 0.15 * 0.002 + 0.2 * 0.24) * 64512) -
			 1) < 0.01);
	assert_true(fabs(linkage__port_weight(&v, 5000, 40000) -
			 (0.4 + (0.25 * 0.05 + 0.15 * 0.052 + 0.2 * 0.45) * 64512 /
					(64512 - 2048))) < 1e-6);
	assert_true(linkage__port_shows(10) && !linkage__port_shows(9.9));
}

static void test_a_port_that_is_ordinary_says_less(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = linkage__pool(&l, POOL, S);
	struct link_view alone = linkage__view(&l, pool);
	struct link_view next = view_after(&l, pool, 5000, 5001);
	struct link_view far = view_after(&l, pool, 20000, 5001);
	struct link_view crowded = alone;
	struct link_crowd crowd = { 0 };
	unsigned int i;

	(void)state;
	/* a NAT that numbers its mappings is as likely as a device that counts */
	assert_true(linkage__port_weight(&alone, 5000, 5001) > 10000);
	assert_true(linkage__port_weight(&next, 5000, 5001) < 3);
	assert_true(linkage__port_weight(&far, 5000, 5001) > 5000);
	/* three of four others within sixteen ports */
	for (i = 0; i < 4; i++)
		linkage__count_port(&crowd, 5001 + (i ? i * 5 : 0), 5001);
	linkage__count_port(&crowd, 40000, 5001);
	assert_int_equal(crowd.members, 5);
	assert_int_equal(crowd.near[0], 4);
	assert_int_equal(crowd.near[2], 4);
	linkage__see_crowd(&crowded, &crowd);
	assert_true(fabs(crowded.ordinary - (3 + 5 * 33 / 64512.0) / (0.5 + 5 * 33 / 64512.0)) <
		    1e-9);
	linkage__see_crowd(&crowded, &(struct link_crowd){ .members = 2, .near = { 1, 1, 1 } });
	assert_true(crowded.ordinary > 5.9 && crowded.ordinary < 6);
	linkage__free(&l);
}

static void test_none_of_the_known(void **state)
{
	struct link_view v = { .share = 0.5 };

	(void)state;
	assert_true(fabs(linkage__none(&v, 10) - 10.3) < 1e-9);
	assert_true(fabs(linkage__none(&v, 0) - 0.3) < 1e-9);
	v.share = 0.8;
	assert_true(fabs(linkage__none(&v, 10) - (2 + 0.15) / 0.8) < 1e-9);
}

static void test_whoever_is_silent_while_others_come_may_be_among_them(void **state)
{
	struct link_view v = { .share = 0.5 };

	(void)state;
	assert_true(fabs(linkage__still_to_come(&v, 0, 3) - 0.7) < 1e-9);
	assert_true(linkage__still_to_come(&v, 6, 3) < linkage__still_to_come(&v, 6, 30));
	assert_true(fabs(linkage__still_to_come(&v, 6, 3) - 0.7 * exp(-1) / (0.7 * exp(-1) + 0.3)) <
		    1e-9);
	assert_true(linkage__still_to_come(&v, 1000, 0) < 1e-9);
}

/* ---- what is learned ---- */

static void come(struct linkage *l, struct link_pool *pool, uint64_t cookie, uint16_t old,
		 uint16_t port, uint64_t at_ns, double belief)
{
	struct link_view v = linkage__view(l, pool);
	double weights[LINK_STEPS] = { 0 };

	linkage__count_pair(l, pool,
			    &(struct link_pair){ .old = cookie,
						 .at_ns = at_ns,
						 .belief = belief,
						 .state = LINK_IDLE,
						 .step = linkage__step(old, port),
						 .near = linkage__step(old, port) != 12 });
	weights[linkage__step(old, port)] = 1;
	linkage__count_steps(l, pool, &v, weights, 0.5);
	linkage__count_state(l, pool, LINK_IDLE, 1, 1);
	linkage__count_arrival(l, pool, at_ns, port, belief);
}

/* Of a hundred arrivals each is the device one port further on. */
static void test_devices_that_count(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = linkage__pool(&l, POOL, S);
	struct link_view v;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		uint16_t port = i * 7919;

		come(&l, pool, i + 1, port, port + 1, i * S + S, 1);
	}
	v = view_after(&l, pool, 100, 30001);
	assert_true(v.share > 0.9 && v.share <= 0.95);
	assert_true(linkage__port_weight(&v, 30000, 30001) > 0.6 * 64512);
	assert_true(v.chance[PORTS_UNLINKED] < 0.01 && v.chance[PORTS_OF_BLOCK] < 0.01);
	assert_true(linkage__port_weight(&v, 30000, 50000) < 0.1);
	assert_true(fabs(linkage__arrivals_per_ns(pool, 100 * S) - 100.0 / (159 * S)) < 1e-18);
	assert_true(fabs(linkage__arrivals_by_chance_per_ns(pool) - 101.0 / (159 * S)) < 1e-18);
	assert_true(fabs(linkage__arrivals_by_chance_per_ns(NULL) - 1.0 / (60 * S)) < 1e-18);
	/* another address begins where all together are */
	v = linkage__view(&l, NULL);
	assert_true(linkage__port_weight(&v, 1, 2) > 0.3 * 64512);
	linkage__free(&l);
}

/* Each arrival has the port after the one before, whichever device it is. */
static void test_a_nat_that_numbers(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = linkage__pool(&l, POOL, S);
	struct link_view v;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		linkage__count_arrival(&l, pool, i * S + S, 3000 + i, 0);
	assert_int_equal(pool->last_port, 3099);
	assert_int_equal(pool->last_ns, 100 * S);
	v = view_after(&l, pool, 3099, 3100);
	assert_true(v.share < 0.05 && v.share >= 0.02);
	assert_true(v.ordinary > 0.9 * 65536);
	assert_true(linkage__port_weight(&v, 3099, 3100) < 1);
	/* a step of two or four is none that it takes */
	assert_true(view_after(&l, pool, 3099, 3103).ordinary <
		    view_after(&l, pool, 3099, 3101).ordinary);
	linkage__free(&l);
}

/* ---- fates ---- */

static struct link_pool *believed(struct linkage *l, double belief)
{
	struct link_pool *pool = linkage__pool(l, POOL, S);

	come(l, pool, 7, 5000, 5001, 10 * S, belief);
	return pool;
}

static void test_heard_again(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = believed(&l, 0.8);

	(void)state;
	linkage__resolve(&l, POOL, 7, LINK_HEARD, 10 * S); /* not after it */
	linkage__resolve(&l, POOL, 8, LINK_HEARD, 11 * S); /* another one */
	linkage__resolve(&l, POOL + 1, 7, LINK_HEARD, 11 * S);
	assert_int_equal(pool->pair_count, 1);
	assert_true(fabs(pool->counts.links - 0.8) < 1e-6);
	linkage__resolve(&l, POOL, 7, LINK_HEARD, 11 * S);
	assert_int_equal(pool->pair_count, 0);
	assert_true(pool->counts.links < 1e-6 && l.all.links < 1e-6);
	assert_true(pool->counts.steps[0] < 1e-6 && pool->counts.observed[LINK_IDLE] < 1e-6);
	/* the ports show that one device holds both */
	assert_true(fabs(pool->counts.near[LINK_IDLE] - 0.8) < 1e-6);
	assert_true(fabs(pool->counts.twins[LINK_IDLE] - 0.8) < 1e-6);
	assert_true(fabs(pool->counts.fates[LINK_IDLE] - 0.2) < 1e-6);
	assert_true(pool->counts.deaths[LINK_IDLE] == 0);
	linkage__free(&l);
}

static void test_found_dead(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = believed(&l, 0.5);

	(void)state;
	linkage__resolve(&l, POOL, 7, LINK_DEAD, 100 * S);
	/* odds of 1, against one in ten that it was dead anyway */
	assert_true(fabs(pool->counts.links - 1 / 1.1) < 1e-3);
	assert_true(fabs(pool->counts.near[LINK_IDLE] - 1 / 1.1) < 1e-3);
	assert_true(fabs(pool->counts.deaths[LINK_IDLE] - 0.5) < 1e-6);
	assert_true(pool->counts.twins[LINK_IDLE] == 0);
	linkage__free(&l);
}

static void test_closed_soon_after_or_later(void **state)
{
	unsigned int s;

	(void)state;
	for (s = 12; s <= 13; s++) {
		struct linkage l = { 0 };
		struct link_pool *pool = believed(&l, 0.5);

		linkage__resolve(&l, POOL, 7, LINK_CLOSED, s * S);
		assert_int_equal(pool->counts.links > 0.5, s == 12);
		assert_int_equal(pool->counts.links < 0.5, s == 13);
		linkage__free(&l);
	}
}

/* One device came back once: of two pairs no more than one is true. */
static void test_two_pairs_of_one(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = believed(&l, 0.5);

	(void)state;
	come(&l, pool, 7, 5000, 5003, 20 * S, 0.5);
	linkage__resolve(&l, POOL, 7, LINK_DEAD, 100 * S);
	assert_int_equal(pool->pair_count, 0);
	assert_true(pool->counts.links > 0.9 && pool->counts.links < 0.96);
	linkage__free(&l);
}

/* ---- bounds ---- */

static void test_memory_is_bounded(void **state)
{
	struct linkage l = { 0 };
	uint64_t key, cookie;

	(void)state;
	for (key = 1; key <= 100000; key++) {
		struct link_pool *pool = linkage__pool(&l, key, key * S / 1000);

		assert_non_null(pool);
		assert_int_equal(pool->key, key);
		for (cookie = 1; key <= 2000 && cookie <= 300; cookie++)
			linkage__count_pair(&l, pool,
					    &(struct link_pair){ .old = cookie, .belief = 0.5 });
		assert_true(pool->pair_count <= LINKAGE_PAIRS_MAX);
	}
	assert_true(l.size <= 2 * LINKAGE_POOLS_MAX && l.used <= l.size - l.size / 4);
	assert_true(l.pairs <= LINKAGE_ALL_PAIRS_MAX);
	assert_non_null(linkage__find(&l, 100000));
	linkage__free(&l);
}

/* Of pools without an arrival for an hour none stays, where there are too many. */
static void test_who_comes_is_remembered(void **state)
{
	struct linkage l = { 0 };
	uint64_t key;

	(void)state;
	linkage__pool(&l, 1, S);
	for (key = 2; key < LINKAGE_POOLS_MAX; key++)
		linkage__pool(&l, key, 2 * S);
	linkage__find(&l, 5)->last_ns = 7200 * S;
	for (key = 1 << 20; key < (1 << 20) + LINKAGE_POOLS_MAX; key++)
		linkage__pool(&l, key, 7200 * S);
	assert_non_null(linkage__find(&l, 5));
	assert_null(linkage__find(&l, 1));
	assert_null(linkage__find(&l, 6));
	linkage__free(&l);
}

static void test_little_is_not_remembered(void **state)
{
	struct linkage l = { 0 };
	struct link_pool *pool = believed(&l, 0.01);

	(void)state;
	assert_int_equal(pool->pair_count, 0);
	assert_true(fabs(pool->counts.steps[0] - 0.01) < 1e-6);
	linkage__free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_of_port_steps),
		cmocka_unit_test(test_nothing_is_known_at_first),
		cmocka_unit_test(test_a_port_that_is_ordinary_says_less),
		cmocka_unit_test(test_none_of_the_known),
		cmocka_unit_test(test_whoever_is_silent_while_others_come_may_be_among_them),
		cmocka_unit_test(test_devices_that_count),
		cmocka_unit_test(test_a_nat_that_numbers),
		cmocka_unit_test(test_heard_again),
		cmocka_unit_test(test_found_dead),
		cmocka_unit_test(test_closed_soon_after_or_later),
		cmocka_unit_test(test_two_pairs_of_one),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_who_comes_is_remembered),
		cmocka_unit_test(test_little_is_not_remembered),
	};

	return cmocka_run_group_tests_name("linkage", tests, NULL, NULL);
}
