// SPDX-License-Identifier: GPL-2.0
/* How many are dead by an earlier probe: the truth lies within the limits as often as they say. */
#include <math.h>
#include <stdlib.h>

#include "tuning/probed_dead.h"
#include "unit.h"

static void is(const struct probed_counts *c, double estimate, double low, double high)
{
	struct sockets_dead dead = probed_dead__of(c);

	if (dead.estimate != estimate || dead.low != low || dead.high != high)
		fail_msg("%g, %g to %g: %g, %g to %g", estimate, low, high, dead.estimate, dead.low,
			 dead.high);
	assert_int_equal(dead.of, c->drawn);
	assert_int_equal(dead.unknown, c->outside);
}

/* Whom the probe could not have drawn is no part of it, nor whoever was heard since. */
static void test_all_were_asked(void **state)
{
	struct probed_counts c = { .drawn = 20, .drawn_quiet = 20, .dead = 20, .outside = 180 };

	(void)state;
	is(&c, 20, 20, 20);
	c.dead = 4;
	c.others = 300;		/* opened since */
	is(&c, 4, 4, 4);
	c.others_quiet = c.others_heard = 7;	/* opened while it ran */
	is(&c, 4, 4, 4);
	c.others_quiet = c.others_heard = 0;
	c.unclear = 2;
	is(&c, 4, 4, 6);
	c = (struct probed_counts){ .drawn = 10, .others = 10 };	/* all spoke again */
	is(&c, 0, 0, 0);
	c = (struct probed_counts){ .outside = 5 };
	is(&c, INFINITY, INFINITY, INFINITY);
}

static void test_interrupted(void **state)
{
	struct probed_counts c = { .drawn = 50, .drawn_quiet = 50, .dead = 3, .unclear = 20,
				   .others = 40, .others_quiet = 30, .others_heard = 10, .in_part = true };

	(void)state;
	is(&c, INFINITY, 3, 43);
	c.unclear = 0;
	c.others_heard = 30;
	is(&c, 3, 3, 3);	/* nobody is left of whom it is not known */
}

/* A group of which nobody was drawn has its part of the sum. */
static void test_shares(void **state)
{
	struct probed_counts all = { .drawn = 40, .drawn_quiet = 40, .dead = 10, .others = 360,
				     .others_quiet = 360 };
	struct probed_counts none = { .others = 10, .others_quiet = 10 };
	struct probed_counts own = { .drawn = 2, .drawn_quiet = 2, .dead = 2, .others = 8,
				     .others_quiet = 8 };

	(void)state;
	assert_true(fabs(probed_dead__share(&none, &all) - 2.5) < 1e-9);
	assert_true(fabs(probed_dead__share(&own, &all) - 10) < 1e-9);
	none.others_heard = 9;
	assert_true(fabs(probed_dead__share(&none, &all) - 1) < 1e-9);
	none.others_quiet = none.others_heard = 0;
	assert_true(probed_dead__share(&none, &all) == 0);
	none = (struct probed_counts){ .outside = 4 };
	assert_true(isinf(probed_dead__share(&none, &all)));
}

static double draw(void)
{
	return rand() / (RAND_MAX + 1.0);
}

/* One fleet, one probe of every `n`-th, and what is open later. Dead ones are dead for good; of the
 * living some speak while it runs and some afterwards, and as many are opened. Returns the truth. */
static unsigned int play(struct probed_counts *c, double dead_share, double asked_share)
{
	unsigned int i, dead = 0;

	*c = (struct probed_counts){ .outside = 3 };
	for (i = 0; i < 400; i++) {
		bool is_dead = draw() < dead_share, asked = draw() < asked_share;
		bool after = !is_dead && draw() < 0.3, meanwhile = !is_dead && draw() < 0.1;

		dead += is_dead;
		c->drawn += asked;
		c->drawn_quiet += asked && !after;
		c->dead += asked && is_dead;
		c->others += !asked;
		c->others_quiet += !asked && !after;
		c->others_heard += !asked && !after && meanwhile;
	}
	for (i = 0; i < 100; i++) {	/* opened: they spoke at least once */
		bool meanwhile = draw() < 0.1;

		c->others++;
		c->others_quiet += meanwhile;
		c->others_heard += meanwhile;
	}
	return dead;
}

static void test_limits_hold(void **state)
{
	static const double shares[] = { 0.02, 0.2, 0.5, 0.9 };
	unsigned int i, run, held, true_dead;
	double sum, truth;

	(void)state;
	srand(1);
	for (i = 0; i < 16; i++) {
		held = sum = truth = 0;
		for (run = 0; run < 200; run++) {
			struct probed_counts c;
			struct sockets_dead dead;

			true_dead = play(&c, shares[i / 4], (double[]){ 0.05, 0.1, 0.3, 1 }[i % 4]);
			dead = probed_dead__of(&c);
			held += dead.low <= true_dead && true_dead <= dead.high;
			sum += dead.estimate;
			truth += true_dead;
			assert_true(i % 4 < 3 || (dead.low == true_dead && dead.high == true_dead));
		}
		/* 95 % of 200 are 190; four errors below that are 178 */
		if (held < 178 || fabs(sum - truth) > 0.12 * truth + 300)
			fail_msg("%g of %g: %u of 200, %g for %g", shares[i / 4], i % 4 + 0.0, held,
				 sum / 200, truth / 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_were_asked),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
