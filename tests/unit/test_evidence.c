// SPDX-License-Identifier: GPL-2.0
/* What many connections show together: counts and quantiles, worked out by hand. */
#include "made_up.h"
#include "tuning/evidence.h"

static struct lives lives;
static struct evidence e;

static int begin(void **state)
{
	(void)state;
	lives = (struct lives){ 0 };
	e = (struct evidence){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	evidence__free(&e);
	assert_true(!e.unacknowledged && !e.alike.all && !e.late_answers.all);
	lives__free(&lives);
	return 0;
}

static void add(struct life life)
{
	life.cookie = lives.count + 1;
	assert_true(lives__add(&lives, &life));
}

static void gather(void)
{
	struct scope scope = scope_of_all(&lives);

	evidence__free(&e);
	assert_true(evidence__gather(&lives, &scope, &e));
}

static void test_of_nothing(void **state)
{
	(void)state;
	gather();
	assert_int_equal(e.sockets, 0);
	assert_int_equal(e.hz, 250); /* most distributions' */
	assert_true(e.watched_hours == 0 && e.heartbeat_s == 0 && !e.alike.count);
	assert_int_equal(e.path.reason, IDLE_THIN);
	assert_int_equal(e.without_keepalive[0].sockets, 0);
}

static void test_what_is_counted(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	add_gap(&life, 10, 11, 5, false);
	add_gap(&life, 60, 61, 7, true);
	add(life);
	life = dead_life(life_of_a_day(1), FOUND_BY_KEEPALIVE, 7875);
	life.ended_s = life.seen_s + 3600;
	life.idle_from_socket = true;
	add(life);
	life = life_of_a_day(2);
	life.keepalive = false;
	life.ended_s = life.seen_s - 50; /* of no length, whatever clocks say */
	life.heard_s = life.seen_s;
	life.in_pod = true;
	add(life);
	life = life_of_a_day(3);
	life.options_known = life.keepalive = false;
	life.family = AF_INET6;
	life.in_container = true;
	add(life);
	gather();
	assert_int_equal(e.sockets, 4);
	assert_int_equal(e.with_keepalive, 2);
	assert_int_equal(e.own_options, 1);
	assert_int_equal(e.options_unknown, 1);
	assert_same(e.socket_hours, 24 + 1 + 24);
	assert_int_equal(e.gaps_survived, 12);
	assert_int_equal(e.gaps_lost, 1);
	assert_int_equal(e.half_open, 1);
	assert_true(e.ipv6 && e.in_container && e.in_pod);
	assert_int_equal(e.alike.count, 2); /* with keepalive on */
}

static void test_none_of_these(void **state)
{
	(void)state;
	add(life_of_a_day(0));
	gather();
	assert_false(e.ipv6 || e.in_container || e.in_pod);
	assert_true(!e.half_open && !e.own_options && !e.options_unknown && !e.gaps_lost);
}

/* Whoever has no interval can be predicted nothing of. */
static void test_who_is_predicted(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	life.interval_s = 0;
	add(life);
	life = life_of_a_day(1);
	life.options_known = false;
	add(life);
	gather();
	assert_int_equal(e.alike.count, 0);
}

/* ---- programs ---- */

static void add_of_program(const char *program, bool keepalive, bool own, unsigned int count)
{
	struct life life = life_of_a_day(lives.count);

	life.program = texts__of(&lives.texts, program);
	life.keepalive = keepalive;
	life.idle_from_socket = own;
	while (count--)
		add(life);
}

static void assert_programs(const struct program_count *p, const char *const *names,
			    const size_t *counts)
{
	unsigned int i;

	for (i = 0; i < PROGRAMS_TOLD; i++) {
		assert_string_equal(p[i].comm, names[i]);
		assert_int_equal(p[i].sockets, counts[i]);
	}
}

static void test_the_programs_with_most(void **state)
{
	struct life life;

	(void)state;
	add_of_program("nginx", false, false, 3);
	add_of_program("emqx", false, true, 5); /* it is off: its options do nothing */
	add_of_program("redis", false, false, 4);
	add_of_program("sshd", false, false, 1);
	add_of_program("haproxy", true, true, 2);
	add_of_program("ours", true, false, 9);
	life = life_of_a_day(100);
	life.options_known = life.keepalive = false;
	add(life);
	gather();
	assert_programs(e.without_keepalive, (const char *const[]){ "emqx", "redis", "nginx" },
			(const size_t[]){ 5, 4, 3 });
	assert_programs(e.with_own_options, (const char *const[]){ "haproxy", "", "" },
			(const size_t[]){ 2, 0, 0 });
}

/* ---- deaths ---- */

static void assert_quiet(const struct quiet_deaths *q, size_t sockets, double days,
			 unsigned int deaths)
{
	assert_int_equal(q->sockets, sockets);
	assert_near(q->socket_days, days, 1e-9);
	assert_int_equal(q->deaths, deaths);
}

static void test_quiet_deaths_of_each_kind(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	add(life); /* nothing of its own */
	life.peer_probes = 5;
	life.heartbeats = 7;
	life.heartbeat_s = 60;
	add(life); /* its stack probes */
	add(dead_life(life, FOUND_BY_USER_TIMEOUT, 700));
	life.peer_probes = 0;
	life.heartbeat_s = 28800; /* three of them are its first day: no habit yet */
	add(life);
	life.heartbeat_s = 2880; /* a tenth of its day */
	add(dead_life(life, FOUND_BY_RETRANSMIT, 700));
	add(dead_life(life, FOUND_BY_RESET, 700)); /* not quietly */
	gather();
	assert_quiet(&e.with_probes, 2, 2, 1);
	assert_quiet(&e.with_heartbeats, 3, 0.9 * 2, 1);
	assert_quiet(&e.with_neither, 1, 1 + 1 + 0.1 * 2, 0);
	assert_int_equal(e.half_open, 3);
}

/* Where nobody asks, nobody is found dead. */
static void test_who_is_asked(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	life.keepalive = false;
	add(life);
	add_gap(&life, 60, 60, 5, false);
	add(life);
	gather();
	assert_int_equal(e.with_neither.sockets, 0);
	add_gap(&life, 60, 60, 5, true); /* our program did */
	add(life);
	life.gap_count = 0;
	life.probes_sent = 1; /* keepalive was on before */
	add(life);
	life.probes_sent = 0;
	add(dead_life(life, FOUND_BY_RETRANSMIT, 900));
	gather();
	assert_int_equal(e.with_neither.sockets, 3);
	assert_int_equal(e.with_neither.deaths, 1);
}

/* ---- quantiles ---- */

static void test_detection_by_what_found_it(void **state)
{
	struct life life = life_of_a_day(0);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		add(dead_life(life, i % 2 ? FOUND_BY_KEEPALIVE : FOUND_BY_USER_TIMEOUT, 100 + i));
	for (i = 0; i < 5; i++) {
		struct life dead = dead_life(life, FOUND_BY_RETRANSMIT, 900 + i);

		dead.unacknowledged = (struct unacknowledged){ .before_s = i, .rto_s = 1 };
		add(dead);
		add(dead_life(life, FOUND_BY_RESET, 5));
	}
	life = dead_life(life, FOUND_BY_KEEPALIVE, 5000);
	life.begun_unseen = true; /* how long it took is not known */
	add(life);
	life.found_by = FOUND_BY_RETRANSMIT;
	add(life);
	gather();
	assert_true(e.detection.p50_s == 109 && e.detection.p95_s == 118 &&
		    e.detection.max_s == 119);
	assert_int_equal(e.unacknowledged_count, 5);
	assert_true(e.unacknowledged_detection.p50_s == 902 && e.unacknowledged_detection.max_s == 904);
	for (i = 0; i < 5; i++)
		assert_near(e.unacknowledged[i].before_s, i, 0);
}

static void test_the_commonest_heartbeat(void **state)
{
	struct life life = life_of_a_day(0);
	unsigned int i;

	(void)state;
	for (i = 1; i <= 5; i++) {
		life.heartbeat_s = 60 * i;
		life.begun_unseen = i == 3;
		add(life);
	}
	add(life_of_a_day(9));
	gather();
	assert_int_equal(e.heartbeats, 5);
	assert_same(e.heartbeat_s, 180);
}

static void test_reports_are_added_up(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	life.reports = (struct reports){ .over_s = 100, .segments_known = true, .bytes = 20, .segments = 3 };
	add(life);
	add(life);
	life.reports.segments_known = false;	/* not told: no report is missing */
	add(life);
	gather();
	assert_same(e.reports.over_s, 200);
	assert_same(e.reports.bytes, 40);
	assert_same(e.reports.segments, 6);
}

/* ---- how long somebody looked ---- */

static void test_how_long_was_watched(void **state)
{
	struct life life = life_of_a_day(0);

	(void)state;
	add(life);
	life.run = 2;
	add(life);
	lives__run(&lives, 1)->started_s = 1e9 - 3600;
	lives__run(&lives, 1)->ended_s = 1e9 + DAY_S;
	lives__run(&lives, 2)->started_s = 1e9 + 7200; /* saw a socket that was there before */
	lives__run(&lives, 2)->ended_s = 1e9 + DAY_S + 7200;
	lives__run(&lives, 3)->started_s = 1; /* watched something else */
	lives__run(&lives, 3)->ended_s = 2e9;
	lives__run(&lives, 3)->hz = 1000;
	gather();
	assert_same(e.watched_hours, 27);
	assert_int_equal(e.hz, 1000);
	/* two sockets, 24 h each, in 27 h: so many at once */
	assert_int_equal(e.alike.count, 1);
	assert_same(e.alike.all[0].count, 48 / 27.0);
	/* nobody told when it began: from the first that was seen */
	lives__run(&lives, 1)->started_s = 0;
	gather();
	assert_same(e.watched_hours, 26);
	lives__run(&lives, 1)->ended_s = lives__run(&lives, 2)->ended_s = 0;
	gather();
	assert_near(e.watched_hours, 0, 0);
	assert_near(e.alike.all[0].count, 0, 0);
}

/* ---- a heartbeat that somebody chose ---- */

/* Forty devices behind a timer of 900 s, most of which speak so often. */
static void behind_a_timer(double heartbeat_s, unsigned int with)
{
	unsigned int i, k;

	lives__free(&lives);
	for (i = 0; i < 40; i++) {
		struct life life = life_of_a_day(i);

		for (k = 0; k < 6; k++)
			add_gap(&life, 150 + 120 * k + i, 150 + 120 * k + i, 20, true);
		life.heartbeat_s = i < with ? heartbeat_s : 0;
		life.lost = true;
		life.lost_within_s = 900 + i;
		life.found_by = FOUND_BY_RETRANSMIT;
		add(life);
	}
	gather();
	assert_int_equal(e.path.reason, IDLE_KNOWN);
	assert_true(e.path.estimate_s > 780 && e.path.estimate_s < 905);
}

static void test_whoever_chose_the_heartbeat_knew_the_path(void **state)
{
	(void)state;
	behind_a_timer(600, 21);
	assert_true(e.path_was_known);
	behind_a_timer(600, 20); /* half of them are not most */
	assert_false(e.path_was_known);
	behind_a_timer(380, 40);
	assert_false(e.path_was_known);
	behind_a_timer(1000, 40);
	assert_false(e.path_was_known);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_nothing),
		TEST(test_what_is_counted),
		TEST(test_none_of_these),
		TEST(test_who_is_predicted),
		TEST(test_the_programs_with_most),
		TEST(test_quiet_deaths_of_each_kind),
		TEST(test_who_is_asked),
		TEST(test_detection_by_what_found_it),
		TEST(test_the_commonest_heartbeat),
		TEST(test_reports_are_added_up),
		TEST(test_how_long_was_watched),
		TEST(test_whoever_chose_the_heartbeat_knew_the_path),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
