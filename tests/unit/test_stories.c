// SPDX-License-Identifier: GPL-2.0
/* Which happenings are one story, when it is told, and that nothing is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/fit.h"
#include "text/happenings.h"
#include "text/service.h"
#include "text/stories.h"
#include "text/suspects.h"
#include "unit.h"
#include "value/plain_text.h"

static char said[1 << 20];
static size_t said_size;
static int64_t last_at;
static bool in_order;

static void tell(void *context, int64_t at, const struct words *line)
{
	(void)context;
	in_order &= at >= last_at;
	last_at = at;
	said_size += snprintf(said + said_size, sizeof(said) - said_size, "%lld %s\n",
			      (long long)(at / (int64_t)MS), line->text ? line->text : "(nothing)");
	assert_true(said_size < sizeof(said));
}

static void compose(void *context, const struct story *s, struct words *line)
{
	(void)context;
	words__add(line, "%s ", s->who.text);
	happenings__add_story(line, s);
}

static struct stories *begin(void)
{
	struct stories *s = calloc(1, sizeof(*s));

	s->tell = tell;
	s->compose = compose;
	said_size = 0;
	said[0] = '\0';
	last_at = 0;
	in_order = true;
	return s;
}

static void end(struct stories *s)
{
	stories__end(s);
	assert_int_equal(s->count, 0);
	assert_true(in_order);
	free(s);
}

static struct happening happening(enum story_kind kind, uint16_t port, uint64_t ms, double least,
				  double most)
{
	struct happening h = { .at_ns = ms * MS, .at = (int64_t)(ms * MS),
			       .key = { .kind = kind, .port = port, .comm = "redis" },
			       .range = { true, least >= 0, least, most } };

	if (kind == STORY_ENDED) {
		h.key.outcome = OUTCOME_KEEPALIVE_TIMEOUT;
		h.key.found_by = FOUND_BY_KEEPALIVE;
		h.key.circumstances = 1;	/* half-open */
	}
	words__add(&h.line, "one at %u", (unsigned int)ms);
	words__add(&h.who, "redis :%u", port);
	return h;
}

static void add(struct stories *s, enum story_kind kind, uint16_t port, uint64_t ms, double least,
		double most)
{
	struct happening h = happening(kind, port, ms, least, most);

	stories__add(s, &h);
}

/* As an operator wants to read it: the sentence of the manual. */
static void test_a_mass_death_is_one_line(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 150; i++)
		add(s, STORY_ENDED, 6379, 1000 + i * 1000 / 149, i == 7 ? 61 : 70,
		    i == 90 ? 122 : 80);
	assert_int_equal(said_size, 0);
	stories__pass_time(s, 3000 * MS);
	assert_int_equal(said_size, 0);	/* another might belong to it yet */
	stories__pass_time(s, 3001 * MS);
	assert_string_equal(said, "1000 redis :6379 150 keepalive_timeout in 1s, "
				  "gone 1m1s to 2m2s\n");
	end(s);
}

static void test_few_are_told_one_by_one(void **state)
{
	struct stories *s = begin();

	(void)state;
	add(s, STORY_ENDED, 6379, 1000, 1, 2);
	add(s, STORY_RECOVERED, 6379, 1100, 3, 3);
	add(s, STORY_ENDED, 6379, 1200, 1, 2);
	add(s, STORY_ENDED, 6379, 1900, 1, 2);
	end(s);
	assert_string_equal(said, "1000 one at 1000\n1100 one at 1100\n1200 one at 1200\n"
				  "1900 one at 1900\n");
}

/* A single one is told a second later, whether or not anything else happens. */
static void test_the_delay(void **state)
{
	struct stories *s = begin();

	(void)state;
	add(s, STORY_SUSPECT, 80, 1000, 5, 5);
	stories__pass_time(s, 2000 * MS);
	assert_int_equal(said_size, 0);
	stories__pass_time(s, 2001 * MS);
	assert_string_equal(said, "1000 one at 1000\n");
	end(s);
}

/* Without a pause a story is told after two seconds, and the next one begins. */
static void test_a_story_has_an_end(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i <= 50; i++)
		add(s, STORY_SUSPECT, 80, 1000 + i * 100, 5, 5);
	stories__end(s);
	assert_string_equal(said, "1000 redis :80 21 suspect in 2s, silent 5s\n"
				  "6000 redis :80 30 more suspect in 2.9s, silent 5s\n");
	end(s);
}

/* An hour of it is a line now and then, and none is forgotten; after a pause it is another story. */
static void test_what_goes_on_is_told_seldom(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 5 * 130; i++)
		add(s, STORY_ENDED, 6379, 1000 + i * 200, 61, 122);
	stories__pass_time(s, 400000 * MS);
	assert_string_equal(said,
		"1000 redis :6379 11 keepalive_timeout in 2s, gone 1m1s to 2m2s\n"
		"15200 redis :6379 55 more keepalive_timeout in 10.8s, gone 1m1s to 2m2s\n"
		"46200 redis :6379 154 more keepalive_timeout in 30.6s, gone 1m1s to 2m2s\n"
		"107000 redis :6379 308 more keepalive_timeout in 1m1s, gone 1m1s to 2m2s\n"
		"130800 one at 130800\n"
		"140600 redis :6379 121 more keepalive_timeout in 24s, gone 1m1s to 2m2s\n");
	add(s, STORY_ENDED, 6379, 500000, 1, 2);
	stories__end(s);
	assert_non_null(strstr(said, "500000 one at 500000\n"));
	end(s);
}

/* What few of them say between is told at once, with whom it happened to. */
static void test_few_more_are_told_one_by_one(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		add(s, STORY_SUSPECT, 80, 1000, 5, 5);
	stories__pass_time(s, 3000 * MS);
	add(s, STORY_SUSPECT, 80, 5000, 5, 5);
	add(s, STORY_SUSPECT, 443, 5000, 5, 5);
	stories__pass_time(s, 7000 * MS);
	assert_string_equal(said, "1000 redis :80 10 suspect in 0.1s, silent 5s\n"
				  "5000 one at 5000\n5000 one at 5000\n");
	end(s);
}

/* Another port, program, namespace, outcome or circumstance is another story. */
static void test_what_is_no_story(void **state)
{
	struct stories *s = begin();
	struct happening h;
	unsigned int i, kind;
	char *line;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (kind = 0; kind < 7; kind++) {
			h = happening(STORY_ENDED, 80, 1000 + i, 1, 2);
			h.key.port += kind == 1;
			h.key.comm[0] += kind == 2;
			h.key.netns += kind == 3;
			h.key.outcome += kind == 4;
			h.key.circumstances += kind == 5 ? 2 : 0;
			h.key.reason += kind == 6;
			stories__add(s, &h);
		}
	}
	end(s);
	for (i = 0, line = said; (line = strchr(line, '\n')); line++)
		i++;
	assert_int_equal(i, 7);
	assert_non_null(strstr(said, "4 keepalive_timeout in 0.1s, forgotten 1s to 2s"));
}

/* A lower bound that one of them lacks is none of theirs. */
static void test_bounds(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		add(s, STORY_ENDED, 80, 1000, i == 3 ? -1 : 10, 20 + i);
	end(s);
	assert_string_equal(said, "1000 redis :80 5 keepalive_timeout in 0.1s, gone up to 24s\n");
}

static unsigned int total_of(const char *text)
{
	unsigned int total = 0;
	const char *line;

	for (line = text; *line; line = strchr(line, '\n') + 1) {
		const char *story = strstr(line, " :"), *end_of = strchr(line, '\n');

		if (story && story < end_of)
			total += strtoul(strchr(story + 1, ' ') + 1, NULL, 10);
		else
			total++;
	}
	return total;
}

/* More groups at once than there is room for, from a program with many ports. */
static void test_nothing_is_lost_among_many_groups(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 20000; i++)
		add(s, i % 3 ? STORY_ENDED : STORY_HEARTBEAT, i * 7919 % 1009, 1000 + i / 10, 1, 2);
	end(s);
	assert_int_equal(total_of(said), 20000);
}

static void test_what_is_joined_with_nothing_keeps_its_place(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		add(s, STORY_SUSPECT, 80, 1000 + i, 5, 5);
	add(s, STORY_NONE, 0, 1005 + 100, 0, 0);
	stories__pass_time(s, 1500 * MS);
	assert_int_equal(said_size, 0);
	end(s);
	assert_string_equal(said, "1000 redis :80 10 suspect in 0.1s, silent 5s\n"
				  "1105 one at 1105\n");
}

static unsigned int lines_of(const char *text)
{
	unsigned int n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* A fleet of 2,000 whose heartbeats show one after the other. */
static void test_good_news_once_a_group(void **state)
{
	struct stories *s = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 2000; i++)
		add(s, STORY_HEARTBEAT, 1883, 1000 + i * 60, 58, 62);
	assert_true(lines_of(said) <= 5);
	end(s);
	assert_true(lines_of(said) <= 6);
	assert_non_null(strstr(said, "\n120940 redis :1883 2,000 have heartbeats of their own, "
				     "every 58s to 1m2s\n"));
}

/* A single one is told after ten seconds; those who come much later, at the end. */
static void test_heartbeats_of_few(void **state)
{
	struct stories *s = begin();

	(void)state;
	add(s, STORY_HEARTBEAT, 1883, 1000, 60, 60);
	stories__pass_time(s, 10999 * MS);
	assert_int_equal(said_size, 0);
	stories__pass_time(s, 11000 * MS);
	assert_string_equal(said, "11000 one at 1000\n");
	add(s, STORY_HEARTBEAT, 1883, 20000, 60, 60);
	add(s, STORY_SUSPECT, 1883, 20100, 60, 60);
	end(s);
	assert_string_equal(said, "11000 one at 1000\n20100 one at 20100\n20100 one at 20000\n");
}

/* ---- what stands beside it ---- */

static void test_which_service(void **state)
{
	struct service_ports *p = calloc(1, sizeof(*p));
	struct timeline_socket s = { .owner = { true, 1, "nginx", "", "" },
				     .netns = { 7, 9, "pod", "" }, .device = "" };
	struct words w = { 0 };
	struct story_key key;

	(void)state;
	s.local.port = 1883;
	s.peer.port = 1100;	/* behind a NAT */
	assert_true(service__key(p, &s).outbound);	/* nothing shows otherwise yet */
	s.peer.port = 40000;
	assert_false(service__key(p, &s).outbound);
	s.peer.port = 1100;
	key = service__key(p, &s);
	assert_false(key.outbound);
	service__add(&w, &key, &s, 64);
	assert_string_equal(w.text, "nginx@pod :1883");
	words__free(&w);
	s.local.port = 40001;
	s.peer.port = 443;
	key = service__key(p, &s);
	assert_true(key.outbound && key.port == 443 && key.netns == 7 && key.net_cookie == 9);
	service__add(&w, &key, &s, 7);
	assert_string_equal(w.text, "ngin... to :443");
	words__free(&w);
	s.local.port = 50051;	/* a server's port is that of several */
	service_ports__note(p, 50051);
	assert_false(service__key(p, &s).outbound);
	free(p);
}

static void test_suspects_by_silence(void **state)
{
	struct suspects s = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		struct words w = { 0 };

		words__add(&w, "%u", i * 7919 % 5000);
		suspects__add(&s, 0, i * 7919 % 5000, &w, false);
		assert_true(s.count <= 4 * SUSPECTS_TOLD);
	}
	suspects__sort(&s, false);
	assert_int_equal(s.count, SUSPECTS_TOLD);
	assert_int_equal(s.more, 5000 - SUSPECTS_TOLD);
	for (i = 0; i < SUSPECTS_TOLD; i++)
		assert_true(s.all[i].silent_s == 4999 - i);
	suspects__free(&s);
	for (i = 0; i < 50; i++) {
		struct words w = { 0 };

		words__add(&w, "x");
		suspects__add(&s, 0, i, &w, true);
	}
	suspects__sort(&s, true);
	assert_int_equal(s.count, 50);
	assert_int_equal(s.more, 0);
	assert_true(s.all[0].silent_s == 49);
	suspects__free(&s);
}

/* No line is wider than the terminal, and no word is lost. */
static void test_broken_lines(void **state)
{
	static const char text[] = "20,000 keepalive_timeout in 1.5s, gone up to 17m14s; answers "
				   "were dropped by this host (filter, conntrack)";
	unsigned int width;

	(void)state;
	for (width = 30; width < 140; width++) {
		struct words w = { 0 };
		char *line, *rest, *word = strdup(text), *at;

		fit__add_broken(&w, text, 9, (int)width, 9);
		at = w.text;
		for (rest = word; (line = strtok_r(NULL, " ", &rest));) {
			at = strstr(at, line);
			assert_non_null(at);
			at += strlen(line);
		}
		for (line = strtok_r(w.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			assert_true(plain_text__columns(line) + (line == w.text ? 9 : 0) <= width);
		words__free(&w);
		free(word);
	}
}

static void test_wide_characters_are_cut_by_columns(void **state)
{
	struct words w = { 0 };

	(void)state;
	fit__add(&w, "\xe5\xb7\xa5\xe5\xa0\xb4\xe5\xb7\xa5\xe5\xa0\xb4\xe5\xb7\xa5", 8, true);
	assert_int_equal(plain_text__columns(w.text), 8);
	words__free(&w);
	fit__add(&w, "redis", 8, true);
	assert_string_equal(w.text, "redis   ");
	words__free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_mass_death_is_one_line),
		cmocka_unit_test(test_few_are_told_one_by_one),
		cmocka_unit_test(test_the_delay),
		cmocka_unit_test(test_a_story_has_an_end),
		cmocka_unit_test(test_what_goes_on_is_told_seldom),
		cmocka_unit_test(test_few_more_are_told_one_by_one),
		cmocka_unit_test(test_what_is_no_story),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_nothing_is_lost_among_many_groups),
		cmocka_unit_test(test_what_is_joined_with_nothing_keeps_its_place),
		cmocka_unit_test(test_good_news_once_a_group),
		cmocka_unit_test(test_heartbeats_of_few),
		cmocka_unit_test(test_which_service),
		cmocka_unit_test(test_suspects_by_silence),
		cmocka_unit_test(test_broken_lines),
		cmocka_unit_test(test_wide_characters_are_cut_by_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
