// SPDX-License-Identifier: GPL-2.0
/* How many live peers a setting gives up: counts with their errors, worked out by hand. */
#include <stdlib.h>

#include "made_up.h"
#include "tuning/false_deaths.h"

#define HZ 250
#define HOURS_A_YEAR 8766.0

static struct late_answers m;
static struct late_answer late_answers[2000];

static int begin(void **state)
{
	(void)state;
	/* ten socket-years, asked every 100 s, and nearly nothing was lost */
	m = (struct late_answers){ .socket_hours = 10 * HOURS_A_YEAR,
				   .asked = 10 * HOURS_A_YEAR * 36,
				   .probes_sent = 1e9,
				   .all = late_answers };
	return 0;
}

/* `count` silences of just this length, each in its bin. */
static void keep(unsigned int count, double s, double low_s)
{
	unsigned int bin = log(s / MUTE_SHORTEST_S) / MUTE_BIN, i;
	double before = m.count;

	for (i = 0; i < count; i++)
		late_answers[m.count++] = (struct late_answer){ low_s, s, 100 };
	for (i = 0; i < MUTE_BINS; i++)
		m.share[i] *= before / m.count;
	m.share[bin] += count / (double)m.count;
}

static struct false_deaths expect(double idle_s, double interval_s, uint32_t probes)
{
	struct setting s = { idle_s, interval_s, probes, 0, 0 };

	return false_deaths__expect(&m, &s, HZ, 1e6);
}

/* Four intervals of 20 s, each 5,000 jiffies and a granule of 512 late at most
 * (kernel/time/timer.c). */
static void test_the_last_probe_saves(void **state)
{
	struct setting s = { 240, 20, 5, 0, 0 };

	(void)state;
	assert_near(false_deaths__to_last_probe_s(&s, HZ), 4 * (5000 + 512) / 250.0, 0.02);
	s.user_timeout_s = 290; /* leaves three probes of the five */
	assert_near(false_deaths__to_last_probe_s(&s, HZ), 2 * (5000 + 512) / 250.0, 0.02);
	s.probes = 1;
	s.user_timeout_s = 0;
	assert_near(false_deaths__to_last_probe_s(&s, HZ), 0, 1e-9);
}

static void test_of_no_time_nothing_is_known(void **state)
{
	struct false_deaths n;

	(void)state;
	m.socket_hours = 0;
	keep(10, 200, 150);
	n = expect(100, 20, 3);
	assert_true(n.low == 0 && n.high == 0);
}

/* None in ten years: at most three in that time (95 %), and where asks were far apart, more may
 * have gone unseen. */
static void test_none_was_seen(void **state)
{
	struct false_deaths n = expect(100, 20, 5);

	(void)state;
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 0.3, 1e-4);
	m.asked /= 10; /* every 1000 s, but a setting would ask every 100 */
	assert_near(expect(100, 20, 5).high, 3, 1e-4);
	assert_near(expect(2000, 20, 5).high, 0.3, 1e-4);
	/* or its probes alone take longer than that */
	assert_near(expect(100, 250, 6).high, 0.3, 1e-4);
}

/* A hundred silences of 200 s, in ten years, whose last probe would come after 44 s: ten a year,
 * give or take two errors, and three for what was not seen. */
static void test_what_was_seen_is_counted(void **state)
{
	struct false_deaths n;

	(void)state;
	keep(100, 200, 150);
	n = expect(100, 20, 3);
	assert_near(n.low, 8, 1e-3);
	assert_near(n.high, 12.3, 1e-3);
	/* a single one: six in ten years cannot be excluded, and none is sure */
	m.count = 0;
	memset(m.share, 0, sizeof(m.share));
	keep(1, 200, 150);
	n = expect(100, 20, 3);
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 0.6, 1e-3);
	keep(99, 200, 150);
	/* they are no longer than what the probes take */
	n = expect(100, 20, 15);
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 0.3, 1e-3);
	/* a single lost probe explains them: they are not sure */
	m.count = 0;
	memset(m.share, 0, sizeof(m.share));
	keep(100, 200, 0);
	n = expect(100, 20, 3);
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 12.3, 1e-3);
}

/* No more of a socket than it has silences that are long enough, and what cannot be excluded. */
static void test_no_more_than_there_are_silences(void **state)
{
	struct setting s = { 100, 20, 3, 0, 0 };
	struct false_deaths n;

	(void)state;
	keep(1000, 200, 150);
	n = false_deaths__expect(&m, &s, HZ, 95);
	assert_near(n.high, 95.3, 1e-3);
	assert_near(n.low, (1000 - 2 * sqrt(1000)) / 10, 1e-3);
	n = false_deaths__expect(&m, &s, HZ, 5);
	assert_same(n.low, n.high); /* never below what was seen */
}

/* One probe in ten lost by chance: all of two, a hundredth of the times that a peer is asked. */
static void test_chance_loses_all_probes(void **state)
{
	struct false_deaths n;
	double asks = 31557600 / 100.0;

	(void)state;
	m.probes_lost = 1e8;
	n = expect(100, 20, 2);
	assert_near(n.low, asks * 0.01, asks * 0.01 * 0.001);
	assert_near(n.high, asks * 0.01, asks * 0.01 * 0.001);
	n = expect(10, 20, 2); /* asked every 20 s */
	assert_near(n.low, 5 * asks * 0.01, asks * 0.01 * 0.01);
	/* few were sent: the loss is known between bounds */
	m.probes_sent = 900;
	m.probes_lost = 100;
	n = expect(100, 20, 2);
	assert_near(n.low, asks * pow(80 / 900.0, 2), 1e-3);
	assert_near(n.high - 0.3, asks * pow(123 / 1000.0, 2), 1e-3);
	m.probes_sent = m.probes_lost = 0;
	assert_near(expect(100, 20, 2).low, 0, 0);
	assert_near(expect(100, 20, 2).high - 0.3, asks * pow(0.03, 2), 1e-3);
}

/* ---- who was given up ---- */

/* 1,000 were given up after 100 s of probes. Of 4,000 silences that ended before 50 s, 1,000 went
 * on for up to 100: so a quarter of those, and of these a quarter, ... would have come back: 333.
 */
static void give_up(double died)
{
	static const struct setting lived = { 100, 25, 5, 0, 0 };

	m.died = died;
	m.died_after_s = false_deaths__to_last_probe_s(&lived, HZ); /* some 100 s */
	m.died_interval_s = 25;
	m.died_period_s = 100;
	m.count = 5000; /* estimated, not told one by one */
	m.share[(int)(log(10 / MUTE_SHORTEST_S) / MUTE_BIN)] = 0.8;
	m.share[(int)(log(80 / MUTE_SHORTEST_S) / MUTE_BIN)] = 0.2;
	m.all = calloc(5000, sizeof(*m.all));
	assert_non_null(m.all);
}

static void test_who_would_have_come_back(void **state)
{
	struct false_deaths n;

	(void)state;
	give_up(1000);
	n = expect(100, 25, 5);
	/* the ratio is known to two errors of its logarithm, the sum to two errors of a count */
	assert_near(n.low, (303.7 - 2 * sqrt(303.7)) / 10, 0.01);
	assert_near(n.high, 404.4 / 10 + 0.3, 0.1);
	/* no more than were given up */
	m.died = 320;
	n = expect(100, 25, 5);
	assert_near(n.high, 32.3, 0.01);
	m.died = 100;
	n = expect(100, 25, 5);
	assert_near(n.low, (100 - 2 * sqrt(100)) / 10, 0.01);
	assert_near(n.high, 10.3, 0.01);
	/* asked at half the rate at which each is met once, half as many are met */
	m.died = 1000;
	n = expect(2 * (m.died_after_s + 100), 25, 5);
	assert_near(n.low, (303.7 - 2 * sqrt(303.7)) / 20, 0.01);
	free(m.all);
}

/* A tail that declines as an exponential does at most, and as a power of it at least. */
static void test_a_longer_silence_is_outlasted_by_fewer(void **state)
{
	struct false_deaths n, twice;

	(void)state;
	give_up(1000);
	n = expect(100, 25, 5);
	twice = expect(100, 25, 9); /* twice as long from first to last */
	assert_near(twice.low, (303.7 * pow(0.2329, 2) - 2 * sqrt(303.7 * pow(0.2329, 2))) / 10,
		    0.02);
	assert_near(twice.high - 0.3, (n.high - 0.3) * 0.275, 0.05);
	free(m.all);
}

static void test_without_a_decline_all_may_have_come_back(void **state)
{
	struct false_deaths n;

	(void)state;
	give_up(1000);
	m.died_interval_s = 80; /* a single interval cannot be divided */
	n = expect(100, 25, 5);
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 100.3, 0.01);
	/* none ever came back: nobody is mute for longer only */
	m.died_interval_s = 25;
	memset(m.share, 0, sizeof(m.share));
	n = expect(100, 25, 5);
	assert_near(n.low, 0, 1e-9);
	assert_near(n.high, 0.3, 0.01);
	free(m.all);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_last_probe_saves),
		TEST(test_of_no_time_nothing_is_known),
		TEST(test_none_was_seen),
		TEST(test_what_was_seen_is_counted),
		TEST(test_no_more_than_there_are_silences),
		TEST(test_chance_loses_all_probes),
		TEST(test_who_would_have_come_back),
		TEST(test_a_longer_silence_is_outlasted_by_fewer),
		TEST(test_without_a_decline_all_may_have_come_back),
	};

	return cmocka_run_group_tests_name("false_deaths", tests, NULL, NULL);
}
