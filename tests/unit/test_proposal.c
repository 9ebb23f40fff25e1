// SPDX-License-Identifier: GPL-2.0
/* Which values meet which goals, and what is proposed: bounds worked out by hand, and each proposal
 * is held against the goals that it was made for. */
#include "made_up.h"
#include "tuning/proposal.h"

#define SOCKETS 100

static struct evidence e;
static struct sockets_alike alike[2];
static struct goals goals;
static const struct setting usual = { 7200, 75, 9, 0, 0 };

/* A hundred sockets, of whose probes one in a hundred gets lost; nobody was mute, no timer is
 * known. */
static int begin(void **state)
{
	(void)state;
	memset(alike, 0, sizeof(alike));
	alike[0].count = SOCKETS - 30;
	alike[1].count = 30;
	e = (struct evidence){ .hz = 250,
			       .sockets = SOCKETS,
			       .path = { .reason = IDLE_THIN },
			       .late_answers = { .probes_sent = 1e6, .probes_lost = 1e4 },
			       .alike = { .all = alike, .count = 2 } };
	goals = (struct goals){ 0 };
	return 0;
}

static void forget_after(double low_s)
{
	e.path = (struct idle_timeout){ .reason = IDLE_KNOWN,
					.estimate_s = low_s * 1.05,
					.low_s = low_s,
					.high_s = low_s * 1.1 };
}

static bool meets(double idle_s, double interval_s, uint32_t probes)
{
	struct setting s = { idle_s, interval_s, probes, 0, 0 };

	return goals__are_met(&goals, &e, &s);
}

/* ---- what a setting does ---- */

static void assert_times(struct setting s, double period_s, double silence_s)
{
	assert_same(setting__period_s(&s), period_s);
	assert_same(setting__silence_s(&s), silence_s);
}

/* tcp_keepalive_timer(): a user timeout leaves as many whole intervals as reach it, at least one.
 */
static void test_period_and_silence(void **state)
{
	(void)state;
	assert_times(usual, 7200, 675);
	assert_times((struct setting){ 60, 75, 9, 0, 0 }, 75, 675);
	assert_times((struct setting){ 60, 10, 6, 25, 0 }, 60, 10);
	assert_times((struct setting){ 60, 10, 6, 70, 0 }, 60, 10);
	assert_times((struct setting){ 60, 10, 6, 70.1, 0 }, 60, 20);
	assert_times((struct setting){ 60, 10, 6, 85, 0 }, 60, 30);
	assert_times((struct setting){ 5, 10, 6, 25, 0 }, 10, 20);
}

/* ---- which goals there are ---- */

static void test_each_goal_is_one(void **state)
{
	static const struct goals each[] = { { .detect_within_s = 1 },
					     { .hold_open = true },
					     { .budget_bytes_day = 1 },
					     { .max_probes_per_s = 1 } };
	unsigned int i;

	(void)state;
	assert_false(goals__any(&goals));
	goals.tariff.increment_bytes = 100;
	assert_false(goals__any(&goals));
	for (i = 0; i < 4; i++)
		assert_true(goals__any(&each[i]));
}

static void test_when_mappings_are_to_be_held(void **state)
{
	(void)state;
	assert_false(goals__hold_open(&goals, &e));
	forget_after(900);
	assert_true(goals__hold_open(&goals, &e));
	goals.detect_within_s = 60;
	assert_false(goals__hold_open(&goals, &e));
	goals.hold_open = true;
	assert_true(goals__hold_open(&goals, &e));
}

/* ---- which are met ---- */

/* 60 s and three times 10 s; at 250 jiffies a second such timers are 513 and 65 late at most. */
static void test_detection_with_timers_as_late_as_they_can_be(void **state)
{
	double at_most = (60 * 250 + 513 + 3 * (10 * 250 + 65)) / 250.0;

	(void)state;
	goals.detect_within_s = at_most + 0.01;
	assert_true(meets(60, 10, 3));
	goals.detect_within_s = at_most - 0.01;
	assert_false(meets(60, 10, 3));
	assert_true(meets(59, 10, 3));
	assert_false(meets(59, 10, 4));
	goals.detect_within_s = 0;
	assert_true(meets(32767, 75, 9));
	assert_false(meets(60, 0, 3));
}

static void test_a_user_timeout_notices_sooner(void **state)
{
	struct setting s = { 60, 10, 9, 90, 0 };

	(void)state;
	goals.detect_within_s = 93;
	assert_true(goals__are_met(&goals, &e, &s));
	s.user_timeout_s = 0;
	assert_false(goals__are_met(&goals, &e, &s));
}

/* As long as live peers were mute, and a quarter more. */
static void test_live_peers_need_their_time(void **state)
{
	(void)state;
	e.late_answers.longest_s = 24;
	assert_true(meets(60, 10, 3));
	e.late_answers.longest_s = 24.1;
	assert_false(meets(60, 10, 3));
	e.late_answers.longest_s = 0;
	assert_true(meets(60, 1, 3));
	assert_false(meets(60, 0.9, 3));
}

/* Three, or as many as chance does not lose in a row once a year and one more. */
static void test_probes_enough(void **state)
{
	(void)state;
	assert_true(meets(60, 10, 3));
	assert_false(meets(60, 10, 2));
	e.late_answers.probes_lost = 1e5; /* more are lost: three are enough all the same */
	assert_true(meets(60, 10, 3));
	e.late_answers.probes_sent = 1e12; /* hardly one: two */
	e.late_answers.probes_lost = 0;
	assert_true(meets(60, 10, 2));
	assert_false(meets(60, 10, 1));
}

/* 104 bytes, a probe with its answer, IPv4; 144 of IPv6. */
static void test_a_budget(void **state)
{
	(void)state;
	goals.budget_bytes_day = 104 * 1440;
	assert_true(meets(60, 10, 3));
	assert_true(meets(10, 60, 3));
	assert_false(meets(59.9, 10, 3));
	e.ipv6 = true;
	assert_false(meets(60, 10, 3));
	assert_true(meets(60 * 144 / 104.0 + 1e-6, 10, 3));
	e.ipv6 = false;
	goals.tariff.increment_bytes = 500; /* each of the two packets is billed as 500 */
	assert_false(meets(60 * 999 / 104.0, 10, 3));
	assert_true(meets(60 * 1001 / 104.0, 10, 3));
}

static void test_a_rate_of_probes(void **state)
{
	(void)state;
	goals.max_probes_per_s = 2;
	assert_true(meets(50, 10, 3));
	assert_false(meets(49.9, 10, 3));
}

/* Two lost in a row fit in: eight ninths of the low end, as timers are late by an eighth. */
static void test_a_path_that_forgets(void **state)
{
	(void)state;
	forget_after(900);
	assert_true(meets(779, 10, 3));
	assert_false(meets(781, 10, 3));
	assert_false(meets(779, 11, 3));
	goals.detect_within_s = 3600; /* then it may forget, unless it is to be held */
	assert_true(meets(1800, 10, 3));
	goals.hold_open = true;
	assert_false(meets(1800, 10, 3));
	/* an outage of 35 s is three intervals and a half */
	e.late_answers.longest_s = 35;
	assert_true(meets(759, 10, 5));
	assert_false(meets(761, 10, 5));
	/* one of half the timeout cannot be outlasted */
	e.late_answers.longest_s = 451;
	assert_true(meets(735, 30, 30));
}

static void assert_missed(struct missed_need n, enum need need, double has, double needs)
{
	assert_int_equal(n.need, need);
	assert_same(n.has, has);
	assert_same(n.needs, needs);
}

/* Two probes 10 s apart, each minute: with what it is, and what it should be. */
static void test_what_each_need_misses(void **state)
{
	struct setting s = { 60, 10, 2, 0, 0 };
	struct missed_needs m;

	(void)state;
	forget_after(65);
	e.late_answers.longest_s = 24;
	goals = (struct goals){ .detect_within_s = 60, .hold_open = true, .max_probes_per_s = 1,
				.budget_bytes_day = 104 * 1439 };
	m = goals__missed(&goals, &e, &s);
	assert_int_equal(m.count, 6);
	assert_missed(m.all[0], NEED_PROBES, 2, 3);
	assert_missed(m.all[1], NEED_SILENCE, 20, 30);
	assert_missed(m.all[2], NEED_DETECTION, (60 * 250 + 513 + 2 * (10 * 250 + 65)) / 250.0, 60);
	assert_missed(m.all[3], NEED_HELD_PATH, 60, 65);
	assert_missed(m.all[4], NEED_BUDGET, 60, DAY_S / 1439);
	assert_missed(m.all[5], NEED_RATE, 100 / 60.0, 1);
	/* of a path that is not known, only what was survived */
	e.path.reason = IDLE_THIN;
	e.path.low_s = 44;
	m = goals__missed(&goals, &e, &s);
	assert_missed(m.all[3], NEED_KNOWN_PATH, 60, 44);
	/* nothing is asked for */
	goals = (struct goals){ 0 };
	assert_int_equal(goals__missed(&goals, &e, &s).count, 2);
	s = (struct setting){ 60, 10, 3, 0, 0 };
	assert_int_equal(goals__missed(&goals, &e, &s).count, 0);
}

/* ---- holding a path ---- */

static void test_room_and_losses(void **state)
{
	struct setting s = { 300, 20, 5, 0, 0 };

	(void)state;
	assert_near(hold_open__room_s(&e), 0, 0);
	forget_after(900);
	assert_same(hold_open__room_s(&e), 720);
	assert_int_equal(hold_open__losses(&e, &s), 2);
	e.late_answers.longest_s = 50;
	assert_int_equal(hold_open__losses(&e, &s), 3);
	e.late_answers.longest_s = 450;
	assert_int_equal(hold_open__losses(&e, &s), 23);
	e.late_answers.longest_s = 450.1;
	assert_int_equal(hold_open__losses(&e, &s), 2);
	s.interval_s = 0.5;
	e.late_answers.longest_s = 7;
	assert_int_equal(hold_open__losses(&e, &s), 7);
}

static void test_fitting_into_a_timeout(void **state)
{
	static const double timeouts[] = { 20, 30, 60, 120, 240, 350, 900, 7200 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct setting s = usual, longer;

		forget_after(timeouts[i]);
		assert_true(hold_open__fit(&e, 3, &s));
		assert_true(hold_open__holds(&e, &s));
		assert_true(s.idle_s >= s.interval_s && s.interval_s >= 1 && s.interval_s <= 75);
		assert_true(s.idle_s == floor(s.idle_s) && s.interval_s == floor(s.interval_s));
		assert_true(s.probes >= 9 && s.probes <= 127);
		/* and not much shorter than need be */
		longer = s;
		longer.idle_s *= 1.3;
		assert_false(hold_open__holds(&e, &longer));
	}
}

/* 720 s: two lost 75 s apart, and 570 idle. */
static void test_as_long_as_may_be(void **state)
{
	struct setting s = usual;

	(void)state;
	forget_after(900);
	assert_true(hold_open__fit(&e, 3, &s));
	assert_near(s.idle_s, 570, 0);
	assert_near(s.interval_s, 75, 0);
	assert_int_equal(s.probes, 9);
	/* live peers need more probes */
	assert_true(hold_open__fit(&e, 800, &s));
	assert_int_equal(s.probes, 11);
	/* as many as are lost, and one that is not */
	s = (struct setting){ 7200, 75, 1, 0, 0 };
	assert_true(hold_open__fit(&e, 3, &s));
	assert_int_equal(s.probes, 3);
}

static void test_what_cannot_be_held(void **state)
{
	struct setting s = usual;

	(void)state;
	forget_after(2);
	assert_false(hold_open__fit(&e, 3, &s));
	forget_after(30);
	s = usual;
	assert_false(hold_open__fit(&e, 1000, &s)); /* more probes than the kernel takes */
	s = usual;
	assert_true(hold_open__fit(&e, 127 * 3, &s));
	assert_int_equal(s.probes, 127);
	assert_near(s.interval_s, 3, 0);
}

/* ---- proposals ---- */

static struct proposal propose(const struct setting *current)
{
	struct proposal p;

	proposal__make(&goals, &e, current, &p);
	return p;
}

static void assert_bound(const struct idle_bound *b, enum idle_bound_by by, double of, double s)
{
	assert_int_equal(b->by, by);
	assert_same(b->of, of);
	assert_same(b->s, s);
}

static void assert_kernel_takes(const struct setting *s)
{
	assert_true(s->idle_s >= 1 && s->idle_s <= 32767 && s->idle_s == floor(s->idle_s));
	assert_true(s->interval_s >= 1 && s->interval_s <= 32767 &&
		    s->interval_s == floor(s->interval_s));
	assert_true(s->probes >= 1 && s->probes <= 127);
}

/* With a second more of idle time, a dead peer is noticed too late. */
static void test_detection_in_time_and_no_sooner(void **state)
{
	static const double within[] = { 20, 60, 120, 300, 900, 3600 }, mute[] = { 0, 4 };
	static const struct setting current[] = { { 7200, 75, 9, 0, 0 },
						  { 60, 15, 60, 0, 0 },
						  { 10, 1, 2, 0, 0 } };
	unsigned int i, k, n;

	(void)state;
	for (i = 0; i < 6; i++)
		for (k = 0; k < 2; k++)
			for (n = 0; n < 3; n++) {
				struct setting longer;
				struct proposal p;

				goals.detect_within_s = within[i];
				e.late_answers.longest_s = mute[k];
				p = propose(&current[n]);
				assert_true(p.possible);
				assert_kernel_takes(&p.setting);
				assert_true(goals__are_met(&goals, &e, &p.setting));
				longer = p.setting;
				longer.idle_s++;
				assert_false(goals__are_met(&goals, &e, &longer));
				assert_int_equal(p.reason, PROPOSAL_DETECTS);
				assert_same(p.within_s, within[i]);
			}
}

/* No bound, but what is asked for all the same. */
static void test_a_goal_beyond_what_the_kernel_takes(void **state)
{
	struct proposal p;

	(void)state;
	goals.detect_within_s = DAY_S;
	p = propose(&usual);
	assert_true(p.possible && p.setting.idle_s == 32767);
	assert_int_equal(p.reason, PROPOSAL_DETECTS);
	assert_int_equal(p.high.by, BOUND_KERNEL);
	assert_same(p.within_s, DAY_S);
}

static void test_a_user_timeout_is_none_of_the_sysctls(void **state)
{
	struct setting current = { 7200, 75, 9, 30, 0 };

	(void)state;
	goals.detect_within_s = 120;
	assert_near(propose(&current).setting.user_timeout_s, 0, 0);
}

/* They need 37.5 s of probes: within 30 s there is no time for these. */
static void test_no_time_before_the_first_probe(void **state)
{
	struct proposal p;

	(void)state;
	goals.detect_within_s = 30;
	e.late_answers.longest_s = e.late_answers.longest_at_most_s = 30;
	p = propose(&usual);
	assert_false(p.possible);
	assert_int_equal(p.reason, PROPOSAL_NO_ROOM);
	assert_int_equal(p.high.by, BOUND_DETECTION);
	assert_same(p.high.of, 30);
	assert_same(p.probes_s, 37.5);
	/* where nobody was silent, those that would be sent */
	e.late_answers.longest_s = e.late_answers.longest_at_most_s = 0.04;
	goals.detect_within_s = 3;
	p = propose(&usual);
	assert_int_equal(p.reason, PROPOSAL_NO_ROOM);
	assert_same(p.probes_s, p.setting.interval_s * p.setting.probes);
	assert_true(p.probes_s >= 3);
	e.late_answers.longest_s = e.late_answers.longest_at_most_s = 30;
	goals.detect_within_s = 60;
	assert_true(propose(&usual).possible);
}

static void test_a_path_is_held_whatever_the_goals(void **state)
{
	struct proposal p;

	(void)state;
	forget_after(900);
	p = propose(&usual);
	assert_true(p.possible && p.setting.idle_s == 570 && p.setting.interval_s == 75);
	assert_int_equal(p.reason, PROPOSAL_HOLDS_PATH);
	assert_int_equal(p.may_lose, 2);
	assert_int_equal(p.given_up, 0);
	assert_bound(&p.high, BOUND_PATH, 900, 570);
	/* slow detection asks for nothing: the path does */
	goals.detect_within_s = 3600;
	p = propose(&usual);
	assert_true(p.possible && p.setting.idle_s < 720);
	assert_int_equal(p.reason, PROPOSAL_HOLDS_PATH);
	/* quick detection is what is asked for, and holds it, too */
	goals.detect_within_s = 300;
	p = propose(&usual);
	assert_true(p.possible && p.setting.idle_s < 300 && hold_open__holds(&e, &p.setting));
	assert_int_equal(p.reason, PROPOSAL_DETECTS);
	assert_same(p.within_s, 300);
}

static void test_a_probe_that_is_lost_alone(void **state)
{
	struct proposal p;

	(void)state;
	forget_after(7200 * 3);
	e.late_answers.probes_lost = 0;
	p = propose(&usual);
	assert_int_equal(p.reason, PROPOSAL_HOLDS_PATH);
	assert_int_equal(p.may_lose, 1);
}

static void test_who_was_lost_sooner_is_given_up(void **state)
{
	struct proposal p;

	(void)state;
	forget_after(900);
	e.path.lost_sooner = 1;
	e.path.sooner_from_s = 120;
	p = propose(&usual);
	assert_int_equal(p.given_up, 1);
	e.path.lost_sooner = 5;
	p = propose(&usual);
	assert_int_equal(p.given_up, 5);
	e.path.sooner_from_s = 600; /* 570 s hold that, too */
	p = propose(&usual);
	assert_int_equal(p.given_up, 0);
}

static void test_a_path_that_no_probes_hold(void **state)
{
	struct proposal p;

	(void)state;
	forget_after(2);
	p = propose(&usual);
	assert_false(p.possible);
	assert_int_equal(p.reason, PROPOSAL_NO_ROOM);
	assert_int_equal(p.high.by, BOUND_PATH);
	assert_same(p.high.of, 2);
}

/* For longer than the kernel waits it need not be told to. */
static void test_a_path_that_remembers_for_longer_than_the_kernel_waits(void **state)
{
	struct proposal p;

	(void)state;
	forget_after(100000);
	p = propose(&usual);
	assert_true(p.possible);
	assert_kernel_takes(&p.setting);
	assert_near(p.setting.idle_s, 32767, 0);
}

static void test_the_cheapest_that_a_budget_allows(void **state)
{
	struct proposal p;

	(void)state;
	goals.budget_bytes_day = 104 * 144; /* every 600 s */
	p = propose(&usual);
	assert_true(p.possible && p.setting.idle_s == 600);
	assert_int_equal(p.reason, PROPOSAL_ALLOWED);
	assert_bound(&p.low, BOUND_BUDGET, 14976, 600);
	goals.budget_bytes_day = 104 * 144 - 1;
	assert_near(propose(&usual).setting.idle_s, 601, 0);
	goals.max_probes_per_s = 0.1; /* of 100 sockets: every 1,000 s */
	p = propose(&usual);
	assert_near(p.setting.idle_s, 1000, 0);
	assert_bound(&p.low, BOUND_RATE, 0.1, 1000);
	assert_same(p.low.sockets, 100);
	/* hardly any limit: no less than the interval */
	goals = (struct goals){ .max_probes_per_s = 1e6 };
	p = propose(&usual);
	assert_near(p.setting.idle_s, 75, 0);
	assert_int_equal(p.reason, PROPOSAL_ALLOWED);
	assert_bound(&p.low, BOUND_INTERVAL, 75, 75);
}

static void test_goals_that_exclude_each_other(void **state)
{
	struct proposal p;

	(void)state;
	goals.budget_bytes_day = 104 * 144;
	goals.detect_within_s = 120;
	p = propose(&usual);
	assert_false(p.possible);
	assert_int_equal(p.reason, PROPOSAL_CONFLICT);
	assert_int_equal(p.high.by, BOUND_DETECTION);
	assert_same(p.high.of, 120);
	assert_true(p.high.s < 120);
	assert_bound(&p.low, BOUND_BUDGET, 14976, 600);
	assert_same(p.bytes_day, 104 * DAY_S / p.high.s);
	goals.detect_within_s = 0;
	forget_after(300);
	p = propose(&usual);
	assert_false(p.possible);
	assert_int_equal(p.reason, PROPOSAL_CONFLICT);
	assert_int_equal(p.high.by, BOUND_PATH);
	assert_same(p.high.of, 300);
	/* sized: so much would it cost */
	e.path.reason = IDLE_THIN;
	goals.budget_bytes_day = 1;
	p = propose(&usual);
	assert_false(p.possible);
	assert_int_equal(p.reason, PROPOSAL_CONFLICT);
	assert_int_equal(p.high.by, BOUND_KERNEL);
	assert_same(p.high.s, 32767);
	assert_same(p.bytes_day, 104 * DAY_S / 32767);
}

/* Today's silence stays, unless live peers need more, or there are too few probes. */
static void test_silences_that_are_long_enough_stay(void **state)
{
	struct setting current = { 7200, 10, 5, 0, 0 };
	struct proposal p;

	(void)state;
	goals.budget_bytes_day = 104 * 144;
	p = propose(&current);
	assert_true(p.setting.interval_s == 10 && p.setting.probes == 5);
	e.late_answers.longest_s = 80; /* 100 s are needed */
	p = propose(&current);
	assert_true(p.setting.interval_s == 20 && p.setting.probes == 5);
	e.late_answers.longest_s = 0;
	current.probes = 2; /* too few: more, in no less time */
	p = propose(&current);
	assert_true(p.setting.probes >= 3 && setting__silence_s(&p.setting) >= 20 &&
		    setting__silence_s(&p.setting) <= 25);
	current.probes = 3;
	p = propose(&current);
	assert_true(p.setting.interval_s == 10 && p.setting.probes == 3);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_period_and_silence),
		TEST(test_each_goal_is_one),
		TEST(test_when_mappings_are_to_be_held),
		TEST(test_detection_with_timers_as_late_as_they_can_be),
		TEST(test_a_user_timeout_notices_sooner),
		TEST(test_live_peers_need_their_time),
		TEST(test_probes_enough),
		TEST(test_a_budget),
		TEST(test_a_rate_of_probes),
		TEST(test_a_path_that_forgets),
		TEST(test_room_and_losses),
		TEST(test_fitting_into_a_timeout),
		TEST(test_as_long_as_may_be),
		TEST(test_what_cannot_be_held),
		TEST(test_detection_in_time_and_no_sooner),
		TEST(test_a_goal_beyond_what_the_kernel_takes),
		TEST(test_a_user_timeout_is_none_of_the_sysctls),
		TEST(test_what_each_need_misses),
		TEST(test_no_time_before_the_first_probe),
		TEST(test_a_path_is_held_whatever_the_goals),
		TEST(test_a_probe_that_is_lost_alone),
		TEST(test_who_was_lost_sooner_is_given_up),
		TEST(test_a_path_that_no_probes_hold),
		TEST(test_a_path_that_remembers_for_longer_than_the_kernel_waits),
		TEST(test_the_cheapest_that_a_budget_allows),
		TEST(test_goals_that_exclude_each_other),
		TEST(test_silences_that_are_long_enough_stay),
	};

	return cmocka_run_group_tests_name("proposal", tests, NULL, NULL);
}
