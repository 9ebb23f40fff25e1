// SPDX-License-Identifier: GPL-2.0
/* What is advised of made-up days: verdicts, reasons, and whom a change does not reach. */
#include "made_up.h"
#include "tuning/advice.h"

static struct lives lives;
static struct scope scope;
static struct evidence evidence;
static struct goals goals;
static struct setting current;
static struct advice advice;

static int begin(void **state)
{
	(void)state;
	lives = (struct lives){ 0 };
	evidence = (struct evidence){ 0 };
	goals = (struct goals){ 0 };
	current = (struct setting){ 7200, 75, 9, 0, 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	evidence__free(&evidence);
	lives__free(&lives);
	return 0;
}

static void add(struct life life)
{
	life.cookie = lives.count + 1;
	assert_true(lives__add(&lives, &life));
}

/* Live sockets with these options, probed all day. */
static struct life probed(double idle_s, double interval_s, uint32_t probes)
{
	struct life life = life_of_a_day(lives.count);

	life.idle_s = idle_s;
	life.interval_s = interval_s;
	life.probes = probes;
	life.probes_sent = DAY_S / (idle_s + 1);
	life.slowest_answer_s = 0.3;
	add_gap(&life, idle_s + 0.5, idle_s + 1.5, life.probes_sent, true);
	return life;
}

static void add_probed(unsigned int count, double idle_s, double interval_s, uint32_t probes)
{
	while (count--)
		add(probed(idle_s, interval_s, probes));
}

static struct life of_own(struct life life)
{
	life.idle_from_socket = life.interval_from_socket = life.probes_from_socket = true;
	return life;
}

/* They are alive, and a watch of a day saw them. */
static void gather(void)
{
	lives__run(&lives, 1)->started_s = 1e9;
	lives__run(&lives, 1)->ended_s = 1e9 + DAY_S;
	scope = scope_of_all(&lives);
	scope.place.gateway = texts__of(&lives.texts, "gw");
	evidence__free(&evidence);
	assert_true(evidence__gather(&lives, &scope, &evidence));
}

static void advise(void)
{
	assert_true(advice__make(&lives, &scope, &evidence, &current, &goals, &advice));
}

static void advise_group(void)
{
	scope.kind = SCOPE_GROUP;
	scope.port = 1883;
	assert_true(advice__make(&lives, &scope, &evidence, NULL, &goals, &advice));
}

static void assert_verdict(enum advice_verdict verdict, enum advice_why why)
{
	if (advice.verdict != verdict || advice.why != why)
		fail_msg("%s because of %d", advice_verdict__name(advice.verdict), advice.why);
}

static void assert_proposed(enum proposal_reason reason)
{
	assert_verdict(ADVICE_CHANGE, WHY_PROPOSED);
	assert_int_equal(advice.proposal.reason, reason);
}

static void assert_setting(const struct setting *s, double idle_s, double interval_s,
			   uint32_t probes)
{
	assert_near(s->idle_s, idle_s, 0);
	assert_near(s->interval_s, interval_s, 0);
	assert_int_equal(s->probes, probes);
}

/* ---- what the sysctls are ---- */

static void say(uint32_t run, struct life_place place, double idle_s)
{
	struct life_namespace ns = {
		.place = place, .run = run, .idle_s = idle_s, .interval_s = 75, .probes = 9
	};

	assert_true(lives__add_namespace(&lives, &ns));
}

static bool find_current(void)
{
	current = (struct setting){ 0 };
	return advice__current(&lives, &scope, &current);
}

static void test_the_latest_watch_says_what_is_current(void **state)
{
	struct life_place place = life_of_a_day(0).place, other = place;

	(void)state;
	scope = scope_of_all(&lives);
	assert_false(find_current()); /* of nobody */
	add_probed(1, 60, 10, 3);
	gather();
	assert_false(find_current());
	say(1, place, 600);
	assert_true(find_current());
	assert_setting(&current, 600, 75, 9);
	say(2, place, 300);
	lives__run(&lives, 2)->started_s = 1e9 + 10;
	say(3, place, 100);
	lives__run(&lives, 3)->started_s = 1e9 - 10;
	assert_true(find_current());
	assert_setting(&current, 300, 75, 9);
	/* another gateway, boot or inode is another namespace */
	say(4, (struct life_place){ 2, 1, 0, 77, 7 }, 1);
	say(5, (struct life_place){ 1, 2, 0, 77, 7 }, 1);
	say(6, (struct life_place){ 1, 1, 0, 78, 7 }, 1);
	say(7, (struct life_place){ 1, 1, 0, 77, 8 }, 1);
	for (other.run = 4; other.run <= 7; other.run++)
		lives__run(&lives, other.run)->started_s = 2e9;
	assert_true(find_current());
	assert_setting(&current, 300, 75, 9);
	/* the same inode in the same boot, of which one of both was told without its cookie */
	say(8, (struct life_place){ 1, 1, 8, 77, 0 }, 50);
	lives__run(&lives, 8)->started_s = 2e9;
	assert_true(find_current());
	assert_setting(&current, 50, 75, 9);
	lives.all[0]->place.cookie = 0;
	lives__run(&lives, 7)->started_s = 3e9;
	assert_true(find_current());
	assert_setting(&current, 1, 75, 9);
}

/* ---- no advice ---- */

static void test_too_little_is_no_advice(void **state)
{
	(void)state;
	goals.detect_within_s = 300;
	add_probed(4, 7200, 75, 9);
	gather();
	advise();
	assert_verdict(ADVICE_NONE, WHY_FEW_SOCKETS);
	assert_false(advice.proposal_known);
	assert_true(advice.current_known);
	add_probed(1, 7200, 75, 9);
	gather();
	advise();
	assert_proposed(PROPOSAL_DETECTS);
	assert_true(advice.proposal_known);
	assert_true(advice__make(&lives, &scope, &evidence, NULL, &goals, &advice));
	assert_verdict(ADVICE_NONE, WHY_SYSCTLS_UNKNOWN);
	assert_false(advice.current_known);
}

static void test_where_keepalive_is_off(void **state)
{
	struct life life = life_of_a_day(0);
	unsigned int i;

	(void)state;
	life.keepalive = false;
	for (i = 0; i < 10; i++)
		add(life);
	goals.detect_within_s = 300;
	gather();
	advise();
	assert_verdict(ADVICE_NONE, WHY_KEEPALIVE_OFF);
	assert_near(advice.predicted_current.sockets, 0, 0);
	advise_group();
	assert_verdict(ADVICE_NONE, WHY_SYSCTLS_UNKNOWN);
	assert_false(advice.current_known);
}

static void test_where_all_have_values_of_their_own(void **state)
{
	unsigned int i;

	(void)state;
	goals.detect_within_s = 300;
	for (i = 0; i < 10; i++)
		add(of_own(probed(7200, 75, 9)));
	gather();
	advise();
	assert_verdict(ADVICE_NONE, WHY_OWN_VALUES);
	/* a policy reaches them */
	advise_group();
	assert_proposed(PROPOSAL_DETECTS);
	assert_same(advice.proposal.within_s, 300);
	assert_setting(&advice.current, 7200, 75, 9);
	/* one option that follows is enough */
	lives.all[3]->probes_from_socket = false;
	gather();
	advise();
	assert_proposed(PROPOSAL_DETECTS);
	assert_same(advice.proposal.within_s, 300);
}

/* Without a goal the path decides: of that nothing may be known, for one reason or another. */
static void test_a_path_of_which_nothing_is_known(void **state)
{
	enum idle_reason reason;

	(void)state;
	add_probed(25, 7200, 75, 9);
	gather();
	evidence.path = (struct idle_timeout){ .reason = IDLE_THIN, .devices = 19, .lost = 1 };
	evidence.watched_hours = 48;
	advise();
	assert_verdict(ADVICE_NONE, WHY_PATH_UNKNOWN);
	assert_near(advice.more_days, 0, 0);
	evidence.path.devices = 20;
	evidence.path.lost = 2;
	advise();
	/* two in two days: three more in three */
	assert_verdict(ADVICE_NONE, WHY_PATH_UNKNOWN);
	assert_same(advice.more_days, 3);
	evidence.path.lost = 0;
	evidence.path.devices = 1;
	advise();
	assert_near(advice.more_days, 0, 0);
	/* many connections, but never at once behind an address */
	assert_false(advice.may_be_more_devices);
	evidence.path.connections = 20;
	advise();
	assert_true(advice.may_be_more_devices);
	evidence.path.named = true;
	advise();
	assert_false(advice.may_be_more_devices);
	/* ... and enough lost: the days would give nothing */
	evidence.path.devices = 20;
	evidence.path.lost = 7;
	advise();
	assert_near(advice.more_days, 0, 0);
	for (reason = IDLE_NO_STEP; reason <= IDLE_DATA_ONLY; reason++) {
		evidence.path = (struct idle_timeout){ .reason = reason, .low_s = 62, .lost = 2,
						       .connections = 20, .devices = 20 };
		advise();
		assert_verdict(ADVICE_NONE, WHY_PATH_UNKNOWN);
		assert_true(advice.more_days == 0 && !advice.may_be_more_devices);
	}
	/* to hold it open is no goal, either, but to notice in time is */
	goals.hold_open = true;
	advise();
	assert_verdict(ADVICE_NONE, WHY_PATH_UNKNOWN);
	goals = (struct goals){ .detect_within_s = 300 };
	advise();
	assert_proposed(PROPOSAL_DETECTS);
	assert_same(advice.proposal.within_s, 300);
}

/* ---- advice ---- */

static void know_path(double low_s)
{
	evidence.path = (struct idle_timeout){ .reason = IDLE_KNOWN,
					       .estimate_s = low_s * 1.05,
					       .low_s = low_s,
					       .high_s = low_s * 1.1,
					       .devices = 30,
					       .lost = 10 };
}

static void test_a_change_and_what_it_would_do(void **state)
{
	(void)state;
	add_probed(50, 7200, 75, 9);
	gather();
	know_path(900);
	advise();
	assert_proposed(PROPOSAL_HOLDS_PATH);
	assert_true(advice.proposal_known && !advice.may_forget && !advice.below_carriers_floor);
	assert_setting(&advice.current, 7200, 75, 9);
	assert_setting(&advice.proposed, 645, 75, 9); /* one lost 75 s before 720 */
	assert_near(advice.predicted_current.sockets, 50, 1e-6);
	assert_near(advice.predicted_current.probes_per_s, 50 / 7200.0, 0.001);
	assert_near(advice.predicted_proposed.probes_per_s, 50 / 645.0, 0.01);
	assert_near(advice.predicted_current.detection.max_s, 7875, 400);
	assert_near(advice.predicted_proposed.detection.max_s, 645 + 675, 100);
	assert_near(advice.predicted_proposed.bytes_per_socket_day, DAY_S / 645 * 104, 1200);
	assert_true(advice.heartbeat.proposed && advice.heartbeat.period_s == 720);
	assert_true(advice.scope == &scope && advice.evidence == &evidence);
}

/* Verizon's guidance: not more often than every five minutes. */
static void test_the_carriers_floor(void **state)
{
	(void)state;
	add_probed(50, 7200, 75, 9);
	gather();
	goals.detect_within_s = 120;
	advise();
	assert_true(advice.verdict == ADVICE_CHANGE && advice.below_carriers_floor);
	goals.detect_within_s = 900;
	advise();
	assert_true(advice.verdict == ADVICE_CHANGE && !advice.below_carriers_floor);
	/* it was below before, and is not more often now */
	current = (struct setting){ 30, 75, 9, 0, 0 };
	goals.detect_within_s = 120;
	advise();
	assert_int_equal(advice.verdict, ADVICE_CHANGE);
	if (advice.proposed.idle_s >= 75)
		assert_false(advice.below_carriers_floor);
}

static void test_what_is_asked_for_is_predicted(void **state)
{
	(void)state;
	add_probed(4, 7200, 75, 9); /* few, without a path, and no sysctls known */
	gather();
	goals.evaluate = true;
	goals.fixed = (struct setting){ 240, 20, 5, 0, 0 };
	assert_true(advice__make(&lives, &scope, &evidence, NULL, &goals, &advice));
	assert_verdict(ADVICE_CHANGE, WHY_EVALUATED);
	assert_false(advice.has_goals);
	assert_setting(&advice.proposed, 240, 20, 5);
	assert_near(advice.predicted_proposed.detection.max_s, 340, 30);
	/* held against the goals, where there are any; and those that are so already are kept */
	goals.detect_within_s = 300;
	current = goals.fixed;
	advise();
	assert_verdict(ADVICE_KEEP, WHY_EVALUATED);
	assert_true(advice.has_goals && advice.missed.count == 1);
	assert_int_equal(advice.missed.all[0].need, NEED_DETECTION);
	goals.detect_within_s = 400;
	advise();
	assert_true(advice.has_goals && !advice.missed.count);
}

static void test_what_meets_the_goals_is_kept(void **state)
{
	(void)state;
	add_probed(50, 60, 10, 3);
	gather();
	current = (struct setting){ 60, 10, 3, 0, 0 };
	goals.detect_within_s = 300;
	advise();
	assert_verdict(ADVICE_KEEP, WHY_GOALS_MET);
	assert_true(advice.proposal_known);
	assert_setting(&advice.proposed, 60, 10, 3);
	assert_true(advice.cheaper.idle_s > 150 && advice.may_forget);
	/* of 144,000 bytes a day, as much less as it asks less often */
	assert_near(advice.spared_bytes_day, 104 * DAY_S * (1 / 60.0 - 1 / advice.cheaper.idle_s),
		    8000);
	/* less than a tenth is not worth a word */
	for (goals.detect_within_s = 93; goals.detect_within_s < 120; goals.detect_within_s++) {
		advise();
		assert_verdict(ADVICE_KEEP, WHY_GOALS_MET);
		assert_true(advice.spared_bytes_day == 0 ||
			    advice.spared_bytes_day >=
				    advice.predicted_current.bytes_per_socket_day / 10);
	}
	goals.detect_within_s = 92;
	advise();
	assert_proposed(PROPOSAL_DETECTS);
	/* the path is known to remember for longer than that */
	goals.detect_within_s = 300;
	know_path(3600);
	advise();
	assert_verdict(ADVICE_KEEP, WHY_GOALS_MET);
	assert_false(advice.may_forget);
	know_path(180);
	advise();
	assert_true(advice.verdict == ADVICE_KEEP && !advice.may_forget);
	assert_true(advice.cheaper.idle_s == 0 || advice.cheaper.idle_s < 160);
}

/* All who are reached must meet them: not only what the sysctls say now. */
static void test_sockets_that_do_not_follow_yet(void **state)
{
	(void)state;
	add_probed(49, 60, 10, 3);
	add_probed(1, 7200, 75, 9); /* was opened before the sysctls were changed */
	gather();
	current = (struct setting){ 60, 10, 3, 0, 0 };
	goals.detect_within_s = 300;
	advise();
	assert_int_equal(advice.verdict, ADVICE_CHANGE);
	/* it sets its own: sysctls do not reach it */
	*lives.all[49] = of_own(*lives.all[49]);
	gather();
	advise();
	assert_verdict(ADVICE_KEEP, WHY_GOALS_MET);
	/* of its group's policy, it would */
	advise_group();
	assert_int_equal(advice.verdict, ADVICE_CHANGE);
	assert_setting(&advice.current, 60, 10, 3);
}

static void test_goals_that_exclude_each_other(void **state)
{
	(void)state;
	add_probed(50, 7200, 75, 9);
	gather();
	goals.detect_within_s = 60;
	goals.budget_bytes_day = 104;
	advise();
	assert_verdict(ADVICE_CONFLICT, WHY_PROPOSED);
	assert_int_equal(advice.proposal.reason, PROPOSAL_CONFLICT);
	assert_int_equal(advice.proposal.low.by, BOUND_BUDGET);
	assert_same(advice.proposal.low.s, DAY_S);
	assert_false(advice.proposal_known);
}

/* Some are probed every 30 s by values of their own: nothing shows that the path would remember
 * them for longer, so a policy does not ask less often. */
static void test_nobody_is_asked_less_often_where_the_path_may_forget(void **state)
{
	unsigned int i;

	(void)state;
	add_probed(30, 7200, 75, 9);
	for (i = 0; i < 10; i++)
		add(of_own(probed(30, 10, 3)));
	gather();
	evidence.path = (struct idle_timeout){ .reason = IDLE_CENSORED, .low_s = 32 };
	goals.detect_within_s = 300;
	advise_group();
	assert_verdict(ADVICE_CHANGE, WHY_PROPOSED);
	assert_true(advice.as_some_now);
	assert_near(advice.proposed.idle_s, 30, 0);
	assert_true(advice.proposed.interval_s <= 30 && !advice.may_forget);
	/* a namespace's sysctls do not change those ten */
	scope.kind = SCOPE_NAMESPACE;
	advise();
	assert_int_equal(advice.verdict, ADVICE_CHANGE);
	assert_true(advice.proposed.idle_s > 100 && !advice.as_some_now);
	assert_false(advice.may_forget);
	/* a budget wants it: it is said */
	goals.budget_bytes_day = 104 * DAY_S / 60;
	advise_group();
	assert_int_equal(advice.verdict, ADVICE_CHANGE);
	assert_true(advice.may_forget && advice.proposed.idle_s >= 60);
	assert_false(advice.as_some_now);
	goals.budget_bytes_day = 0;
	goals.max_probes_per_s = 0.5;
	advise_group();
	assert_true(advice.verdict == ADVICE_CHANGE && advice.may_forget);
	/* gaps as long as that were survived */
	goals.max_probes_per_s = 0;
	evidence.path.low_s = 400;
	advise_group();
	assert_true(advice.proposed.idle_s > 100 && !advice.may_forget);
}

/* ---- whom it does not reach ---- */

static void test_who_takes_longer_than_the_goal(void **state)
{
	unsigned int i;

	(void)state;
	add_probed(50, 7200, 75, 9);
	gather();
	goals.detect_within_s = 120;
	advise();
	assert_true(advice.missed_within_s == 0 && !advice.missed_by_own && !advice.missed_by_data);
	for (i = 0; i < 3; i++)
		add(of_own(probed(600, 60, 5)));
	gather();
	advise();
	assert_near(advice.missed_within_s, 120, 0);
	assert_true(advice.missed_by_own && !advice.missed_by_data);
	assert_true(advice.predicted_proposed.detection.max_s > 120);
	/* one option of its own is enough to take longer */
	for (i = 50; i < 53; i++)
		lives.all[i]->idle_from_socket = lives.all[i]->interval_from_socket = false;
	lives.all[51]->probes = 60;
	gather();
	advise();
	assert_true(advice.missed_by_own);
	/* a policy sets them all */
	advise_group();
	assert_true(!advice.missed_by_own && advice.missed_within_s == 0);
	/* nothing was asked of detection */
	scope.kind = SCOPE_NAMESPACE;
	goals = (struct goals){ .budget_bytes_day = 10000 };
	advise();
	assert_true(advice.missed_within_s == 0 && !advice.missed_by_own);
}

static void test_data_that_wait_take_longer(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		struct life life = life_of_a_day(i);

		add_gap(&life, 500, 510, 80, true); /* our program's own */
		add(life);
	}
	gather();
	goals.detect_within_s = 120;
	advise();
	assert_near(advice.missed_within_s, 120, 0);
	assert_true(advice.missed_by_data && !advice.missed_by_own);
}

static void test_who_is_open_and_silent(void **state)
{
	unsigned int i;

	(void)state;
	add_probed(10, 60, 10, 3);
	for (i = 0; i < 4; i++)
		lives.all[i]->outcome = OUTCOME_SUSPECT;
	lives.all[3]->final = true;
	gather();
	goals.detect_within_s = 300;
	advise();
	assert_int_equal(advice.suspects, 3);
	assert_near(advice.killed_by_one_loss, 0, 0);
	/* a user timeout that leaves time for one probe alone */
	for (i = 0; i < 4; i++)
		lives.all[i]->user_timeout_s = 70;
	lives.all[4]->user_timeout_s = 71;
	gather();
	advise();
	assert_near(advice.killed_by_one_loss, 4, 1e-6);
}

/* ---- names ---- */

static void test_the_same_advice_has_the_same_id(void **state)
{
	char id[24], other[24];

	(void)state;
	add_probed(50, 7200, 75, 9);
	gather();
	goals.detect_within_s = 120;
	advise();
	strcpy(id, advice.id);
	assert_int_equal(strlen(id), strlen("change-") + 8);
	assert_memory_equal(id, "change-", 7);
	/* whatever else the input says */
	evidence.half_open = 7;
	scope.last_seen_s = 12345;
	advise();
	assert_string_equal(advice.id, id);
	/* other values, another place, or a group of peers: another advice */
	goals.detect_within_s = 300;
	advise();
	assert_string_not_equal(advice.id, id);
	goals.evaluate = true;
	goals.fixed = (struct setting){ 240, 20, 5, 0, 0 };
	advise();
	strcpy(id, advice.id);
	goals.fixed.probes = 6;
	advise();
	assert_string_not_equal(advice.id, id);
	goals.fixed = (struct setting){ 240, 21, 5, 0, 0 };
	advise();
	assert_string_not_equal(advice.id, id);
	goals.fixed = (struct setting){ 240.2, 20, 5, 0, 0 };
	advise();
	assert_string_equal(advice.id, id);
	scope.place.cookie = 8;
	scope.address = ADDRESS_COOKIE;
	advise();
	assert_string_not_equal(advice.id, id);
	scope.place.gateway = texts__of(&lives.texts, "gw-2");
	strcpy(other, advice.id);
	advise();
	assert_string_not_equal(advice.id, other);
	scope.kind = SCOPE_GROUP;
	strcpy(id, advice.id);
	advise();
	assert_string_not_equal(advice.id, id);
}

static void test_groups_have_ids_of_their_own(void **state)
{
	struct scope of;
	char ids[7][24];
	unsigned int i, k;

	(void)state;
	add_probed(50, 60, 10, 3);
	gather();
	goals.detect_within_s = 300;
	of = scope;
	of.kind = SCOPE_GROUP;
	for (i = 0; i < 7; i++) {
		scope = of;
		scope.port = i == 1 ? 1884 : 1883;
		scope.outgoing = i == 2;
		scope.name = i == 3 ? "north" : i == 4 ? "nortg" : NULL;
		scope.bits = i == 5 ? 96 : 120;
		scope.network[12] = i == 6 ? 11 : 10;
		advise();
		strcpy(ids[i], advice.id);
		assert_memory_equal(advice.id, "keep-", 5);
		for (k = 0; k < i; k++)
			assert_string_not_equal(ids[k], ids[i]);
	}
	/* where the gateway is does not name a group */
	scope.place.gateway = texts__of(&lives.texts, "gw-2");
	advise();
	assert_string_equal(advice.id, ids[6]);
}

static void test_names_of_verdicts(void **state)
{
	(void)state;
	assert_string_equal(advice_verdict__name(ADVICE_CHANGE), "change");
	assert_string_equal(advice_verdict__name(ADVICE_KEEP), "keep");
	assert_string_equal(advice_verdict__name(ADVICE_NONE), "none");
	assert_string_equal(advice_verdict__name(ADVICE_CONFLICT), "conflict");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_latest_watch_says_what_is_current),
		TEST(test_too_little_is_no_advice),
		TEST(test_where_keepalive_is_off),
		TEST(test_where_all_have_values_of_their_own),
		TEST(test_a_path_of_which_nothing_is_known),
		TEST(test_a_change_and_what_it_would_do),
		TEST(test_the_carriers_floor),
		TEST(test_what_is_asked_for_is_predicted),
		TEST(test_what_meets_the_goals_is_kept),
		TEST(test_sockets_that_do_not_follow_yet),
		TEST(test_goals_that_exclude_each_other),
		TEST(test_nobody_is_asked_less_often_where_the_path_may_forget),
		TEST(test_who_takes_longer_than_the_goal),
		TEST(test_data_that_wait_take_longer),
		TEST(test_who_is_open_and_silent),
		TEST(test_the_same_advice_has_the_same_id),
		TEST(test_groups_have_ids_of_their_own),
		TEST(test_names_of_verdicts),
	};

	return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
