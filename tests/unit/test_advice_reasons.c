// SPDX-License-Identifier: GPL-2.0
/* The reasons of advice, in words: each is made up, and says what it is and its figures. */
#include <stdlib.h>
#include <string.h>

#include "text/advice_reasons.h"
#include "unit.h"

static struct evidence e;
static struct proposal p;
static struct advice a;

static int begin(void **state)
{
	(void)state;
	e = (struct evidence){ .path = { .reason = IDLE_KNOWN, .estimate_s = 945.2,
					 .low_s = 900, .high_s = 990.4 } };
	p = (struct proposal){ .setting = { 570, 75, 9, 0, 0 } };
	a = (struct advice){ .evidence = &e };
	return 0;
}

static void assert_words(struct words *w, const char *expected)
{
	assert_false(w->failed);
	assert_string_equal(w->text ? w->text : "", expected);
	words__free(w);
}

static void proposal_says(const char *expected)
{
	struct words w = { 0 };

	advice_reasons__add_proposal(&w, &p, &e);
	assert_words(&w, expected);
}

static void advice_says(const char *expected)
{
	struct words w = { 0 };

	advice_reasons__add(&w, &a);
	assert_words(&w, expected);
}

/* ---- proposals ---- */

static void test_what_bounds_the_idle_time_from_below(void **state)
{
	(void)state;
	p.reason = PROPOSAL_ALLOWED;
	p.low = (struct idle_bound){ .by = BOUND_BUDGET, .of = 14976, .s = 600 };
	p.setting.idle_s = 600;
	proposal_says("--budget (14976 bytes a socket and day) allows a probe every 600 s");
	p.low = (struct idle_bound){ .by = BOUND_RATE, .of = 0.1, .sockets = 100, .s = 1000 };
	p.setting.idle_s = 1000;
	proposal_says("--max-probes-per-s (0, of 100 sockets) allows a probe every 1000 s");
	p.low = (struct idle_bound){ .by = BOUND_INTERVAL, .of = 75, .s = 75 };
	p.setting.idle_s = 75;
	proposal_says("probes 75 s apart allows a probe every 75 s");
}

static void test_a_path_that_is_held(void **state)
{
	(void)state;
	p.reason = PROPOSAL_HOLDS_PATH;
	p.may_lose = 2;
	proposal_says("the path forgets idle connections after 945 s (900 to 990): a probe every "
		      "570 s keeps it open, even if 2 in a row are lost");
	p.may_lose = 1;
	p.given_up = 1;
	proposal_says("the path forgets idle connections after 945 s (900 to 990): a probe every "
		      "570 s keeps it open, even if 1 is lost; not for the 1 that was lost sooner, "
		      "if by a shorter timer: given up");
	/* below a minute, tenths */
	e.path = (struct idle_timeout){ .estimate_s = 31.26, .low_s = 30, .high_s = 59.96 };
	p.setting.idle_s = 20;
	p.given_up = 5;
	proposal_says("the path forgets idle connections after 31.3 s (30 to 60): a probe every "
		      "20 s keeps it open, even if 1 is lost; not for the 5 that were lost sooner, "
		      "if by a shorter timer: given up");
}

static void test_how_long_live_peers_were_silent(void **state)
{
	struct late_answers *m = &e.late_answers;

	(void)state;
	p.reason = PROPOSAL_DETECTS;
	p.within_s = 300;
	m->longest_s = m->longest_at_most_s = 4.25;
	proposal_says("a dead peer is to be noticed within 300 s; live ones that came back were "
		      "silent for 4.2 s");
	m->longest_at_most_s = 4.34;
	proposal_says("a dead peer is to be noticed within 300 s; live ones that came back were "
		      "silent for 4.2 s");
	m->longest_s = m->longest_at_most_s = 0;
	proposal_says("a dead peer is to be noticed within 300 s; no live one was seen to be silent "
		      "and come back");
	m->longest_at_most_s = 75;
	proposal_says("a dead peer is to be noticed within 300 s; live ones that came back were "
		      "silent for 75.0 s at most");
	m->longest_s = 4.25;
	m->longest_at_most_s = 9;
	m->outliers = 1;
	m->outliers_s = 200;
	proposal_says("a dead peer is to be noticed within 300 s; live ones that came back were "
		      "silent for 4.2 to 9.0 s, but for 1 socket (200 s at most), which would be "
		      "given up");
	m->outliers = 2;
	proposal_says("a dead peer is to be noticed within 300 s; live ones that came back were "
		      "silent for 4.2 to 9.0 s, but for 2 sockets (200 s at most), which would be "
		      "given up");
}

static void test_no_time_before_the_first_probe(void **state)
{
	(void)state;
	p.reason = PROPOSAL_NO_ROOM;
	p.high = (struct idle_bound){ .by = BOUND_DETECTION, .of = 30 };
	p.probes_s = 37.5;
	e.late_answers.longest_s = e.late_answers.longest_at_most_s = 30;
	proposal_says("--detect-within (30 s) leaves no time before the first probe: live peers were "
		      "silent for 30.0 s and came back, so 38 s of probes are needed");
	p.high = (struct idle_bound){ .by = BOUND_PATH, .of = 2 };
	p.probes_s = 3;
	e.late_answers.longest_s = e.late_answers.longest_at_most_s = 0;
	proposal_says("the path's idle timeout (2 s) leaves no time before the first probe: 3 s of "
		      "probes are needed");
}

static void test_goals_that_exclude_each_other(void **state)
{
	(void)state;
	p.reason = PROPOSAL_CONFLICT;
	p.high = (struct idle_bound){ .by = BOUND_KERNEL, .s = 32767.5 };
	p.low = (struct idle_bound){ .by = BOUND_BUDGET, .of = 1, .s = 8985599.1 };
	p.bytes_day = 274.2;
	proposal_says("the kernel wants an idle time of at most 32767 s, that is 274 bytes a socket "
		      "and day; --budget (1 bytes a socket and day) one of at least 8985600 s");
}

/* A figure of any length: no sentence is cut. */
static void test_nothing_is_cut(void **state)
{
	struct words w = { 0 };

	(void)state;
	p.reason = PROPOSAL_CONFLICT;
	p.high = (struct idle_bound){ .by = BOUND_DETECTION, .of = 1e300, .s = 1e300 };
	p.low = (struct idle_bound){ .by = BOUND_RATE, .of = 1e300, .sockets = 1e300, .s = 1e300 };
	p.bytes_day = 1e300;
	advice_reasons__add_proposal(&w, &p, &e);
	assert_true(w.length > 6 * 300);
	assert_string_equal(w.text + w.length - 2, " s");
	words__free(&w);
}

/* ---- what is missed ---- */

static void test_each_need_with_both_figures(void **state)
{
	static const struct {
		struct missed_need missed;
		const char *says;
	} all[] = {
		{ { NEED_PROBES, 1, 3 }, "chance alone would lose 1 probe" },
		{ { NEED_PROBES, 2, 3 }, "chance alone would lose 2 probes in a row" },
		{ { NEED_SILENCE, 20, 37.5 },
		  "live peers that came back need 38 s of probes, not 20" },
		{ { NEED_DETECTION, 93.1, 60 },
		  "a dead peer is noticed within 94 s, not 60 (--detect-within)" },
		{ { NEED_HELD_PATH, 60, 65 },
		  "the path, which forgets after 65 s or later, is not held open" },
		{ { NEED_KNOWN_PATH, 60, 44 },
		  "nothing shows that the path remembers for more than 44 s" },
		{ { NEED_BUDGET, 60, 600.1 },
		  "a probe every 60 s costs more than --budget allows, one every 601" },
		{ { NEED_RATE, 100 / 60.0, 1 }, "1.67 probes/s, not 1 (--max-probes-per-s)" },
	};
	struct missed_needs m = { .count = 1 };
	struct words w = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		m.all[0] = all[i].missed;
		advice_reasons__add_missed(&w, &m);
		assert_words(&w, all[i].says);
	}
	m.all[m.count++] = all[0].missed;
	advice_reasons__add_missed(&w, &m);
	assert_words(&w, "1.67 probes/s, not 1 (--max-probes-per-s), chance alone would lose 1 probe");
}

static void test_what_was_asked_for(void **state)
{
	(void)state;
	a.verdict = ADVICE_CHANGE;
	a.why = WHY_EVALUATED;
	a.missed = (struct missed_needs){ .count = 1, .all = { { NEED_PROBES, 1, 3 } } };
	advice_says("asked for by --evaluate");
	a.verdict = ADVICE_KEEP;
	advice_says("asked for by --evaluate, and so already");
	a.has_goals = true;
	advice_says("asked for by --evaluate, and so already; misses the goals: chance alone would "
		    "lose 1 probe");
	a.missed.count = 0;
	advice_says("asked for by --evaluate, and so already; meets the goals");
}

/* ---- advice ---- */

static void test_reasons_without_figures(void **state)
{
	static const struct {
		enum advice_why why;
		const char *says;
	} all[] = {
		{ WHY_SYSCTLS_UNKNOWN,
		  "the input does not say what the sysctls are (no halfopen.meta line)" },
		{ WHY_FEW_SOCKETS, "too few sockets were seen (thin_evidence)" },
		{ WHY_KEEPALIVE_OFF, "no socket has keepalive on: sysctls change nothing" },
		{ WHY_OWN_VALUES, "all sockets with keepalive have values of their own: sysctls "
				  "change nothing" },
		{ WHY_GOALS_MET, "the present values meet the goals" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		a.why = all[i].why;
		advice_says(all[i].says);
	}
}

static void test_too_little_to_tell_a_timeout(void **state)
{
	(void)state;
	a.why = WHY_PATH_UNKNOWN;
	e.path = (struct idle_timeout){ .reason = IDLE_THIN, .devices = 19, .lost = 1 };
	advice_says("not enough data to tell an idle timeout of the path: 19 devices (20 at least), "
		    "1 lost connection (5 at least) (thin_evidence)");
	e.path.devices = 20;
	e.path.lost = 2;
	a.more_days = 3;
	advice_says("not enough data to tell an idle timeout of the path: 20 devices (20 at least), "
		    "2 lost connections (5 at least) (thin_evidence); as before, 3.0 more days give "
		    "it");
	e.path = (struct idle_timeout){ .reason = IDLE_THIN, .devices = 1, .connections = 20 };
	a.more_days = 0;
	a.may_be_more_devices = true;
	advice_says("not enough data to tell an idle timeout of the path: 1 device (20 at least), "
		    "0 lost connections (5 at least) (thin_evidence); 20 connections count as 1, "
		    "since no more of an address were heard at once: if they are more devices, "
		    "watch --identities tells them apart");
}

static void test_a_path_of_which_nothing_is_known(void **state)
{
	(void)state;
	a.why = WHY_PATH_UNKNOWN;
	e.path = (struct idle_timeout){ .reason = IDLE_CENSORED, .low_s = 62 };
	advice_says("idle connections lived for up to 62 s: our own probes keep every idle time under "
		    "that, so whether the path ever forgets them cannot be seen "
		    "(censored_by_keepalive)");
	e.path = (struct idle_timeout){ .reason = IDLE_NO_STEP, .low_s = 3600, .lost = 12 };
	advice_says("the 12 lost connections were lost evenly over time: no idle timeout of the path "
		    "shows up to 3600 s (no_step)");
	e.path.named = true;
	advice_says("the 12 lost devices were lost evenly over time: no idle timeout of the path "
		    "shows up to 3600 s (no_step)");
	e.path = (struct idle_timeout){ .reason = IDLE_NOT_ASKED, .lost = 7, .devices = 30 };
	advice_says("7 of 30 connections were lost, but asked only when a live peer would have spoken "
		    "before, or none answered: whether the path forgot or they died cannot be told "
		    "(no_telling_asks)");
	e.path = (struct idle_timeout){ .reason = IDLE_DATA_ONLY, .low_s = 840, .high_s = 900 };
	advice_says("keepalive probes do not hold this path open: 840 to 900 s after the last data it "
		    "forgets, whatever was probed; only data does (probes_do_not_hold)");
}

static void test_a_proposal_that_was_taken_back(void **state)
{
	(void)state;
	a.why = WHY_PROPOSED;
	a.proposal = (struct proposal){ .reason = PROPOSAL_DETECTS, .within_s = 300 };
	a.proposed.idle_s = 30;
	advice_says("a dead peer is to be noticed within 300 s; no live one was seen to be silent and "
		    "come back");
	a.as_some_now = true;
	advice_says("a dead peer is to be noticed within 300 s; no live one was seen to be silent and "
		    "come back; some are probed every 30 s now");
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_bounds_the_idle_time_from_below),
		TEST(test_a_path_that_is_held),
		TEST(test_how_long_live_peers_were_silent),
		TEST(test_no_time_before_the_first_probe),
		TEST(test_goals_that_exclude_each_other),
		TEST(test_nothing_is_cut),
		TEST(test_each_need_with_both_figures),
		TEST(test_what_was_asked_for),
		TEST(test_reasons_without_figures),
		TEST(test_too_little_to_tell_a_timeout),
		TEST(test_a_path_of_which_nothing_is_known),
		TEST(test_a_proposal_that_was_taken_back),
	};

	return cmocka_run_group_tests_name("advice reasons", tests, NULL, NULL);
}
