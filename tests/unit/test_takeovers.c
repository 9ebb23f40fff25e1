// SPDX-License-Identifier: GPL-2.0
/* Does a program close connections because their clients came again? It is learned from when it
 * does. */
#include <math.h>
#include <stdlib.h>

#include "devices/takeovers.h"
#include "unit.h"

static void test_classes_of_delay(void **state)
{
	static const struct {
		int64_t ms;
		unsigned int delay;
	} cases[] = {
		{ -301, 9 }, { -300, 9 }, { -299, 0 }, { -1, 0 },    { 0, 1 },	  { 49, 1 },
		{ 50, 2 },   { 99, 2 },	  { 100, 3 },  { 199, 3 },   { 200, 4 },  { 399, 4 },
		{ 400, 5 },  { 799, 5 },  { 800, 6 },  { 1599, 6 },  { 1600, 7 }, { 3199, 7 },
		{ 3200, 8 }, { 6399, 8 }, { 6400, 9 }, { 60000, 9 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(takeovers__delay(100 * S, 100 * S + cases[i].ms * (int64_t)MS),
				 cases[i].delay);
}

static double width_ns(unsigned int delay)
{
	static const unsigned int until_ms[] = { 0, 50, 100, 200, 400, 800, 1600, 3200, 6400 };

	return delay ? (until_ms[delay] - until_ms[delay - 1]) * (double)MS : 300.0 * MS;
}

/* Densities of all delays, over their widths. */
static double whole(const struct takeover_view *v)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < TAKEOVER_DELAYS; i++)
		sum += v->per_ns[i] * width_ns(i);
	return sum;
}

static void test_nothing_is_known_at_first(void **state)
{
	struct takeover_view v = takeovers__view(NULL, NULL);

	(void)state;
	assert_true(fabs(v.share - 0.36715) < 1e-6);
	assert_true(fabs(whole(&v) - 1) < 1e-9);
	assert_true(v.per_ns[1] > v.per_ns[5] && v.per_ns[5] > v.per_ns[7]);
}

static void take_over(struct takeovers *t, unsigned int delay)
{
	double ratios[TAKEOVER_DELAYS] = { 0 };

	ratios[delay] = 1e9;
	takeovers__count_delays(t, ratios);
}

static void test_delays_are_learned(void **state)
{
	struct takeovers own = { 0 }, service = { 0 };
	struct takeover_view before = takeovers__view(NULL, NULL), v;
	unsigned int i;

	(void)state;
	for (i = 0; i < 36; i++)
		take_over(&own, 5);
	v = takeovers__view(&own, NULL);
	assert_true(fabs(whole(&v) - 1) < 1e-6);
	assert_true(fabs(v.per_ns[5] * width_ns(5) - (36 + 4 * 0.15) / 40) < 1e-5);
	assert_true(fabs(v.per_ns[1] / before.per_ns[1] - 0.1) < 1e-5);
	assert_true(fabs(v.sooner[0] - 0.001) < 1e-5);
	assert_true(fabs(v.sooner[6] - (0.977 + 0.0055)) < 1e-5);
	/* another address of the service begins there */
	for (i = 0; i < 4; i++)
		take_over(&service, 8);
	v = takeovers__view(NULL, &service);
	assert_true(fabs(v.per_ns[8] * width_ns(8) - (4 + 4 * 0.04) / 8) < 1e-5);
	v = takeovers__view(&own, &service);
	assert_true(fabs(v.per_ns[8] * width_ns(8) - 4 * 0.52 / 40) < 1e-5);
}

static void test_half_believed_delays(void **state)
{
	struct takeovers t = { 0 };
	double ratios[TAKEOVER_DELAYS] = { [2] = 1, [3] = 2 };

	(void)state;
	takeovers__count_delays(&t, ratios);
	assert_true(fabs(t.delays[2] - 0.25) < 1e-6 && fabs(t.delays[3] - 0.5) < 1e-6);
	assert_true(t.delays[4] == 0);
}

static void test_a_service_is_where_an_address_begins(void **state)
{
	struct takeovers own = { 0 }, service = { 0 };
	double guess, begins;
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		takeovers__count_closing(&service, 100);
	begins = takeovers__view(&own, &service).share;
	guess = takeovers__view(&own, NULL).share;
	assert_true(begins > 0.9 && guess < 0.4);
	for (i = 0; i < 10; i++)
		takeovers__count_closing(&own, 0);
	assert_in_range(takeovers__view(&own, &service).share * 1000, 0, 400);
	/* a closing that one arrival explains however well is one closing */
	own = (struct takeovers){ 0 };
	takeovers__count_closing(&own, 1e6);
	guess = takeovers__view(&own, NULL).share;
	own = (struct takeovers){ 0 };
	takeovers__count_closing(&own, 1e12);
	assert_true(fabs(takeovers__view(&own, NULL).share - guess) < 1e-6);
	assert_true(guess < 0.95);
}

/* ---- closings among arrivals by chance ---- */

/* Exponential, of mean 1. */
static double waits(void)
{
	return -log((rand() + 1.0) / (RAND_MAX + 2.0));
}

/* How much likelier what came before a closing is, if `taken_over_ms` before it somebody came (0:
 * not) and others at `per_s`. */
static double ratio(const struct takeover_view *v, double per_s, double taken_over_ms)
{
	double at_s, sum = 0;

	for (at_s = waits() / per_s; at_s < 6.4; at_s += waits() / per_s)
		sum += v->per_ns[takeovers__delay(0, at_s * S)] / (per_s / S);
	if (taken_over_ms)
		sum += v->per_ns[takeovers__delay(0, taken_over_ms * MS)] / (per_s / S);
	return sum;
}

static double learned_share(double per_s, double share)
{
	struct takeovers t = { 0 };
	unsigned int i;

	for (i = 0; i < 300; i++) {
		struct takeover_view v = takeovers__view(&t, NULL);
		int takeover = rand() < share * RAND_MAX;

		takeovers__count_closing(&t, ratio(&v, per_s, takeover ? 50 + rand() % 300 : 0));
	}
	return takeovers__view(&t, NULL).share;
}

static void test_shares_are_learned(void **state)
{
	static const double rates[] = { 0.001, 0.1, 1, 5 };
	unsigned int i;

	(void)state;
	srand(1);
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		assert_true(learned_share(rates[i], 0) < 0.05);
		assert_true(fabs(learned_share(rates[i], 0.5) - 0.5) < 0.21);
		assert_true(learned_share(rates[i], 1) > 0.9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_of_delay),
		cmocka_unit_test(test_nothing_is_known_at_first),
		cmocka_unit_test(test_delays_are_learned),
		cmocka_unit_test(test_half_believed_delays),
		cmocka_unit_test(test_a_service_is_where_an_address_begins),
		cmocka_unit_test(test_shares_are_learned),
	};

	return cmocka_run_group_tests_name("takeovers", tests, NULL, NULL);
}
