// SPDX-License-Identifier: GPL-2.0
/* The text of a watch on terminals of any width: no line is wider, and none is lost. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/text.h"
#include "text/totals_words.h"
#include "unit.h"
#include "value/plain_text.h"

static uint32_t seed;
static unsigned int happened;	/* so far */

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static const char *const names[] = {
	"", "redis-server", "\x1b[2J\r\n\xff",
	"\xe5\xb7\xa5\xe5\xa0\xb4\xe5\xb7\xa5\xe5\xa0\xb4",
	"a device whose name is as long as sixty-three characters can be, no more"
};
static const char *const peers[] = { "203.0.113.7", "2001:db8:1234:5678:9abc:def0:1234:5678",
				     "fe80::1234:5678:9abc:def0%veth0", "~5d41402a" };

static struct timeline_socket a_socket(void)
{
	struct timeline_socket s = { .cookie = 1 + random_below(1000), .connection = 1,
				     .netns = { 4026531840U, random_below(3),
						names[random_below(5)], names[random_below(5)] },
				     .owner = { random_below(4), 1 + random_below(100000),
						random_below(2) ? "mosquitto" : names[2], "", "" },
				     .device = names[random_below(5)], .mptcp = !random_below(9) };

	snprintf(s.local.address, sizeof(s.local.address), "%s", peers[random_below(4)]);
	snprintf(s.peer.address, sizeof(s.peer.address), "%s", peers[random_below(4)]);
	s.local.port = random_below(3) ? 1883 : random_below(65536);
	s.peer.port = random_below(65536);
	if (!s.owner.known)
		s.owner.comm = "";
	return s;
}

static struct timeline_progress progress_at(uint64_t ns)
{
	return (struct timeline_progress){ .now_at = (int64_t)ns, .now_ns = ns,
					   .complete_ns = ns > 250 * MS ? ns - 250 * MS : 0 };
}

static void change(const struct sink *sink, uint64_t ns)
{
	struct timeline_socket s = a_socket();
	struct change c = { .progress = progress_at(ns), .socket = &s, .kind = random_below(4),
			    .at = (int64_t)ns, .mono_ns = ns, .asks = 2,
			    .silent_s = random_below(9000) / 7.0,
			    .heartbeat = { 1, 60, REPLY_NONE }, .confidence = 0.5 };

	happened++;
	assert_int_equal(sink->change(sink->context, &c), 0);
}

static void timeline(const struct sink *sink, uint64_t ns, bool final)
{
	struct timeline t = { .progress = progress_at(ns), .final = final, .socket = a_socket(),
			      .outcome = final ? 2 + random_below(OUTCOME_COUNT - 2)
					       : OUTCOME_SUSPECT,
			      .outcome_detail = "the event that told its ending was lost",
			      .detail = random_below(DETAIL_COUNT), .half_closed = random_below(2),
			      .in_close_wait = random_below(2), .ended_at = final ? (int64_t)ns : 0,
			      .ended_ns = final ? ns : 0, .last_heard_at = (int64_t)ns / 2,
			      .deaf_s = random_below(9) ? 0 : 77 };

	t.half_open.is = final && random_below(2);
	t.half_open.found_by = t.half_open.is ? 1 + random_below(FOUND_BY_COUNT - 1) : 0;
	t.half_open.latency_ms.lower_bounds_known = random_below(2);
	t.half_open.latency_ms.max = random_below(9999999);
	t.half_open.latency_ms.likely_min = t.half_open.latency_ms.max / 2;
	t.counts.answers_dropped = random_below(5) ? 0 : 3;
	t.other_sender.answers = random_below(9) ? 0 : 3;
	happened++;
	assert_int_equal(sink->timeline(sink->context, &t), 0);
}

static void summary(const struct sink *sink, uint64_t ns, enum summary_kind kind)
{
	struct summary_group groups[3] = {
		{ "mosquitto", 1883, { 1, 1, names[4], "" }, 48112, 31900, 7 },
		{ "", 0, { 2, 2, "", "" }, 3, 0, 0 },
		{ names[2], 65535, { 3, 3, names[3], "" }, 4000000, 4000000, 4000000 } };
	struct summary_program without = { names[2], 31871 };
	struct summary s = { .progress = progress_at(ns), .kind = kind, .namespaces = 3,
			     .open = 48112, .open_without_keepalive = 31900, .suspect = 7, .endings = 10,
			     .half_open = 3, .half_open_by = { [1] = 1, [5] = 2 }, .events_lost = 4,
			     .watched_s = 1e6, .without_keepalive = &without,
			     .without_keepalive_count = 1, .groups = groups, .group_count = 3,
			     .groups_omitted = 2 };

	assert_int_equal(sink->summary(sink->context, &s), 0);
}

static void others(const struct sink *sink, uint64_t ns)
{
	struct loss l = { .progress = progress_at(ns), .reason = LOSS_UNSEEN, .count = 58,
			  .to_at = (int64_t)ns, .to_ns = ns };
	struct clock_step c = { .progress = progress_at(ns), .at = (int64_t)ns, .mono_ns = ns,
				.step_ns = -5 };

	happened += 2;
	assert_int_equal(sink->loss(sink->context, &l), 0);
	assert_int_equal(sink->clock_step(sink->context, &c), 0);
}

/* Everything that can be told, within half a minute. The text is the caller's. */
static char *told(struct text *t)
{
	struct output output = { .fd = memfd_create("text", 0), .name = "text", .ending = -1 };
	struct sink sink;
	unsigned int i;
	uint64_t ns;
	off_t size;
	char *text;

	t->output = &output;
	sink = text__sink(t);
	summary(&sink, S, SUMMARY_FIRST);
	for (i = 0; i < 3000; i++) {
		ns = S + i * 10 * MS;
		if (random_below(2))
			change(&sink, ns);
		else
			timeline(&sink, ns, true);
		if (!random_below(200))
			others(&sink, ns);
		if (!random_below(10)) {
			struct timeline_progress p = progress_at(ns);

			assert_int_equal(sink.tick(sink.context, &p), 0);
		}
		if (!random_below(500))
			summary(&sink, ns, SUMMARY_INTERIM);
	}
	for (i = 0; i < 100; i++)
		timeline(&sink, 31 * S, false);
	text__flush(t);
	summary(&sink, 31 * S, SUMMARY_LAST);
	text__free(t);
	size = lseek(output.fd, 0, SEEK_CUR);
	text = calloc(1, size + 1);
	assert_int_equal(pread(output.fd, text, size, 0), size);
	close(output.fd);
	return text;
}

static void assert_fits(char *text, unsigned int columns)
{
	char *rest, *line;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *from = line, *clear;

		while ((clear = strstr(from, "\r\033[K"))) {
			*clear = '\0';
			assert_true(plain_text__columns(from) < columns);
			from = clear + 4;
		}
		if (plain_text__columns(from) > columns)
			fail_msg("%u columns: %s", columns, from);
	}
}

static void test_lines_fit(void **state)
{
	static const unsigned int widths[] = { 60, 72, 80, 81, 100, 119, 120, 132, 200, 300 };
	unsigned int i, how;

	(void)state;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		for (how = 0; how < 4; how++) {
			struct text *t = calloc(1, sizeof(*t));
			char *text;

			t->layout.utc = true;
			t->status = t->layout.offset_is_shown = how & 1;
			t->each = how & 2;
			t->layout.columns = widths[i];
			text = told(t);
			assert_fits(text, widths[i]);
			free(text);
			free(t);
		}
}

/* Those behind a NAT differ by it alone. */
static void test_a_narrow_line_has_the_port(void **state)
{
	struct timeline_socket socket = { .peer = { "10.77.0.2", 53710 }, .local.port = 7001,
					  .owner = { .known = true, .comm = "python3" },
					  .device = "" };
	struct words line = { 0 }, who = { 0 }, what[2] = { 0 };
	struct layout l = { .columns = 80, .utc = true };

	(void)state;
	words__add(&who, "python3@rdoneng :7001");
	words__add(&what[0], "keepalive_timeout, gone 3.1s to 5.1s");
	words__add(&what[1], "keepalive_timeout, gone 3.1s to 5.1s");
	layout__add_line(&l, &line, &socket, &who, what, PLAIN);
	assert_non_null(strstr(line.text, "10.77.0.2:53710"));
	assert_non_null(strstr(line.text, "5.1s"));
	words__free(&line);
	words__free(&who);
}

static void test_a_status_that_is_cut_tells_of_losses(void **state)
{
	struct summary s = { .open = 48112, .suspect = 7, .endings = 1354, .half_open = 1353,
			     .open_without_keepalive = 31900, .events_lost = 2 };
	struct words w = { 0 };

	(void)state;
	totals_words__add_status(&w, &s);
	assert_memory_equal(w.text, "2 events lost; 48,112 open", 26);
	words__free(&w);
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* In a file each happening is a line, whole, without an escape; stories add up to the same. */
static void test_in_a_file(void **state)
{
	struct text *t = calloc(1, sizeof(*t));
	char *text;

	(void)state;
	seed = 1;
	happened = 0;
	t->each = t->layout.utc = true;
	text = told(t);
	assert_int_equal(count(text, "+00:00  "), happened);
	assert_null(strchr(text, '\033'));
	assert_int_equal(count(text, "suspect, silent for "), 100);
	free(text);
	*t = (struct text){ .layout.utc = true };
	seed = 1;
	text = told(t);
	assert_int_equal(count(text, "suspect, silent for "), SUSPECTS_TOLD);
	assert_int_equal(count(text, "... and 90 more suspect"), 1);
	free(text);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_fit),
		cmocka_unit_test(test_a_narrow_line_has_the_port),
		cmocka_unit_test(test_a_status_that_is_cut_tells_of_losses),
		cmocka_unit_test(test_in_a_file),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
