// SPDX-License-Identifier: GPL-2.0
/* What is told as lost: each event once, and none that a socket's unknown ending shows is left out. */
#include "core/losses.h"
#include "unit.h"

static void test_what_no_program_saw(void **state)
{
	struct losses l = { 0 };

	(void)state;
	losses__count_unseen(&l, 3);
	assert_int_equal(l.unseen, 3);
}

/* One that the kernel counted, and eight endings that passes found: seven more are told. */
static void test_counted_ones_include_as_many_as_they_are(void **state)
{
	struct losses l = { 0 };

	(void)state;
	losses__count(&l, 1);
	losses__count_unseen(&l, 3);
	losses__count_unseen(&l, 5);
	assert_int_equal(l.unseen, 7);
	losses__end_pass(&l);
	losses__count(&l, 2);
	losses__count_unseen(&l, 1);
	losses__count_unseen(&l, 1);
	assert_int_equal(l.unseen, 7);
	losses__count_unseen(&l, 1);
	assert_int_equal(l.unseen, 8);
}

/* Counted before the pass before the last one: what is found now was lost later. */
static void test_counted_long_ago(void **state)
{
	struct losses l = { 0 };

	(void)state;
	losses__count(&l, 5);
	losses__end_pass(&l);
	losses__count_unseen(&l, 1);
	assert_int_equal(l.unseen, 0);
	losses__end_pass(&l);
	losses__count_unseen(&l, 1);
	assert_int_equal(l.unseen, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_no_program_saw),
		cmocka_unit_test(test_counted_ones_include_as_many_as_they_are),
		cmocka_unit_test(test_counted_long_ago),
	};

	return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
