// SPDX-License-Identifier: GPL-2.0
/* Pages of the full screen as text, and what keys change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "screen/lane.h"
#include "screen/pages.h"
#include "screen/screen_lines.h"
#include "tcp/tcp_states.h"
#include "unit.h"
#include "value/keys.h"
#include "value/text_style.h"
#include "value/utf8.h"

static struct view v;
static const uint64_t cookies[] = { 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
static const struct view_lines ten = { cookies, 10 }, none = { cookies, 0 };

static int begin(void **state)
{
	(void)state;
	v = (struct view){ .rows = 24, .columns = 80 };
	return 0;
}

static void press(const char *keys)
{
	for (; *keys; keys++)
		view__key(&v, (unsigned char)*keys, &ten);
}

/* Without its styles. */
static const char *bare(struct words *w)
{
	char *from, *to;

	assert_false(w->failed);
	for (from = to = w->text; *from; from++)
		if (*from < STYLE_FIRST || *from > STYLE_LAST)
			*to++ = *from;
	*to = '\0';
	return w->text;
}

static unsigned int count_lines(const struct words *w)
{
	unsigned int lines = 0;
	size_t i;

	for (i = 0; i < w->length; i++)
		lines += w->text[i] == '\n';
	return lines;
}

/* ---- keys ---- */

static void test_a_chosen_socket_is_followed(void **state)
{
	static const uint64_t later[] = { 1, 2, 13, 11 };
	const struct view_lines lines = { later, 4 };

	(void)state;
	press("jj");
	assert_int_equal(v.chosen_cookie, 13);
	view__follow(&v, &lines);
	assert_int_equal(v.chosen, 2);
	press("j");
	view__key(&v, 'k', &ten);
	view__follow(&v, &none);
	assert_int_equal(v.chosen, 0);
}

/* Whoever has chosen nothing sees whoever is first. */
static void test_the_first_is_not_followed(void **state)
{
	static const uint64_t later[] = { 1, 11 };
	const struct view_lines lines = { later, 2 };

	(void)state;
	press("jk");
	assert_int_equal(v.chosen_cookie, 0);
	view__follow(&v, &lines);
	assert_int_equal(v.chosen, 0);
}

static void test_moving_stays_within_the_lines(void **state)
{
	(void)state;
	v.rows = 9; /* room for few */
	press("G");
	assert_int_equal(v.chosen, 9);
	assert_true(v.top + view__room(&v) - 1 == 10);
	view__key(&v, KEYS_DOWN, &ten);
	view__key(&v, KEYS_PAGE_DOWN, &ten);
	assert_int_equal(v.chosen, 9);
	view__key(&v, KEYS_PAGE_UP, &ten);
	assert_true(v.chosen < 9 && v.top <= v.chosen);
	press("gk");
	assert_int_equal(v.chosen + v.top, 0);
	view__key(&v, KEYS_END, &none);
	assert_int_equal(v.chosen, 0);
	view__key(&v, KEYS_ENTER, &none);
	assert_int_equal(v.page, VIEW_LIST);
}

static void test_pages_lead_back(void **state)
{
	(void)state;
	view__key(&v, KEYS_ENTER, &ten);
	assert_int_equal(v.page, VIEW_SOCKET);
	assert_int_equal(v.shown_cookie, 11);
	press("h");
	assert_int_equal(v.page, VIEW_HELP);
	press("q");
	assert_int_equal(v.page, VIEW_SOCKET);
	view__key(&v, KEYS_ESCAPE, &ten);
	assert_int_equal(v.page, VIEW_LIST);
	press("x");
	assert_int_equal(v.page, VIEW_DEATHS);
	view__key(&v, KEYS_ENTER, &ten);
	press("q");
	assert_int_equal(v.page, VIEW_DEATHS);
	press("q");
	assert_int_equal(v.page, VIEW_LIST);
	assert_false(v.quit);
	press("q");
	assert_true(v.quit);
}

static void test_orders(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < VIEW_ORDERS; i++) {
		v.wants_look = false;
		view__key(&v, view_orders[i].key, &ten);
		assert_int_equal(v.order, i);
		assert_true(v.wants_look);
		assert_int_equal(view_order__named(view_orders[i].name), i);
	}
	press(">");
	assert_int_equal(v.order, 0);
	press("<");
	assert_int_equal(v.order, VIEW_ORDERS - 1);
}

static void test_what_is_typed_is_no_command(void **state)
{
	(void)state;
	press("/sport = :80 q");
	assert_false(v.quit);
	assert_true(v.typed.changed);
	assert_string_equal(v.typed.text, "sport = :80 q");
	view__key(&v, KEYS_BACKSPACE, &ten);
	view__key(&v, KEYS_BACKSPACE, &ten);
	view__key(&v, KEYS_ENTER, &ten);
	assert_false(v.typed.open);
	assert_string_equal(v.typed.text, "sport = :80");
	press("/x");
	view__key(&v, KEYS_ESCAPE, &ten);
	assert_string_equal(v.typed.text, "sport = :80");
	press("/");
	view__key(&v, KEYS_CLEAR, &ten);
	assert_string_equal(v.typed.text, "");
}

static void test_a_mistake_is_not_entered(void **state)
{
	(void)state;
	press("/nonsense");
	strcpy(v.typed.mistake, "column 1");
	view__key(&v, KEYS_ENTER, &ten);
	assert_true(v.typed.open);
	view__key(&v, KEYS_ESCAPE, &ten);
	assert_false(v.typed.open);
	assert_string_equal(v.typed.text, "");
}

static void test_wide_characters_are_typed_and_erased_whole(void **state)
{
	unsigned int i;

	(void)state;
	press("/");
	view__key(&v, 0xe9, &ten);
	view__key(&v, 0x6771, &ten);
	view__key(&v, 0x1f600, &ten);
	assert_string_equal(v.typed.text, "\xc3\xa9\xe6\x9d\xb1\xf0\x9f\x98\x80");
	view__key(&v, KEYS_BACKSPACE, &ten);
	assert_string_equal(v.typed.text, "\xc3\xa9\xe6\x9d\xb1");
	view__key(&v, KEYS_BACKSPACE, &ten);
	view__key(&v, KEYS_BACKSPACE, &ten);
	view__key(&v, KEYS_BACKSPACE, &ten);
	assert_string_equal(v.typed.text, "");
	for (i = 0; i < 3 * VIEW_TYPED; i++)
		view__key(&v, 0x1f600, &ten);
	assert_true(strlen(v.typed.text) < VIEW_TYPED);
	assert_int_equal(strlen(v.typed.text) % 4, 0);
}

static void test_each_character_is_encoded_as_it_is_decoded(void **state)
{
	uint32_t c, again;
	char bytes[5];

	(void)state;
	for (c = 1; c <= 0x10ffff; c++) {
		utf8__encode(c, bytes);
		if (c >= 0xd800 && c < 0xe000) {
			assert_string_equal(bytes, "");
			continue;
		}
		assert_int_equal(utf8__decode(bytes, &again), strlen(bytes));
		assert_int_equal(again, c);
	}
	utf8__encode(0x110000, bytes);
	assert_string_equal(bytes, "");
}

/* ---- pages ---- */

static struct figures figures;
static struct sockets_summary now;

static struct page_state state_of_all(void)
{
	return (struct page_state){
		.now = &now, .since = &figures, .counted = &figures, .filter = "", .message = ""
	};
}

static struct timeline dead(double latency_s, enum outcome outcome)
{
	struct timeline t = { .final = true,
			      .outcome = outcome,
			      .outcome_detail = "",
			      .ended_at = 1700000000000000000,
			      .first_seen_at = 1699999990000000000 };

	t.origin = (struct timeline_origin){ "gw", "b", "r" };
	t.socket = (struct timeline_socket){ .cookie = 7,
					     .connection = 1,
					     .netns = { .inode = 1, .name = "", .host_name = "" },
					     .local = { "192.0.2.1", 1883 },
					     .peer = { "198.51.100.7", 40000 },
					     .device = "",
					     .owner = { true, 12, "broker", "", "" } };
	t.half_open.is = latency_s > 0;
	t.half_open.found_by = FOUND_BY_KEEPALIVE;
	t.half_open.last_heard_at = t.half_open.declared_at = t.ended_at;
	t.half_open.latency_ms.max = latency_s * 1e3;
	return t;
}

static void test_figures(void **state)
{
	struct summary totals = { .events = 1000 };
	struct timeline t;
	unsigned int i;

	(void)state;
	figures = (struct figures){ .deaths = 0 };
	for (i = 1; i <= 100; i++) {
		t = dead(i, OUTCOME_KEEPALIVE_TIMEOUT);
		figures__add(&figures, &t);
	}
	t = dead(0, OUTCOME_CLOSED_BY_PEER);
	figures__add(&figures, &t);
	t = dead(1, OUTCOME_SUSPECT);
	t.final = false;
	figures__add(&figures, &t);
	assert_int_equal(figures.deaths, 100);
	assert_int_equal(figures.deaths_by[OUTCOME_KEEPALIVE_TIMEOUT], 100);
	assert_true(figures__latencies(&figures).p50_s == 50);
	assert_true(figures__latencies(&figures).p95_s == 95);
	figures__take_totals(&figures, &totals, 10 * S);
	assert_false(figures.rate_known);
	totals.events = 1400;
	figures__take_totals(&figures, &totals, 11 * S);
	assert_false(figures.rate_known);
	figures__take_totals(&figures, &totals, 14 * S);
	assert_true(figures.rate_known && figures.events_per_s == 100);
	/* More than are kept: of the latest. */
	for (i = 0; i < FIGURES_LATENCIES; i++) {
		t = dead(1000, OUTCOME_RESET_BY_PEER);
		figures__add(&figures, &t);
	}
	assert_true(figures__latencies(&figures).p50_s == 1000);
	assert_int_equal(figures.deaths, 100 + FIGURES_LATENCIES);
}

static void test_the_header(void **state)
{
	struct page_state s = state_of_all();
	struct words w = { 0 };

	(void)state;
	figures = (struct figures){ .deaths = 3,
				    .latencies_s = { 1, 2, 3 },
				    .endings = 1234,
				    .rate_known = true,
				    .events_per_s = 1203,
				    .lost = 2 };
	figures.deaths_by[OUTCOME_KEEPALIVE_TIMEOUT] = 2;
	figures.deaths_by[OUTCOME_RESET_BY_PEER] = 1;
	now = (struct sockets_summary){ .silent_over_s = 900 };
	now.total.sockets = 300000;
	now.total.suspect = 5;
	now.total.never_notice = 31900;
	now.total.silent = 2428;
	s.since_s = 723;
	s.listed = 1000;
	s.filter = "sport = :1883";
	page__add_header(&w, &v, &s);
	assert_string_equal(
		bare(&w),
		"300,000 sockets, 5 suspect, 31,900 never notice a dead peer\n"
		"2,428 silent for over 15m; how many are dead is not known (--path-forgets)\n"
		"12m3s: 3 died, unnoticed p50 2s p95 3s (keepalive_timeout 2, reset_by_peer 1)\n"
		"1,203 events/s, 2 lost, 1,234 ended; listed are the first 1,000; FILTER sport = "
		":1883\n");
	words__free(&w);
	now.path_forgets_s = 905;
	now.total.surely_dead = 17;
	s.since_s = -1;
	page__add_header(&w, &v, &s);
	bare(&w);
	assert_non_null(
		strstr(w.text, "17 surely dead: silent for over 15m5s, which the path forgets\n"));
	assert_non_null(strstr(w.text, "the watch is being attached"));
	words__free(&w);
}

/* What was typed narrows the counts of sockets, and not what the watch has counted. */
static void test_the_header_says_whose_deaths_it_counts(void **state)
{
	struct page_state s = state_of_all();
	struct words w = { 0 };

	(void)state;
	figures = (struct figures){ .deaths = 1, .latencies_s = { 1 }, .endings = 7 };
	figures.deaths_by[OUTCOME_RESET_BY_PEER] = 1;
	now = (struct sockets_summary){ .silent_over_s = 900 };
	s.since_s = 60;
	s.narrowed = true;
	page__add_header(&w, &v, &s);
	bare(&w);
	assert_non_null(strstr(w.text, "1m, of all: 1 died, unnoticed p50 1s p95 1s (reset_by_peer 1)\n"));
	assert_non_null(strstr(w.text, "of all: - events/s, 0 lost, 7 ended\n"));
	words__free(&w);
	s.filter = "sport = :1883";
	page__add_header(&w, &v, &s);
	bare(&w);
	assert_non_null(strstr(w.text, "1m, of FILTER: 1 died"));
	words__free(&w);
}

/* An outcome is there as a whole or not at all. */
static void test_outcomes_fit_the_header(void **state)
{
	static const char all[] = " (keepalive_timeout 45, retransmit_timeout 15, reset_by_peer 2)";
	struct page_state s = state_of_all();
	char line[256], words[256];

	(void)state;
	figures = (struct figures){ .deaths = 62, .latencies_s = { 1 } };
	figures.deaths_by[OUTCOME_KEEPALIVE_TIMEOUT] = 45;
	figures.deaths_by[OUTCOME_RETRANSMIT_TIMEOUT] = 15;
	figures.deaths_by[OUTCOME_RESET_BY_PEER] = 2;
	now = (struct sockets_summary){ .silent_over_s = 900 };
	s.since_s = 723;
	for (v.columns = 45; v.columns < 130; v.columns++) {
		struct words w = { 0 };
		char *told, *rest;

		page__add_header(&w, &v, &s);
		told = strstr(bare(&w), "12m3s:");
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(told, "\n"), told);
		assert_true(strlen(line) <= v.columns);
		told = strchr(line, '(');
		if (told && (rest = strstr(told, "...)"))) {
			snprintf(words, sizeof(words), " %.*s", (int)(rest - told), told);
			assert_non_null(strstr(all, words));
		} else if (told) {
			assert_string_equal(told - 1, all);
		}
		assert_true(told || v.columns < 75);
		words__free(&w);
	}
	v.columns = 80;
}

/* Why nothing matches stays in sight as long as nothing does. */
static void test_an_empty_list_says_why(void **state)
{
	struct words w = { 0 };

	(void)state;
	v.columns = 50;
	page__add_list(&w, &v, NULL, 0, "FILTER, netns: there is no network namespace 'nosuch' that "
					"can be entered\n");
	assert_non_null(strstr(bare(&w), "\n  no socket matches\n"
					 "  FILTER, netns: there is no network namespace\n"
					 "  'nosuch' that can be entered\n\n"));
	words__free(&w);
	v.columns = 80;
}

static void test_a_header_has_room_on_any_terminal(void **state)
{
	static const char why[] = "FILTER, comm: no process called 'mosqitto' holds a TCP connection now; "
				  "programs that do: mosquitto\nFILTER, netns: there is no such\n";
	struct page_state s = state_of_all();
	unsigned int rows, lines;

	(void)state;
	for (rows = 0; rows < 30; rows++) {
		struct words w = { 0 };

		v.rows = rows;
		lines = view__header_lines(&v);
		page__add_header(&w, &v, &s);
		assert_int_equal(count_lines(&w), lines);
		words__free(&w);
		page__add_list(&w, &v, NULL, 0, why);
		assert_true(lines + count_lines(&w) + 1 <= rows || rows < 2);
		words__free(&w);
	}
}

static struct socket_now row_of(uint64_t cookie, bool suspect)
{
	struct timeline t = dead(1, OUTCOME_OPEN);
	struct socket_now s = { .socket = t.socket,
				.state = TCP_ESTABLISHED,
				.suspect = suspect,
				.silent_s = 61,
				.next_probe_in_s = INFINITY,
				.dies_in_s = INFINITY,
				.notices_in_s = INFINITY,
				.exposed = true,
				.why = "",
				.last_heard_at = 1699999995000000000 };

	s.socket.cookie = cookie;
	s.keepalive.known = true;
	return s;
}

static void test_a_list_marks_suspects_and_the_chosen(void **state)
{
	struct socket_now rows[] = { row_of(1, true), row_of(2, false), row_of(3, true) };
	struct words w = { 0 };
	const char *line;

	(void)state;
	v.chosen = 1;
	page__add_list(&w, &v, rows, 3, "");
	assert_false(w.failed);
	assert_int_equal(count_lines(&w), view__room(&v));
	assert_memory_equal(w.text, STYLE_HEAD "  STATE", 8);
	line = strchr(w.text, '\n') + 1;
	assert_memory_equal(line, STYLE_ALARM "! ESTAB", 8);
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line, STYLE_HEAD "  ESTAB", 8);
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line, STYLE_ALARM "! ESTAB", 8);
	words__free(&w);
}

static void test_the_last_line(void **state)
{
	struct figures counted = { .events = 150, .deaths = 4 };
	struct page_state s = state_of_all();
	struct words w = { 0 };

	(void)state;
	figures = (struct figures){ .events = 100, .deaths = 1 };
	s.counted = &counted;
	page__add_last_line(&w, &v, &s);
	assert_non_null(strstr(bare(&w), "q quit  by suspect"));
	words__free(&w);
	v.paused = true;
	page__add_last_line(&w, &v, &s);
	assert_non_null(strstr(bare(&w), "counted meanwhile: 50 events, 3 died"));
	words__free(&w);
	v.paused = false;
	s.message = "\x1b[2Jevil";
	page__add_last_line(&w, &v, &s);
	assert_string_equal(bare(&w), "\\x1b[2Jevil");
	words__free(&w);
	press("/x");
	strcpy(v.typed.mistake, "column 1: expected a test");
	page__add_last_line(&w, &v, &s);
	assert_non_null(
		strstr(bare(&w), "/x   column 1: expected a test (the former filter stays)"));
	words__free(&w);
}

static void test_the_latest_deaths_are_kept(void **state)
{
	static struct deaths d;
	struct words w = { 0 };
	struct timeline t;
	unsigned int i;

	(void)state;
	page__add_deaths(&w, &v, &d);
	assert_non_null(strstr(w.text, "no peer was found dead so far"));
	words__free(&w);
	for (i = 1; i <= DEATHS_KEPT + 10; i++) {
		t = dead(i, OUTCOME_KEEPALIVE_TIMEOUT);
		t.socket.cookie = i;
		deaths__add(&d, &t);
	}
	assert_int_equal(deaths__kept(&d), DEATHS_KEPT);
	assert_int_equal(deaths__at(&d, 0)->cookie, DEATHS_KEPT + 10);
	assert_int_equal(deaths__at(&d, DEATHS_KEPT - 1)->cookie, 11);
	assert_null(deaths__find(&d, 10));
	assert_non_null(deaths__find(&d, 11));
	page__add_deaths(&w, &v, &d);
	assert_int_equal(count_lines(&w), view__room(&v));
	assert_non_null(strstr(w.text, " 198.51.100.7:40000 keepalive_timeout <4m26s    :1883 broker/12"));
	assert_non_null(strstr(w.text, ":1883 broker/12"));
	words__free(&w);
	deaths__free(&d);
}

static void test_what_is_scrolled_ends_with_its_last_line(void **state)
{
	struct words text = { 0 }, w = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		words__add(&text, "line %u\n", i);
	v.page = VIEW_HELP;
	page__add_scrolled(&w, &v, &text);
	assert_memory_equal(w.text, "line 0\n", 7);
	words__free(&w);
	view__key(&v, KEYS_END, &none);
	page__add_scrolled(&w, &v, &text);
	assert_int_equal(count_lines(&w), view__room(&v));
	assert_non_null(strstr(w.text, "line 99\n"));
	words__free(&w);
	words__free(&text);
}

/* ---- the lane ---- */

#define AT(s) (1700000000000000000 + (int64_t)((s)*1000000000.0))

/* Seen at 0 s, answers at 10 s, is asked at 20, 30 and 40 s in vain, and is given up at 50 s. */
static struct timeline life(struct event *events, struct timeline_episode *episode)
{
	struct timeline t = dead(40, OUTCOME_KEEPALIVE_TIMEOUT);
	unsigned int i;

	t.first_seen_at = AT(0);
	t.last_heard_at = AT(10);
	t.ended_at = AT(50);
	events[0] = (struct event){ .kind = EVENT_ANSWERED, .at = AT(10), .n = 1 };
	for (i = 1; i <= 3; i++)
		events[i] =
			(struct event){ .kind = EVENT_PROBE_SENT, .at = AT(10 + 10 * i), .n = i };
	*episode = (struct timeline_episode){ .kind = EPISODE_OF_KEEPALIVE,
					      .asks = 3,
					      .first_unanswered_at = AT(20),
					      .end = EPISODE_DIED,
					      .ended_at = AT(50) };
	t.events = events;
	t.event_count = 4;
	t.episodes = episode;
	t.episode_count = 1;
	t.keepalive = (struct timeline_keepalive){ .known = true,
						   .enabled = true,
						   .idle_s = 10,
						   .interval_s = 10,
						   .probes = 3,
						   .detects_within_s = 40 };
	return t;
}

static const char *line_of(const char *text, const char *label)
{
	const char *found = strstr(text, label);

	assert_non_null(found);
	return found;
}

static void test_a_lane_is_as_long_as_the_life(void **state)
{
	struct event events[4];
	struct timeline_episode episode;
	struct timeline t = life(events, &episode);
	struct words w = { 0 };
	const char *text;

	(void)state;
	lane__add(&w, 8 + 51 + 1, &t, NULL, AT(100)); /* a cell a second */
	text = bare(&w);
	assert_memory_equal(line_of(text, "\npeer    "),
			    "\npeer    ==========a                                        \n", 61);
	assert_memory_equal(line_of(text, "\nasks    "),
			    "\nasks                        ?         ?         ?          \n", 61);
	assert_memory_equal(line_of(text, "\nsilence "),
			    "\nsilence           ----------####################!!!!!!!!!!X\n", 61);
	assert_non_null(strstr(text, "keepalive_timeout, found by keepalive, unnoticed for 40s\n"));
	assert_non_null(strstr(text, "3 unanswered (keepalive), died after 30s\n"));
	assert_non_null(strstr(text, "  +10.000s  probe sent #2\n"));
	words__free(&w);
}

static void test_an_open_one_is_shown_until_now(void **state)
{
	struct event events[4];
	struct timeline_episode episode;
	struct timeline t = life(events, &episode);
	struct socket_now s = row_of(7, true);
	struct words w = { 0 };
	const char *text;

	(void)state;
	t.final = false;
	t.half_open.is = false;
	t.ended_at = 0;
	episode.ended_at = 0;
	episode.end = EPISODE_OPEN;
	s.last_heard_at = AT(10);
	s.unanswered = 3;
	s.dies_in_s = 12;
	lane__add(&w, 8 + 51 + 1, &t, &s, AT(50));
	text = bare(&w);
	assert_memory_equal(line_of(text, "\nsilence "),
			    "\nsilence           ----------####################!!!!!!!!!!!\n", 61);
	assert_non_null(strstr(
		text, "suspect: ESTABLISHED, silent for 1m1s, 3 unanswered; asks nothing, gives "
		      "up in 12s\n"));
	words__free(&w);
}

static void test_a_lane_of_what_little_is_known(void **state)
{
	struct timeline nothing = dead(0, OUTCOME_UNKNOWN);
	struct socket_now s = row_of(7, false);
	unsigned int columns;

	(void)state;
	for (columns = 0; columns < 1200; columns += columns < 30 ? 1 : 97) {
		struct words w = { 0 };

		lane__add(&w, columns, NULL, NULL, AT(0));
		lane__add(&w, columns, NULL, &s, AT(0));
		lane__add(&w, columns, &nothing, NULL, AT(0));
		lane__add(&w, columns, &nothing, &s, AT(0));
		assert_non_null(strstr(bare(&w), "Its peer was not found dead"));
		words__free(&w);
	}
}

/* Peers of IPv6 lose their middle, so that their owners have room. */
static void test_whose_death_at_80_columns(void **state)
{
	static struct deaths d, later;
	struct words w = { 0 };
	struct timeline t = dead(1, OUTCOME_KEEPALIVE_TIMEOUT);
	const char *line;

	(void)state;
	strcpy(t.socket.peer.address, "2001:db8:1234:5678:9abc:def0:1234:5671");
	t.socket.cookie = 1;
	deaths__add(&d, &t);
	page__add_deaths(&w, &v, &d);
	line = strstr(bare(&w), "[2001:db8:..4:5671]:40000 keepalive_timeout <1s ");
	assert_non_null(line);
	assert_non_null(strstr(line, ":1883 broker/12\n"));
	words__free(&w);
	t.socket.cookie = 2;
	deaths__add(&later, &t);
	t.socket.cookie = 3;
	deaths__add(&later, &t);
	deaths__move(&d, &later);
	assert_int_equal(deaths__kept(&later), 0);
	assert_int_equal(deaths__kept(&d), 3);
	assert_int_equal(deaths__at(&d, 0)->cookie, 3);
	assert_int_equal(deaths__at(&d, 2)->cookie, 1);
	deaths__free(&d);
}

static const char *wrapped(struct words *w, const char *text, unsigned int columns)
{
	words__free(w);
	screen_lines__wrap(w, text, columns);
	return w->text;
}

static const char *cut(struct words *w, const char *text, unsigned int columns)
{
	words__free(w);
	screen_lines__cut(w, text, columns);
	return w->text;
}

static void test_lines_that_are_too_wide(void **state)
{
	struct words w = { 0 };

	(void)state;
	assert_string_equal(wrapped(&w, "one two\nthree", 7), "one two\nthree");
	assert_string_equal(wrapped(&w, "  one two three", 12), "  one two\n      three");
	assert_string_equal(wrapped(&w, "one" STYLE_ALARM " two" STYLE_PLAIN " three\nx", 8),
			    "one" STYLE_ALARM " two" STYLE_PLAIN "\n    " STYLE_PLAIN "three\nx");
	assert_string_equal(wrapped(&w, STYLE_ALARM "one two three", 8),
			    STYLE_ALARM "one two\n    " STYLE_ALARM "three");
	assert_string_equal(wrapped(&w, "breaks-nowhere one", 5), "breaks-nowhere\none");
	assert_string_equal(cut(&w, "1234567\n12345678\n", 7), "1234567\n1234...\n");
	assert_string_equal(cut(&w, STYLE_ALARM "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4" STYLE_PLAIN "xyz", 6),
			    STYLE_ALARM "\xc3\xa4\xc3\xa4\xc3\xa4...");
	assert_string_equal(cut(&w, "1234", 2), "12");
	words__free(&w);
}

/* A mistake is told whole, above what is typed; the page has fewer lines then. */
static void test_a_long_mistake(void **state)
{
	struct page_state s = { .filter = "", .message = "" };
	struct words w = { 0 };
	unsigned int room = view__room(&v), i;
	char *line, *rest, *last = NULL, text[1024] = "";

	(void)state;
	press("/comn = x");
	strcpy(v.typed.mistake,
	       "column 1: expected sport, dport, src, dst, state, exclude, netns, pid, comm, cgroup, "
	       "container, device or a parenthesis, not 'comn'");
	v.last_lines = page__last_lines(&v, &s);
	assert_int_equal(v.last_lines, 4);
	assert_int_equal(view__room(&v), room - 3);
	page__add_last_line(&w, &v, &s);
	rest = (char *)bare(&w);
	while ((line = strsep(&rest, "\n"))) {
		assert_true(strlen(line) <= 80);
		strcat(strcat(text, *text ? " " : ""), line + strspn(line, " "));
		last = line;
	}
	assert_string_equal(last, "/comn = x   column 1:");
	assert_non_null(strstr(text, v.typed.mistake));
	assert_non_null(strstr(text, "(the former filter stays)"));
	words__free(&w);
	v.rows = 9;	/* a third of that */
	assert_int_equal(page__last_lines(&v, &s), 3);
	page__add_last_line(&w, &v, &s);
	assert_int_equal(count_lines(&w), 2);
	assert_non_null(strstr(bare(&w), "\n/comn = x "));
	words__free(&w);
	v.typed.open = false;
	s.message = v.typed.mistake;
	v.columns = 40;
	page__add_last_line(&w, &v, &s);
	assert_int_equal(count_lines(&w), 2);
	assert_non_null(strstr(bare(&w), "column 1: expected"));
	words__free(&w);
	begin(NULL);
	press("/");
	for (i = 0; i < 200; i++)
		press("y");
	v.typed.mistake[0] = '\0';
	page__add_last_line(&w, &v, &s);
	assert_true(screen_lines__columns(bare(&w)) <= 80);
	words__free(&w);
}

/* Each line of the keys is within 80 columns as it is: the text has no other breaks. */
static void test_help_fits(void **state)
{
	struct words w = { 0 };
	char *line, *rest;

	(void)state;
	v.rows = 100;
	page__add_help(&w, &v);
	rest = (char *)bare(&w);
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) <= 80 && strncmp(line, "      ", 6));
	words__free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_chosen_socket_is_followed, begin),
		cmocka_unit_test_setup(test_the_first_is_not_followed, begin),
		cmocka_unit_test_setup(test_moving_stays_within_the_lines, begin),
		cmocka_unit_test_setup(test_pages_lead_back, begin),
		cmocka_unit_test_setup(test_orders, begin),
		cmocka_unit_test_setup(test_what_is_typed_is_no_command, begin),
		cmocka_unit_test_setup(test_a_mistake_is_not_entered, begin),
		cmocka_unit_test_setup(test_whose_death_at_80_columns, begin),
		cmocka_unit_test_setup(test_lines_that_are_too_wide, begin),
		cmocka_unit_test_setup(test_a_long_mistake, begin),
		cmocka_unit_test_setup(test_help_fits, begin),
		cmocka_unit_test_setup(test_wide_characters_are_typed_and_erased_whole, begin),
		cmocka_unit_test_setup(test_each_character_is_encoded_as_it_is_decoded, begin),
		cmocka_unit_test_setup(test_figures, begin),
		cmocka_unit_test_setup(test_the_header, begin),
		cmocka_unit_test_setup(test_the_header_says_whose_deaths_it_counts, begin),
		cmocka_unit_test_setup(test_outcomes_fit_the_header, begin),
		cmocka_unit_test_setup(test_an_empty_list_says_why, begin),
		cmocka_unit_test_setup(test_a_header_has_room_on_any_terminal, begin),
		cmocka_unit_test_setup(test_a_list_marks_suspects_and_the_chosen, begin),
		cmocka_unit_test_setup(test_the_last_line, begin),
		cmocka_unit_test_setup(test_the_latest_deaths_are_kept, begin),
		cmocka_unit_test_setup(test_what_is_scrolled_ends_with_its_last_line, begin),
		cmocka_unit_test_setup(test_a_lane_is_as_long_as_the_life, begin),
		cmocka_unit_test_setup(test_an_open_one_is_shown_until_now, begin),
		cmocka_unit_test_setup(test_a_lane_of_what_little_is_known, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
