// SPDX-License-Identifier: GPL-2.0
/* Idle gaps of a connection: joined where they are alike, kept in order, bounded in number. */
#include <stdlib.h>

#include "connection/gaps.h"
#include "unit.h"

static struct gaps gaps;

static int begin(void **state)
{
	(void)state;
	gaps = (struct gaps){ .used = 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	gaps__free(&gaps);
	assert_int_equal(gaps.used, 0);
	assert_null(gaps__kept(&gaps));
	return 0;
}

static void add(uint64_t from_ms, uint64_t to_ms, bool ended_by_us)
{
	gaps__add(&gaps, from_ms * MS, to_ms * MS, ended_by_us);
}

static void is(unsigned int i, uint32_t from_ms, uint32_t to_ms, uint32_t count, bool ended_by_us)
{
	const struct gap *g = &gaps__kept(&gaps)[i];

	assert_true(i < gaps.used);
	assert_int_equal(g->from_ms, from_ms);
	assert_int_equal(g->to_ms, to_ms);
	assert_int_equal(g->count, count);
	assert_int_equal(g->ended_by_us, ended_by_us);
}

static void test_bounds_in_milliseconds(void **state)
{
	(void)state;
	assert_int_equal(gaps__longest_ms(&gaps), 0);
	gaps__add(&gaps, 1000 * MS + 999999, 1000 * MS + 1, false);	/* down, and up */
	is(0, 1000, 1001, 1, false);
	gaps__add(&gaps, 5000000 * S, UINT64_MAX - S, false);
	is(1, UINT32_MAX, UINT32_MAX, 1, false);
	assert_int_equal(gaps__longest_ms(&gaps), UINT32_MAX);
}

/* Within 5 % and 50 ms; the range covers both. */
static void test_alike(void **state)
{
	(void)state;
	add(1000, 1000, false);
	add(1100, 1100, false);
	assert_int_equal(gaps.used, 1);
	is(0, 1000, 1100, 2, false);
	add(1050, 1060, false);
	is(0, 1000, 1100, 3, false);
	add(1101, 1101, false);		/* the range would be too wide */
	assert_int_equal(gaps.used, 2);
	is(1, 1101, 1101, 1, false);
	add(1000, 1100, true);		/* ended by the other side */
	assert_int_equal(gaps.used, 3);
	is(2, 1000, 1100, 1, true);
	add(960, 970, true);
	assert_int_equal(gaps.used, 4);	/* 960 * 5 % + 50 = 98 */
	add(962, 970, true);
	is(2, 960, 970, 2, true);
	add(100000, 100000, true);
	add(105050, 105050, true);
	assert_int_equal(gaps.used, 5);
	is(4, 100000, 105050, 2, true);
}

static void test_order(void **state)
{
	(void)state;
	add(8000, 8000, true);
	add(4000, 4000, false);
	add(2000, 2000, true);
	add(16000, 16000, false);
	add(1000, 1000, false);
	assert_int_equal(gaps.used, 5);
	is(0, 1000, 1000, 1, false);
	is(1, 4000, 4000, 1, false);
	is(2, 16000, 16000, 1, false);
	is(3, 2000, 2000, 1, true);
	is(4, 8000, 8000, 1, true);
	assert_int_equal(gaps__longest_ms(&gaps), 16000);
	add(20000, 20000, true);
	assert_int_equal(gaps__longest_ms(&gaps), 20000);
}

static void add_eight(void)
{
	uint64_t ms;

	for (ms = 1000; ms <= 128000; ms *= 2)
		add(ms, ms, false);
	assert_int_equal(gaps.used, 8);
}

/* Of nine the two that are nearest in proportion are joined. */
static void test_the_nearest_are_joined(void **state)
{
	static const struct {
		uint32_t ms, from_ms, to_ms;
		unsigned int place;
	} ninth[] = {
		{ 10000, 8000, 10000, 3 }, { 1300, 1000, 1300, 0 }, { 150000, 128000, 150000, 7 },
		{ 110000, 110000, 128000, 7 }, { 800, 800, 1000, 0 },
	};
	unsigned int n, i;

	(void)state;
	for (n = 0; n < sizeof(ninth) / sizeof(ninth[0]); n++) {
		end(NULL);
		add_eight();
		add(ninth[n].ms, ninth[n].ms, false);
		assert_int_equal(gaps.used, 8);
		for (i = 0; i < 8; i++)
			if (i == ninth[n].place)
				is(i, ninth[n].from_ms, ninth[n].to_ms, 2, false);
			else
				is(i, 1000 << i, 1000 << i, 1, false);
	}
}

/* Those that we ended are never joined with those of the peer, however near. */
static void test_kinds_are_not_joined(void **state)
{
	uint64_t ms;

	(void)state;
	for (ms = 1000; ms <= 64000; ms *= 2)
		add(ms, ms, false);
	add(64000, 64000, true);
	add(100000, 100000, true);
	assert_int_equal(gaps.used, 8);
	is(6, 64000, 64000, 1, false);
	is(7, 64000, 100000, 2, true);
	end(NULL);
	for (ms = 1000; ms <= 64000; ms *= 2)
		add(ms, ms, true);
	add(1000, 1000, false);
	add(200000, 200000, false);
	assert_int_equal(gaps.used, 8);
	is(0, 1000, 1000, 1, false);
	is(1, 200000, 200000, 1, false);
	is(2, 1000, 2000, 2, true);	/* the first of those that are as near */
	is(7, 64000, 64000, 1, true);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bounds_in_milliseconds),
		TEST(test_alike),
		TEST(test_order),
		TEST(test_the_nearest_are_joined),
		TEST(test_kinds_are_not_joined),
	};

	return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
