// SPDX-License-Identifier: GPL-2.0
/* The parts that an estimate of timers is made of: chances of vanishing, mixtures, profiles. What
 * the formulas of vanishing.h and idle_timeout.h say, worked out by hand. */
#include <stdlib.h>

#include "made_up.h"
#include "tuning/timer_steps.h"

#define MANY 240

static struct path_witness all[MANY];
static struct life_gap gaps[MANY][2];
static size_t count;
static struct own_pauses habits[HABITS_MAX];
static struct vanishing vanishing;
static uint8_t kinds[MANY];
static struct path_data data;

/* Peers of all habits are silent for ever, if nobody asks. */
static int begin(void **state)
{
	unsigned int k, i;

	(void)state;
	memset(all, 0, sizeof(all));
	memset(gaps, 0, sizeof(gaps));
	memset(habits, 0, sizeof(habits));
	count = 0;
	for (k = 0; k < HABITS_MAX; k++)
		for (i = 0; i < AGES; i++)
			habits[k].longer[i] = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	vanishing__free(&vanishing);
	assert_null(vanishing.answers);
	assert_null(vanishing.vanished);
	return 0;
}

/* Answered so often after such a silence, and was lost in another (0: was not). */
static struct path_witness *add(uint32_t answered, double survived_s, double lost_s)
{
	struct path_witness *w = &all[count];

	*w = (struct path_witness){ .weight = 1,
				    .gaps = gaps[count],
				    .answered = answered,
				    .survived_s = survived_s,
				    .lost_s = lost_s,
				    .idle_s = answered * survived_s };
	if (answered)
		gaps[count][w->gap_count++] =
			(struct life_gap){ survived_s, survived_s, answered, true };
	count++;
	return w;
}

static void prepare(void)
{
	vanishing__free(&vanishing);
	assert_true(vanishing__prepare(all, count, habits, &vanishing));
	assert_int_equal(vanishing.count, count);
	data = (struct path_data){ all, &vanishing, kinds, count };
}

/* ---- vanishing ---- */

static void test_shares_add_up_to_one(void **state)
{
	struct vanishing_shares s = vanishing__evenly(), one = { { [3] = 1 } }, awake;
	double all_of = 0, all_awake = 0;
	unsigned int k;

	(void)state;
	awake = vanishing__awake(&one);
	for (k = 0; k < RATES; k++) {
		all_of += s.of[k];
		all_awake += awake.of[k];
		assert_near(s.of[k], 1.0 / 24, 1e-6);
		assert_near(awake.of[k], 0.05 / 24 + (k == 3 ? 0.95 : 0), 1e-6);
	}
	assert_near(all_of, 1, 1e-6);
	assert_near(all_awake, 1, 1e-6);
}

/* Around the mean rate, 10 of a million seconds; the highest at which all vanish at once. */
static void test_rates_lie_around_the_mean(void **state)
{
	unsigned int i, k;
	double middle;

	(void)state;
	for (i = 0; i < 100; i++)
		add(100, 100, i < 10 ? 50 : 0);
	prepare();
	for (k = 1; k < RATES; k++)
		assert_true(vanishing.rate[k] > vanishing.rate[k - 1]);
	middle = sqrt(vanishing.rate[7] * vanishing.rate[8]);
	assert_near(middle / (10.01 / (1 + 1e6 + 500)), 1, 1e-9);
	assert_near(vanishing.rate[8] / vanishing.rate[7], 1.5, 1e-9);
	assert_near(vanishing.rate[RATES - 1], 3 / 50.0, 1e-6);
	/* an early loss of little weight moves the highest, hardly the mean */
	all[99].lost_s = 0.2;
	all[99].weight = 1e-6;
	prepare();
	assert_near(vanishing.rate[RATES - 1], 3, 1e-6);
	assert_near(sqrt(vanishing.rate[7] * vanishing.rate[8]) / (10.01 / (1 + 1e6 - 1e4 + 500)),
		    1, 1e-4);
}

/* Silent for ever, and there after a with the chance e^(-ra): the formula of vanishing.h with S
 * = 1. */
static void test_who_answers_has_not_vanished(void **state)
{
	struct path_witness *w;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 20; i++)
		add(5, 1000, i % 2 ? 2000 : 0);
	w = add(0, 0, 2000);
	w->weight = 0;
	prepare();
	for (k = 1; k < RATES && vanishing.rate[k] < 1e-3; k++) {
		double apart = vanishing.rate[k] - vanishing.rate[k - 1];

		/* five answers after 1,000 s */
		assert_near(log(vanishing.answers[0][k] / vanishing.answers[0][k - 1]),
			    -5 * 1000 * apart, 0.03 * 5000 * apart + 1e-5);
		/* who was not lost did not vanish */
		assert_true(vanishing.vanished[0][k] == vanishing.answers[0][k]);
		assert_near(vanishing.vanished[1][k] / vanishing.answers[1][k],
			    1 - exp(-vanishing.rate[k] * 2000), 0.03);
		/* who answered nothing may vanish at any rate */
		assert_near(vanishing.answers[20][k], 1, 1e-6);
		assert_near(vanishing.vanished[20][k] / (1 - exp(-vanishing.rate[k] * 2000)), 1,
			    0.06);
	}
	assert_true(k > 4);
}

/* A live peer would have spoken long before: who is asked after that, and gone, had vanished. */
static void test_who_would_have_spoken(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = age__bin(100); i < AGES; i++)
		habits[2].longer[i] = 0;
	for (i = 0; i < 20; i++)
		add(5, 50, i % 2 ? 2000 : 0)->habit = 2;
	prepare();
	for (k = 0; k < RATES; k++)
		assert_near(vanishing.vanished[1][k] / vanishing.answers[1][k], 1, 1e-4);
}

/* Its own words are answers only of a device whose return would be known; back by itself it comes
 * when it speaks. */
static void test_words_of_a_device_with_a_name(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = 0; i < AGES; i++) /* exponential pauses of 1,000 s */
		habits[2].longer[i] = habits[2].speaks[i] =
			exp(-sqrt(age__at(i) * age__at(i + 1)) / 1000);
	for (i = 0; i < 3; i++) {
		struct path_witness *w = add(0, 500, i == 2 ? 3000 : 0);

		gaps[i][0] = (struct life_gap){ 500, 500, 10, false };
		w->gap_count = 1;
		w->habit = 2;
		w->named = i > 0;
		w->lost_by_itself = true;
		w->idle_s = 5000;
	}
	prepare();
	for (k = 0; k < RATES; k++) {
		double r = vanishing.rate[k], h = r + 1e-3;
		/* of those who are silent for a: e^(-ha); vanished before: r / h (1 - e^(-ha)) */
		double there = exp(-h * 500), gone = r / h * (1 - there);

		assert_near(vanishing.answers[0][k], 1, 1e-6);
		if (r > 2e-3)
			continue;
		assert_near(
			log(vanishing.answers[1][k]) - log(vanishing.answers[1][0]),
			10 * log(there / (there + gone)) -
				10 * log(exp(-(vanishing.rate[0] + 1e-3) * 500) /
					 (exp(-(vanishing.rate[0] + 1e-3) * 500) +
					  vanishing.rate[0] / (vanishing.rate[0] + 1e-3) *
						  (1 - exp(-(vanishing.rate[0] + 1e-3) * 500)))),
			0.05 * 10 * r * 500 + 1e-4);
		there = exp(-h * 3000);
		gone = r / h * (1 - there);
		assert_near(vanishing.vanished[2][k] / vanishing.answers[2][k],
			    gone / (there + gone), 0.05);
	}
}

static void test_sums_over_rates(void **state)
{
	struct vanishing_shares s = vanishing__evenly();
	double votes[RATES] = { 0 };
	struct chances c, none;
	unsigned int k;

	(void)state;
	add(5, 1000, 2000);
	add(3, 100, 0);
	prepare();
	for (k = 0; k < RATES; k++)
		s.of[k] = k / 276.0;
	c = vanishing__chances(&vanishing, 0, &s);
	none = (struct chances){ 0 };
	for (k = 0; k < RATES; k++) {
		none.answers += s.of[k] * vanishing.answers[0][k];
		none.vanished += s.of[k] * vanishing.vanished[0][k];
	}
	assert_near(c.answers, none.answers, 1e-5);
	assert_near(c.vanished, none.vanished, 1e-5);
	votes[7] = 5;
	vanishing__add_votes(&vanishing, 0, &(struct chances){ 2, 3 }, votes);
	for (k = 0; k < RATES; k++)
		assert_near(votes[k],
			    (k == 7 ? 5 : 0) + 2 * (double)vanishing.answers[0][k] +
				    3 * (double)vanishing.vanished[0][k],
			    1e-6);
	/* nobody is impossible */
	memset(s.of, 0, sizeof(s.of));
	c = vanishing__chances(&vanishing, 1, &s);
	assert_true(c.answers > 0 && c.vanished > 0);
}

/* ---- mixtures ---- */

static void test_by_when_it_was_gone(void **state)
{
	struct path_witness w = { .lost_s = 100 };

	(void)state;
	assert_near(path_witness__gone_by_s(&w), 100, 0);
	w.back_s = 80;
	assert_near(path_witness__gone_by_s(&w), 80, 0);
	w.back_s = 120;
	assert_near(path_witness__gone_by_s(&w), 100, 0);
	w = (struct path_witness){ .back_s = 80 }; /* was not lost */
	assert_near(path_witness__gone_by_s(&w), 0, 0);
}

static void assert_sides(const struct path_witness *w, double timed, double untimed)
{
	static const struct timer_mixture m = { .classes = 3,
						.at_s = { 100, 300, HUGE_VAL },
						.share = { 0.2, 0.3, 0.5 } };
	struct timer_sides s = timer_mixture__sides(w, &m);

	assert_near(s.timed, timed, 1e-9);
	assert_near(s.untimed, untimed, 1e-9);
}

static void test_whose_timer_may_have_run_out(void **state)
{
	struct path_witness w = { .survived_s = 50, .lost_s = 0 };

	(void)state;
	assert_sides(&w, 0, 1);
	w.lost_s = 99;
	assert_sides(&w, 0, 1);
	w.lost_s = 100;
	assert_sides(&w, 0.2, 0.8);
	w.lost_s = 300;
	assert_sides(&w, 0.5, 0.5);
	w.back_s = 200; /* gone by then */
	assert_sides(&w, 0.2, 0.8);
	w.lost_as_usual = true;
	assert_sides(&w, 0, 1);
	w.lost_as_usual = false;
	w.back_s = 0;
	/* who survived a timer's length was hardly behind it */
	w.survived_s = 100;
	assert_sides(&w, 0.2 * TIMER_LEAK + 0.3, 0.5);
	w.survived_s = 99.9;
	assert_sides(&w, 0.5, 0.5);
	w.survived_s = 1000;
	assert_sides(&w, 0.5 * TIMER_LEAK, 0.5);
}

/* Three in ten are lost at 150 s and never before; seven survive 200 s. Hardly any vanishes
 * otherwise: the likeliest share behind a timer of 100 s is 0.3. */
static void populate(void)
{
	unsigned int i;

	begin(NULL);
	for (i = 0; i < 200; i++) {
		struct path_witness *w = add(40, i % 10 < 3 ? 50 : 200, i % 10 < 3 ? 150 : 0);

		w->idle_s = 1e6;
	}
	prepare();
}

static void test_the_likeliest_shares(void **state)
{
	struct timer_mixture m = { .classes = 2, .at_s = { 100, HUGE_VAL } }, none;
	double all_rates = 0;
	unsigned int k;

	(void)state;
	populate();
	timer_mixture__fit(&data, &m);
	assert_near(m.share[0], 0.3, 0.01);
	assert_near(m.share[0] + m.share[1], 1, 1e-6);
	for (k = 0; k < RATES; k++)
		all_rates += m.vanishing.of[k];
	assert_near(all_rates, 1, 1e-4);
	/* entropy: 200 (0.3 ln 0.3 + 0.7 ln 0.7), and nearly nothing of answers */
	assert_near(m.log_likelihood, -122.2, 6);
	none = (struct timer_mixture){ .classes = 1, .at_s = { HUGE_VAL } };
	timer_mixture__fit(&data, &none);
	assert_near(none.share[0], 1, 1e-9);
	assert_true(none.log_likelihood < m.log_likelihood - 50);
	/* fits from where it is: hardly more than it had */
	none = m;
	timer_mixture__improve(&data, &m);
	assert_true(m.log_likelihood >= none.log_likelihood - 1e-6 &&
		    m.log_likelihood < none.log_likelihood + 0.1);
	/* two timers, of which nobody is behind the second */
	m = (struct timer_mixture){ .classes = 3, .at_s = { 100, 180, HUGE_VAL } };
	timer_mixture__fit(&data, &m);
	assert_near(m.share[1], 0, 0.01);
	assert_near(m.share[0], 0.3, 0.01);
}

/* Each by its vote. */
static void test_votes_weigh(void **state)
{
	struct timer_mixture m = { .classes = 2, .at_s = { 100, HUGE_VAL } };
	unsigned int i;

	(void)state;
	populate();
	for (i = 0; i < 200; i++)
		all[i].weight = all[i].lost_s > 0 ? 0.5 : 1;
	prepare();
	timer_mixture__fit(&data, &m);
	assert_near(m.share[0], 0.15 / 0.85, 0.01);
}

/* ---- profiles ---- */

static void make_profile(struct timer_profile *p)
{
	assert_true(timer_profile__make(&data, p));
}

static void test_edges_are_where_a_witness_changes_sides(void **state)
{
	struct timer_profile p;

	(void)state;
	begin(NULL);
	add(1, 50, 80);
	add(1, 60, 0);
	add(0, 0, 70)->back_s = 65;
	add(1, 90, 85); /* lost in a gap that was shorter than one that it survived */
	prepare();
	make_profile(&p);
	assert_int_equal(p.count, 6);
	assert_near(p.edges[0].at_s, 50, 0);
	assert_near(p.edges[1].at_s, 60, 0);
	assert_true(p.edges[2].at_s == 65 && p.edges[2].of_loss && p.edges[2].witness == 2);
	assert_true(p.edges[3].at_s == 80 && p.edges[3].of_loss && p.edges[3].witness == 0);
	assert_true(p.edges[4].at_s == 90 && !p.edges[4].of_loss);
	assert_true(p.edges[5].at_s == 90 && p.edges[5].of_loss);
	assert_near(timer_profile__middle(&p, 1), sqrt(50 * 60), 1e-9);
	assert_near(timer_profile__middle(&p, 0), 49.5, 1e-9);
	assert_near(timer_profile__middle(&p, 6), 90.9, 1e-9);
	timer_profile__free(&p);
}

static void test_within_and_below(void **state)
{
	struct path_witness w = { .survived_s = 50, .lost_s = 100 };
	struct chances c = { 0.8, 0.1 };

	(void)state;
	assert_same(timer_profile__within(&w, &c), 0.8);
	assert_near(timer_profile__below(&w, &c), TIMER_LEAK * 0.1, 1e-15);
	w.survived_s = 0;
	assert_same(timer_profile__below(&w, &c), 0.8);
	w.lost_as_usual = true;
	assert_same(timer_profile__within(&w, &c), 0.1);
	assert_same(timer_profile__below(&w, &c), 0.1);
}

/* All lie between what all survived and what none did. */
static void test_a_profile_of_one_timer(void **state)
{
	struct idle_timeout t = { 0 };
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < 100; i++)
		add(40, 290 - i % 50, 310 + i % 50)->idle_s = 1e6;
	prepare();
	make_profile(&p);
	assert_true(p.top - p.beyond > 50);
	assert_near(timer_profile__middle(&p, p.top_edge), 300, 1);
	assert_near(p.top_untimed, 0, 0);
	timer_profile__interval(&p, &t);
	assert_true(t.low_s >= 289 && t.low_s < 295 && t.high_s > 305 && t.high_s <= 311);
	assert_near(t.estimate_s, 300, 1.5);
	/* gaps below that are survived, surely */
	assert_true(timer_profile__surely_survived(&p) >= 288 &&
		    timer_profile__surely_survived(&p) <= 290);
	timer_profile__free(&p);
}

static void test_a_profile_of_some(void **state)
{
	struct idle_timeout t = { 0 };
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < 100; i++)
		add(40, i % 5 < 2 ? 2000 : 290 - i % 50, i % 5 < 2 ? 0 : 310 + i % 50)->idle_s =
			1e6;
	prepare();
	make_profile(&p);
	assert_true(p.top - p.beyond > 20);
	assert_near(p.top_untimed, 0.4, 0.21);
	assert_near(timer_profile__middle(&p, p.top_edge), 300, 1);
	/* that only some are costs: by the sum of what they say */
	assert_true(timer_profile__surely_survived(&p) > 1900);
	/* it is one step, and how many are behind it is told */
	timer_profile__interval(&p, &t);
	assert_near(t.estimate_s, 300, 2);
	assert_true(timer_steps__find(&p, &data, &t));
	assert_int_equal(t.steps, 1);
	assert_same(t.step[0].at_s, t.estimate_s);
	assert_near(t.step[0].share, 0.6, 0.03);
	timer_profile__free(&p);
}

/* Four that were lost late are no timer, however sharp it would be. */
static void test_a_few_that_were_lost_late(void **state)
{
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < 60; i++)
		add(40, 290 - i, i < 4 ? 310 : 0)->idle_s = 1e6;
	prepare();
	make_profile(&p);
	assert_true(p.top < p.beyond);
	timer_profile__free(&p);
	all[4].lost_s = 310;
	prepare();
	make_profile(&p);
	assert_true(p.top > p.beyond);
	timer_profile__free(&p);
}

/* Even on a logarithmic scale: of a single piece from 100 to 400 s, the median is 200. */
static void test_an_interval_of_one_piece(void **state)
{
	struct timer_edge edges[] = { { 100, 0, false }, { 400, 1, true } };
	double best[] = { -50, 0, -50 };
	struct timer_profile p = {
		.edges = edges, .best = best, .alone = best, .count = 2, .top = 0
	};
	struct idle_timeout t = { 0 };

	(void)state;
	timer_profile__interval(&p, &t);
	assert_near(t.estimate_s, 200, 0.1);
	assert_near(t.low_s, 100 * pow(4, 0.025), 0.1);
	assert_near(t.high_s, 100 * pow(4, 0.975), 0.1);
	assert_near(timer_profile__surely_survived(&p), 100, 0);
	/* below the first edge: from half of it on */
	best[0] = 0;
	best[1] = -50;
	timer_profile__interval(&p, &t);
	assert_near(t.estimate_s, 50 * sqrt(2), 0.1);
	assert_near(timer_profile__surely_survived(&p), 0, 0);
	/* ten times as likely here as there: by the lengths of the pieces */
	best[0] = -50;
	best[1] = 0;
	best[2] = 0; /* beyond: 0.7 of a log unit, beside 1.386 */
	timer_profile__interval(&p, &t);
	assert_near(t.estimate_s, 100 * exp((log(4) + 0.7) / 2), 0.1);
	assert_near(t.high_s, 400, 1e-9);
	/* 1.92 is half the quantile of chi-squared: within that of the top nothing is excluded */
	best[1] = -1.9;
	assert_near(timer_profile__surely_survived(&p), 100, 0);
	best[1] = -1.95;
	assert_near(timer_profile__surely_survived(&p), 400, 0);
}

/* Many asked at one age: T may be just behind them, or just before the next such age. */
static void test_an_interval_between_polls(void **state)
{
	struct timer_edge edges[6];
	double best[7] = { -50, -50, -50, 0, -50, -50, -50 };
	struct timer_profile p = {
		.edges = edges, .best = best, .alone = best, .count = 6, .top = 0
	};
	struct idle_timeout t = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		edges[i] = (struct timer_edge){ (i < 3 ? 300 : 600) + 0.1 * i, i, i >= 3 };
	timer_profile__interval(&p, &t);
	assert_near(t.low_s, 300.2, 1e-9);
	assert_near(t.high_s, 600.3, 1e-9);
	assert_near(t.estimate_s, sqrt(300.2 * 600.3), 0.5);
	/* two are no habit */
	edges[0].at_s = 200;
	edges[5].at_s = 900;
	timer_profile__interval(&p, &t);
	assert_near(t.low_s, 300.2 * pow(600.3 / 300.2, 0.025), 0.1);
	assert_near(t.high_s, 300.2 * pow(600.3 / 300.2, 0.975), 0.1);
}

static void test_a_profile_of_nothing(void **state)
{
	struct idle_timeout t = { 0 };
	struct timer_profile p;

	(void)state;
	begin(NULL);
	prepare();
	make_profile(&p);
	assert_int_equal(p.count, 0);
	timer_profile__interval(&p, &t);
	assert_true(t.estimate_s == 0 && timer_profile__surely_survived(&p) == 0);
	timer_profile__free(&p);
}

/* ---- steps ---- */

/* A third of the devices each behind 120, 400 and 1,500 s. */
static void test_three_timers(void **state)
{
	static const double timers[] = { 120, 400, 1500 };
	struct idle_timeout t = { 0 };
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < MANY; i++) {
		double at = timers[i % 3];

		add(40, at * (0.99 - 0.001 * i / 3), at * (1.01 + 0.001 * i / 3))->idle_s = 1e6;
	}
	prepare();
	make_profile(&p);
	timer_profile__interval(&p, &t);
	assert_true(timer_steps__find(&p, &data, &t));
	assert_int_equal(t.steps, 3);
	for (i = 0; i < 3; i++) {
		assert_near(t.step[i].at_s / timers[i], 1, 0.03);
		assert_near(t.step[i].share, 1 / 3.0, 0.05);
	}
	/* the interval is the first one's */
	assert_true(t.low_s <= 120 && t.low_s > 110 && t.high_s >= 120 && t.high_s < 130);
	assert_near(t.estimate_s, t.step[0].at_s, 1e-9);
	timer_profile__free(&p);
}

/* The likeliest single one is where most are; of several, the interval is the shortest one's. */
static void test_a_few_are_behind_a_shorter_timer(void **state)
{
	struct idle_timeout t = { 0 };
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < 200; i++) {
		double at = i % 5 ? 900 : 240;

		add(40, at * (0.99 - 0.0005 * i), at * (1.01 + 0.0005 * i))->idle_s = 1e6;
	}
	prepare();
	make_profile(&p);
	timer_profile__interval(&p, &t);
	assert_near(t.estimate_s, 900, 20);
	assert_true(timer_steps__find(&p, &data, &t));
	assert_int_equal(t.steps, 2);
	assert_near(t.step[0].at_s, 240, 3);
	assert_near(t.step[0].share, 0.2, 0.03);
	assert_near(t.step[1].at_s, 900, 10);
	assert_near(t.step[1].share, 0.8, 0.03);
	assert_true(t.low_s > 230 && t.low_s <= 240 && t.high_s >= 240 && t.high_s < 250);
	assert_near(t.estimate_s, t.step[0].at_s, 1e-9);
	timer_profile__free(&p);
}

/* A tenth behind 300 s, the others behind 330: timers that close are told as one. */
static void test_timers_that_are_nearly_the_same(void **state)
{
	struct idle_timeout t = { 0 };
	struct timer_profile p;
	unsigned int i;

	(void)state;
	begin(NULL);
	for (i = 0; i < 200; i++) {
		double at = i % 10 ? 330 : 300;

		add(40, at * (0.99 - 0.0002 * i), at * (1.01 + 0.0002 * i))->idle_s = 1e6;
	}
	prepare();
	make_profile(&p);
	timer_profile__interval(&p, &t);
	assert_true(timer_steps__find(&p, &data, &t));
	assert_int_equal(t.steps, 1);
	assert_near(t.estimate_s, 330, 4);
	timer_profile__free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shares_add_up_to_one),
		TEST(test_rates_lie_around_the_mean),
		TEST(test_who_answers_has_not_vanished),
		TEST(test_who_would_have_spoken),
		TEST(test_words_of_a_device_with_a_name),
		TEST(test_sums_over_rates),
		TEST(test_by_when_it_was_gone),
		TEST(test_whose_timer_may_have_run_out),
		TEST(test_the_likeliest_shares),
		TEST(test_votes_weigh),
		TEST(test_edges_are_where_a_witness_changes_sides),
		TEST(test_within_and_below),
		TEST(test_a_profile_of_one_timer),
		TEST(test_a_profile_of_some),
		TEST(test_a_few_that_were_lost_late),
		TEST(test_an_interval_of_one_piece),
		TEST(test_an_interval_between_polls),
		TEST(test_a_profile_of_nothing),
		TEST(test_three_timers),
		TEST(test_a_few_are_behind_a_shorter_timer),
		TEST(test_timers_that_are_nearly_the_same),
	};

	return cmocka_run_group_tests_name("timer_model", tests, NULL, NULL);
}
