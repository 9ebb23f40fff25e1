// SPDX-License-Identifier: GPL-2.0
/* A proxy's two sides of one device, and what cannot be told. */
#include "exposure/pairs.h"
#include "facts.h"

static struct pair_side sides[400];
static size_t count;

/* One side: what went towards the program and back, and when the last of each, in jiffies. */
static void add(bool accepted, uint32_t owner, uint64_t in, uint64_t out, uint32_t in_at, uint32_t out_at)
{
	sides[count] = (struct pair_side){
		.cookie = 1000 + count, .received = accepted ? in : out, .sent = accepted ? out : in,
		.received_jiffies = accepted ? in_at : out_at,
		.sent_jiffies = accepted ? out_at : in_at, .owner = owner, .netns = 1,
		.accepted = accepted, .all_acked = true, .socket = count };
	count++;
}

/* The cookie of the other side; 0: none is told. */
static uint64_t other_of(uint64_t cookie)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sides[i].cookie == cookie)
			return sides[i].other ? sides[sides[i].other - 1].cookie : 0;
	return 0;
}

static int begin(void **state)
{
	(void)state;
	count = 0;
	return 0;
}

static void test_by_bytes(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {	/* all at once */
		add(true, 7, 10 + i, 20, 100, 101);
		add(false, 7, 10 + i, 20, 100, 101);
	}
	pairs__find(sides, count, HZ);
	for (i = 0; i < 100; i++) {
		assert_int_equal(other_of(1000 + 2 * i), 1001 + 2 * i);
		assert_int_equal(other_of(1001 + 2 * i), 1000 + 2 * i);
	}
	assert_true(sides[0].confidence == 0.99 && sides[0].apart_ms == 0);
}

static void test_by_times(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {	/* the same bytes, three seconds apart; across the clock's turn */
		add(true, 7, 10, 20, 3 * HZ * i - 40 * HZ, 3 * HZ * i - 40 * HZ + 5);
		add(false, 7, 10, 20, 3 * HZ * i - 40 * HZ + 1, 3 * HZ * i - 40 * HZ + 4);
	}
	pairs__find(sides, count, HZ);
	for (i = 0; i < 50; i++)
		assert_int_equal(other_of(1000 + 2 * i), 1001 + 2 * i);
	assert_int_equal(sides[0].apart_ms, 1000 / HZ);
}

static void test_same_bytes_and_times(void **state)
{
	unsigned int apart;

	(void)state;
	for (apart = 0; apart < 60; apart++) {
		count = 0;
		add(true, 7, 10, 20, 500, 505);
		add(false, 7, 10, 20, 500, 505);
		add(true, 7, 10, 20, 500 + apart, 505 + apart);
		add(false, 7, 10, 20, 500 + apart, 505 + apart);
		pairs__find(sides, count, HZ);
		assert_int_equal(other_of(1000), 0);
		assert_int_equal(other_of(1003), 0);
	}
}

static void test_more_alike_than_can_be_looked_at(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 400; i++)
		add(i % 2, 7, 0, 20, 100, 100 + i);	/* nothing came from the devices */
	pairs__find(sides, count, HZ);
	for (i = 0; i < 400; i++)
		assert_int_equal(other_of(1000 + i), 0);
}

static void test_no_pair(void **state)
{
	size_t i;

	(void)state;
	add(true, 7, 10, 20, 100, 100);		/* of another program, ... */
	add(false, 8, 10, 20, 100, 100);
	add(true, 0, 11, 20, 100, 100);		/* ... of nobody who is known, ... */
	add(false, 0, 11, 20, 100, 100);
	add(true, 7, 12, 20, 100, 100);		/* ... accepted both, ... */
	add(true, 7, 12, 20, 100, 100);
	add(false, 7, 13, 20, 100, 100);	/* ... or made both, ... */
	add(false, 7, 13, 20, 100, 100);
	add(true, 7, 14, 20, 100, 100);		/* ... with other bytes one way, ... */
	add(false, 7, 14, 21, 100, 100);
	add(true, 7, 15, 20, 100, 100);		/* ... at other times one way, ... */
	add(false, 7, 15, 20, 100, 100 + 2 * HZ);
	add(true, 7, 0, 0, 100, 100);		/* ... where nothing was said, ... */
	add(false, 7, 0, 0, 100, 100);
	add(true, 7, 16, 20, 100, 100);		/* ... where more is under way to the program, ... */
	add(false, 7, 16, 20, 100, 100);
	sides[count - 1].all_acked = false;
	add(true, 7, 17, 20, 100, 100);		/* ... or in another namespace */
	add(false, 7, 17, 20, 100, 100);
	sides[count - 1].netns = 2;
	pairs__find(sides, count, HZ);
	for (i = 0; i < count; i++)
		assert_int_equal(sides[i].other, 0);
	pairs__find(sides, 0, HZ);
}

/* Of programs that only accept or only connect little is left to compare, and a proxy's sides are found
 * among what is. */
static void test_most_are_no_proxies(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 300; i++)
		add(i < 200, i < 200 ? 7 : 8, i, 20, 100, 101);
	assert_true(pairs__find(sides, count, HZ) < 150);	/* but for runs of one hash */
	for (i = 0; i < 300; i++)
		assert_int_equal(other_of(1000 + i), 0);
	count = 0;
	for (i = 0; i < 300; i++)
		add(true, 7, i, 20, 100, 101);
	add(false, 7, 250, 20, 100, 101);
	assert_true(pairs__find(sides, count, HZ) < 10);
	assert_int_equal(other_of(1250), 1300);
	assert_int_equal(other_of(1300), 1250);
}

/* A dead device: what came for it is on its way still, again and again. */
static void test_under_way_to_the_device(void **state)
{
	(void)state;
	add(true, 7, 10, 20, 100, 9000);
	sides[0].all_acked = false;
	add(false, 7, 10, 27, 100, 300);
	pairs__find(sides, 2, HZ);
	assert_int_equal(other_of(1000), 1001);
	count = 0;
	add(true, 7, 10, 28, 100, 300);		/* more was acknowledged than came */
	sides[0].all_acked = false;
	add(false, 7, 10, 27, 100, 300);
	pairs__find(sides, 2, HZ);
	assert_int_equal(other_of(1000), 0);
}

static void test_what_a_row_shows(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);
	struct pair_side side;

	(void)state;
	e.bytes_received = 11;
	e.bytes_acked = 21;
	e.flags = HO_F_ALL_ACKED;
	assert_true(pair_side__of(&e, true, &side));
	assert_true(side.received == 11 && side.sent == 21 && side.all_acked && side.accepted);
	assert_true(pair_side__of(&e, false, &side));	/* its SYN was acknowledged */
	assert_int_equal(side.sent, 20);
	e.state = TCP_CLOSE_WAIT;			/* the peer's FIN was taken */
	assert_true(pair_side__of(&e, true, &side));
	assert_int_equal(side.received, 10);
	e.bytes_received = 0;
	assert_false(pair_side__of(&e, true, &side));
	e.state = TCP_FIN_WAIT2;
	assert_false(pair_side__of(&e, true, &side));
	e.state = TCP_ESTABLISHED;
	e.bytes_acked = 1;				/* its SYN, and no data either way */
	assert_false(pair_side__of(&e, false, &side));
	e.bytes_acked = 0;
	assert_false(pair_side__of(&e, false, &side));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_by_bytes, begin),
		cmocka_unit_test_setup(test_by_times, begin),
		cmocka_unit_test_setup(test_same_bytes_and_times, begin),
		cmocka_unit_test_setup(test_more_alike_than_can_be_looked_at, begin),
		cmocka_unit_test_setup(test_no_pair, begin),
		cmocka_unit_test_setup(test_most_are_no_proxies, begin),
		cmocka_unit_test_setup(test_under_way_to_the_device, begin),
		cmocka_unit_test(test_what_a_row_shows),
	};

	return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
