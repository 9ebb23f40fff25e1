// SPDX-License-Identifier: GPL-2.0
/* advise --compare on invented fleets: where nothing was changed, it reports that; where something
 * was, it reports what. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/tcp_states.h"
#include "tuning/comparison.h"
#include "unit.h"

static uint64_t seed = 5;

static double even(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((seed >> 11) + 0.5) / (1ULL << 53);
}

struct fleet {
	const char *name;
	unsigned int devices, networks;
	double from_h, hours;		/* of the day */
	double deaths_a_day;		/* of a device, by itself */
	double outages_a_day;		/* of a network: so many of it die in one hour */
	double die_in_outage;
	double flapping;		/* share of devices that die twenty times as often */
	double detection_s;		/* even, up to so long */
	double idle_s;
	double dead_before;		/* share that is silent since before */
};

static void add_life(struct lives *l, const struct fleet *f, unsigned int address, double seen_s,
		     double ended_s, bool dies, bool long_dead)
{
	struct life life = { .boot = 1, .cookie = l->count + 1, .run = 1, .family = AF_INET,
			     .has_peer = true, .options_known = true, .keepalive = true,
			     .idle_s = f->idle_s, .interval_s = 75, .probes = 9, .final = dies,
			     .seen_s = seen_s, .ended_s = ended_s };

	life.peer.address[0] = 10;
	life.peer.address[2] = address >> 8;
	life.peer.address[3] = address;
	life.probes_sent = (ended_s - seen_s) / f->idle_s;
	if (dies) {
		life.found_by = FOUND_BY_KEEPALIVE;
		life.latency_max_s = 10 + even() * f->detection_s;
		if (long_dead)
			life.latency_max_s = ended_s - seen_s + 3600;
		else if (life.latency_max_s > ended_s - seen_s)
			life.latency_max_s = ended_s - seen_s;
	}
	assert_true(lives__add(l, &life));
}

/* A device dials again when it has died. */
static void add_device(struct lives *l, const struct fleet *f, unsigned int address, double start_s,
		       const double *outages)
{
	double end_s = start_s + f->hours * 3600, rate = f->deaths_a_day / 86400, seen, at, dies;
	unsigned int hour;

	if (even() < f->flapping)
		rate *= 20;
	if (even() < f->dead_before) {
		add_life(l, f, address, start_s, start_s + even() * 600, true, true);
		return;
	}
	for (seen = start_s; seen < end_s; seen = at) {
		dies = seen - log(even()) / rate;
		for (hour = 0; hour < f->hours; hour++)
			if (outages[hour] > seen && outages[hour] < dies &&
			    even() < f->die_in_outage)
				dies = outages[hour] + even() * 60;
		at = fmin(dies, end_s);
		add_life(l, f, address, seen, at, dies < end_s, false);
	}
}

static void populate(struct lives *l, const struct fleet *f, double day)
{
	double start = 1790000000 - 1790000000 % 86400 + 86400 * day + f->from_h * 3600;
	unsigned int network, i, hour;
	double outages[48];

	*l = (struct lives){ .count = 0 };
	for (network = 0; network < f->networks; network++) {
		for (hour = 0; hour < 48; hour++)
			outages[hour] = even() < f->outages_a_day / 24
						? start + (hour + even()) * 3600 : 0;
		for (i = 0; i < f->devices / f->networks; i++)
			add_device(l, f, network << 8 | i, start, outages);
	}
	assert_true(lives__add_namespace(l, &(struct life_namespace){
		.place.inode = 1, .run = 1, .idle_s = f->idle_s, .interval_s = 75, .probes = 9 }));
}

static struct comparison compare(const struct fleet *before, const struct fleet *after)
{
	struct lives a, b;
	struct comparison c;

	populate(&a, before, 0);
	populate(&b, after, 1);
	assert_true(comparison__make(&a, &b, NULL, 0, NULL, &c));
	lives__free(&a);
	lives__free(&b);
	return c;
}

static bool says_change(const struct comparison *c)
{
	unsigned int f;

	for (f = 0; f < COMPARED; f++)
		if (c->changes[f].verdict >= CHANGE_LOWER)
			return true;
	return false;
}

#define DRAWS 100

static void test_nothing_has_changed(void **state)
{
	static const struct fleet fleets[] = {
		{ "a day", 200, 8, 0, 24, 0.5, 0, 0, 0, 600, 7200, 0 },
		{ "outages", 200, 8, 0, 24, 0.3, 1, 0.4, 0, 600, 7200, 0 },
		{ "devices that flap", 200, 8, 0, 24, 0.3, 0, 0, 0.03, 600, 7200, 0 },
		{ "five hours", 400, 8, 9, 5, 1, 0, 0, 0, 600, 600, 0 },
	};
	unsigned int k, draw, wrong;

	(void)state;
	for (k = 0; k < sizeof(fleets) / sizeof(fleets[0]); k++) {
		for (draw = wrong = 0; draw < DRAWS; draw++) {
			struct comparison c = compare(&fleets[k], &fleets[k]);

			wrong += says_change(&c);
		}
		if (wrong > DRAWS * 0.08)
			fail_msg("%s: of %u draws %u say that something changed", fleets[k].name,
				 DRAWS, wrong);
	}
}

/* Half the time to detection, twice the deaths: seen, with their direction. */
static void test_what_has_changed_is_seen(void **state)
{
	struct fleet before = { "", 400, 8, 0, 24, 0.3, 0, 0, 0, 600, 7200, 0 }, after = before;
	unsigned int draw, sooner = 0, more = 0;

	(void)state;
	after.detection_s = 300;
	after.deaths_a_day = 0.6;
	for (draw = 0; draw < 40; draw++) {
		struct comparison c = compare(&before, &after);

		sooner += c.changes[DETECTION_P50].verdict == CHANGE_LOWER &&
			  c.changes[DETECTION_P50].high < 0;
		more += c.changes[HALF_OPEN_RATE].verdict == CHANGE_HIGHER;
	}
	if (sooner < 36 || more < 36)
		fail_msg("of 40 draws, %u see that it is sooner, %u that more die", sooner, more);
}

static void test_a_night_is_no_day(void **state)
{
	struct fleet night = { "", 200, 8, 22, 6, 3, 0, 0, 0, 600, 7200, 0 }, day = night;
	struct comparison c;

	(void)state;
	day.from_h = 10;
	c = compare(&night, &day);
	assert_int_equal(c.changes[DETECTION_P50].verdict, CHANGE_NOT_COMPARABLE);
	assert_int_equal(c.changes[HALF_OPEN_RATE].verdict, CHANGE_NOT_COMPARABLE);
	assert_string_equal(change_verdict__name(CHANGE_NOT_COMPARABLE), "not_comparable");
	/* An hour before the change and the one after it are. */
	day.from_h = 9;
	day.hours = 1;
	night = day;
	night.from_h = 8;
	c = compare(&night, &day);
	assert_int_not_equal(c.changes[HALF_OPEN_RATE].verdict, CHANGE_NOT_COMPARABLE);
}

/* After the fix those are found that were dead all the time: that is no worse detection. */
static void test_who_was_dead_before(void **state)
{
	struct fleet before = { "", 200, 8, 9, 6, 3, 0, 0, 0, 7200, 7200, 0 }, after = before;
	struct comparison c;

	(void)state;
	after.detection_s = 60;
	after.idle_s = 60;
	after.dead_before = 0.3;
	c = compare(&before, &after);
	assert_true(c.after.dead_before > 30 && !c.before.dead_before);
	assert_true(c.values_changed && !c.wrong_order);
	assert_int_equal(c.changes[DETECTION_P50].verdict, CHANGE_LOWER);
	assert_int_not_equal(c.changes[HALF_OPEN_RATE].verdict, CHANGE_HIGHER);
}

static void test_files_in_the_wrong_order(void **state)
{
	struct fleet f = { "", 50, 8, 9, 6, 3, 0, 0, 0, 600, 7200, 0 };
	struct comparison c;
	struct lives a, b;

	(void)state;
	populate(&a, &f, 1);
	populate(&b, &f, 0);
	assert_true(comparison__make(&a, &b, NULL, 0, NULL, &c));
	assert_true(c.wrong_order);
	lives__free(&a);
	lives__free(&b);
}

/* Networks named by an operator, one by one; sockets with options of their own are not compared. */
static void test_groups_and_followers(void **state)
{
	struct named_network networks[] = { { .network.bits = 120, .name = "north" } };
	struct fleet before = { "", 100, 4, 9, 6, 3, 0, 0, 0, 600, 7200, 0 }, after = before;
	struct comparison c;
	struct lives a, b;
	size_t i;

	(void)state;
	networks[0].network.address[10] = networks[0].network.address[11] = 0xff;
	networks[0].network.address[12] = 10;
	after.idle_s = 600;
	populate(&a, &before, 0);
	populate(&b, &after, 1);
	for (i = 0; i < b.count; i += 2)
		b.all[i]->idle_from_socket = b.all[i]->interval_from_socket = true;
	assert_true(comparison__make(&a, &b, networks, 1, "north", &c));
	assert_true(c.before.sockets > 20 && c.before.sockets < a.count / 3);
	assert_true(c.after.unfollowing > 5);
	assert_string_equal(c.group, "north");
	lives__free(&a);
	lives__free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_has_changed),
		cmocka_unit_test(test_what_has_changed_is_seen),
		cmocka_unit_test(test_a_night_is_no_day),
		cmocka_unit_test(test_who_was_dead_before),
		cmocka_unit_test(test_files_in_the_wrong_order),
		cmocka_unit_test(test_groups_and_followers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
