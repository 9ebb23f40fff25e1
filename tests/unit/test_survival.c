// SPDX-License-Identifier: GPL-2.0
/* Rhythms of peers, survival of groups, and what follows for one peer. */
#include <math.h>
#include <stdlib.h>

#include "made_up.h"
#include "text/presence_words.h"
#include "tuning/presence.h"

#define LOSS 0.01	/* that late_answers.c assumes where nothing was asked often */

/* ---- rhythms ---- */

static struct life silent_life(unsigned int n)
{
	struct life life = life_of_a_day(n);

	life.keepalive = false;
	return life;
}

static void test_rhythms_are_told_apart(void **state)
{
	struct life life = silent_life(0);

	(void)state;
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_UNKNOWN);
	add_gap(&life, 300, 301, 3, true);
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_NONE);
	add_gap(&life, 59, 61, 7, false);
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_UNKNOWN);
	add_gap(&life, 58, 62, 1, false);
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_REGULAR);
	assert_near(rhythm__of(&life).pause_s, 60, 0.01);
	add_gap(&life, 600, 600, 10, false);
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_UNKNOWN);	/* too few of many lengths */
	add_gap(&life, 20, 20, 12, false);
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_IRREGULAR);
	assert_near(rhythm__of(&life).pause_s, (8 * 60 + 6000 + 240) / 30.0, 0.01);
}

static void test_pauses_too_short_to_be_reported(void **state)
{
	struct life life = silent_life(0);

	(void)state;
	life.reports = (struct reports){ .over_s = 3600, .segments_known = true, .segments = 1200 };
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_IRREGULAR);
	assert_near(rhythm__of(&life).pause_s, 3, 0.01);
	life.reports.segments_known = false;
	assert_int_equal(rhythm__of(&life).kind, RHYTHM_UNKNOWN);
}

/* ---- groups ---- */

/* Sixty that never speak and are asked at all ages: of those that are asked later than 900 s after
 * they were heard, none answers. */
static void add_behind_a_timer(struct lives *l, unsigned int count)
{
	unsigned int i, k;

	for (i = 0; i < count; i++) {
		struct life life = silent_life(i);

		for (k = 0; k < 6; k++)
			add_gap(&life, 100 + 130 * k + i, 100 + 130 * k + i, 1, true);
		life = dead_life(life, FOUND_BY_RETRANSMIT, 1000 + 20 * i);
		life.lost_within_s = 1000 + 20 * i;
		assert_true(lives__add(l, &life));
	}
}

/* Each speaks every minute of a day; four have been gone for an hour. */
static void add_heartbeats(struct lives *l)
{
	unsigned int i;

	for (i = 0; i < 40; i++) {
		struct life life = silent_life(i);

		add_gap(&life, 59.5, 60.5, 1400, false);
		life.heard_s -= i < 4 ? 3600 : i;
		assert_true(lives__add(l, &life));
	}
}

static double chance(const struct survival *s, struct rhythm rhythm, double silent_s,
		     uint32_t unanswered, double mute_s)
{
	const struct survival_question q = { rhythm, silent_s, unanswered, mute_s };

	return survival__chance(s, &q).likely;
}

static struct survival_chance bounds(const struct survival *s, struct rhythm rhythm,
				     double silent_s)
{
	const struct survival_question q = { .rhythm = rhythm, .silent_s = silent_s };

	return survival__chance(s, &q);
}

static const struct rhythm none = { RHYTHM_NONE, 0 }, of_a_minute = { RHYTHM_REGULAR, 60 };

static void test_before_and_behind_a_timer(void **state)
{
	struct lives l = { 0 };
	struct survival s;
	double before, last = 1;
	unsigned int silent_s;

	(void)state;
	add_behind_a_timer(&l, 60);
	assert_true(survival__learn(l.all, l.count, &s));
	assert_int_equal(s.lost, 60);
	assert_int_equal(s.silences, 360);
	assert_true(chance(&s, none, 60, 0, 0) > 0.97);
	assert_true(chance(&s, none, 500, 0, 0) > 0.9);
	assert_true(chance(&s, none, 1900, 0, 0) < 0.2);
	for (silent_s = 1; silent_s < 2000; silent_s++) {	/* it never rises */
		before = last;
		last = chance(&s, none, silent_s, 0, 0);
		assert_true(last <= before + 1e-9 && last >= 0);
	}
	assert_true(isnan(chance(&s, none, 20000, 0, 0)));	/* nobody was asked so late */
	survival__free(&s);
	lives__free(&l);
}

static void test_a_heartbeat_that_is_late(void **state)
{
	struct lives l = { 0 };
	struct survival s;

	(void)state;
	add_heartbeats(&l);
	assert_true(survival__learn(l.all, l.count, &s));
	assert_true(chance(&s, of_a_minute, 50, 0, 0) > 0.999);
	assert_true(chance(&s, of_a_minute, 300, 0, 0) < 0.1);
	/* Of one that speaks every hour, it says nothing; nor was anybody silent for so long. */
	assert_true(chance(&s, (struct rhythm){ RHYTHM_REGULAR, 3600 }, 80, 0, 0) > 0.99);
	assert_true(isnan(chance(&s, (struct rhythm){ RHYTHM_REGULAR, 3600 }, 300, 0, 0)));
	survival__free(&s);
	lives__free(&l);
}

/* A day of heartbeats, and nobody was gone: that shows a hazard of at most a death in forty days,
 * and not that a peer whose heartbeat is ten minutes late is there. */
static void test_nobody_was_seen_to_die(void **state)
{
	struct lives l = { 0 };
	struct survival s;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		struct life life = silent_life(i);

		add_gap(&life, 59.5, 60.5, 1400, false);
		life.heard_s -= i;
		assert_true(lives__add(&l, &life));
	}
	assert_true(survival__learn(l.all, l.count, &s));
	assert_int_equal(s.lost, 0);
	assert_true(chance(&s, of_a_minute, 55, 0, 0) > 0.999);
	assert_true(chance(&s, of_a_minute, 300, 0, 0) < 0.2);
	assert_true(chance(&s, of_a_minute, 600, 0, 0) < 0.01);
	assert_true(chance(&s, (struct rhythm){ RHYTHM_UNKNOWN, 0 }, 600, 0, 0) < 0.01);
	/* So few deaths, none, may be five times as many, or hardly any. */
	assert_true(bounds(&s, of_a_minute, 55).low > 0.995);
	assert_true(bounds(&s, of_a_minute, 120).low < 0.25);
	assert_true(bounds(&s, of_a_minute, 120).high > 0.95);
	survival__free(&s);
	lives__free(&l);
}

/* Reports that come by chance, once in 300 s, through a NAT that forgets after 350 s, and keepalive
 * asks after two hours. That all who were lost died at 350 s explains what was seen, and that some
 * died before, while all who lived spoke in time. */
static void test_when_they_died_is_not_known(void **state)
{
	const struct rhythm own = { RHYTHM_UNKNOWN, 0 };
	struct survival_chance c;
	struct lives l = { 0 };
	struct survival s;
	unsigned int i, k;
	double pause_s;

	(void)state;
	for (i = 0; i < 60; i++) {
		struct life life = silent_life(i);

		for (k = 0; k < 4; k++) {	/* two of three are shorter than 350 s */
			pause_s = -300 * log(1 - 0.68 * (4 * i + k + 0.5) / 240);
			add_gap(&life, pause_s, pause_s, 1, false);
		}
		life = dead_life(life, FOUND_BY_KEEPALIVE, 7200);
		life.lost_within_s = 7200;
		assert_true(lives__add(&l, &life));
	}
	assert_true(survival__learn(l.all, l.count, &s));
	c = bounds(&s, own, 300);
	assert_true(c.low < c.likely && c.likely < c.high);
	assert_true(c.low < 0.3 && c.high > 0.7);
	c = bounds(&s, own, 1800);	/* dead, whenever it died */
	assert_true(c.high < 0.1);
	survival__free(&s);
	lives__free(&l);
	/* Asked at all ages, it is known. */
	add_behind_a_timer(&l, 60);
	assert_true(survival__learn(l.all, l.count, &s));
	assert_true(bounds(&s, none, 500).low > 0.9 && bounds(&s, none, 1900).high < 0.3);
	survival__free(&s);
	lives__free(&l);
}

/* Bayes: a live peer's ask or answer is lost once in a hundred, a dead one's always. */
static void test_an_ask_that_stays_unanswered(void **state)
{
	struct lives l = { 0 };
	struct survival s;
	double p;

	(void)state;
	add_behind_a_timer(&l, 60);
	assert_true(survival__learn(l.all, l.count, &s));
	p = chance(&s, none, 600, 0, 0);
	assert_near(late_answers__loss(&s.late_answers), LOSS, 0.001);
	assert_near(chance(&s, none, 600, 1, 2), p * LOSS / (p * LOSS + 1 - p), 0.01);
	assert_true(chance(&s, none, 600, 2, 2) < chance(&s, none, 600, 1, 2));
	survival__free(&s);
	lives__free(&l);
}

static void test_many_connections_are_thinned_out(void **state)
{
	struct lives l = { 0 };
	struct survival s, fewer;

	(void)state;
	add_behind_a_timer(&l, 200);
	assert_true(survival__learn(l.all, 60, &fewer));
	assert_true(survival__learn(l.all, l.count, &s));
	assert_near(chance(&s, none, 500, 0, 0), chance(&fewer, none, 500, 0, 0), 0.05);
	survival__free(&s);
	survival__free(&fewer);
	lives__free(&l);
}

/* ---- one peer ---- */

static struct presence_subject subject(struct presence *p, unsigned int n, double silent_s)
{
	struct life life = life_of_a_day(n);

	return (struct presence_subject){ .boot_id = texts__at(&p->lives.texts, 1), .device = "",
					  .cookie = life.cookie, .family = AF_INET,
					  .local = life.local, .peer = life.peer,
					  .silent_s = silent_s };
}

/* Asks of a connection that was added, silent for that long; frees the history. */
static void assert_unknown(struct presence *p, double silent_s, enum presence_unknown expected)
{
	enum presence_unknown unknown;
	struct presence_subject s;

	assert_true(presence__begin(p, NULL, 0));
	s = subject(p, 1, silent_s);
	assert_true(isnan(presence__of(p, &s, &unknown).likely));
	assert_int_equal(unknown, expected);
	assert_true(strlen(presence_unknown__words(unknown)) > 0);
	presence__free(p);
}

static void test_too_little_is_known(void **state)
{
	struct presence few = { .of_scope = NULL }, unasked = { .of_scope = NULL };
	struct presence late = { .of_scope = NULL };
	unsigned int i;

	(void)state;
	assert_int_equal(texts__of(&few.lives.texts, "a boot"), 1);
	add_behind_a_timer(&few.lives, SURVIVAL_CONNECTIONS_MIN - 1);
	assert_unknown(&few, 60, PRESENCE_FEW_CONNECTIONS);
	assert_int_equal(texts__of(&unasked.lives.texts, "a boot"), 1);
	for (i = 0; i < 100; i++) {	/* many, of whom nobody was ever asked */
		struct life life = silent_life(i);

		assert_true(lives__add(&unasked.lives, &life));
	}
	assert_unknown(&unasked, 60, PRESENCE_FEW_SILENCES);
	assert_int_equal(texts__of(&late.lives.texts, "a boot"), 1);
	add_behind_a_timer(&late.lives, SURVIVAL_CONNECTIONS_MIN);
	assert_unknown(&late, 20000, PRESENCE_SILENT_TOO_LONG);	/* nobody was asked so late */
}

static void test_its_group_and_its_own_history(void **state)
{
	struct presence p = { .of_scope = NULL };
	struct presence_subject s;
	enum presence_unknown unknown;
	double of_own, of_stranger;

	(void)state;
	assert_int_equal(texts__of(&p.lives.texts, "a boot"), 1);
	add_heartbeats(&p.lives);
	assert_true(presence__begin(&p, NULL, 0));
	s = subject(&p, 1, 50);
	of_own = presence__of(&p, &s, &unknown).likely;
	assert_true(of_own > 0.99 && unknown == PRESENCE_KNOWN);
	s = subject(&p, 1, 300);
	assert_true(presence__of(&p, &s, &unknown).likely < 0.1);
	s.boot_id = "another boot";	/* its cookie is somebody else's */
	of_stranger = presence__of(&p, &s, &unknown).likely;
	assert_true(of_stranger < 0.1 && unknown == PRESENCE_KNOWN);
	s.local.port = 22;
	assert_true(isnan(presence__of(&p, &s, &unknown).likely));
	assert_int_equal(unknown, PRESENCE_NO_GROUP);
	assert_string_equal(presence_unknown__words(unknown),
			    "no peer of its network and port is in the history");
	assert_string_equal(presence_unknown__words(PRESENCE_KNOWN), "");
	s.local.port = 1883;
	s.peer.address[1] = 99;
	assert_true(isnan(presence__of(&p, &s, &unknown).likely));
	presence__free(&p);
}

static void test_a_peer_by_its_device(void **state)
{
	struct presence p = { .of_scope = NULL };
	struct presence_subject s;
	enum presence_unknown unknown;
	unsigned int i;

	(void)state;
	assert_int_equal(texts__of(&p.lives.texts, "a boot"), 1);
	for (i = 0; i < 40; i++) {
		struct life life = silent_life(i);

		life.device = texts__of(&p.lives.texts, i ? "another" : "scooter-17");
		add_gap(&life, i ? 59 : 599, i ? 61 : 601, i ? 1400 : 20, false);
		life.heard_s -= i >= 20 ? 7200 : 10;
		assert_true(lives__add(&p.lives, &life));
	}
	assert_true(presence__begin(&p, NULL, 0));
	s = subject(&p, 0, 300);
	s.cookie = 4242;	/* a new connection */
	assert_true(presence__of(&p, &s, &unknown).likely < 0.9);
	s.device = "scooter-17";	/* it speaks every ten minutes */
	assert_true(presence__of(&p, &s, &unknown).likely > 0.95);
	presence__free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rhythms_are_told_apart),
		cmocka_unit_test(test_pauses_too_short_to_be_reported),
		cmocka_unit_test(test_before_and_behind_a_timer),
		cmocka_unit_test(test_a_heartbeat_that_is_late),
		cmocka_unit_test(test_nobody_was_seen_to_die),
		cmocka_unit_test(test_when_they_died_is_not_known),
		cmocka_unit_test(test_an_ask_that_stays_unanswered),
		cmocka_unit_test(test_too_little_is_known),
		cmocka_unit_test(test_many_connections_are_thinned_out),
		cmocka_unit_test(test_its_group_and_its_own_history),
		cmocka_unit_test(test_a_peer_by_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
