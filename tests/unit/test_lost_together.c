// SPDX-License-Identifier: GPL-2.0
/* Connections that were lost at one time: an outage is one event, a timer spares who came later. */
#include "made_up.h"
#include "tuning/lost_together.h"

static struct path_witness all[40];
static size_t count;

static int begin(void **state)
{
	(void)state;
	memset(all, 0, sizeof(all));
	count = 0;
	return 0;
}

static void add(double began_at, double heard_at, double lost_s)
{
	all[count++] = (struct path_witness){ .began_at = began_at,
					      .heard_at = heard_at,
					      .lost_s = lost_s };
}

/* Of one who was heard last at 5,000 s, and found lost a minute later. */
static double spared(void)
{
	struct lost_together l;
	double share;

	assert_true(lost_together__gather(&l, all, count));
	share = lost_together__spared(&l, 5000, 60);
	lost_together__free(&l);
	assert_true(!l.began && !l.count);
	return share;
}

static void test_alone(void **state)
{
	struct lost_together l;

	(void)state;
	add(1000, 5000, 60);
	assert_near(spared(), 0, 0); /* nobody else says that the path was up */
	assert_true(lost_together__gather(&l, all, count));
	assert_near(lost_together__spared(&l, 0, 60), 1, 0); /* nobody says when */
	lost_together__free(&l);
}

static void test_an_outage_ends_all_who_were_there(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		add(1000 + 10 * i, 4990 + i, 60);
	assert_near(spared(), 0, 0);
	/* who comes once it is over was not there */
	for (i = 0; i < 10; i++)
		add(5001 + i, 9000, 0);
	assert_near(spared(), 0, 0);
}

/* Of five who are heard later, for each of these and of those who were lost in the minute before
 * and after: the other three, and itself. */
static void test_those_who_are_heard_later_were_spared(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		add(1000, 6000 + i, i % 2 ? 60 : 0);
	add(1000, 5000, 60);
	add(1000, 4941, 60);
	add(1000, 5060, 60);
	add(1000, 4990, 60);
	add(1000, 4940, 60); /* a minute before: no longer */
	add(1000, 3000, 0);  /* ended in order, long before */
	assert_near(spared(), 5 / 9.0, 1e-12);
	/* one who was heard last within that minute, and lives, is not known to have been spared */
	add(1000, 5060, 0);
	assert_near(spared(), 5 / 9.0, 1e-12);
	add(1000, 5061, 0);
	assert_near(spared(), 6 / 10.0, 1e-12);
	add(5000, 5061, 0); /* began just then */
	assert_near(spared(), 7 / 11.0, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_alone, begin),
		cmocka_unit_test_setup(test_an_outage_ends_all_who_were_there, begin),
		cmocka_unit_test_setup(test_those_who_are_heard_later_were_spared, begin),
	};

	return cmocka_run_group_tests_name("lost_together", tests, NULL, NULL);
}
