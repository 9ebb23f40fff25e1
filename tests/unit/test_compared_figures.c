// SPDX-License-Identifier: GPL-2.0
/* advise --compare on small samples: each figure and its interval, worked out by hand. */
#include "made_up.h"
#include "tuning/comparison.h"

/* Midnight. */
#define NIGHT 1790035200.0
#define HOUR_S 3600.0

static struct lives before, after;
static struct comparison c;
static const struct named_network *networks;
static unsigned int network_count;
static const char *group;

static int begin(void **state)
{
	(void)state;
	before = after = (struct lives){ 0 };
	networks = NULL;
	network_count = 0;
	group = NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	lives__free(&before);
	lives__free(&after);
	return 0;
}

static void compare(void)
{
	assert_true(comparison__make(&before, &after, networks, network_count, group, &c));
}

static void forget(void)
{
	end(NULL);
	before = after = (struct lives){ 0 };
}

static void add(struct lives *l, struct life life)
{
	life.cookie = l->count + 1;
	assert_true(lives__add(l, &life));
}

/* Closed in order after a day, in a network of its own. */
static struct life day_of(unsigned int n)
{
	struct life life = life_of_a_day(n);

	life.peer.address[1] = n >> 8;
	life.peer.address[2] = n;
	life.peer.address[3] = 1;
	life.final = true;
	life.seen_s = NIGHT;
	life.ended_s = life.heard_s = NIGHT + DAY_S;
	return life;
}

/* Lived for a day, and was found dead after so long. */
static struct life death_of(unsigned int n, enum found_by found_by, double latency_s)
{
	struct life life = day_of(n);

	life.ended_s = NIGHT + DAY_S + latency_s - 3600;
	life = dead_life(life, found_by, latency_s);
	life.lost_within_s = 7200; /* at any time until it was asked: after half of it */
	return life;
}

static void assert_figure(enum compared f, double was, double is, size_t cases_before,
			  size_t cases_after)
{
	assert_near(c.changes[f].before, was, 1e-6 * fmax(1, was));
	assert_near(c.changes[f].after, is, 1e-6 * fmax(1, is));
	assert_int_equal(c.changes[f].cases_before, cases_before);
	assert_int_equal(c.changes[f].cases_after, cases_after);
}

/* ---- figures ---- */

/* Of latencies from 1 to 20 s the tenth is the median; nineteen of them are 95 %. */
static void test_quantiles_by_what_found_them(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		unsigned int n = (7 * i + 3) % 20;

		add(&before,
		    death_of(i, i % 2 ? FOUND_BY_KEEPALIVE : FOUND_BY_USER_TIMEOUT, 8000 + n));
		add(&after, death_of(i, FOUND_BY_KEEPALIVE, 9000 + n));
		if (i < 11)
			add(&before, death_of(100 + i, FOUND_BY_RETRANSMIT, 10000 + i));
		if (i < 9)
			add(&after, death_of(100 + i, FOUND_BY_RETRANSMIT, 10000 + i));
		add(&after, death_of(200 + i, FOUND_BY_RESET, 7300));
	}
	compare();
	assert_figure(DETECTION_P50, 8009, 9009, 20, 20);
	assert_figure(DETECTION_P95, 8018, 9018, 20, 20);
	assert_figure(RETRANSMISSION_P50, 10005, 10004, 11, 9);
	assert_int_equal(c.changes[DETECTION_P50].verdict, CHANGE_HIGHER);
	assert_int_equal(c.changes[RETRANSMISSION_P50].verdict, CHANGE_TOO_FEW); /* ten at least */
	assert_false(c.few_clusters);
	assert_string_equal(c.changes[DETECTION_P50].what, "detection_p50");
	assert_string_equal(c.changes[RETRANSMISSION_P50].what, "retransmission_p50");
	assert_string_equal(c.changes[HALF_OPEN_RATE].unit, "per socket-day");
}

/* 12 died, of as many socket-days as were lived: with 12 that were closed, half as many a day; open
 * ones count until they would have been noticed. */
static void test_deaths_a_day_at_risk(void **state)
{
	struct life life;
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		add(&before, death_of(i, FOUND_BY_KEEPALIVE, 7875));
		add(&after, death_of(i, FOUND_BY_KEEPALIVE, 60000)); /* slow detection hides none */
		add(&after, day_of(100 + i));
	}
	compare();
	assert_figure(HALF_OPEN_RATE, 1, 0.5, 12, 24);
	for (i = 0; i < 12; i++) {
		life = day_of(200 + i);
		life.final = false;
		life.ended_s = life.heard_s = NIGHT + DAY_S + 675;
		add(&before, life);
		life.ended_s += 100; /* was last told of later, and heard no more */
		add(&before, life);
		life.ended_s = NIGHT + DAY_S;
		life.keepalive = false; /* nobody will notice */
		add(&before, life);
		life.heard_s = 0;
		life.keepalive = true;
		add(&before, life);
		life.heard_s = NIGHT + DAY_S;
		life.interval_s = 0; /* not known */
		add(&before, life);
	}
	compare();
	assert_near(c.changes[HALF_OPEN_RATE].before, 1 / 6.0, 1e-3);
}

/* Probes are counted in all of a life, the silence of the dead included. */
static void test_probes_a_day(void **state)
{
	struct life life;
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		life = day_of(i);
		life.probes_sent = 100;
		add(&before, life);
		life = death_of(i, FOUND_BY_KEEPALIVE, 3600 + DAY_S); /* two days in all */
		life.probes_sent = 300;
		add(&after, life);
	}
	compare();
	assert_figure(PROBE_RATE, 100, 150, 12, 12);
}

/* A life of no length says nothing. */
static void test_lives_of_no_length(void **state)
{
	struct life life = day_of(0);

	(void)state;
	life.ended_s = life.seen_s;
	add(&before, life);
	add(&after, life);
	compare();
	assert_int_equal(c.before.sockets, 1);
	assert_figure(PROBE_RATE, 0, 0, 0, 0);
	forget();
	compare();
	assert_int_equal(c.before.sockets, 0);
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_TOO_FEW);
}

/* ---- intervals ---- */

/* Half of 100 sockets are probed `low` times, half 200 times more: the standard error of a mean is
 * 10, of a difference of two 14.1, and 15 % are added as deaths come together. */
static void probe(struct lives *l, unsigned int low)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		struct life life = day_of(i);

		life.probes_sent = low + 200 * (i % 2);
		add(l, life);
	}
}

#define ERROR_S (1.96 * 14.142 * 1.15)

static void assert_interval(double low, double high, double slack)
{
	assert_near(c.changes[PROBE_RATE].low, low, slack);
	assert_near(c.changes[PROBE_RATE].high, high, slack);
}

static void test_a_difference_beyond_chance(void **state)
{
	(void)state;
	probe(&before, 0);
	probe(&after, 0);
	compare();
	assert_figure(PROBE_RATE, 100, 100, 100, 100);
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_NOISE);
	assert_interval(-ERROR_S, ERROR_S, 4);
	/* nobody died, so deaths tell of no hours: sockets are taken one by one */
	assert_true(c.few_clusters);
	assert_int_equal(c.changes[HALF_OPEN_RATE].verdict, CHANGE_TOO_FEW);
	lives__free(&after);
	probe(&after, 27);
	compare();
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_NOISE);
	lives__free(&after);
	probe(&after, 37);
	compare();
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_HIGHER);
	assert_interval(37 - ERROR_S, 37 + ERROR_S, 4);
	lives__free(&before);
	probe(&before, 74);
	compare();
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_LOWER);
	/* the same in each run: advice does not depend on luck */
	{
		double low = c.changes[PROBE_RATE].low;

		compare();
		assert_true(c.changes[PROBE_RATE].low == low);
	}
}

/* Of eleven sockets a side, five probed 200 times, the errors are those of a sample: by ten of them. */
static void test_errors_of_small_samples(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 11; i++) {
		struct life life = day_of(i);

		life.probes_sent = 200 * (i % 2);
		add(&before, life);
		add(&after, life);
	}
	compare();
	assert_near(c.changes[PROBE_RATE].high, 1.96 * sqrt(2) * 200 * sqrt(30) / 11 / sqrt(10) * 1.15, 2.5);
}

/* All alike: no error, and any difference is one; none is what sums of rounded numbers leave. */
static void test_figures_without_any_error(void **state)
{
	struct life life;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		life = day_of(i);
		life.probes_sent = 101;
		add(&before, life);
		life.seen_s += i; /* other sums, the same figure */
		life.ended_s = life.heard_s = life.seen_s + DAY_S;
		add(&after, life);
	}
	compare();
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_NOISE);
	assert_near(c.changes[PROBE_RATE].high, 0, 1e-3);
	for (i = 0; i < 20; i++)
		after.all[i]->probes_sent = 102;
	compare();
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_HIGHER);
	assert_interval(1, 1, 1e-3);
}

/* Ten sockets of each of twenty peers are probed alike: twenty peers are the sample, not 200
 * sockets. */
static void probe_peers(struct lives *l, unsigned int low, bool devices)
{
	unsigned int i, k;

	for (i = 0; i < 20; i++) {
		add(l, death_of(i, FOUND_BY_KEEPALIVE, 7875));
		l->all[l->count - 1]->probes_sent = 100;
		for (k = 0; k < 10; k++) {
			struct life life = day_of(i);

			life.peer.address[2] = i;
			life.probes_sent = low + 200 * (i % 2);
			/* behind one address of the network, and told apart by name; or behind one,
			 * all */
			life.device = devices ? 1 + 10 * i + k : 0;
			add(l, life);
		}
	}
}

static void test_what_happens_to_a_peer_is_not_independent(void **state)
{
	double of_peers, of_sockets = 1.96 * sqrt(2) * 100 / sqrt(200) * 1.15;

	(void)state;
	probe_peers(&before, 0, false);
	probe_peers(&after, 0, false);
	compare();
	assert_false(c.few_clusters);
	of_peers = c.changes[PROBE_RATE].high;
	assert_true(of_peers > 2.5 * of_sockets && of_peers < 4 * of_sockets);
	assert_int_equal(c.changes[PROBE_RATE].cases_before, 20);
	forget();
	probe_peers(&before, 0, true);
	probe_peers(&after, 0, true);
	compare();
	assert_int_equal(c.changes[PROBE_RATE].cases_before, 220);
}

/* Deaths in nine hours of networks, or of nine peers, are no sample. */
static void test_few_hours_or_peers(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		add(&before, death_of(i, FOUND_BY_KEEPALIVE, 7875));
		add(&after, death_of(i, FOUND_BY_KEEPALIVE, 7875));
	}
	compare();
	assert_false(c.few_clusters);
	/* all of one network, in one hour */
	for (i = 0; i < 10; i++) {
		after.all[i]->peer.address[2] = 5;
		after.all[i]->peer.address[3] = i;
	}
	compare();
	assert_true(c.few_clusters);
	assert_int_equal(c.changes[HALF_OPEN_RATE].verdict, CHANGE_TOO_FEW);
	assert_int_equal(c.changes[PROBE_RATE].verdict, CHANGE_NOISE);
	/* in ten hours of it */
	for (i = 0; i < 10; i++) {
		after.all[i]->seen_s += HOUR_S * i;
		after.all[i]->ended_s += HOUR_S * i;
	}
	compare();
	assert_false(c.few_clusters);
	/* of nine peers */
	after.all[9]->peer.address[3] = 8;
	compare();
	assert_true(c.few_clusters);
	/* the other side's count, too */
	forget();
	for (i = 0; i < 10; i++) {
		add(&before, death_of(i % 9, FOUND_BY_KEEPALIVE, 7875));
		add(&after, death_of(i, FOUND_BY_KEEPALIVE, 7875));
	}
	compare();
	assert_true(c.few_clusters);
}

/* A /24 of IPv4, a /48 of IPv6, of one gateway. */
static void test_hours_of_a_network(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		struct life life = death_of(i, FOUND_BY_KEEPALIVE, 7875);

		add(&before, life);
		life.peer.address[2] = 5;
		life.peer.address[3] = i;
		life.place.gateway = 1 + i;
		add(&after, life);
	}
	compare();
	assert_false(c.few_clusters);
	for (i = 0; i < 10; i++) {
		after.all[i]->place.gateway = 1;
		after.all[i]->family = AF_INET6;
		memset(after.all[i]->peer.address, 0x20, 16);
		after.all[i]->peer.address[6] = i; /* all of one /48 */
	}
	compare();
	assert_true(c.few_clusters);
	for (i = 0; i < 10; i++)
		after.all[i]->peer.address[5] = i;
	compare();
	assert_false(c.few_clusters);
}

/* Holm (1979): the clearest of four figures must be clear enough for four. */
static void test_of_several_figures_each_must_be_clearer(void **state)
{
	unsigned int i, only;

	(void)state;
	for (only = 0; only < 2; only++) {
		forget();
		for (i = 0; i < 100; i++) {
			struct life life = only ? day_of(i) : death_of(i, FOUND_BY_KEEPALIVE, 7875);

			life.probes_sent = 200 * (i % 2);
			add(&before, life);
			life.probes_sent = 37 + 200 * (i % 2); /* p = 0.02 */
			add(&after, life);
		}
		compare();
		assert_int_equal(c.changes[PROBE_RATE].verdict,
				 only ? CHANGE_HIGHER : CHANGE_NOISE);
	}
}

/* ---- the time of the day ---- */

/* Twenty deaths, at that hour of the day. */
static void add_hours(struct lives *l, double from_h, double hours)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct life life = day_of(i);

		life.seen_s = NIGHT + from_h * HOUR_S;
		life.ended_s = life.heard_s = life.seen_s + hours * HOUR_S;
		life.probes_sent = 10;
		add(l, life);
	}
}

static bool are_comparable(double from_h, double hours, double other_from_h, double other_hours)
{
	forget();
	add_hours(&before, from_h, hours);
	add_hours(&after, other_from_h, other_hours);
	compare();
	return c.changes[PROBE_RATE].verdict != CHANGE_NOT_COMPARABLE;
}

static void test_hours_that_are_alike(void **state)
{
	(void)state;
	assert_true(are_comparable(8, 1, 8, 1));
	assert_true(are_comparable(8, 1, 11, 1));
	assert_true(are_comparable(11, 1, 8, 1));
	assert_false(are_comparable(8, 1, 12, 1));
	assert_false(are_comparable(12, 1, 8, 1));
	assert_true(are_comparable(23, 1, 1, 1)); /* over midnight */
	assert_true(are_comparable(1, 1, 23, 1));
	assert_false(are_comparable(22, 1, 2, 1));
	/* half of the time of each: hours 8 to 15, of which the other knows 5 to 11 */
	assert_true(are_comparable(8, 8, 8, 1));
	assert_false(are_comparable(8, 9, 8, 1));
	assert_false(are_comparable(8, 1, 8, 9));
	assert_true(are_comparable(0, 24, 0, 48));
	assert_near(c.changes[PROBE_RATE].low, c.changes[PROBE_RATE].low, 0);
	assert_false(are_comparable(8, 1, 20, 1));
	assert_near(c.changes[PROBE_RATE].high, 0, 0);
}

/* Of hours that the other side does not know nothing counts: neither deaths nor time. */
static void test_hours_that_only_one_side_knows(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		struct life life = death_of(i, FOUND_BY_KEEPALIVE, 7200);

		/* eight hours at risk from eight o'clock, of which five are known */
		life.seen_s = NIGHT + 8 * HOUR_S;
		life.ended_s = life.seen_s + 9 * HOUR_S;
		life.probes_sent = 90;
		add(&before, life);
		life = day_of(i);
		life.seen_s = NIGHT + 8 * HOUR_S;
		life.ended_s = life.seen_s + 2 * HOUR_S;
		add(&after, life);
	}
	compare();
	assert_int_not_equal(c.changes[PROBE_RATE].verdict, CHANGE_NOT_COMPARABLE);
	assert_figure(HALF_OPEN_RATE, 0, 0, 12, 12);
	assert_near(c.changes[PROBE_RATE].before, 240, 1e-6);
	/* they died in an hour that is */
	for (i = 0; i < 12; i++)
		after.all[i]->ended_s = NIGHT + 15 * HOUR_S;
	compare();
	assert_near(c.changes[HALF_OPEN_RATE].before, 3, 1e-6);
	assert_int_equal(c.changes[DETECTION_P50].cases_before, 12);
}

/* ---- who is compared ---- */

static void say(struct lives *l, uint32_t inode, double idle_s, double interval_s, uint32_t probes)
{
	struct life_namespace ns = { .place.inode = inode,
				     .run = l->namespace_count + 1,
				     .idle_s = idle_s,
				     .interval_s = interval_s,
				     .probes = probes };

	assert_true(lives__add_namespace(l, &ns));
}

static void test_sysctls_that_were_changed(void **state)
{
	static const struct {
		uint32_t inode;
		double idle_s, interval_s;
		uint32_t probes;
		bool changed;
	} cases[] = { { 1, 7200, 75, 9, false },
		      { 1, 600, 75, 9, true },
		      { 1, 7200, 10, 9, true },
		      { 1, 7200, 75, 3, true },
		      { 2, 600, 10, 3, false } };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		forget();
		say(&before, 5, 1, 1, 1);
		say(&before, 1, 7200, 75, 9);
		say(&after, 6, 2, 2, 2);
		say(&after, cases[i].inode, cases[i].idle_s, cases[i].interval_s, cases[i].probes);
		compare();
		assert_int_equal(c.values_changed, cases[i].changed);
	}
}

/* Sysctls change nothing for those that set both times themselves. */
static void test_who_does_not_follow(void **state)
{
	struct life life = day_of(0);
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		life = day_of(i);
		life.idle_from_socket = i != 1;
		life.interval_from_socket = i != 2;
		life.keepalive = i != 3;
		life.options_known = i != 4;
		add(&before, life);
		add(&after, life);
	}
	compare();
	assert_int_equal(c.before.unfollowing, 0); /* nothing was changed: all count */
	assert_int_equal(c.changes[PROBE_RATE].cases_before, 6);
	say(&before, 1, 7200, 75, 9);
	say(&after, 1, 600, 75, 9);
	compare();
	assert_int_equal(c.before.unfollowing, 2);
	assert_int_equal(c.after.unfollowing, 2);
	assert_int_equal(c.before.sockets, 6);
	assert_int_equal(c.changes[PROBE_RATE].cases_before, 4);
}

static void test_who_was_silent_before_the_watch(void **state)
{
	struct life life = death_of(0, FOUND_BY_KEEPALIVE, 0);

	(void)state;
	life.latency_max_s = life.ended_s - life.seen_s + 1; /* a second is a clock's error */
	add(&before, life);
	life.latency_max_s += 0.1;
	add(&before, life);
	life.found_by = FOUND_BY_NOTHING;
	add(&before, life);
	add(&after, day_of(0));
	compare();
	assert_int_equal(c.before.dead_before, 1);
	assert_int_equal(c.after.dead_before, 0);
	assert_int_equal(c.before.sockets, 3);
}

static void test_an_operators_group(void **state)
{
	struct named_network all[] = {
		{ { { [10] = 0xff, 0xff, 10, 0, 1 }, 120 }, (char *)"north" },
		{ { { [10] = 0xff, 0xff, 10, 0, 2 }, 120 }, (char *)"south" }
	};
	struct life life;
	unsigned int i;

	(void)state;
	networks = all;
	network_count = 2;
	for (i = 0; i < 4; i++) {
		add(&before, day_of(i));
		add(&after, day_of(i));
	}
	compare();
	assert_int_equal(c.before.sockets, 4);
	assert_null(c.group);
	group = "north";
	compare();
	assert_int_equal(c.before.sockets, 1);
	assert_string_equal(c.group, "north");
	life = day_of(1);
	life.has_peer = false; /* told in disguise */
	add(&before, life);
	compare();
	assert_int_equal(c.before.sockets, 1);
}

/* ---- the order of the files ---- */

static bool is_wrong(double from_s, double to_s, double other_from_s, double other_to_s)
{
	struct life life = day_of(0);

	forget();
	life.seen_s = NIGHT + from_s;
	life.ended_s = NIGHT + to_s;
	add(&before, life);
	life.seen_s = NIGHT + other_from_s;
	life.ended_s = NIGHT + other_to_s;
	add(&after, life);
	compare();
	return c.wrong_order;
}

static void test_files_in_the_wrong_order(void **state)
{
	struct life life = day_of(0);

	(void)state;
	assert_false(is_wrong(0, 1000, 2000, 3000));
	assert_true(is_wrong(2000, 3000, 0, 1000));
	assert_true(is_wrong(501, 1500, 0, 1000)); /* begun in the other's later half */
	assert_false(is_wrong(499, 1500, 0, 1000));
	assert_false(is_wrong(0, 1000, 0, 1000)); /* a control share of the same hours */
	assert_false(is_wrong(600, 1000, 0, 1000));
	assert_near(c.before.first_s, NIGHT + 600, 0);
	assert_near(c.before.last_s, NIGHT + 1000, 0);
	forget();
	add(&before, life);
	life.seen_s += 50;
	life.ended_s += 50;
	add(&before, life);
	life.seen_s -= 100;
	life.ended_s -= 100;
	add(&before, life);
	compare();
	assert_near(c.before.first_s, NIGHT - 50, 0);
	assert_near(c.before.last_s, NIGHT + DAY_S + 50, 0);
	assert_false(c.wrong_order); /* nothing came after */
}

static void test_names_of_verdicts(void **state)
{
	static const char *const names[] = { "too_few", "not_comparable", "noise", "lower",
					     "higher" };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_string_equal(change_verdict__name(i), names[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_quantiles_by_what_found_them),
		TEST(test_deaths_a_day_at_risk),
		TEST(test_probes_a_day),
		TEST(test_lives_of_no_length),
		TEST(test_a_difference_beyond_chance),
		TEST(test_errors_of_small_samples),
		TEST(test_figures_without_any_error),
		TEST(test_what_happens_to_a_peer_is_not_independent),
		TEST(test_few_hours_or_peers),
		TEST(test_hours_of_a_network),
		TEST(test_of_several_figures_each_must_be_clearer),
		TEST(test_hours_that_are_alike),
		TEST(test_hours_that_only_one_side_knows),
		TEST(test_sysctls_that_were_changed),
		TEST(test_who_does_not_follow),
		TEST(test_who_was_silent_before_the_watch),
		TEST(test_an_operators_group),
		TEST(test_files_in_the_wrong_order),
		TEST(test_names_of_verdicts),
	};

	return cmocka_run_group_tests_name("compared_figures", tests, NULL, NULL);
}
