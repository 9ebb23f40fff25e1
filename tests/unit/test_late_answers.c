// SPDX-License-Identifier: GPL-2.0
/* For how long live peers kept mute, and how many probes get lost: figures worked out by hand. */
#include "made_up.h"
#include "tuning/late_answers.h"

#define YEAR_S 31557600.0

/* ---- one episode ---- */

static void assert_mute(struct late_answer is, double low_s, double high_s)
{
	assert_near(is.low_s, low_s, 1e-4);
	assert_near(is.high_s, high_s, 1e-4);
}

/* The last ask but the answered one was unanswered for certain: two intervals before the answer, at
 * most. */
static void test_probes_an_interval_apart_bound_a_silence(void **state)
{
	(void)state;
	assert_mute(late_answers__of_episode("keepalive", 0.5, 1, 10, true), 0.5, 0.5);
	assert_mute(late_answers__of_episode("keepalive", 10.5, 2, 10, true), 0, 10.5);
	assert_mute(late_answers__of_episode("keepalive", 20.5, 3, 10, true), 10, 20.5);
	assert_mute(late_answers__of_episode("keepalive", 40.5, 5, 10, true), 30, 40.5);
	/* exactly so many intervals as there can be */
	assert_mute(late_answers__of_episode("keepalive", 30, 4, 10, true), 20, 30);
	/* shorter: the interval was another one then */
	assert_mute(late_answers__of_episode("keepalive", 12, 4, 10, true), 6, 12);
	assert_mute(late_answers__of_episode("keepalive", 9, 3, 0, true), 3, 9);
}

/* By a clock that may step, what the timer cannot have done is not believed: an eighth late at
 * most. */
static void test_a_clock_that_stepped_is_not_believed(void **state)
{
	(void)state;
	assert_mute(late_answers__of_episode("keepalive", 3600, 2, 10, true), 0, 3600);
	assert_mute(late_answers__of_episode("keepalive", 3600, 2, 10, false), 0, 22.6);
	assert_mute(late_answers__of_episode("keepalive", -3600, 2, 10, false), 0, 22.6);
	assert_mute(late_answers__of_episode("keepalive", -1, 1, 10, false), 11.35, 11.35);
	assert_mute(late_answers__of_episode("keepalive", 0, 1, 10, false), 0, 0);
	assert_mute(late_answers__of_episode("keepalive", 22.5, 2, 10, false), 0, 22.5);
	assert_mute(late_answers__of_episode("keepalive", 3600, 3, 0, false), 1200, 3600);
}

/* Each wait of the retransmission timer is twice the one before. */
static void test_retransmissions_double(void **state)
{
	(void)state;
	assert_mute(late_answers__of_episode("retransmit", 0.3, 1, 10, true), 0.3, 0.3);
	assert_mute(late_answers__of_episode("retransmit", 20, 2, 10, true), 5, 20);
	assert_mute(late_answers__of_episode("zero_window", 20, 6, 10, false), 5, 20);
	assert_mute(late_answers__of_episode("retransmit", -20, 6, 10, true), 0, 0);
	assert_mute(late_answers__of_episode("retransmit", -20, 1, 10, true), 0, 0);
}

/* ---- all of them ---- */

#define MANY 300

struct peers {
	struct life lives[MANY];
	struct life *all[MANY];
};

static struct peers peers;
static struct late_answers answers;

static int begin(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		peers.lives[i] = life_of_a_day(i);
		peers.lives[i].slowest_answer_s = 0.2;
		peers.all[i] = &peers.lives[i];
	}
	answers = (struct late_answers){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	late_answers__free(&answers);
	assert_null(answers.all);
	assert_int_equal(answers.count, 0);
	return 0;
}

static void gather(size_t count)
{
	late_answers__free(&answers);
	assert_true(late_answers__gather(peers.all, count, &answers));
}

static void keep_mute(unsigned int i, double low_s, double high_s)
{
	struct life *l = &peers.lives[i];

	l->late_answers[l->late_answer_count++] = (struct late_answer){ low_s, high_s, 0 };
}

static void test_of_few_nobody_is_an_exception(void **state)
{
	(void)state;
	gather(0);
	assert_true(answers.longest_s == 0 && answers.longest_at_most_s == 0 && !answers.outliers);
	assert_near(late_answers__floor_s(&answers), 3, 0);
	peers.lives[3].slowest_answer_s = 60;
	gather(9);
	assert_near(answers.longest_s, 60, 1e-4);
	assert_int_equal(answers.outliers, 0);
	assert_near(late_answers__floor_s(&answers), 75, 1e-3); /* a quarter longer */
}

static void test_one_of_a_hundred_sets_nobodys_values(void **state)
{
	unsigned int i;

	(void)state;
	peers.lives[3].slowest_answer_s = 60;
	gather(10);
	assert_near(answers.longest_s, 0.2, 1e-4);
	assert_int_equal(answers.outliers, 1);
	assert_near(answers.outliers_s, 60, 1e-4);
	assert_near(late_answers__floor_s(&answers), 3, 0); /* a radio wakes */
	/* of 300, three; a fourth, and it is no exception */
	peers.lives[4].slowest_answer_s = 70;
	peers.lives[5].slowest_answer_s = 50;
	gather(MANY);
	assert_int_equal(answers.outliers, 3);
	assert_near(answers.outliers_s, 70, 1e-4);
	assert_near(answers.longest_s, 0.2, 1e-4);
	peers.lives[6].slowest_answer_s = 65;
	gather(MANY);
	assert_near(answers.longest_s, 50, 1e-4);
	assert_int_equal(answers.outliers, 2); /* 62.5 s are enough for 60 */
	assert_near(answers.outliers_s, 70, 1e-4);
	/* hardly longer is none, either */
	for (i = 3; i < 7; i++)
		peers.lives[i].slowest_answer_s = 0.2;
	peers.lives[3].slowest_answer_s = 2.9;
	gather(10);
	assert_int_equal(answers.outliers, 0);
	assert_near(answers.longest_s, 2.9, 1e-4);
}

/* What is sure counts; what was possible is told beside it, but not that of the exceptions. */
static void test_the_longest_is_known_between_bounds(void **state)
{
	(void)state;
	keep_mute(0, 30, 45);
	keep_mute(0, 10, 41);
	keep_mute(1, 31, 40);
	keep_mute(2, 100, 150);
	gather(12);
	assert_near(answers.longest_s, 31, 1e-4);
	assert_near(answers.longest_at_most_s, 45, 1e-4);
	assert_int_equal(answers.outliers, 1);
	assert_near(answers.outliers_s, 100, 1e-4);
	assert_int_equal(answers.count, 4);
	assert_near(answers.all[0].low_s, 10, 1e-4);
	assert_near(answers.all[1].low_s, 30, 1e-4);
	assert_near(answers.all[3].low_s, 100, 1e-4);
	assert_near(answers.all[0].period_s, 7200, 0);
}

static void test_equal_lower_bounds_are_in_order_of_the_upper(void **state)
{
	(void)state;
	keep_mute(0, 0, 45);
	keep_mute(0, 0, 20);
	keep_mute(0, 0, 30);
	peers.lives[0].idle_s = 5;
	peers.lives[0].interval_s = 10;
	gather(1);
	assert_near(answers.all[0].high_s, 20, 1e-4);
	assert_near(answers.all[1].high_s, 30, 1e-4);
	assert_near(answers.all[2].high_s, 45, 1e-4);
	assert_near(answers.all[0].period_s, 10, 0);
}

/* Of 100 probes that live peers were sent, 10 got lost; a dead one's last nine say nothing. */
static void test_probes_of_live_peers_are_counted(void **state)
{
	(void)state;
	peers.lives[0].probes_sent = 60;
	peers.lives[0].probes_lost = 4;
	peers.lives[1] = dead_life(peers.lives[1], FOUND_BY_KEEPALIVE, 7875);
	peers.lives[1].probes_sent = 49;
	peers.lives[1].probes_lost = 6;
	peers.lives[2].probes_sent = 0;
	add_gap(&peers.lives[2], 10, 11, 5, true);
	add_gap(&peers.lives[2], 10, 11, 70, false);
	gather(3);
	assert_near(answers.probes_sent, 100, 0);
	assert_near(answers.probes_lost, 10, 0);
	assert_near(answers.socket_hours, 72, 1e-6);
	assert_near(answers.asked, 56 + 34 + 5, 0);
	assert_near(late_answers__asked_every_s(&answers), 72 * 3600 / 95.0, 1e-6);
	assert_same(late_answers__loss(&answers), 11.0 / 200);
	assert_same(late_answers__worst_loss(&answers), (10 + 3 + 2 * sqrt(10)) / 200);
}

/* More than were sent cannot be lost; who ended before it was seen was watched for no time. */
static void test_counts_that_contradict_each_other(void **state)
{
	(void)state;
	peers.lives[0].probes_sent = 2;
	peers.lives[0].probes_lost = 5;
	peers.lives[0].ended_s = peers.lives[0].seen_s - 100;
	gather(1);
	assert_near(answers.probes_sent, 5, 0);
	assert_true(answers.socket_hours == 0 && answers.asked == 0);
}

/* Given up by keepalive: from the first unanswered probe to the last, an interval before the end.
 */
static void test_who_was_given_up(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		peers.lives[i] =
			dead_life(peers.lives[i], i ? FOUND_BY_KEEPALIVE : FOUND_BY_USER_TIMEOUT,
				  7875 + 100 * i);
	peers.lives[3] = dead_life(peers.lives[3], FOUND_BY_RETRANSMIT, 930);
	peers.lives[4] = dead_life(peers.lives[4], FOUND_BY_KEEPALIVE, 7875);
	peers.lives[4].lost = false; /* its silence began before the watch */
	peers.lives[2].interval_s = 90;
	peers.lives[2].idle_s = 10;
	gather(6);
	assert_near(answers.died, 3, 0);
	/* 600, 700, and 7875 + 200 - 7200 - 90 */
	assert_near(answers.died_after_s, 700, 1e-6);
	assert_near(answers.died_interval_s, 80, 1e-9);
	assert_near(answers.died_period_s, (7200 + 7200 + 90) / 3.0, 1e-9);
	gather(0);
	assert_true(answers.died == 0 && answers.died_after_s == 0 && answers.died_period_s == 0);
}

/* ---- how long they were ---- */

/* Turnbull (1976): of two that took a second, one that took ten, and one that took between half and
 * twenty, two thirds of the last are like the first two. */
static void test_what_lies_between_bounds_is_as_the_others_are(void **state)
{
	(void)state;
	keep_mute(0, 1, 1);
	keep_mute(0, 1, 1);
	keep_mute(0, 10, 10);
	keep_mute(0, 0.5, 20);
	gather(1);
	assert_near(late_answers__between(&answers, 0.5, 3), 2 + 2 / 3.0, 0.01);
	assert_near(late_answers__between(&answers, 3, 20), 1 + 1 / 3.0, 0.01);
	assert_near(late_answers__between(&answers, 0, 1e5), 4, 1e-6);
	assert_near(late_answers__between(&answers, 20, 1e5), 0, 1e-6);
	gather(0);
	assert_near(late_answers__between(&answers, 0, 1e5), 0, 0);
}

/* Of any length: even on a logarithmic scale, where nothing else is known. */
static void test_of_one_between_wide_bounds_all_is_alike(void **state)
{
	(void)state;
	keep_mute(0, 1, 100);
	gather(1);
	assert_near(late_answers__between(&answers, 0, 10), 0.5, 0.03);
	assert_near(late_answers__between(&answers, 0, 0.9), 0, 1e-9);
	/* out of all bins: it is in the first, or the last */
	end(NULL);
	begin(NULL);
	keep_mute(0, 0, 0);
	keep_mute(0, 1e9, 1e9);
	gather(1);
	assert_near(late_answers__between(&answers, 0, 0.02), 1, 1e-6);
	assert_near(late_answers__between(&answers, 5e4, 1e9), 1, 1e-6);
}

/* ---- what follows ---- */

static void test_loss_before_and_after_probes_were_sent(void **state)
{
	struct late_answers m = { 0 };

	(void)state;
	assert_same(late_answers__loss(&m), 0.01);
	assert_same(late_answers__worst_loss(&m), 0.03);
	m.probes_sent = 1000;
	m.probes_lost = 9;
	assert_same(late_answers__loss(&m), 10.0 / 1100);
	assert_same(late_answers__worst_loss(&m), (9 + 3 + 6) / 1100.0);
	m.probes_lost = 5000;
	assert_same(late_answers__worst_loss(&m), 1);
	m = (struct late_answers){ .socket_hours = 10 };
	assert_same(late_answers__asked_every_s(&m), 36000);
	m.asked = 100;
	assert_same(late_answers__asked_every_s(&m), 360);
}

/* The longest row of lost probes that is to be expected once a year. */
static uint32_t row_of_a_year(double loss, double period_s)
{
	uint32_t n = 1;

	while (n < 20 && YEAR_S / period_s * pow(loss, n + 1) >= 1)
		n++;
	return n;
}

static void test_how_many_are_lost_in_a_row(void **state)
{
	static const double losses[] = { 0.001, 0.01, 0.05, 0.2, 0.5 },
			    periods[] = { 1, 60, 300, 7200 };
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 5; i++)
		for (k = 0; k < 4; k++) {
			struct late_answers m = { .probes_sent = 1e9,
						  .probes_lost = losses[i] * 1e9 };

			assert_int_equal(late_answers__lost_in_a_row(&m, periods[k]),
					 row_of_a_year(losses[i], periods[k]));
		}
	assert_int_equal(late_answers__lost_in_a_row(&(struct late_answers){ 0 }, 0.01), 3);
	assert_int_equal(late_answers__lost_in_a_row(&(struct late_answers){ 0 }, 10 * YEAR_S), 1);
	/* all are lost: an outage, no chance */
	assert_int_equal(
		late_answers__lost_in_a_row(
			&(struct late_answers){ .probes_sent = 1e9, .probes_lost = 1e9 }, 60),
		20);
}

/* Whoever asks ten times as often meets ten times as many of what is shorter than both. */
static void test_who_asks_more_often_meets_more(void **state)
{
	(void)state;
	assert_same(late_answers__meets_more(10, 100, 100), 1);
	assert_same(late_answers__meets_more(10, 100, 40), 2.5);
	assert_same(late_answers__meets_more(10, 100, 10), 5); /* 20 s are met always */
	assert_same(late_answers__meets_more(10, 100, 200), 0.5);
	assert_same(late_answers__meets_more(200, 100, 600), 0.5);
	assert_same(late_answers__meets_more(200, 100, 150), 1);
}

static void test_silences_that_outlast_the_probes(void **state)
{
	double cases;

	(void)state;
	peers.lives[0].idle_s = 100;
	keep_mute(0, 10, 10);
	keep_mute(0, 0, 6);
	gather(1);
	assert_near(late_answers__outlasting(&answers, 5, 100, true, &cases), 1, 1e-6);
	assert_near(cases, 1, 1e-6);
	/* five seconds of it were left when it was met by every 100 s: ten times as often */
	assert_near(late_answers__outlasting(&answers, 5, 10, true, &cases), 10, 1e-5);
	assert_near(cases, 1, 1e-6);
	assert_near(late_answers__outlasting(&answers, 10, 100, false, &cases), 0, 0);
	assert_near(cases, 0, 0);
	/* the other may have been as long, but hardly was: one bin of many */
	assert_true(late_answers__outlasting(&answers, 5, 100, false, &cases) > 1);
	assert_true(cases > 1 && cases < 1.2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_probes_an_interval_apart_bound_a_silence),
		TEST(test_a_clock_that_stepped_is_not_believed),
		TEST(test_retransmissions_double),
		TEST(test_of_few_nobody_is_an_exception),
		TEST(test_one_of_a_hundred_sets_nobodys_values),
		TEST(test_the_longest_is_known_between_bounds),
		TEST(test_equal_lower_bounds_are_in_order_of_the_upper),
		TEST(test_probes_of_live_peers_are_counted),
		TEST(test_counts_that_contradict_each_other),
		TEST(test_who_was_given_up),
		TEST(test_what_lies_between_bounds_is_as_the_others_are),
		TEST(test_of_one_between_wide_bounds_all_is_alike),
		TEST(test_loss_before_and_after_probes_were_sent),
		TEST(test_how_many_are_lost_in_a_row),
		TEST(test_who_asks_more_often_meets_more),
		TEST(test_silences_that_outlast_the_probes),
	};

	return cmocka_run_group_tests_name("late_answers", tests, NULL, NULL);
}
