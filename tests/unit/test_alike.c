// SPDX-License-Identifier: GPL-2.0
/* Sockets that are alike, and the silences of their peers: made-up days of which it is known. */
#include "made_up.h"
#include "tuning/alike.h"

static struct alike alike;

static int begin(void **state)
{
	(void)state;
	alike = (struct alike){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	alike__free(&alike);
	assert_true(!alike.all && !alike.follows && !alike.count);
	return 0;
}

static void add(struct life life)
{
	assert_true(alike__add(&alike, &life, 1));
}

/* ---- kinds ---- */

static void test_each_option_makes_a_kind(void **state)
{
	struct life life = life_of_a_day(0), other[8];
	unsigned int i;

	(void)state;
	add(life);
	add(life);
	assert_int_equal(alike.count, 1);
	assert_near(alike.all[0].count, 2, 1e-9);
	assert_true(alike.follows[0].idle && alike.follows[0].interval && alike.follows[0].probes);
	for (i = 0; i < 8; i++)
		other[i] = life;
	other[0].idle_s = 60;
	other[1].interval_s = 10;
	other[2].probes = 3;
	other[3].user_timeout_s = 30;
	other[4].family = AF_INET6;
	other[5].idle_from_socket = true;
	other[6].interval_from_socket = true;
	other[7].probes_from_socket = true;
	for (i = 0; i < 8; i++) {
		add(other[i]);
		assert_int_equal(alike.count, i + 2);
		add(other[i]);
		assert_int_equal(alike.count, i + 2);
	}
	assert_true(alike.all[1].setting.idle_s == 60 && alike.all[2].setting.interval_s == 10);
	assert_true(alike.all[3].setting.probes == 3 && alike.all[4].setting.user_timeout_s == 30);
	assert_true(alike.all[5].ipv6 && !alike.all[4].ipv6);
	assert_true(!alike.follows[6].idle && alike.follows[6].interval && alike.follows[6].probes);
	assert_true(alike.follows[7].idle && !alike.follows[7].interval && alike.follows[7].probes);
	assert_true(alike.follows[8].idle && alike.follows[8].interval && !alike.follows[8].probes);
	assert_true(alike__add(&alike, &life, 0.25));
	assert_near(alike.all[0].count, 2.25, 1e-9);
}

/* The longest RTO is told by newer watches only: where one of both is not known, they are alike. */
static void test_the_longest_rto_where_it_is_known(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	add(life);
	life.rto_max_s = 30;
	add(life);
	assert_int_equal(alike.count, 1);
	assert_near(alike.all[0].setting.rto_max_s, 30, 0);
	life.rto_max_s = 0;
	add(life);
	assert_int_equal(alike.count, 1);
	assert_near(alike.all[0].setting.rto_max_s, 30, 0);
	life.rto_max_s = 120;
	add(life);
	assert_int_equal(alike.count, 2);
	assert_near(alike.all[1].setting.rto_max_s, 120, 0);
}

/* Of more kinds than 256 those of one idle time are counted together. */
static void test_too_many_kinds(void **state)
{
	struct life life = life_of_a_day(0);
	unsigned int i;

	(void)state;
	life.idle_s = 60;
	for (i = 0; i < 300; i++) {
		life.interval_s = 1 + i;
		add(life);
	}
	assert_int_equal(alike.count, 256);
	assert_near(alike.all[0].count, 45, 1e-9);
	life.idle_s = 61; /* none of that idle time is there */
	add(life);
	assert_int_equal(alike.count, 257);
	life.idle_s = 60;
	life.interval_from_socket = true;
	add(life);
	assert_int_equal(alike.count, 258);
}

/* ---- silences ---- */

static double times_at(const struct sockets_alike *g, double s)
{
	return g->silences[silence__bin(s)].times;
}

static double all_times(const struct sockets_alike *g)
{
	double times = 0;
	unsigned int b;

	for (b = 0; b < SILENCE_BINS; b++)
		times += g->silences[b].times;
	return times;
}

static void test_bins_of_a_tenth(void **state)
{
	(void)state;
	assert_int_equal(silence__bin(0), 0);
	assert_int_equal(silence__bin(1), 0);
	assert_int_equal(silence__bin(M_E * 1.001), 10);
	assert_int_equal(silence__bin(1e30), SILENCE_BINS - 1);
}

/* A word every five minutes, never probed: 288 silences of that length fill the day. */
static void test_words_at_their_own_pace(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	add_gap(&life, 300, 300, 288, false);
	add(life);
	assert_near(times_at(&alike.all[0], 300), 288, 1e-6);
	assert_near(all_times(&alike.all[0]), 288, 1e-6);
	assert_near(alike.all[0].silences[silence__bin(300)].sum_s, DAY_S, 0.1);
	assert_near(alike.all[0].silences[silence__bin(300)].squares_s2, DAY_S * 300, 30);
	assert_near(alike.all[0].covered_s, DAY_S, 0.1);
	assert_near(alike.all[0].commands, 0, 0);
}

/* A word every hour, probed every ten minutes: five probes in each silence, which goes on. */
static void test_a_regular_silence_that_probes_divide(void **state)
{
	struct life life = life_of_a_day(0);
	const struct sockets_alike *g;

	(void)state;
	life.idle_s = 600;
	add_gap(&life, 595, 600, 24, false); /* the rest, from the last probe to the word */
	add_gap(&life, 600, 612, 120, true);
	life.probes_sent = 120;
	add(life);
	g = &alike.all[0];
	assert_near(all_times(g), 24, 1e-6);
	assert_near(times_at(g, 3655), 24, 1e-6);
	assert_near(g->covered_s, 24 * 597.5 + 120 * 612, 200);
}

/* Exponential silences whose mean is 600 s, probed every 200: after each probe the same chance that
 * it goes on. Of 1,000 s and more, e^(-5/3) of them. */
static void test_random_silences_that_probes_divide(void **state)
{
	struct life life = life_of_a_day(0);
	double longer = 0, times;
	unsigned int b;

	(void)state;
	life.idle_s = 200;
	life.interval_s = 20;
	/* 144 words a day; within each 200 s, 1 - e^(-1/3) of the silences that are left end */
	add_gap(&life, 20, 196, 144, false);
	life.probes_sent = 144 * exp(-1 / 3.0) / (1 - exp(-1 / 3.0));
	add_gap(&life, 200, 204, life.probes_sent, true);
	add(life);
	times = all_times(&alike.all[0]);
	assert_near(times, 144, 10);
	for (b = silence__bin(1000); b < SILENCE_BINS; b++)
		longer += alike.all[0].silences[b].times;
	assert_near(longer / times, exp(-5 / 3.0), 0.05);
}

/* A device with a heartbeat of 50 s under probes every 30: the probes divide its silences. */
static void test_a_heartbeat_that_probes_divide(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	life.idle_s = 30;
	life.interval_s = 10;
	life.heartbeat_s = 50;
	life.heartbeats = 1728;
	add_gap(&life, 19, 20, 1728, false);
	add_gap(&life, 30, 31, 1728, true);
	life.probes_sent = 1728;
	add(life);
	assert_near(all_times(&alike.all[0]), DAY_S / 50, 40);
	assert_near(times_at(&alike.all[0], 50), DAY_S / 50, 40);
}

/* Nothing but answered probes: it is silent all day, and nothing asks but keepalive. */
static void test_silent_all_day(void **state)
{
	struct life life = life_of_a_day(0);
	const struct sockets_alike *g;

	(void)state;
	life.idle_s = 60;
	life.interval_s = 10;
	add_gap(&life, 60, 62, 1400, true);
	life.probes_sent = 1400;
	life.reports.over_s = DAY_S;
	add(life);
	g = &alike.all[0];
	assert_near(all_times(g), 0, 0);
	assert_near(g->silent_s, DAY_S, 2000);
	assert_near(g->busy_s, 0, 1e-9);
	assert_near(g->covered_s, DAY_S, 2000);
	assert_near(g->commands, 0, 1e-9);
}

/* A word every five seconds: no gap of it is told, but the kernel counts its segments. */
static void test_heard_all_the_time(void **state)
{
	struct life life = life_of_a_day(0);
	const struct sockets_alike *g;

	(void)state;
	life.reports = (struct reports){ .over_s = DAY_S, .segments_known = true,
					 .segments = DAY_S / 5, .bytes = DAY_S };
	add(life);
	g = &alike.all[0];
	assert_near(g->busy_s, DAY_S, 1);
	assert_near(g->silent_s, 0, 1e-9);
	assert_near(g->covered_s, DAY_S, 1);
	assert_near(g->unsaid_s, 0, 1e-9); /* it is known who spoke */
}

/* ---- our program's own asks ---- */

static void test_what_our_program_ended(void **state)
{
	struct life life = life_of_a_day(0);
	const struct sockets_alike *g;
	double commanded = 0, told = 0;
	unsigned int b;

	(void)state;
	add_gap(&life, 600, 600, 119, true); /* all day */
	add_gap(&life, 300, 300, 50, false);
	add(life);
	g = &alike.all[0];
	for (b = 0; b < SILENCE_BINS; b++) {
		commanded += g->commanded[b];
		told += g->told[b];
	}
	assert_near(g->commands, 119, 1e-4);
	assert_near(commanded, 119, 1e-4);
	assert_near(told, 169, 1e-4);
	assert_near(g->commanded[silence__bin(600)], 119, 1e-4);
	assert_near(g->told[silence__bin(300)], 50, 1e-4);
	assert_near(g->commanded[silence__bin(300)], 0, 1e-9);
}

static void test_who_died_of_what(void **state)
{
	static const enum found_by found_by[] = { FOUND_BY_NOTHING,    FOUND_BY_KEEPALIVE,
						  FOUND_BY_RETRANSMIT, FOUND_BY_RETRANSMIT,
						  FOUND_BY_RESET,      FOUND_BY_USER_TIMEOUT };
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		add(dead_life(life_of_a_day(i), found_by[i], 7875));
	assert_near(alike.all[0].deaths, 4, 0);
	assert_near(alike.all[0].deaths_idle, 1, 0);
	assert_near(alike.all[0].deaths_asked, 2, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_option_makes_a_kind),
		TEST(test_the_longest_rto_where_it_is_known),
		TEST(test_too_many_kinds),
		TEST(test_bins_of_a_tenth),
		TEST(test_words_at_their_own_pace),
		TEST(test_a_regular_silence_that_probes_divide),
		TEST(test_random_silences_that_probes_divide),
		TEST(test_a_heartbeat_that_probes_divide),
		TEST(test_silent_all_day),
		TEST(test_heard_all_the_time),
		TEST(test_what_our_program_ended),
		TEST(test_who_died_of_what),
	};

	return cmocka_run_group_tests_name("alike", tests, NULL, NULL);
}
