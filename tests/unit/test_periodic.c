// SPDX-License-Identifier: GPL-2.0
/* Rounds over all open sockets at an interval, a slice a tick. */
#include "core/periodic.h"
#include "table/table.h"
#include "unit.h"

static struct table table;
static struct periodic round;

static void open_sockets(uint64_t count)
{
	uint64_t cookie;
	bool added;

	for (cookie = 1; cookie <= count; cookie++)
		assert_non_null(table__get(&table, cookie, &added));
}

static int begin(void **state)
{
	(void)state;
	table = (struct table){ .used = 0 };
	round = (struct periodic){ .due_ns = 10 * S };
	return 0;
}

static int end(void **state)
{
	(void)state;
	periodic__free(&round);
	table__free(&table);
	return 0;
}

static void pass_time(uint64_t at_s, bool under_way)
{
	assert_int_equal(periodic__pass_time(&round, &table, 5 * S, at_s * S), 0);
	assert_int_equal(periodic__is_under_way(&round), under_way);
}

static void test_each_socket_comes_once_a_round(void **state)
{
	enum { N = 10000 };
	static unsigned int seen[N + 1];
	const uint64_t *cookies;
	size_t n, i, total = 0, slices = 0;

	(void)state;
	memset(seen, 0, sizeof(seen));
	open_sockets(N);
	pass_time(9, false);
	pass_time(10, true);
	while ((n = periodic__slice(&round, &cookies))) {
		assert_true(n <= 4096);
		for (i = 0; i < n; i++)
			seen[cookies[i]]++;
		total += n;
		slices++;
		pass_time(11, total < N);
	}
	assert_null(cookies);
	assert_int_equal(total, N);
	assert_int_equal(slices, 3);
	for (i = 1; i <= N; i++)
		assert_int_equal(seen[i], 1);
}

static void test_rounds_begin_at_the_interval(void **state)
{
	const uint64_t *cookies;

	(void)state;
	open_sockets(3);
	pass_time(12, true);
	assert_int_equal(periodic__slice(&round, &cookies), 3);
	pass_time(16, false);	/* five seconds after the last began */
	pass_time(17, true);
	open_sockets(4);
	pass_time(40, true);	/* it goes on, however late */
	assert_int_equal(periodic__slice(&round, &cookies), 3);
	pass_time(40, true);
	assert_int_equal(periodic__slice(&round, &cookies), 4);
	periodic__free(&round);
	assert_false(periodic__is_under_way(&round));
}

static void test_a_round_over_nobody(void **state)
{
	const uint64_t *cookies;

	(void)state;
	pass_time(10, false);
	assert_int_equal(round.due_ns, 15 * S);
	assert_int_equal(periodic__slice(&round, &cookies), 0);
	assert_null(cookies);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_socket_comes_once_a_round),
		TEST(test_rounds_begin_at_the_interval),
		TEST(test_a_round_over_nobody),
	};

	return cmocka_run_group_tests_name("periodic", tests, NULL, NULL);
}
