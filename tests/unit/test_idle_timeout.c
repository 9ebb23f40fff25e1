// SPDX-License-Identifier: GPL-2.0
/* The estimate of a path's idle timeout against populations whose truth is known. */
#include <math.h>
#include <string.h>

#include "idle_timeout.h"
#include "unit.h"

/* Numerical Recipes' 64-bit generator: the same populations on every machine. */
static double even(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((*seed >> 11) + 0.5) / (1ULL << 53);
}

struct population {
	const char *name;
	size_t devices;
	double timeout_s, other_s, other_share;	/* two timers */
	double vanish_s;			/* devices vanish after this time, on average */
	double shortest_s, longest_s;		/* gaps, even on a logarithmic scale */
	unsigned int gaps;			/* of a device, until it is lost */
	double untimed;				/* share of devices behind no timer */
};

static void populate(struct path_witness *all, const struct population *p, double scale,
		     uint64_t *seed)
{
	size_t i, g;

	for (i = 0; i < p->devices; i++) {
		double timer = even(seed) < p->other_share ? p->other_s : p->timeout_s;
		struct path_witness *w = &all[i];

		*w = (struct path_witness){ 0 };
		timer = even(seed) < p->untimed ? HUGE_VAL : timer * scale;
		for (g = 0; g < p->gaps && !w->lost_s; g++) {
			double gap = p->shortest_s * pow(p->longest_s / p->shortest_s, even(seed));

			w->idle_s += gap;
			if (gap >= timer || -log(even(seed)) * p->vanish_s < gap)
				w->lost_s = gap;
			else
				w->survived_s = fmax(w->survived_s, gap);
		}
	}
}

#define ROUNDS 200

/* 92 to 98 % of the intervals hold the truth: of 200. */
static void test_intervals_hold_the_truth(void **state)
{
	static const struct population populations[] = {
		{ "a minute, many gaps", 60, 300, 0, 0, 36000, 30, 1200, 6, 0 },
		{ "a quarter of an hour, sparse gaps", 100, 900, 0, 0, 86400, 60, 7200, 3, 0 },
		{ "one gap a device", 200, 900, 0, 0, 86400, 300, 3600, 1, 0 },
		{ "devices that vanish often", 120, 900, 0, 0, 7200, 60, 7200, 4, 0 },
		{ "some behind no timer", 120, 900, 0, 0, 86400, 60, 7200, 4, 0.4 },
	};
	struct path_witness all[200];
	unsigned int k, round;
	uint64_t seed = 7;

	(void)state;
	for (k = 0; k < sizeof(populations) / sizeof(populations[0]); k++) {
		const struct population *p = &populations[k];
		unsigned int held = 0, near = 0, several = 0;

		for (round = 0; round < ROUNDS; round++) {
			double scale = exp((even(&seed) - 0.5) * 0.3), truth = p->timeout_s * scale;
			struct idle_timeout t;

			populate(all, p, scale, &seed);
			assert_true(idle_timeout__estimate(all, p->devices, &t));
			assert_int_equal(t.reason, IDLE_KNOWN);
			held += truth >= t.low_s && truth <= t.high_s;
			near += fabs(t.estimate_s - truth) < 0.1 * truth;
			several += t.steps > 1;
		}
		if (held < ROUNDS * 0.92 || held > ROUNDS * 0.98 || near < ROUNDS * 0.95 ||
		    several > 5)
			fail_msg("%s: %u of %u hold, %u within 10 %%, %u see several steps",
				 p->name, held, ROUNDS, near, several);
	}
}

static void test_two_timers_are_two_steps(void **state)
{
	static const struct population p = { "", 200, 300, 900, 0.5, 86400, 30, 3600, 4, 0 };
	unsigned int round, two = 0, near = 0;
	struct path_witness all[200];
	uint64_t seed = 11;

	(void)state;
	for (round = 0; round < 50; round++) {
		struct idle_timeout t;

		populate(all, &p, 1, &seed);
		assert_true(idle_timeout__estimate(all, p.devices, &t));
		two += t.steps == 2;
		near += t.steps == 2 && fabs(t.step[0].at_s - 300) < 30 &&
			fabs(t.step[1].at_s - 900) < 90 && fabs(t.step[0].share - 0.5) < 0.15;
	}
	if (two < 48 || near < 45)
		fail_msg("of 50, %u see two steps, %u where they are", two, near);
}

/* Devices that vanish, and no timer: nothing is made up. */
static void test_no_step_is_no_step(void **state)
{
	static const struct population p = { "", 200, 1e9, 0, 0, 7200, 30, 3600, 4, 0 };
	unsigned int round, none = 0;
	struct path_witness all[200];
	struct idle_timeout t;
	uint64_t seed = 13;

	(void)state;
	for (round = 0; round < 50; round++) {
		populate(all, &p, 1, &seed);
		assert_true(idle_timeout__estimate(all, p.devices, &t));
		none += t.reason == IDLE_NO_STEP && t.low_s > 1000;
	}
	if (none < 49)
		fail_msg("of 50, %u see no step", none);
}

static void test_what_the_data_cannot_tell(void **state)
{
	struct path_witness all[300];
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	/* Asked every minute: nobody waited longer, and some vanished. */
	for (i = 0; i < 300; i++)	/* the kernel's timer is late by up to 2 s */
		all[i] = (struct path_witness){ .survived_s = 60 + i % 10 * 0.2,
						.idle_s = 86400,
						.lost_s = i % 30 ? 0 : 60.5 + i % 4,
						.probed = true };
	assert_true(idle_timeout__estimate(all, 300, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	assert_true(t.low_s > 59 && t.low_s < 62);
	assert_string_equal(idle_reason__name(t.reason), "censored_by_keepalive");
	/* As the lab shows it: all survive hardly less than those who are lost at their first
	 * probe. */
	for (i = 0; i < 300; i++)
		all[i] = (struct path_witness){ .survived_s = i % 30 ? 2.02 : 0, .idle_s = 100,
						.lost_s = i % 30 ? 0 : 2.05, .probed = i % 30,
						.lost_to_probe = true };
	assert_true(idle_timeout__estimate(all, 300, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	for (i = 0; i < 10; i++)
		all[i] = (struct path_witness){ .survived_s = 100, .idle_s = 1000, .lost_s = 900 };
	assert_true(idle_timeout__estimate(all, 10, &t));
	assert_int_equal(t.reason, IDLE_THIN);
	assert_true(idle_timeout__estimate(all, 0, &t));
	assert_int_equal(t.reason, IDLE_THIN);
	assert_true(t.low_s == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals_hold_the_truth),
		cmocka_unit_test(test_two_timers_are_two_steps),
		cmocka_unit_test(test_no_step_is_no_step),
		cmocka_unit_test(test_what_the_data_cannot_tell),
	};

	return cmocka_run_group_tests_name("idle_timeout", tests, NULL, NULL);
}
