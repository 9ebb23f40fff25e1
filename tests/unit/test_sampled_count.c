// SPDX-License-Identifier: GPL-2.0
/* Estimates from samples without replacement. */
#include <stdio.h>
#include <stdlib.h>

#include "tuning/sampled_count.h"
#include "unit.h"

static void assert_count(struct sampled_count c, uint64_t estimate, uint64_t low, uint64_t high)
{
	assert_true(c.known);
	assert_int_equal(c.estimate, estimate);
	assert_int_equal(c.low, low);
	assert_int_equal(c.high, high);
}

static void test_all_looked_at_leave_no_error(void **state)
{
	(void)state;
	assert_count(sampled_count__of(1000, 1000, 137, 0), 137, 137, 137);
	assert_count(sampled_count__of(1, 1, 0, 0), 0, 0, 0);
	assert_count(sampled_count__of(300000, 300000, 300000, 0), 300000, 300000, 300000);
}

/* Whom nobody could judge may be one or the other. */
static void test_unclear_ones_widen(void **state)
{
	(void)state;
	assert_count(sampled_count__of(1000, 1000, 137, 100), 152, 137, 237);
	assert_false(sampled_count__of(1000, 1000, 0, 1000).known);
	assert_false(sampled_count__of(1000, 0, 0, 0).known);
	assert_false(sampled_count__of(0, 0, 0, 0).known);
	assert_int_equal(sampled_count__of(0, 0, 0, 0).high, 0);
	assert_int_equal(sampled_count__of(1000, 0, 0, 0).high, 1000);
}

/* By exact fractions (Python): the smallest D with sf(u - 1, N, D, n) > 0.025, and the largest with
 * cdf(u, N, D, n) > 0.025. */
static void test_limits_of_the_hypergeometric_distribution(void **state)
{
	(void)state;
	assert_count(sampled_count__of(10000, 100, 47, 0), 4700, 3699, 5719);
	assert_count(sampled_count__of(1000, 100, 0, 0), 0, 0, 34);
	assert_count(sampled_count__of(300000, 3000, 1, 0), 100, 3, 554);
	assert_count(sampled_count__of(50, 20, 3, 0), 8, 3, 16);
	assert_count(sampled_count__of(100, 10, 10, 0), 100, 71, 100);
}

/* Whoever was found outside the sample counts for certain. */
static void test_what_is_certain_narrows(void **state)
{
	struct sampled_count c = sampled_count__of(1000, 100, 0, 0);

	(void)state;
	assert_count(sampled_count__certain(c, 0, 1000), 0, 0, 34);
	assert_count(sampled_count__certain(c, 3, 20), 3, 3, 20);
	assert_count(sampled_count__certain(c, 50, 900), 50, 50, 50);
	c = sampled_count__certain(sampled_count__of(200, 0, 0, 0), 7, 107);
	assert_false(c.known);
	assert_int_equal(c.low, 7);
	assert_int_equal(c.high, 107);
}

/* How many of those drawn have it. */
static uint64_t draw(uint64_t total, uint64_t with, uint64_t drawn)
{
	uint64_t found = 0;

	for (; drawn; drawn--, total--)
		if ((uint64_t)(drand48() * total) < with) {
			found++;
			with--;
		}
	return found;
}

static void test_covers_the_truth(void **state)
{
	static const uint64_t cases[][3] = { { 1000, 137, 100 }, { 9900, 4625, 99 }, { 300, 2, 60 },
					     { 40, 13, 30 } };
	unsigned int i, n, covered;

	(void)state;
	srand48(1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = covered = 0; n < 2000; n++) {
			struct sampled_count c = sampled_count__of(
				cases[i][0], cases[i][2],
				draw(cases[i][0], cases[i][1], cases[i][2]), 0);

			covered += c.low <= cases[i][1] && cases[i][1] <= c.high;
		}
		assert_true(covered >= 1880);	/* 0.95 of 2,000, and four standard errors below */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_looked_at_leave_no_error),
		cmocka_unit_test(test_unclear_ones_widen),
		cmocka_unit_test(test_limits_of_the_hypergeometric_distribution),
		cmocka_unit_test(test_what_is_certain_narrows),
		cmocka_unit_test(test_covers_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
