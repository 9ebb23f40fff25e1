// SPDX-License-Identifier: GPL-2.0
/* For how long peers are silent of themselves: Kaplan and Meier's estimate, worked out by hand. */
#include "made_up.h"
#include "tuning/own_pauses.h"

#define MANY 200

static struct path_witness all[MANY];
static struct life_gap gaps[MANY][4];
static size_t count;
static struct own_pauses habits[HABITS_MAX];

static int begin(void **state)
{
	(void)state;
	memset(all, 0, sizeof(all));
	memset(gaps, 0, sizeof(gaps));
	memset(habits, 0, sizeof(habits));
	count = 0;
	return 0;
}

/* Paused so often, for so long, and was asked so often after such a silence. */
static struct path_witness *add(uint32_t pauses, double pause_s, uint32_t asked, double asked_s)
{
	struct path_witness *w = &all[count];
	unsigned int n = 0;

	*w = (struct path_witness){ .weight = 1,
				    .gaps = gaps[count],
				    .pauses = pauses,
				    .answered = asked,
				    .pause_s = pauses ? pause_s : 0,
				    .survived_s = fmax(pause_s, asked_s) };
	if (pauses)
		gaps[count][n++] = (struct life_gap){ pause_s, pause_s, pauses, false };
	if (asked)
		gaps[count][n++] = (struct life_gap){ asked_s, asked_s, asked, true };
	w->gap_count = n;
	count++;
	return w;
}

/* The chance that a live peer of a habit is silent for `s`, half-way between two lengths. */
static double longer(unsigned int habit, double s)
{
	return habits[habit].longer[age__bin(s)];
}

/* ---- ages ---- */

static void test_ages_are_even_over_the_logarithm(void **state)
{
	size_t bin;

	(void)state;
	assert_int_equal(age__bin(0), 0);
	assert_int_equal(age__bin(1), 0);
	assert_int_equal(age__bin(M_E * 1.001), 40);
	assert_int_equal(age__bin(1e300), AGES - 1);
	assert_int_equal(age__bin_behind(1e300), AGES - 1);
	assert_int_equal(age__bin_behind(0), 1);
	assert_same(age__at(0), 1);
	assert_same(age__at(80), M_E * M_E);
	for (bin = 1; bin < AGES - 1; bin++) {
		double middle = sqrt(age__at(bin) * age__at(bin + 1));

		assert_int_equal(age__bin(middle), bin);
		assert_int_equal(age__bin_behind(middle), bin + 1);
	}
	assert_near(age__at(AGES) / DAY_S, 123, 3); /* four months */
}

static double spread[AGES];

static void collect(void *context, size_t bin, double times)
{
	*(double *)context += times;
	spread[bin] += times;
}

static void spread_out(double from_s, double to_s, uint32_t times)
{
	struct life_gap g = { from_s, to_s, times, false };
	double sum = 0;

	memset(spread, 0, sizeof(spread));
	age__spread(&g, collect, &sum);
	assert_near(sum, times, 1e-9);
}

static void test_a_run_of_gaps_is_spread(void **state)
{
	size_t first = age__bin(10), last = age__bin(20);

	(void)state;
	spread_out(10, 10, 7);
	assert_same(spread[first], 7);
	spread_out(10, 20, 1); /* one: as long as it was told at most */
	assert_same(spread[last], 1);
	spread_out(10, 20, 2);
	assert_same(spread[first], 1);
	assert_same(spread[last], 1);
	assert_same(spread[first + 1], 0);
	spread_out(10, 20, 2 + 10 * (last - first + 1));
	assert_same(spread[first], 11);
	assert_same(spread[first + 1], 10);
	assert_same(spread[last], 11);
	assert_same(spread[last + 1], 0);
}

/* ---- habits ---- */

static void test_habits_are_told_apart_by_the_mean(void **state)
{
	unsigned int i, habit_of[1000] = { 0 };

	(void)state;
	add(0, 0, 3, 60); /* asked often, and never spoke */
	add(0, 0, 2, 61); /* too little is known */
	add(7, 10, 9, 62);
	add(8, 11, 0, 0);
	add(8, 66, 0, 0); /* six times as long is the same */
	add(8, 67, 0, 0);
	add(8, 900, 0, 0);
	assert_int_equal(own_pauses__find(all, count, habits), 5);
	for (i = 0; i < count; i++)
		habit_of[(int)lround(fmax(all[i].pause_s, all[i].pauses ? 0 : all[i].survived_s))] =
			all[i].habit;
	assert_int_equal(habit_of[60], HABIT_SILENT);
	assert_int_equal(habit_of[61], HABIT_UNKNOWN);
	assert_int_equal(habit_of[10], HABIT_UNKNOWN);
	assert_int_equal(habit_of[11], 2);
	assert_int_equal(habit_of[66], 2);
	assert_int_equal(habit_of[67], 3);
	assert_int_equal(habit_of[900], 4);
}

/* There is room for six kinds of talkers; whoever pauses for longer is of the last. */
static void test_no_more_habits_than_there_is_room_for(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		add(20, 2 * pow(7, i), 0, 0);
	assert_int_equal(own_pauses__find(all, count, habits), HABITS_MAX);
	assert_int_equal(all[5].habit, HABITS_MAX - 1);
	assert_int_equal(all[7].habit, HABITS_MAX - 1);
	assert_int_equal(all[4].habit, HABITS_MAX - 2);
}

/* The order of the input makes no difference: by pauses, then by what was survived, and lost. */
static void test_the_order_of_witnesses(void **state)
{
	(void)state;
	add(8, 50, 0, 0)->lost_s = 7;
	add(8, 50, 0, 0)->lost_s = 3;
	add(8, 50, 1, 90);
	add(8, 20, 1, 900);
	own_pauses__find(all, count, habits);
	assert_near(all[0].pause_s, 20, 0);
	assert_near(all[1].lost_s, 3, 0);
	assert_near(all[2].lost_s, 7, 0);
	assert_near(all[3].survived_s, 90, 0);
}

/* ---- how long they are silent ---- */

/* Half of all pauses take 10 s, half 100. */
static void test_without_asks_it_is_the_share_of_the_longer(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		add(40, 30, 0, 0);
		gaps[i][0].from_s = gaps[i][0].to_s = 10;
		gaps[i][0].count = 20;
		gaps[i][1] = (struct life_gap){ 100, 100, 20, false };
		all[i].gap_count = 2;
	}
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 5), 1, 1e-6);
	assert_near(longer(2, 10), 0.75, 1e-3); /* the middle of the bin */
	assert_near(longer(2, 11), 0.5, 1e-3);
	assert_near(longer(2, 90), 0.5, 1e-3);
	assert_true(longer(2, 110) < 0.02);
	/* they speak where pauses end, and nowhere else */
	assert_near(habits[2].speaks[age__bin(50)], 0, 1e-6);
	assert_true(habits[2].speaks[age__bin(10)] > habits[2].speaks[age__bin(100)] * 5);
	assert_true(habits[2].speaks[age__bin(100)] > 0.1);
	/* the density times the mean: 0.5 over a bin of 2.5 % of 10 s, with a mean of 55 s and a
	 * little */
	i = age__bin(10);
	assert_near(habits[2].speaks[i] * (age__at(i + 1) - age__at(i)), 0.5 * 56, 1.5);
}

/* A third speaks after 10 s, a third is asked after 30, a third speaks after 100: whoever is asked
 * may have been silent for longer. */
static void test_asks_censor(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 30; i++)
		add(i % 3 == 1 ? 0 : 2, i % 3 ? 100 : 10, i % 3 == 1 ? 2 : 0, 30);
	/* too few pauses for a habit: all are one */
	own_pauses__find(all, count, habits);
	assert_near(longer(HABIT_UNKNOWN, 5), 1, 1e-6);
	assert_near(longer(HABIT_UNKNOWN, 20), 2 / 3.0, 1e-3);
	assert_near(longer(HABIT_UNKNOWN, 50), 2 / 3.0, 1e-3);
	assert_near(longer(HABIT_UNKNOWN, 100), 1 / 3.0, 0.02);
	/* who never spoke is silent for ever */
	begin(NULL);
	for (i = 0; i < 30; i++)
		add(0, 0, 20, 60);
	own_pauses__find(all, count, habits);
	assert_near(longer(HABIT_SILENT, 59), 1, 1e-6);
	assert_near(longer(HABIT_SILENT, 1e5), 1, 1e-6);
}

/* Exponential pauses of 60 s: behind the longest that was seen they go on at the same rate. */
static void test_behind_the_longest_pauses(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		double s = -log((i + 0.5) / MANY) * 60;

		add(8, 60, 0, 0);
		gaps[i][0].from_s = gaps[i][0].to_s = s;
	}
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 60), exp(-1), 0.02);
	assert_near(longer(2, 120), exp(-2), 0.02);
	/* the last five are not taken as they are: who paused longest might have paused for longer
	 */
	assert_true(longer(2, 600) > exp(-10) / 6 && longer(2, 600) < exp(-10) * 6);
	assert_near(log(longer(2, 900) / longer(2, 600)), -5, 0.8);
}

/* Of a folded run two lengths are known, and the others lie as all that are known do: 98 that are
 * 10 to 1,000 s long are mostly as long as a thousand others, 20 s. */
static void test_within_a_run_they_lie_as_others_do(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		add(100, 30, 0, 0);
	for (i = 0; i < 10; i++) {
		gaps[i][0] = (struct life_gap){ 20, 20, 90, false };
		gaps[i][1] = (struct life_gap){ 10, 1000, 10, false };
		all[i].gap_count = 2;
	}
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 15), 0.99, 1e-3); /* ten of a thousand are 10 s long */
	assert_near(longer(2, 30), 0.01, 3e-3); /* ... and ten 1,000 s */
	assert_near(longer(2, 800), 0.01, 3e-3);
	/* by weights: those of one device's many connections count little */
	for (i = 0; i < 10; i++)
		all[i].weight = 0.5;
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 15), 0.99, 1e-3);
}

/* Where nothing else is known neither end of a run is likelier: of twelve from 100 to 400 s, half are
 * longer than 200. */
static void test_within_a_run_of_its_own_neither_end_is_likelier(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		add(100, 50, 0, 0);
		gaps[i][0] = (struct life_gap){ 20, 20, 88, false };
		gaps[i][1] = (struct life_gap){ 100, 400, 12, false };
		all[i].gap_count = 2;
	}
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 50), 0.12, 1e-3);
	assert_near(longer(2, 200), 0.06, 3e-3);
}

/* Asks of folded runs censor as each of them would, where they lie. */
static void test_folded_asks_censor(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		add(100, 100, 100, 60);
		gaps[i][1] = (struct life_gap){ 50, 60, 100, true };
	}
	own_pauses__find(all, count, habits);
	assert_near(longer(2, 55), 1, 1e-6);
	assert_near(longer(2, 99), 1, 0.02);
	assert_true(longer(2, 130) < 0.02);
}

/* How likely is it that a pause of this habit ends between a minute and two? */
static double speaks_in_the_second_minute(unsigned int habit)
{
	double sum = 0;
	size_t i;

	for (i = age__bin(60); i <= age__bin(135); i++)
		sum += habits[habit].speaks[i];
	return sum;
}

/* Devices that back off: habits that go on into each other are bounded by all of them together. */
static void test_habits_that_go_on_into_each_other(void **state)
{
	double alone;
	unsigned int i;

	(void)state;
	for (i = 14; i < 20; i++)
		add(8, 10 * pow(1.145, i), 0, 0);
	own_pauses__find(all, count, habits);
	alone = speaks_in_the_second_minute(2);
	begin(NULL);
	for (i = 0; i < 20; i++) /* means of 10 to 130 s, each half as long again at most */
		add(8, 10 * pow(1.145, i), 0, 0);
	assert_int_equal(own_pauses__find(all, count, habits), 4);
	assert_int_equal(all[19].habit, 3);
	/* of all, some pause for 10 s: so does whoever pauses for 60 s and more now */
	assert_true(longer(3, 12) < 0.95);
	assert_true(longer(3, 40) < 0.6);
	assert_true(speaks_in_the_second_minute(3) < 0.7 * alone);
	begin(NULL);
	for (i = 0; i < 10; i++)
		add(8, i < 5 ? 10 : 100, 0, 0);
	assert_int_equal(own_pauses__find(all, count, habits), 4);
	assert_near(longer(3, 40), 1, 1e-6); /* far apart: another kind */
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ages_are_even_over_the_logarithm),
		TEST(test_a_run_of_gaps_is_spread),
		TEST(test_habits_are_told_apart_by_the_mean),
		TEST(test_no_more_habits_than_there_is_room_for),
		TEST(test_the_order_of_witnesses),
		TEST(test_without_asks_it_is_the_share_of_the_longer),
		TEST(test_asks_censor),
		TEST(test_behind_the_longest_pauses),
		TEST(test_within_a_run_they_lie_as_others_do),
		TEST(test_within_a_run_of_its_own_neither_end_is_likelier),
		TEST(test_folded_asks_censor),
		TEST(test_habits_that_go_on_into_each_other),
	};

	return cmocka_run_group_tests_name("own_pauses", tests, NULL, NULL);
}
