// SPDX-License-Identifier: GPL-2.0
/* Timers that show themselves: by resets that nobody asked for, and by probes that do not hold. */
#include "made_up.h"
#include "tuning/known_timers.h"

#define MANY 60

static struct path_witness all[MANY];
static size_t count;
static struct idle_timeout t;
static bool short_of_memory;

static int begin(void **state)
{
	(void)state;
	memset(all, 0, sizeof(all));
	count = 0;
	t = (struct idle_timeout){ .reason = IDLE_THIN };
	short_of_memory = true;
	return 0;
}

static struct path_witness *add(double weight)
{
	all[count].weight = weight;
	return &all[count++];
}

/* ---- resets ---- */

static void reset(unsigned int n, double after_s, double weight)
{
	while (n--)
		add(weight)->reset_s = after_s;
}

static void survive(unsigned int n, double s)
{
	while (n--)
		add(1)->survived_s = s;
}

static bool find_resets(void)
{
	bool found = known_timers__of_resets(all, count, &t, &short_of_memory);

	assert_false(short_of_memory);
	return found;
}

static void test_five_that_come_at_once_are_a_timer(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		reset(1, 300 + i, 1);
	assert_false(find_resets());
	assert_int_equal(t.reason, IDLE_THIN);
	reset(1, 304, 1);
	assert_true(find_resets());
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(t.told_by_resets);
	assert_same(t.estimate_s, 302);
	assert_same(t.low_s, 299); /* middleboxes look once a second */
	assert_same(t.high_s, 304);
	assert_int_equal(t.steps, 1);
	assert_same(t.step[0].at_s, 302);
	assert_same(t.step[0].share, 1);
}

/* Votes count, not connections; and what came in less than a second is an answer to something. */
static void test_of_one_device_they_are_one_vote(void **state)
{
	(void)state;
	reset(20, 300, 0.2);
	reset(5, 0.9, 1);
	assert_false(find_resets());
	reset(5, 300, 0.21);
	assert_true(find_resets());
}

/* Within a fiftieth of each other, and a second: further apart they are two. */
static void test_how_near_they_must_be(void **state)
{
	(void)state;
	reset(3, 300, 1);
	reset(2, 307, 1); /* 300 * 1.02 + 1 */
	assert_true(find_resets());
	assert_same(t.high_s, 307);
	all[3].reset_s = all[4].reset_s = 307.1;
	assert_false(find_resets());
}

/* Seven in ten of those that came as late or later; what came sooner is something else. */
static void test_most_of_those_as_late(void **state)
{
	(void)state;
	reset(7, 300, 1);
	reset(3, 500, 1);
	assert_true(find_resets());
	reset(1, 900, 1);
	assert_false(find_resets());
	begin(NULL);
	reset(7, 300, 1);
	reset(6, 20, 1);
	reset(6, 100, 1);
	assert_true(find_resets());
	assert_same(t.low_s, 299);
	assert_same(t.high_s, 300);
	assert_same(t.estimate_s, 300);
}

/* Where so many outlive it as are more than three in ten of the reset, it is no timer of all. */
static void test_nobody_outlives_it(void **state)
{
	(void)state;
	reset(10, 300, 1);
	survive(40, 307);
	assert_true(find_resets());
	assert_same(t.step[0].share, 1);
	survive(2, 308);
	assert_true(find_resets());
	assert_same(t.step[0].share, 10.0 / 12);
	survive(2, 1000);
	assert_false(find_resets());
}

static void test_nobody_at_all(void **state)
{
	(void)state;
	assert_false(find_resets());
	assert_int_equal(t.reason, IDLE_THIN);
}

/* ---- probes that do not hold ---- */

/* Answered its probe every minute until it was lost, so long after it began. */
static struct path_witness *lose(double first_s, double weight)
{
	struct path_witness *w = add(weight);

	w->probed = w->lost_to_probe = true;
	w->answered = 14;
	w->lost_s = 60;
	w->first_s = first_s;
	return w;
}

/* Answered for so long, and lives. */
static struct path_witness *outlive(double idle_s)
{
	struct path_witness *w = add(1);

	w->probed = true;
	w->answered = 20;
	w->idle_s = idle_s;
	return w;
}

static bool find_data_only(void)
{
	bool found = known_timers__of_data_only(all, count, &t, &short_of_memory);

	assert_false(short_of_memory);
	return found;
}

/* All within a probe's period behind the timer: it is no longer than the first of them lived, and
 * no shorter than the last but one period. */
static void test_all_lost_at_one_age(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++)
		lose(900 + 8 * i, 1);
	assert_false(find_data_only());
	lose(956, 1);
	assert_true(find_data_only());
	assert_int_equal(t.reason, IDLE_DATA_ONLY);
	assert_same(t.low_s, 896);
	assert_same(t.high_s, 900);
	/* of many, a twentieth at each end is an exception */
	for (i = 0; i < 11; i++)
		lose(920, 1);
	lose(300, 1);
	assert_true(find_data_only());
	assert_same(t.high_s, 900);
	assert_same(t.low_s, 948 - 60);
}

static void test_votes_of_the_lost(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		lose(900, 0.39);
	assert_false(find_data_only());
	lose(900, 0.39);
	assert_true(find_data_only());
	/* they are further apart than a period is long */
	all[0].first_s = all[1].first_s = 840;
	all[2].first_s = all[3].first_s = 919;
	assert_false(find_data_only());
	all[2].first_s = all[3].first_s = 917;
	assert_true(find_data_only());
}

/* No evidence: who was lost at its third probe, sent or received something else, or answered
 * little. */
static void test_who_is_no_witness(void **state)
{
	struct path_witness *w;
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++)
		lose(900, 1);
	w = lose(239, 1);
	assert_false(find_data_only());
	w->first_s = 900;
	assert_true(find_data_only());
	w->pauses = 1;
	assert_false(find_data_only());
	w->pauses = 0;
	w->probed = false;
	assert_false(find_data_only());
	w->probed = true;
	w->answered = 2;
	assert_false(find_data_only());
	w->answered = 3;
	assert_true(find_data_only());
	w->lost_s = 0;
	assert_false(find_data_only());
	/* three periods and the one that it was lost in are enough */
	begin(NULL);
	for (i = 0; i < 8; i++)
		lose(240, 1);
	assert_true(find_data_only());
	assert_same(t.low_s, 180);
}

static void test_others_that_probes_held(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		lose(900, 1);
	outlive(901);
	outlive(2000);
	outlive(900);
	outlive(800);
	assert_true(find_data_only());
	outlive(5000)->pauses = 1; /* it had data, too */
	outlive(5000)->probed = false;
	outlive(5000)->answered = 2;
	assert_true(find_data_only());
	outlive(901);
	outlive(901);
	assert_false(find_data_only());
}

static void test_a_period_that_is_longer_than_the_timer(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		lose(900, 1)->lost_s = i ? 60 : 220;
	assert_true(find_data_only());
	assert_same(t.low_s, 680);
	assert_same(t.high_s, 900);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_five_that_come_at_once_are_a_timer),
		TEST(test_of_one_device_they_are_one_vote),
		TEST(test_how_near_they_must_be),
		TEST(test_most_of_those_as_late),
		TEST(test_nobody_outlives_it),
		TEST(test_nobody_at_all),
		TEST(test_all_lost_at_one_age),
		TEST(test_votes_of_the_lost),
		TEST(test_who_is_no_witness),
		TEST(test_others_that_probes_held),
		TEST(test_a_period_that_is_longer_than_the_timer),
	};

	return cmocka_run_group_tests_name("known_timers", tests, NULL, NULL);
}
