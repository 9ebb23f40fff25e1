// SPDX-License-Identifier: GPL-2.0
/* What connections say of their path: how many votes they have, and when each was lost. */
#include "made_up.h"
#include "tuning/path_witnesses.h"

static struct lives lives;

static int begin(void **state)
{
	(void)state;
	lives = (struct lives){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	lives__free(&lives);
	return 0;
}

/* One that survived a gap of a minute. */
static struct life witness(unsigned int n)
{
	struct life life = life_of_a_day(n);

	add_gap(&life, 60, 60, 3, false);
	return life;
}

static void add(struct life life)
{
	life.cookie = lives.count + 1;
	assert_true(lives__add(&lives, &life));
}

static struct idle_timeout estimate(void)
{
	struct scope scope = scope_of_all(&lives);
	struct idle_timeout t;

	assert_true(path_witnesses__estimate(&scope, &t));
	return t;
}

/* Crashed after its minute, and so on: one connection behind the other. */
static void add_one_after_another(struct life life, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		life.seen_s = 1e9 + 1000 * i;
		life.heard_s = life.seen_s + 500;
		life.ended_s = life.seen_s + 900;
		life.lost = true;
		life.lost_within_s = 61;
		life.found_by = FOUND_BY_KEEPALIVE;
		add(life);
	}
}

/* ---- votes ---- */

static void test_a_vote_to_each_device_with_a_name(void **state)
{
	struct idle_timeout t;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 25; i++)
		for (k = 0; k < 1 + i % 3; k++) {
			struct life life = witness(10 * i + k);

			life.device = 1 + i;
			add(life);
		}
	t = estimate();
	assert_int_equal(t.devices, 25);
	assert_int_equal(t.connections, lives.count);
	assert_true(t.named);
}

/* In whatever order their connections were told. */
static void test_connections_of_a_device_are_found(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		struct life life = witness(i);

		life.device = 1 + (7 * i + 3) % 20;
		add(life);
	}
	assert_int_equal(estimate().devices, 20);
	for (i = 0; i < 60; i++) {
		lives.all[i]->device = 0;
		lives.all[i]->peer.address[3] = 1 + (7 * i + 3) % 20;
		lives.all[i]->heard_s = lives.all[i]->seen_s = 1e9 + i;
	}
	assert_int_equal(estimate().devices, 20);
}

/* Behind one address: as many as were heard at once. */
static void test_an_address_has_as_many_votes_as_were_heard_at_once(void **state)
{
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		add_one_after_another(witness(i), 30);
	t = estimate();
	assert_int_equal(t.devices, 10);
	assert_int_equal(t.connections, 300);
	assert_int_equal(t.lost, 10);
	assert_false(t.named);
	/* four at once, of an address of its own, and twice as many in all */
	for (i = 0; i < 4; i++)
		add_one_after_another(witness(100), 2);
	assert_int_equal(estimate().devices, 14);
	/* a fifth: a carrier's address, of which each connection counts */
	add_one_after_another(witness(100), 2);
	assert_int_equal(estimate().devices, 20);
	assert_int_equal(estimate().connections, 310);
}

/* Until it was heard last: who was silent when the next one came may have been the same device. */
static void test_who_was_silent_when_the_next_came(void **state)
{
	struct life life = witness(1);

	(void)state;
	life.heard_s = 1e9 + 500;
	add(life);
	life.seen_s = life.heard_s = 1e9 + 500;
	add(life);
	assert_int_equal(estimate().devices, 1);
	life.seen_s = 1e9 + 499;
	life.heard_s = 1e9 + 600;
	add(life);
	assert_int_equal(estimate().devices, 2);
	/* heard before it was seen, as a watch that began later tells it */
	life = witness(2);
	life.heard_s = life.seen_s - 10;
	add(life);
	add(life);
	assert_int_equal(estimate().devices, 3);
}

static void test_addresses_in_disguise_are_told_apart(void **state)
{
	struct life life = witness(1);
	unsigned int i;

	(void)state;
	life.has_peer = false;
	memset(&life.peer, 0, sizeof(life.peer));
	for (i = 0; i < 12; i++) {
		life.disguised_peer = 1 + i % 3;
		life.heard_s = life.seen_s;
		add(life);
		add(witness(50));
	}
	/* three pseudonyms, and a carrier's address of twelve */
	assert_int_equal(estimate().devices, 3 + 12);
}

/* A device with a name, and one without behind the same address, are two; votes are of names where
 * half of the connections have one. */
static void test_names_and_none(void **state)
{
	struct life life = witness(1);

	(void)state;
	add(life);
	life.device = 5;
	add(life);
	add(life);
	assert_int_equal(estimate().devices, 2);
	assert_true(estimate().named);
	life.device = 0;
	life.peer.address[3] = 77;
	add(life);
	assert_true(estimate().named);
	add(life);
	assert_false(estimate().named);
}

static void test_who_says_nothing_has_no_vote(void **state)
{
	struct life life = life_of_a_day(1);
	struct idle_timeout t;

	(void)state;
	t = estimate();
	assert_int_equal(t.reason, IDLE_THIN);
	assert_true(!t.devices && !t.named);
	add(life);
	life.lost = true;
	life.lost_within_s = 0.9; /* it was not idle */
	add(life);
	life.lost = false;
	life.back_after_s = 100; /* but has no name: whoever was back is not known */
	add(life);
	assert_int_equal(estimate().connections, 0);
	life.lost = true;
	life.lost_within_s = 1;
	add(life);
	assert_int_equal(estimate().connections, 1);
	assert_int_equal(estimate().lost, 1);
	life = life_of_a_day(2);
	life.reset_after_s = 1;
	add(life);
	life.reset_after_s = 0.9;
	add(life);
	assert_int_equal(estimate().connections, 2);
	assert_int_equal(estimate().lost, 1);
}

/* ---- when it was lost ---- */

/* With a name: on another connection before anybody asked on this one. */
static void test_a_device_that_is_back_before_it_was_asked(void **state)
{
	struct life life = life_of_a_day(1);

	(void)state;
	life.device = 1;
	life.back_after_s = 0.9;
	add(life);
	assert_int_equal(estimate().connections, 0);
	life.back_after_s = 1;
	add(life);
	assert_int_equal(estimate().connections, 1);
	assert_int_equal(estimate().lost, 1);
	life = life_of_a_day(2);
	life.device = 2;
	life.back_after_s = 500;
	life.begun_unseen = true;
	add(life);
	assert_int_equal(estimate().connections, 1);
}

/* Forty devices, each on another connection 900 s after its last word, when a word was due, or
 * found lost by our own data an hour later: what is known first counts, and a timer of 900 s shows.
 */
static struct idle_timeout estimate_of_returns(double back_s, double lost_s)
{
	unsigned int i, k;

	begin(NULL);
	for (i = 0; i < 40; i++) {
		struct life life = life_of_a_day(i);

		life.device = 1 + i;
		for (k = 0; k < 6; k++)
			add_gap(&life, 100 + 120 * k + i, 100 + 120 * k + i, 20, k % 2);
		life.back_after_s = back_s ? back_s + i : 0;
		life.lost = lost_s > 0;
		life.lost_within_s = lost_s ? lost_s + i : 0;
		life.found_by = lost_s ? FOUND_BY_RETRANSMIT : FOUND_BY_NOTHING;
		add(life);
	}
	return estimate();
}

static void test_what_is_known_first_counts(void **state)
{
	struct idle_timeout t;

	(void)state;
	t = estimate_of_returns(0, 900);
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(t.low_s >= 700 && t.high_s <= 940);
	end(NULL);
	t = estimate_of_returns(900, 4000);
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(t.low_s >= 700 && t.high_s <= 940);
	end(NULL);
	t = estimate_of_returns(4000, 900);
	assert_int_equal(t.reason, IDLE_KNOWN);
	assert_true(t.low_s >= 700 && t.high_s <= 940);
}

/* All answer keepalive's probe every minute, but for some that are lost to it, as early as the
 * others answer theirs: no timer, whatever found them. Lost to our data after as long, it would be
 * one. */
static struct idle_timeout estimate_of_probed(enum found_by found_by, double lost_s, bool keepalive)
{
	unsigned int i;

	begin(NULL);
	for (i = 0; i < 60; i++) {
		struct life life = life_of_a_day(i);

		life.idle_s = 60;
		life.interval_s = 10;
		life.keepalive = keepalive;
		if (i % 3)
			add_gap(&life, 60.5, 61, 1000, true);
		else
			life = dead_life(life, found_by, 200);
		life.lost_within_s = lost_s;
		add(life);
	}
	return estimate();
}

static void test_lost_to_a_probe_that_others_answered(void **state)
{
	static const enum found_by by_probe[] = { FOUND_BY_KEEPALIVE, FOUND_BY_USER_TIMEOUT,
						  FOUND_BY_RESET, FOUND_BY_SUPERSEDED };
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		t = estimate_of_probed(by_probe[i], 62, true);
		assert_int_equal(t.reason, IDLE_CENSORED);
		assert_near(t.low_s, 61, 1);
		assert_int_equal(t.lost, 20);
		end(NULL);
	}
	/* our program's data, a second later than all that survived, found each of them gone */
	t = estimate_of_probed(FOUND_BY_RETRANSMIT, 62, true);
	assert_int_equal(t.reason, IDLE_KNOWN);
	end(NULL);
	/* later than a probe of ours can have been: something else asked */
	t = estimate_of_probed(FOUND_BY_KEEPALIVE, 73, true);
	assert_int_equal(t.reason, IDLE_KNOWN);
	end(NULL);
	t = estimate_of_probed(FOUND_BY_KEEPALIVE, 62, false);
	assert_int_equal(t.reason, IDLE_KNOWN);
}

/* They were reset by a middlebox when its timer ran out, and it says so. */
static void test_resets_and_pace_come_through(void **state)
{
	struct idle_timeout t;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		struct life life = life_of_a_day(i);

		life.reset_after_s = 300;
		add(life);
	}
	t = estimate();
	assert_true(t.told_by_resets && t.reason == IDLE_KNOWN);
	assert_same(t.estimate_s, 300);
	end(NULL);
	begin(NULL);
	/* probed every minute, all lost a quarter of an hour after they began */
	for (i = 0; i < 20; i++) {
		struct life life = life_of_a_day(i);

		life.idle_s = 60;
		life.interval_s = 10;
		add_gap(&life, 60.5, 61, 14, true);
		life.seen_s += 100 * i; /* not all at once: that would be an outage */
		life.ended_s = life.seen_s + 1100;
		life = dead_life(life, FOUND_BY_KEEPALIVE, 200);
		life.lost_within_s = 61;
		life.probed_for_s = 905 + i;
		add(life);
	}
	t = estimate();
	assert_int_equal(t.reason, IDLE_DATA_ONLY);
	assert_near(t.high_s, 905, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_vote_to_each_device_with_a_name),
		TEST(test_connections_of_a_device_are_found),
		TEST(test_an_address_has_as_many_votes_as_were_heard_at_once),
		TEST(test_who_was_silent_when_the_next_came),
		TEST(test_addresses_in_disguise_are_told_apart),
		TEST(test_names_and_none),
		TEST(test_who_says_nothing_has_no_vote),
		TEST(test_a_device_that_is_back_before_it_was_asked),
		TEST(test_what_is_known_first_counts),
		TEST(test_lost_to_a_probe_that_others_answered),
		TEST(test_resets_and_pace_come_through),
	};

	return cmocka_run_group_tests_name("path_witnesses", tests, NULL, NULL);
}
