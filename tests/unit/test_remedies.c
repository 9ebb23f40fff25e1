// SPDX-License-Identifier: GPL-2.0
/* What only the device can do, and a time-out for data: prices and times worked out by hand. */
#include "made_up.h"
#include "tuning/remedies.h"

static struct evidence e;
static struct unacknowledged unacknowledged[5];
static struct sockets_alike alike;
static const struct setting usual = { 7200, 75, 9, 0, 0 };

/* Five connections ended by retransmission after a quarter of an hour; keepalive is on. */
static int begin(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		unacknowledged[i] = (struct unacknowledged){ .before_s = 10, .first_s = 0.3, .rto_s = 0.3 };
	e = (struct evidence){ .hz = 250,
			       .unacknowledged = unacknowledged,
			       .unacknowledged_count = 5,
			       .unacknowledged_detection = { 940, 950, 960 },
			       .path = { .reason = IDLE_KNOWN, .low_s = 900 },
			       .alike = { .all = &alike, .count = 1 } };
	return 0;
}

/* ---- a heartbeat ---- */

/* 720 s leave a fifth of the timer for what is late: 120 a day, of four packets of 52 bytes and two
 * of data in them; a probe and its answer are two. */
static void test_its_period_and_price(void **state)
{
	struct tariff tariff = { 0 };
	struct device_heartbeat h = remedies__heartbeat(&e, NULL, &tariff);

	(void)state;
	assert_true(h.proposed);
	assert_same(h.period_s, 720);
	assert_same(h.timeout_s, 5);
	assert_same(h.bytes_per_day, 120 * (4 * 52 + 2));
	assert_same(h.probe_bytes_per_day, 120 * 2 * 52);
	assert_false(h.reports_known);
	/* It would replace probes every two hours, or those proposed every 480 s. */
	assert_same(remedies__heartbeat(&e, &usual, &tariff).probe_bytes_per_day, 12 * 2 * 52);
	assert_same(remedies__heartbeat(&e, &(struct setting){ 480, 60, 5, 0, 0 }, &tariff)
			    .probe_bytes_per_day, 180 * 2 * 52);
	e.ipv6 = true;
	assert_same(remedies__heartbeat(&e, NULL, &tariff).bytes_per_day, 120 * (4 * 72 + 2));
	tariff.increment_bytes = 1000;
	assert_same(remedies__heartbeat(&e, NULL, &tariff).bytes_per_day, 120 * 4000);
	e.late_answers.longest_s = 30;
	assert_same(remedies__heartbeat(&e, NULL, &tariff).timeout_s, 38);
	e.path.low_s = 1;
	assert_same(remedies__heartbeat(&e, NULL, &tariff).period_s, 1);
	e.path.reason = IDLE_CENSORED;
	h = remedies__heartbeat(&e, NULL, &tariff);
	assert_true(!h.proposed && h.period_s == 0);
}

/* Ten reports an hour of 100 bytes, each acknowledged. */
static void test_what_their_reports_cost(void **state)
{
	struct tariff tariff = { 0 };
	struct device_heartbeat h;

	(void)state;
	e.reports = (struct reports){ .over_s = 3600, .bytes = 1000, .segments = 10 };
	h = remedies__heartbeat(&e, NULL, &tariff);
	assert_true(h.reports_known);
	assert_same(h.report_bytes_per_day, 240 * (52 + 100 + 52));
	e.reports.segments = 0; /* counted, and none came */
	h = remedies__heartbeat(&e, NULL, &tariff);
	assert_true(h.reports_known && h.report_bytes_per_day == 0);
}

/* ---- data that nobody acknowledges ---- */

static struct data_timeout timeout(const struct setting *keepalive, double within_s)
{
	struct data_timeout d;

	assert_true(remedies__data_timeout(&e, keepalive, within_s, &d));
	return d;
}

static void test_no_need_was_seen(void **state)
{
	struct data_timeout d;

	(void)state;
	e.unacknowledged_count = 0;
	d = timeout(&usual, 60);
	assert_true(!d.retries && d.user_timeout_s == 0 && d.with_retries.max_s == 0);
}

/* RFC 1122: at least 100 s; tcp_retries2 = 8 has patience for 102.2 s (tcp_model_timeout()), and
 * ends at the first RTO that is over then: 0.3 s doubled up to 0.6 + 1.2 + ... + 76.8 = 153. */
static void test_as_long_as_hosts_have_to_try(void **state)
{
	static const struct setting quick = { 60, 10, 3, 0, 0 };
	struct data_timeout d = timeout(&quick, 0);

	(void)state;
	assert_same(d.user_timeout_s, 100);
	assert_near(d.with_user_timeout.p50_s, 10.3 + 100, 8);
	assert_int_equal(d.retries, 8);
	assert_near(d.with_retries.p50_s, 10.3 + 153, 10);
	assert_true(d.with_retries.max_s >= d.with_retries.p50_s);
	/* twice what live peers need, if that is longer */
	e.late_answers.longest_s = 48;
	d = timeout(NULL, 0);
	assert_same(d.user_timeout_s, 0); /* which probes it would cut short is not known */
	e.alike.count = 0;		  /* none: keepalive is off */
	d = timeout(NULL, 0);
	assert_same(d.user_timeout_s, 120);
	assert_int_equal(d.retries, 9);
}

static void test_within_the_time_of_a_goal(void **state)
{
	static const struct setting quick = { 20, 10, 3, 0, 0 };
	struct data_timeout d;
	unsigned int i;

	(void)state;
	unacknowledged[3].first_s = 1.2;
	unacknowledged[4].rto_s = 0.5;
	d = timeout(&quick, 60);
	assert_same(d.user_timeout_s, 58); /* the slowest's first retransmission before it */
	/* The slowest RTO, doubled: 1, 2, 4, 8, 16 s are 31, more than tcp_retries2 = 6 has
	 * patience for (25.4 s); of 7 (51 s) it would be 63. An RTO of 0.3 s ends after 37.8. */
	assert_int_equal(d.retries, 6);
	assert_near(d.with_retries.max_s, 10 + 1.2 + 37.8, 5);
	/* a longest RTO of their own */
	for (i = 0; i < 5; i++)
		unacknowledged[i].rto_max_s = 1;
	d = timeout(&quick, 60);
	assert_true(d.retries > 8);
	/* there is no time for three retransmissions */
	d = timeout(&quick, 3);
	assert_int_equal(d.retries, 0);
	assert_same(d.user_timeout_s, 0); /* nor for what a live peer may need */
}

/* A user timeout ends keepalive's silence, too: it leaves three probes, or as many as there are. */
static void test_probes_that_it_would_cut_short(void **state)
{
	(void)state;
	assert_same(timeout(&usual, 0).user_timeout_s, 0);
	assert_same(timeout(&(struct setting){ 70, 10, 9, 0, 0 }, 0).user_timeout_s, 100);
	assert_same(timeout(&(struct setting){ 80, 10, 9, 0, 0 }, 0).user_timeout_s, 0);
	assert_same(timeout(&(struct setting){ 80, 10, 2, 0, 0 }, 0).user_timeout_s, 100);
	assert_int_equal(timeout(&usual, 0).retries, 8);
	assert_near(timeout(&usual, 0).with_user_timeout.p50_s, 0, 0);
}

/* Live peers were mute for longer than that. */
static void test_live_peers_are_not_given_up(void **state)
{
	(void)state;
	e.alike.count = 0;
	e.late_answers.longest_s = 30; /* 37.5 s are needed */
	assert_same(timeout(NULL, 38).user_timeout_s, 0);
	assert_int_equal(timeout(NULL, 38).retries, 0);
	assert_same(timeout(NULL, 39).user_timeout_s, 38);
	assert_int_equal(timeout(NULL, 60).retries, 6);
	e.late_answers.longest_s = 29;
	assert_same(timeout(NULL, 38).user_timeout_s, 37);
}

/* RTOs of a second at most: ten seconds are not enough for who may be mute for 12.5. */
static void test_the_longest_rto_counts(void **state)
{
	unsigned int i;

	(void)state;
	e.alike.count = 0;
	for (i = 0; i < 5; i++)
		unacknowledged[i].rto_max_s = 1;
	assert_true(timeout(NULL, 12).retries >= 10);
	e.late_answers.longest_s = 10;
	assert_int_equal(timeout(NULL, 12).retries, 0);
}

/* Those who give up as soon already need no advice. */
static void test_it_must_be_sooner_than_today(void **state)
{
	struct data_timeout d;

	(void)state;
	e.alike.count = 0;
	e.unacknowledged_detection.p50_s = 115;
	d = timeout(NULL, 0);
	assert_int_equal(d.retries, 0);
	assert_same(d.user_timeout_s, 100);
	e.unacknowledged_detection.p50_s = 105;
	d = timeout(NULL, 0);
	assert_same(d.user_timeout_s, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_its_period_and_price),
		TEST(test_what_their_reports_cost),
		TEST(test_no_need_was_seen),
		TEST(test_as_long_as_hosts_have_to_try),
		TEST(test_within_the_time_of_a_goal),
		TEST(test_probes_that_it_would_cut_short),
		TEST(test_live_peers_are_not_given_up),
		TEST(test_the_longest_rto_counts),
		TEST(test_it_must_be_sooner_than_today),
	};

	return cmocka_run_group_tests_name("remedies", tests, NULL, NULL);
}
