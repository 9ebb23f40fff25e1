// SPDX-License-Identifier: GPL-2.0
/* A connection's gaps, folded as a watch tells them: whose they are, and how long each was. */
#include "made_up.h"
#include "tuning/gap_lengths.h"

/* Probed every minute. */
static struct life probed(void)
{
	struct life life = life_of_a_day(0);

	life.idle_s = 60;
	life.interval_s = 10;
	return life;
}

static bool looks_probed(const struct life *life, double from_s, double to_s, bool by_us)
{
	struct life_gap gap = { from_s, to_s, 1, by_us };

	return gap_lengths__is_probed(life, &gap);
}

/* Timers are late by an eighth at most; a run of gaps may begin and end beyond. */
static void test_a_gap_that_our_probe_ended(void **state)
{
	struct life life = probed();

	(void)state;
	assert_true(looks_probed(&life, 60, 62, true));
	assert_false(looks_probed(&life, 60, 62, false));
	assert_true(looks_probed(&life, 58, 58, true));
	assert_false(looks_probed(&life, 56, 56.9, true));
	assert_true(looks_probed(&life, 71, 500, true));
	assert_false(looks_probed(&life, 73, 500, true));
	assert_true(looks_probed(&life, 10, 60, true));
	/* an answered probe is armed for the interval */
	life.interval_s = 100;
	assert_false(looks_probed(&life, 60, 62, true));
	assert_true(looks_probed(&life, 100, 102, true));
}

static void test_parts_are_even_over_the_logarithm(void **state)
{
	struct life_gap gap = { 10, 1000, 5, false }, from_nothing = { 0, 30, 5, false };
	unsigned int part;

	(void)state;
	for (part = 0; part < GAP_PARTS; part++) {
		assert_near(log(gap_lengths__part_s(&gap, part)),
			    log(10) + log(100) * (2 * part + 1) / (2.0 * GAP_PARTS), 1e-5);
		assert_near(gap_lengths__part_s(&from_nothing, part), 15, 1e-4);
	}
	gap = (struct life_gap){ 10, 10, 5, false };
	assert_near(gap_lengths__part_s(&gap, 3), 10, 1e-4);
}

/* A hundred answered probes, and five words of the peer's. */
static void test_whose_gaps_they_are(void **state)
{
	struct life life = probed();
	struct gap_lengths l;
	double own = 0;
	unsigned int part;

	(void)state;
	add_gap(&life, 10, 10, 5, false);
	add_gap(&life, 60.5, 62, 100, true);
	life.probes_sent = 100;
	l = gap_lengths__of(&life);
	assert_near(l.probed, 100, 1e-9);
	assert_near(l.own, 5, 1e-9);
	assert_near(l.own_share, 0, 1e-9);
	assert_near(l.probed_s, 100 * 61.2, 0.01); /* late by a fiftieth, mostly */
	assert_near(l.own_s, 50, 1e-3);
	assert_near(l.own_low_s, 10, 1e-5);
	assert_near(l.own_high_s, 10, 1e-5);
	assert_near(l.known_s, DAY_S, 1e-6);
	for (part = 0; part < GAP_PARTS; part++) {
		assert_near(l.weight[part], 1.0 / GAP_PARTS, 1e-9);
		own += gap_lengths__own_count(&l, &life, &life.gaps[0], part);
		assert_near(gap_lengths__own_count(&l, &life, &life.gaps[1], part), 0, 1e-9);
	}
	assert_near(own, 5, 1e-9);
}

/* As many gaps of that length as were not probed are our program's. */
static void test_as_many_are_probed_as_were_answered(void **state)
{
	struct life life = probed();
	struct gap_lengths l;

	(void)state;
	add_gap(&life, 61.2, 61.2, 100, true);
	life.probes_sent = 90;
	life.probes_lost = 10;
	l = gap_lengths__of(&life);
	assert_near(l.probed, 80, 1e-9);
	assert_near(l.own, 20, 1e-9);
	assert_near(l.own_share, 0.2, 1e-9);
	assert_near(l.probed_s, 80 * 61.2, 0.01);
	assert_near(l.own_s, 20 * 61.2, 0.01);
	assert_near(gap_lengths__own_count(&l, &life, &life.gaps[0], 0), 20.0 / GAP_PARTS, 1e-6);
	/* those that found it dead were not answered */
	life = dead_life(life, FOUND_BY_KEEPALIVE, 150);
	l = gap_lengths__of(&life);
	assert_near(l.probed, 71, 1e-9);
	/* nobody counted them, as far as was told */
	life.probes_sent = 0;
	l = gap_lengths__of(&life);
	assert_near(l.probed, 100, 1e-9);
	assert_near(l.own, 0, 1e-9);
	/* more were lost than sent */
	life.probes_sent = 5;
	l = gap_lengths__of(&life);
	assert_near(l.probed, 0, 1e-9);
	assert_near(l.own, 100, 1e-9);
}

/* The probed part of a gap lies within what was told. */
static void test_a_probed_gap_is_as_long_as_was_told(void **state)
{
	struct life life = probed();

	(void)state;
	add_gap(&life, 63, 64, 10, true);
	assert_near(gap_lengths__of(&life).probed_s, 630, 1e-2);
	life.gap_count = 0;
	add_gap(&life, 20, 60.5, 10, true);
	assert_near(gap_lengths__of(&life).probed_s, 605, 1e-2);
}

/* Who speaks is known until it was heard last; who never did, to the end; the dead, until they
 * died. */
static void test_how_long_is_it_known_what_passed(void **state)
{
	struct life life = probed();

	(void)state;
	/* No gap was told: it was silent, or spoke all the time. That shows where somebody counted. */
	life.heard_s = life.seen_s + 1000;
	assert_near(gap_lengths__of(&life).known_s, 1000, 1e-6);
	life.reports.segments_known = true;
	life.reports.segments = 2;
	assert_near(gap_lengths__of(&life).known_s, DAY_S, 1e-6);
	life.reports.segments = 3;
	assert_near(gap_lengths__of(&life).known_s, 1000, 1e-6);
	life.reports.segments_known = false;
	add_gap(&life, 10, 10, 2, false);
	assert_near(gap_lengths__of(&life).known_s, DAY_S, 1e-6);
	life.gaps[0].count = 3;
	assert_near(gap_lengths__of(&life).known_s, 1000, 1e-6);
	life.gap_count = 0;
	life.found_by = FOUND_BY_RESET;
	assert_near(gap_lengths__of(&life).known_s, 1000, 1e-6);
	life.heard_s = 0;
	assert_near(gap_lengths__of(&life).known_s, DAY_S, 1e-6);
	life.heard_s = life.seen_s - 1000;
	assert_near(gap_lengths__of(&life).known_s, 0, 1e-9);
}

/* A hundred gaps of 10 to 1,000 s would be 21,500 s long; in 5,000 s most of them were short. */
static void test_they_fit_into_the_time_that_there_was(void **state)
{
	struct life life = probed();
	struct gap_lengths l;
	double all = 0;
	unsigned int part;

	(void)state;
	add_gap(&life, 10, 1000, 100, false);
	l = gap_lengths__of(&life);
	assert_near(l.own_s, 100 * 990 / log(100), 400); /* the mean of a logarithmic scale */
	life.heard_s = life.seen_s + 5000;
	l = gap_lengths__of(&life);
	assert_near(l.own_s, 5000, 1);
	for (part = 0; part < GAP_PARTS; part++) {
		all += l.weight[part];
		if (part)
			assert_near(l.weight[part] / l.weight[part - 1], l.weight[1] / l.weight[0],
				    1e-6);
	}
	assert_near(all, 1, 1e-9);
	assert_true(l.weight[1] < l.weight[0]);
	/* part of the time our probes took */
	add_gap(&life, 61.2, 61.2, 20, true);
	life.probes_sent = 20;
	assert_near(gap_lengths__of(&life).own_s, 5000 - 20 * 61.2, 1);
	/* even the shortest are too long for it: as short as they can be */
	life.heard_s = life.seen_s + 100;
	l = gap_lengths__of(&life);
	assert_near(l.weight[0], 1, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_gap_that_our_probe_ended),
		cmocka_unit_test(test_parts_are_even_over_the_logarithm),
		cmocka_unit_test(test_whose_gaps_they_are),
		cmocka_unit_test(test_as_many_are_probed_as_were_answered),
		cmocka_unit_test(test_a_probed_gap_is_as_long_as_was_told),
		cmocka_unit_test(test_how_long_is_it_known_what_passed),
		cmocka_unit_test(test_they_fit_into_the_time_that_there_was),
	};

	return cmocka_run_group_tests_name("gap_lengths", tests, NULL, NULL);
}
