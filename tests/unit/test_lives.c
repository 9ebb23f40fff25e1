// SPDX-License-Identifier: GPL-2.0
/* Histories from many files combined, and the gaps that each survived. */
#include <stdio.h>
#include <stdlib.h>

#include "connection/gaps.h"
#include "tuning/life.h"
#include "unit.h"

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

static void add(struct life l)
{
	assert_true(lives__add(&lives, &l));
}

/* ---- texts ---- */

static void test_each_text_is_kept_once(void **state)
{
	uint32_t numbers[1000], i;
	char text[16];

	(void)state;
	assert_int_equal(texts__of(&lives.texts, ""), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "text %u", i);
		numbers[i] = texts__of(&lives.texts, text);
		assert_int_equal(numbers[i], i + 1);
	}
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "text %u", i);
		assert_string_equal(texts__at(&lives.texts, numbers[i]), text);
		assert_int_equal(texts__of(&lives.texts, text), numbers[i]);
	}
	assert_string_equal(texts__at(&lives.texts, 0), "");
	assert_string_equal(texts__at(&lives.texts, 1001), "");
}

/* ---- which of two timelines of one connection is kept ---- */

static const struct life *kept(void)
{
	assert_int_equal(lives.count, 1);
	return lives.all[0];
}

static void test_the_later_revision_stays(void **state)
{
	(void)state;
	add((struct life){ .cookie = 1, .run = 1, .revision = 2, .ended_s = 5 });
	add((struct life){ .cookie = 1, .run = 1, .revision = 1, .ended_s = 9 });
	assert_int_equal(kept()->revision, 2);
	add((struct life){ .cookie = 1, .run = 1, .revision = 3, .ended_s = 1 });
	assert_int_equal(kept()->revision, 3);
}

static void test_of_two_runs_who_saw_it_last(void **state)
{
	(void)state;
	add((struct life){ .cookie = 1, .run = 1, .revision = 7, .ended_s = 5 });
	add((struct life){ .cookie = 1, .run = 2, .revision = 1, .ended_s = 6 });
	assert_int_equal(kept()->run, 2);
	add((struct life){ .cookie = 1, .run = 3, .revision = 9, .ended_s = 6 });
	assert_int_equal(kept()->run, 2);
	add((struct life){ .cookie = 1, .run = 4, .revision = 1, .ended_s = 1, .final = true });
	assert_int_equal(kept()->run, 4);	/* its end is decisive */
	add((struct life){ .cookie = 1, .run = 5, .revision = 99, .ended_s = 99 });
	assert_int_equal(kept()->run, 4);
}

static void test_connections_of_all_kinds_are_apart(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3000; i++)
		add((struct life){ .cookie = i / 6, .connection = i % 3, .boot = i / 3 % 2, .revision = i });
	assert_int_equal(lives.count, 3000);
	for (i = 0; i < 3000; i++)
		add((struct life){ .cookie = i / 6, .connection = i % 3, .boot = i / 3 % 2,
				   .revision = 5000 });
	assert_int_equal(lives.count, 3000);
}

static void test_their_order_is_that_of_time(void **state)
{
	unsigned int i;

	(void)state;
	add((struct life){ .cookie = 3, .seen_s = 10, .ended_s = 20, .run = 1 });
	add((struct life){ .cookie = 2, .seen_s = 10, .ended_s = 20, .run = 1 });
	add((struct life){ .cookie = 1, .seen_s = 30, .ended_s = 31, .run = 1, .final = true });
	add((struct life){ .cookie = 9, .seen_s = 5, .ended_s = 90, .run = 1 });
	lives__run(&lives, 1)->ended_s = 50;
	lives__sort(&lives);
	assert_int_equal(lives.all[0]->cookie, 9);
	assert_int_equal(lives.all[1]->cookie, 2);
	assert_int_equal(lives.all[2]->cookie, 3);
	assert_int_equal(lives.all[3]->cookie, 1);
	/* an open one was open as long as its watch had any output */
	assert_true(lives.all[0]->ended_s == 90 && lives.all[1]->ended_s == 50);
	assert_true(lives.all[3]->ended_s == 31);
	for (i = 0; i < 2; i++)		/* each is found in its new place */
		add((struct life){ .cookie = 2 + i, .run = 1, .revision = 5 });
	assert_int_equal(lives.count, 4);
}

/* The same file twice: each connection seen, heard and told of to the same instant. */
static void test_how_many_are_the_same(void **state)
{
	struct lives other = { 0 };
	unsigned int i;

	(void)state;
	texts__of(&lives.texts, "boot");
	texts__of(&other.texts, "another");	/* numbers of texts are not those of the other */
	for (i = 0; i < 6; i++) {
		struct life l = { .cookie = 1 + i, .boot = 1, .seen_s = 10, .heard_s = 20, .ended_s = 30,
				  .outcome = OUTCOME_OPEN };

		add(l);
		l.boot = texts__of(&other.texts, i == 1 ? "another" : "boot");
		l.seen_s += i == 2;
		l.heard_s += i == 3;
		l.ended_s += i == 4;
		l.outcome = i == 5 ? OUTCOME_SUSPECT : OUTCOME_OPEN;
		assert_true(lives__add(&other, &l));
	}
	assert_int_equal(lives__same(&lives, &other), 1);
	assert_int_equal(lives__same(&other, &lives), 1);
	assert_int_equal(lives__same(&lives, &lives), 6);
	lives__free(&other);
	assert_int_equal(lives__same(&lives, &other), 0);
	assert_int_equal(lives__same(&other, &lives), 0);
}

static void test_runs_and_namespaces_are_known_once(void **state)
{
	struct life_namespace ns = { .run = 1, .place = { .gateway = 1, .inode = 7 }, .idle_s = 60 };

	(void)state;
	lives__run(&lives, 5)->hz = 250;
	lives__run(&lives, 6)->hz = 1000;
	assert_int_equal(lives__run(&lives, 5)->hz, 250);
	assert_int_equal(lives.run_count, 2);
	assert_true(lives__add_namespace(&lives, &ns));
	ns.idle_s = 90;		/* the first one counts */
	assert_true(lives__add_namespace(&lives, &ns));
	assert_int_equal(lives.namespace_count, 1);
	assert_true(lives.namespaces[0].idle_s == 60);
	ns.run = 2;
	assert_true(lives__add_namespace(&lives, &ns));
	ns.place.inode = 8;
	assert_true(lives__add_namespace(&lives, &ns));
	assert_int_equal(lives.namespace_count, 3);
}

static void test_places_are_told_apart_by_each_part(void **state)
{
	struct life_place a = { 2, 2, 2, 2, 2 }, other[5];
	unsigned int i;
	char text[8];

	(void)state;
	for (i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "%c", 'a' + i);
		texts__of(&lives.texts, text);
	}
	for (i = 0; i < 5; i++)
		other[i] = a;
	other[0].gateway = other[1].boot = other[2].run = 3;
	other[3].inode = 3;
	other[4].cookie = 3;
	assert_true(life_place__is(&a, &a));
	assert_int_equal(life_place__order(&lives.texts, &a, &a), 0);
	for (i = 0; i < 5; i++) {
		assert_false(life_place__is(&a, &other[i]));
		assert_true(life_place__order(&lives.texts, &a, &other[i]) < 0);
		assert_true(life_place__order(&lives.texts, &other[i], &a) > 0);
	}
}

/* ---- gaps ---- */

static void survive(struct gaps *g, uint64_t low_ms, uint64_t high_ms, bool by_us)
{
	gaps__add(g, low_ms * MS, high_ms * MS, by_us);
}

static void assert_gap(const struct gaps *g, unsigned int i, uint32_t from_ms, uint32_t to_ms,
		       uint32_t count, bool by_us)
{
	const struct gap *gap = &gaps__kept(g)[i];

	assert_int_equal(gap->from_ms, from_ms);
	assert_int_equal(gap->to_ms, to_ms);
	assert_int_equal(gap->count, count);
	assert_int_equal(gap->ended_by_us, by_us);
}

static void test_gaps_of_about_one_length_are_one(void **state)
{
	struct gaps g = { .used = 0 };

	(void)state;
	assert_null(gaps__kept(&g));
	assert_int_equal(gaps__longest_ms(&g), 0);
	gaps__add(&g, 10000 * MS + 999999, 10000 * MS + 1, false);	/* outwards, to a millisecond */
	assert_int_equal(g.used, 1);
	assert_gap(&g, 0, 10000, 10001, 1, false);
	survive(&g, 10550, 10550, false);	/* 5 % and 50 ms are one */
	assert_int_equal(g.used, 1);
	assert_gap(&g, 0, 10000, 10550, 2, false);
	survive(&g, 10551, 10551, false);
	assert_int_equal(g.used, 2);
	assert_gap(&g, 1, 10551, 10551, 1, false);
	assert_int_equal(gaps__longest_ms(&g), 10551);
	gaps__free(&g);
	assert_int_equal(g.used, 0);
}

static void test_who_ended_them_keeps_them_apart(void **state)
{
	struct gaps g = { .used = 0 };

	(void)state;
	survive(&g, 5000, 5000, true);
	survive(&g, 90000, 90000, false);
	survive(&g, 5000, 5000, false);
	survive(&g, 3000, 3000, true);
	assert_int_equal(g.used, 4);
	assert_gap(&g, 0, 5000, 5000, 1, false);
	assert_gap(&g, 1, 90000, 90000, 1, false);
	assert_gap(&g, 2, 3000, 3000, 1, true);
	assert_gap(&g, 3, 5000, 5000, 1, true);
	assert_int_equal(gaps__longest_ms(&g), 90000);
	gaps__free(&g);
}

static void test_where_there_are_many_the_nearest_are_joined(void **state)
{
	static const uint32_t ms[] = { 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000 };
	struct gaps g = { .used = 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		survive(&g, ms[i], ms[i], false);
	assert_int_equal(g.used, 8);
	survive(&g, 40000, 40000, false);	/* a quarter longer than 32 s: nearer than a half */
	assert_int_equal(g.used, 8);
	assert_gap(&g, 3, 16000, 16000, 1, false);
	assert_gap(&g, 4, 32000, 40000, 2, false);
	assert_gap(&g, 5, 64000, 64000, 1, false);
	assert_gap(&g, 7, 256000, 256000, 1, false);
	survive(&g, 300000, 300000, false);
	assert_int_equal(g.used, 8);
	assert_gap(&g, 7, 256000, 300000, 2, false);
	survive(&g, 4294967296ULL * 2, 4294967296ULL * 2, false);	/* longer than can be told */
	assert_gap(&g, 7, UINT32_MAX, UINT32_MAX, 1, false);
	gaps__free(&g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_text_is_kept_once),
		TEST(test_the_later_revision_stays),
		TEST(test_of_two_runs_who_saw_it_last),
		TEST(test_connections_of_all_kinds_are_apart),
		TEST(test_their_order_is_that_of_time),
		TEST(test_how_many_are_the_same),
		TEST(test_runs_and_namespaces_are_known_once),
		TEST(test_places_are_told_apart_by_each_part),
		TEST(test_gaps_of_about_one_length_are_one),
		TEST(test_who_ended_them_keeps_them_apart),
		TEST(test_where_there_are_many_the_nearest_are_joined),
	};

	return cmocka_run_group_tests_name("lives", tests, NULL, NULL);
}
