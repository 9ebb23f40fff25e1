// SPDX-License-Identifier: GPL-2.0
/* The estimate of a path's idle timeout against populations with known timers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/idle_timeout.h"
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

#define DEVICES_MOST 300
#define GAPS_MOST 8

struct fleet {
	struct path_witness all[DEVICES_MOST];
	struct life_gap gaps[DEVICES_MOST][GAPS_MOST];
};

static void survive(struct fleet *f, size_t i, double s, uint32_t count, bool by_us)
{
	f->gaps[i][f->all[i].gap_count++] = (struct life_gap){ s, s, count, by_us };
}

static struct path_witness *begin(struct fleet *f, size_t i)
{
	f->all[i] = (struct path_witness){ .weight = 1, .gaps = f->gaps[i] };
	return &f->all[i];
}

static void populate(struct fleet *f, const struct population *p, double scale, uint64_t *seed)
{
	size_t i, g;

	for (i = 0; i < p->devices; i++) {
		double timer = even(seed) < p->other_share ? p->other_s : p->timeout_s;
		struct path_witness *w = begin(f, i);

		timer = even(seed) < p->untimed ? HUGE_VAL : timer * scale;
		for (g = 0; g < p->gaps && !w->lost_s; g++) {
			double gap = p->shortest_s * pow(p->longest_s / p->shortest_s, even(seed));

			if (gap >= timer || -log(even(seed)) * p->vanish_s < gap)
				w->lost_s = gap;
			else
				survive(f, i, gap, 1, true);
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
	static struct fleet f;
	unsigned int k, round;
	uint64_t seed = 7;

	(void)state;
	for (k = 0; k < sizeof(populations) / sizeof(populations[0]); k++) {
		const struct population *p = &populations[k];
		unsigned int held = 0, near = 0, several = 0, unknown = 0;

		for (round = 0; round < ROUNDS; round++) {
			double scale = exp((even(&seed) - 0.5) * 0.3), truth = p->timeout_s * scale;
			struct idle_timeout t;

			populate(&f, p, scale, &seed);
			assert_true(idle_timeout__estimate(f.all, p->devices, &t));
			if (t.reason != IDLE_KNOWN) {	/* where some are behind none */
				unknown++;
				continue;
			}
			held += truth >= t.low_s && truth <= t.high_s;
			near += fabs(t.estimate_s - truth) < 0.1 * truth;
			several += t.steps > 1;
		}
		if (held < (ROUNDS - unknown) * 0.92 || held > (ROUNDS - unknown) * 0.985 ||
		    near < (ROUNDS - unknown) * 0.95 || several > 5 ||
		    unknown > ROUNDS * p->untimed * 0.1)
			fail_msg("%s: %u of %u hold, %u within 10 %%, %u see several steps, %u none",
				 p->name, held, ROUNDS, near, several, unknown);
	}
}

static void test_two_timers_are_two_steps(void **state)
{
	static const struct population p = { "", 200, 300, 900, 0.5, 86400, 30, 3600, 4, 0 };
	unsigned int round, two = 0, near = 0;
	static struct fleet f;
	uint64_t seed = 11;

	(void)state;
	for (round = 0; round < 50; round++) {
		struct idle_timeout t;

		populate(&f, &p, 1, &seed);
		assert_true(idle_timeout__estimate(f.all, p.devices, &t));
		two += t.steps == 2;
		near += t.steps == 2 && fabs(t.step[0].at_s - 300) < 30 &&
			fabs(t.step[1].at_s - 900) < 90 && fabs(t.step[0].share - 0.5) < 0.15;
	}
	if (two < 48 || near < 45)
		fail_msg("of 50, %u see two steps, %u where they are", two, near);
}

/* Devices that vanish, and no timer: none is estimated. */
static void test_no_step_is_no_step(void **state)
{
	static const struct population p = { "", 200, 1e9, 0, 0, 7200, 30, 3600, 4, 0 };
	unsigned int round, none = 0;
	static struct fleet f;
	struct idle_timeout t;
	uint64_t seed = 13;

	(void)state;
	for (round = 0; round < 50; round++) {
		populate(&f, &p, 1, &seed);
		assert_true(idle_timeout__estimate(f.all, p.devices, &t));
		none += t.reason == IDLE_NO_STEP && t.low_s > 1000;
	}
	if (none < 49)
		fail_msg("of 50, %u see no step", none);
}

static void test_what_the_data_cannot_tell(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	/* Asked every minute: no silence was longer, and some vanished. */
	for (i = 0; i < 300; i++) {	/* the kernel's timer is late by up to 2 s */
		struct path_witness *w = begin(&f, i);

		survive(&f, i, 60 + i % 10 * 0.2, 1000, true);
		w->probed = w->lost_to_probe = true;
		w->lost_s = i % 30 ? 0 : 60.5 + i % 4;
	}
	assert_true(idle_timeout__estimate(f.all, 300, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	assert_true(t.low_s > 59 && t.low_s < 62);
	assert_string_equal(idle_reason__name(t.reason), "censored_by_keepalive");
	/* As the lab shows it: all survive hardly less than those who are lost at their first
	 * probe. */
	for (i = 0; i < 300; i++) {
		struct path_witness *w = begin(&f, i);

		if (i % 30)
			survive(&f, i, 2.02, 50, true);
		w->lost_s = i % 30 ? 0 : 2.05;
		w->probed = i % 30;
		w->lost_to_probe = true;
	}
	assert_true(idle_timeout__estimate(f.all, 300, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	for (i = 0; i < 10; i++) {
		begin(&f, i)->lost_s = 900;
		survive(&f, i, 100, 10, true);
	}
	assert_true(idle_timeout__estimate(f.all, 10, &t));
	assert_int_equal(t.reason, IDLE_THIN);
	assert_true(idle_timeout__estimate(f.all, 0, &t));
	assert_int_equal(t.reason, IDLE_THIN);
	assert_true(t.low_s == 0);
}

/* They send data every minute, and die: two hours later a probe finds them gone. No timer shows,
 * whatever the path has; nor could any, as live peers are never silent for so long. */
static void test_who_is_asked_only_when_dead(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		begin(&f, i)->lost_s = i % 4 ? 0 : 7205 + i;
		survive(&f, i, 59 + i % 3, 700, false);
	}
	assert_true(idle_timeout__estimate(f.all, 60, &t));
	assert_int_equal(t.reason, IDLE_NOT_ASKED);
	assert_true(t.low_s > 60.9 && t.low_s < 61.1 && t.high_s == 0);
	assert_true(idle_timeout__days_to_tell(&t) == 0);
	/* None of them ever sends data, and no probe is ever answered: at least none survives
	 * it. */
	for (i = 0; i < 60; i++)
		begin(&f, i)->lost_s = 7205 + i;
	assert_true(idle_timeout__estimate(f.all, 60, &t));
	assert_int_equal(t.reason, IDLE_NOT_ASKED);
	assert_true(t.low_s == 0 && t.high_s == 7205);
	assert_true(idle_timeout__days_to_tell(&t) >= 1);
}

/* Asks at a few ages only: T may be anywhere up to the age at which all were lost. */
static void test_polls_leave_all_between_them(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		begin(&f, i)->lost_s = 900.2 + i * 0.01;
		survive(&f, i, 300.5, 3, true);
		survive(&f, i, 600.9, 2, true);
	}
	assert_true(idle_timeout__estimate(f.all, 60, &t));
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(fabs(t.low_s - 600.9) < 0.01 && fabs(t.high_s - 900.2) < 0.01);
}

/* A tenth of the devices die within the hour, the others hardly ever: that is no timer. */
static void test_lemons_are_no_timer(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int round, told = 0, i, g;
	uint64_t seed = 17;

	(void)state;
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 100; i++) {
			struct path_witness *w = begin(&f, i);
			double left = -log(even(&seed)) * (i % 10 ? 2e6 : 3600);

			for (g = 0; g < GAPS_MOST && !w->lost_s; g++) {
				double gap = 60 * pow(120, even(&seed));

				if ((left -= gap) < 0)
					w->lost_s = gap;
				else
					survive(&f, i, gap, 1, true);
			}
		}
		assert_true(idle_timeout__estimate(f.all, 100, &t));
		told += t.reason == IDLE_KNOWN;
	}
	if (told > 2)
		fail_msg("of 50, %u are told a timer", told);
}

/* One device crashes 500 times after a minute: it has one vote among forty. */
static void test_a_vote_each(void **state)
{
	static struct path_witness all[540];
	static struct life_gap gaps[540][4];
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 540; i++) {
		all[i] = (struct path_witness){ .weight = i < 40 ? 1 : 1.0 / 500, .gaps = gaps[i],
						.gap_count = i < 40 ? 4 : 0,
						.lost_s = i < 40 ? i < 6 ? 3000 + i : 0 : 61 };
		gaps[i][0] = (struct life_gap){ 600 + i, 600 + i, 1, true };
		gaps[i][1] = (struct life_gap){ 1800 + i, 1800 + i, 1, true };
		gaps[i][2] = (struct life_gap){ 3600 + i, 3600 + i, 1, true };
		gaps[i][3] = (struct life_gap){ 7000 + i, 7000 + i, 1, true };
	}
	assert_true(idle_timeout__estimate(all, 540, &t));
	assert_int_equal(t.reason, IDLE_NO_STEP);
	assert_int_equal(t.devices, 41);
	assert_int_equal(t.connections, 540);
	assert_true(t.low_s > 7000);
}

/* Runs as a watch folds them: of the pauses up to `short_s`, and of the others. */
static void add_pause(struct fleet *f, size_t i, double s, double short_s)
{
	struct life_gap *g = &f->gaps[i][s > short_s];

	f->all[i].gap_count = 2;
	*g = (struct life_gap){ g->count ? fmin(g->from_s, s) : s, fmax(g->to_s, s), g->count + 1,
				false };
}

/* No asks, but devices have names, and reconnect: behind a timer, with the first data later than
 * that; without one, some time after they died. */
static void come_back(struct fleet *f, double timer_s, double even_s, double random_s,
		      uint64_t *seed)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < 80; i++) {
		struct path_witness *w = begin(f, i);
		double left_s = -log(even(seed)) * 40000, pause;

		w->named = w->lost_by_itself = true;
		for (;; left_s -= pause) {
			pause = even_s + even(seed) - log(even(seed)) * random_s;
			if (pause >= timer_s || left_s < pause)
				break;
			add_pause(f, i, pause, even_s + random_s);
		}
		w->lost_s = pause >= timer_s ? pause : left_s - log(even(seed)) * 120;
		w->back_s = w->lost_s;
	}
}

static void test_who_comes_back_tells(void **state)
{
	unsigned int round, told = 0, held = 0, invented = 0;
	static struct fleet f;
	struct idle_timeout t;
	uint64_t seed = 23;

	(void)state;
	for (round = 0; round < 40; round++) {
		come_back(&f, 900, 10, 300, &seed);
		assert_true(idle_timeout__estimate(f.all, 80, &t));
		told += t.reason == IDLE_KNOWN;
		held += t.reason == IDLE_KNOWN && t.low_s <= 900 && t.high_s >= 900;
		come_back(&f, HUGE_VAL, 60, round % 2 ? 0 : 300, &seed);
		assert_true(idle_timeout__estimate(f.all, 80, &t));
		invented += t.reason == IDLE_KNOWN;
	}
	if (told < 36 || held + 3 < told || invented > 1)
		fail_msg("of 40, %u are told, %u of them rightly; %u are invented", told, held,
			 invented);
}

static void test_resets_at_the_timer(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		begin(&f, i)->reset_s = i % 2 ? 900 + i * 0.01 : 0;
		survive(&f, i, 100 + 20 * i, 4, false);
	}
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(t.told_by_resets && t.low_s >= 899 && t.low_s <= 900 && t.high_s < 901);
	/* Programs that abort after any time are no middlebox; nor is one that others outlive. */
	for (i = 0; i < 40; i++)
		f.all[i].reset_s = i % 2 ? 20 * i : 0;
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_false(t.told_by_resets);
	for (i = 0; i < 40; i++)
		f.all[i].reset_s = i % 2 ? 300 : 0;
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_false(t.told_by_resets);
}

/* Each answers its probe every minute, and is lost a quarter of an hour after it began. */
static void test_probes_that_do_not_hold(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		struct path_witness *w = begin(&f, i);

		survive(&f, i, 61, 14, true);
		w->probed = w->lost_to_probe = true;
		w->lost_s = 61;
		w->first_s = 901 + i;
	}
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_int_equal(t.reason, IDLE_DATA_ONLY);
	assert_string_equal(idle_reason__name(t.reason), "probes_do_not_hold");
	assert_true(t.low_s < 900 && t.high_s > 900 && t.high_s - t.low_s < 61);
	/* They die at any time. */
	for (i = 0; i < 40; i++)
		f.all[i].first_s = 300 + 100 * i;
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
}

/* All began within half a minute, or one after another; all were lost as long after. */
static void test_an_outage_is_one_event(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i, together;

	(void)state;
	for (together = 0; together < 2; together++) {
		for (i = 0; i < 40; i++) {
			struct path_witness *w = begin(&f, i);

			survive(&f, i, 61, 14, true);
			w->probed = w->lost_to_probe = true;
			w->lost_s = 61;
			w->first_s = 901 + i / 2;
			w->began_at = 1000 + (together ? i / 2 : 40 * i);
			w->heard_at = w->began_at + w->first_s - 61;
		}
		assert_true(idle_timeout__estimate(f.all, 40, &t));
		assert_int_equal(t.reason, together ? IDLE_CENSORED : IDLE_DATA_ONLY);
	}
}

/* Some vanish long before the timer of all: they are counted apart, and a rate of vanishing from them. */
static void test_who_was_lost_sooner(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct path_witness *w = begin(&f, i);

		survive(&f, i, 300 + i, 20, true);
		survive(&f, i, 500 + i, 20, true);
		if (i % 20)
			survive(&f, i, 680 + i, 20, true);
		w->lost_s = i % 20 ? 905 + i : 120 + i / 20;
	}
	assert_true(idle_timeout__estimate(f.all, 200, &t));
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_int_equal(t.steps, 1);
	assert_int_equal(t.lost, 200);
	assert_int_equal(t.lost_sooner, 10);
	assert_true(t.sooner_from_s == 120);
	/* ten in some 200 * 20 * 1,500 s of idle time */
	assert_true(fabs(t.vanish_per_hour - 10 / (200 * 20 * 1840 / 3600.0)) < 0.002);
	/* by when their devices were back */
	for (i = 0; i < 200; i++)
		f.all[i].back_s = f.all[i].lost_s < 200 ? 50 : 0;
	assert_true(idle_timeout__estimate(f.all, 200, &t));
	assert_int_equal(t.lost_sooner, 10);
	assert_true(t.sooner_from_s == 50);
}

/* Asks at random ages between what was survived and four times that, or the latest loss. Of thirty who
 * were silent for a minute at a time, each gets 24 h / 120 s of them. */
static void test_how_long_it_takes_to_tell(void **state)
{
	static struct fleet f;
	struct idle_timeout t = { .asks_a_day = 1 };
	unsigned int i;

	(void)state;
	assert_true(idle_timeout__days_to_tell(&t) == 100);
	t.asks_a_day = 100 / 365.0;
	assert_true(idle_timeout__days_to_tell(&t) == 365);
	t.asks_a_day = 100 / 366.0;
	assert_true(idle_timeout__days_to_tell(&t) == 0);
	t.asks_a_day = 99;
	assert_true(idle_timeout__days_to_tell(&t) == 2);
	t.asks_a_day = 0;
	assert_true(idle_timeout__days_to_tell(&t) == 0);
	for (i = 0; i < 30; i++) {	/* never speak, and are asked every minute */
		begin(&f, i)->probed = true;
		survive(&f, i, 60, 100, true);
	}
	assert_true(idle_timeout__estimate(f.all, 30, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	assert_true(fabs(t.low_s - 60) < 1e-6 && fabs(t.ask_from_s - 60) < 1e-6 && fabs(t.ask_to_s - 240) < 1e-6);
	assert_true(fabs(t.asks_a_day - 30 * 86400 / 120.0) < 1);
	/* one was lost at last, at half an hour, and counts little */
	begin(&f, 30)->lost_s = 1800;
	f.all[30].weight = 0.001;
	assert_true(idle_timeout__estimate(f.all, 31, &t));
	assert_true(fabs(t.ask_to_s - 1800) < 1e-6);
	/* of nobody nothing is known */
	assert_true(idle_timeout__estimate(f.all, 0, &t));
	assert_true(t.ask_from_s == 1 && t.ask_to_s == 4 && t.asks_a_day == 0);
}

/* Nine tenths of those who came furthest came there because we asked. */
static void test_when_our_own_probes_hide_it(void **state)
{
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		begin(&f, i)->probed = i % 10 > 0;
		survive(&f, i, 60, 100, true);
	}
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	f.all[39].probed = false;	/* sorted by now: any */
	for (i = 0; i < 40; i++)
		f.all[i].probed = i > 4;
	assert_true(idle_timeout__estimate(f.all, 40, &t));
	assert_int_equal(t.reason, IDLE_THIN);
	/* those who came less far than four fifths of it do not count */
	for (i = 0; i < 5; i++) {
		begin(&f, 40 + i);
		survive(&f, 40 + i, 47, 100, true);
	}
	for (i = 0; i < 45; i++)
		f.all[i].probed = f.all[i].gaps[0].to_s > 50;
	assert_true(idle_timeout__estimate(f.all, 45, &t));
	assert_int_equal(t.reason, IDLE_CENSORED);
	assert_int_equal(t.devices, 45);
}

/* Of a hundred thousand connections evenly chosen ones are looked at; votes are those of all. */
static void test_of_very_many_some_are_looked_at(void **state)
{
	enum { MANY = 50000 };
	struct path_witness *all = calloc(MANY, sizeof(*all));
	struct life_gap *gaps = calloc(MANY, sizeof(*gaps));
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	assert_true(all && gaps);
	for (i = 0; i < MANY; i++) {
		gaps[i] = (struct life_gap){ 600 + i % 250, 600 + i % 250, 5, true };
		all[i] = (struct path_witness){ .weight = 0.5, .gaps = &gaps[i], .gap_count = 1,
						.lost_s = i % 50 ? 905 + i % 500 : 100 };
	}
	assert_true(idle_timeout__estimate(all, MANY, &t));
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_int_equal(t.connections, MANY);
	assert_int_equal(t.devices, MANY / 2);
	assert_int_equal(t.lost, MANY / 2);
	assert_true(t.low_s >= 840 && t.high_s <= 910);
	assert_true(t.lost_sooner > MANY / 100 - 100 && t.lost_sooner < MANY / 100 + 100);
	free(all);
	free(gaps);
}

/* The median of the longest gaps that our probes ended is 60 s: who is lost to a probe by then, but for
 * how late a timer is, was lost to one that others answered. */
static void test_who_was_lost_to_a_probe_that_others_answer(void **state)
{
	static const struct {
		double lost_s, survived_s;
		bool to_probe, usual;
	} lost[] = { { 62, 0, true, true },	{ 69.1, 0, true, false }, { 62, 0, false, false },
		     { 90, 80, true, true }, { 93, 80, true, false } };
	static struct fleet f;
	struct idle_timeout t;
	unsigned int i, k;

	(void)state;
	for (k = 0; k < sizeof(lost) / sizeof(lost[0]); k++) {
		for (i = 0; i < 3; i++) {
			begin(&f, i)->probed = i < 2;
			survive(&f, i, i < 2 ? 60 : 1000, 10, true);
		}
		begin(&f, 3)->lost_s = lost[k].lost_s;
		f.all[3].lost_to_probe = lost[k].to_probe;
		f.all[3].probed = lost[k].survived_s > 0;
		if (f.all[3].probed)
			survive(&f, 3, lost[k].survived_s, 5, true);
		assert_true(idle_timeout__estimate(f.all, 4, &t));
		for (i = 0; i < 4; i++)
			if (f.all[i].lost_as_usual != (f.all[i].lost_s > 0 && lost[k].usual))
				fail_msg("%u, after %.0f s", k, lost[k].lost_s);
	}
}

static void test_names_of_reasons(void **state)
{
	(void)state;
	assert_null(idle_reason__name(IDLE_KNOWN));
	assert_string_equal(idle_reason__name(IDLE_THIN), "thin_evidence");
	assert_string_equal(idle_reason__name(IDLE_NO_STEP), "no_step");
	assert_string_equal(idle_reason__name(IDLE_NOT_ASKED), "no_telling_asks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_was_lost_sooner),
		cmocka_unit_test(test_how_long_it_takes_to_tell),
		cmocka_unit_test(test_when_our_own_probes_hide_it),
		cmocka_unit_test(test_of_very_many_some_are_looked_at),
		cmocka_unit_test(test_who_was_lost_to_a_probe_that_others_answer),
		cmocka_unit_test(test_names_of_reasons),
		cmocka_unit_test(test_intervals_hold_the_truth),
		cmocka_unit_test(test_two_timers_are_two_steps),
		cmocka_unit_test(test_no_step_is_no_step),
		cmocka_unit_test(test_what_the_data_cannot_tell),
		cmocka_unit_test(test_who_is_asked_only_when_dead),
		cmocka_unit_test(test_polls_leave_all_between_them),
		cmocka_unit_test(test_lemons_are_no_timer),
		cmocka_unit_test(test_a_vote_each),
		cmocka_unit_test(test_who_comes_back_tells),
		cmocka_unit_test(test_resets_at_the_timer),
		cmocka_unit_test(test_probes_that_do_not_hold),
		cmocka_unit_test(test_an_outage_is_one_event),
	};

	return cmocka_run_group_tests_name("idle_timeout", tests, NULL, NULL);
}
