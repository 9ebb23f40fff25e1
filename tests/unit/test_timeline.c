// SPDX-License-Identifier: GPL-2.0
/* Timelines as values: the output of the core for every recording is the same when it is written as
 * JSON and read back; a sink needs two folders of headers; several sinks are fed at once. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/core.h"
#include "foreign_sink.h"
#include "pipeline/fanout.h"
#include "stream/recording.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"
#include "tuning/life_of.h"
#include "unit.h"

/* ---- recordings through the core ---- */

struct replay {
	struct core *core;
};

static int take(void *context, const void *bytes, size_t size)
{
	struct replay *r = context;
	struct record record;
	const char *why;

	assert_int_equal(record__decode(bytes, size, &record, &why), 0);
	return core__feed(r->core, &record, &why);
}

/* The result of reading it. */
static int replay(const char *path, bool events, const struct sink *sink)
{
	struct core_config config = { .suspect_after = 2, .all = true, .events = events,
				      .every_ns = S };
	struct replay r = { .core = core__new(&config, sink) };
	struct recording_problem problem;
	int fd = open(path, O_RDONLY), err;

	assert_non_null(r.core);
	assert_true(fd >= 0);
	err = recording__read(fd, -1, take, &r, &problem);
	if (!err)
		core__tell_last_summary(r.core);
	core__free(r.core);
	close(fd);
	return err;
}

/* Calls `fn` with the path of each recording but those of pools, which are long. */
static void each_recording(void (*fn)(const char *path, void *context), void *context)
{
	glob_t found;
	size_t i;

	assert_int_equal(glob("tests/recordings/*.ho*", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 50);
	for (i = 0; i < found.gl_pathc; i++)
		if (!strstr(found.gl_pathv[i], "/pool_"))
			fn(found.gl_pathv[i], context);
	globfree(&found);
}

/* ---- JSON, both ways ---- */

/* Lines that a sink wrote. */
struct written {
	struct json json;
	unsigned int lines, timelines, events, steps;
};

static int write_meta(void *context, const struct meta *m)
{
	struct written *w = context;

	timeline_json__write_meta(&w->json, w->lines++, m);
	return 0;
}

static int write_timeline(void *context, const struct timeline *t)
{
	struct written *w = context;

	w->timelines++;
	if (!t->traffic.sent_segments)	/* so there was nothing to acknowledge */
		assert_int_equal(t->traffic.acked_bytes, 0);
	timeline_json__write_timeline(&w->json, w->lines++, t);
	return 0;
}

static int write_event(void *context, const struct socket_event *e)
{
	struct written *w = context;

	w->events++;
	timeline_json__write_event(&w->json, w->lines++, e);
	return 0;
}

static int write_loss(void *context, const struct loss *l)
{
	struct written *w = context;

	timeline_json__write_loss(&w->json, w->lines++, l);
	return 0;
}

static int write_step(void *context, const struct clock_step *s)
{
	struct written *w = context;

	w->steps++;
	timeline_json__write_clock_step(&w->json, w->lines++, s);
	return 0;
}

static struct sink writer(struct written *w)
{
	return (struct sink){ .size = sizeof(struct sink), .context = w, .meta = write_meta,
			      .event = write_event, .timeline = write_timeline,
			      .loss = write_loss, .clock_step = write_step };
}

/* Every line of it into the sink. */
static void read_back(const struct written *w, const struct sink *sink)
{
	const char *at = w->json.text, *end = at + w->json.length, *newline;
	struct timeline_json_problem problem;

	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', end - at);
		assert_non_null(newline);
		if (timeline_json__read(at, newline - at, sink, &problem))
			fail_msg("%s: %.*s", problem.text, (int)(newline - at), at);
	}
}

static void must_be_equal(const char *path, const struct json *a, const struct json *b)
{
	size_t i = 0, from;

	while (i < a->length && i < b->length && a->text[i] == b->text[i])
		i++;
	from = i < 60 ? 0 : i - 60;
	if (i < a->length || i < b->length)
		fail_msg("%s: written %.100s, read back %.100s", path, a->text + from,
			 b->text + from);
}

static void write_both_ways(const char *path, void *context)
{
	struct written first = { .lines = 0 }, again = { .lines = 0 }, *sum = context;
	struct sink sink = writer(&first);

	assert_int_equal(replay(path, true, &sink), 0);
	assert_true(first.timelines > 0);
	sink = writer(&again);
	read_back(&first, &sink);
	assert_false(first.json.failed || again.json.failed);
	must_be_equal(path, &first.json, &again.json);
	sum->timelines += first.timelines;
	sum->events += first.events;
	json__free(&first.json);
	json__free(&again.json);
}

static void test_json_gives_the_same_values_again(void **state)
{
	struct written sum = { .lines = 0 };

	(void)state;
	each_recording(write_both_ways, &sum);
	assert_true(sum.timelines > 100 && sum.events > 500);
}

/* Histories are the same, whichever way their timelines came. */
static void compare_lives(const char *path, void *context)
{
	struct lives of_core = { .count = 0 }, of_json = { .count = 0 };
	struct written lines = { .lines = 0 };
	struct sink sinks[] = { lives__sink(&of_core), writer(&lines) }, all;
	struct fanout both = { .count = 0 };
	size_t i;

	(void)context;
	assert_true(fanout__add(&both, &sinks[0]) && fanout__add(&both, &sinks[1]));
	all = fanout__sink(&both);
	assert_int_equal(replay(path, false, &all), 0);
	all = lives__sink(&of_json);
	read_back(&lines, &all);
	assert_int_equal(of_core.count, of_json.count);
	for (i = 0; i < of_core.count; i++)
		assert_memory_equal(of_core.all[i], of_json.all[i], sizeof(struct life));
	lives__free(&of_core);
	lives__free(&of_json);
	json__free(&lines.json);
}

static void test_lives_are_the_same_from_either(void **state)
{
	(void)state;
	each_recording(compare_lives, NULL);
}

static int read_line(const char *line, struct written *w, struct timeline_json_problem *problem)
{
	struct sink sink = writer(w);

	return timeline_json__read(line, strlen(line), &sink, problem);
}

#define SUNG "{\"schema\":\"halfopen.event/1\",\"event\":\"sung\",\"socket\":{\"cookie\":\"7\"," \
	"\"netns\":{\"inode\":1}}}"
#define TIMELINE(more) "{\"schema\":\"halfopen.timeline/1\",\"boot_id\":\"b\",\"run_id\":\"r\"," \
	"\"socket\":{\"cookie\":\"7\",\"netns\":{\"inode\":1}},\"outcome\":\"open\"" more "}"

static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *line, *problem;
	} lines[] = {
		{ "{\"schema\":\"halfopen.timeline/1\"}", "socket: expected an object" },
		{ TIMELINE(",\"outcome\":\"dead\""), "outcome: expected one of docs/schema" },
		{ TIMELINE(",\"ended_at\":\"today\""), "ended_at: expected a time like" },
		{ TIMELINE(",\"events\":[{\"event\":\"seen\",\"at\":\"2026-02-30T00:00:00Z\"}]"),
		  "at: expected a time like" },
		{ "{\"schema\":\"halfopen.meta/1\"}", "run_id: expected a string" },
		{ "{\"schema\":\"halfopen.meta/1\",\"run_id\":\"r\",\"sysctl\":[{\"netns\":"
		  "{\"cookie\":\"-1\"}}]}",
		  "netns.cookie: expected a string of digits" },
		{ "{\"schema\":\"halfopen.event/1\",\"event\":\"seen\"}",
		  "socket: expected an object" },
		{ "{\"schema\":\"other/1\"}", "schema: expected one of halfopen's" },
		{ "{\"schema\"", "expected a line of halfopen's JSON" },
	};
	struct written w = { .lines = 0 };
	struct timeline_json_problem problem;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(read_line(lines[i].line, &w, &problem), -EBADMSG);
		if (strncmp(problem.text, lines[i].problem, strlen(lines[i].problem)))
			fail_msg("%s: %s", lines[i].line, problem.text);
	}
	assert_int_equal(w.lines, 0);
}

/* What such a line means cannot be told: it is no line without news. */
static void test_another_version_of_a_known_kind_is_named(void **state)
{
	static const char *const schemas[] = { "halfopen.timeline/2", "halfopen.meta/10",
					       "halfopen.loss/", "halfopen.event/0" };
	struct written w = { .lines = 0 };
	struct timeline_json_problem problem;
	char line[80];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
		snprintf(line, sizeof(line), "{\"schema\":\"%s\"}", schemas[i]);
		assert_int_equal(read_line(line, &w, &problem), -EBADMSG);
		assert_non_null(strstr(problem.text, schemas[i]));
		assert_non_null(strstr(problem.text, "a version that this halfopen does not read"));
	}
	assert_int_equal(w.lines, 0);
}

/* A later version writes more, and numbers of any size: unknown keys are skipped. */
static void test_what_is_not_known_is_passed_over(void **state)
{
	static const char *const lines[] = {
		TIMELINE(",\"later\":{\"a\":[1]},\"events\":[{\"event\":\"sung\",\"at\":7}]"),
		TIMELINE(",\"half_open\":{\"found_by\":\"dowsing\"}"),
		TIMELINE(",\"episodes\":[{\"kind\":\"odd\"}]"),
		TIMELINE(",\"traffic\":{\"sent_segments\":1,\"acked_bytes\":18446744073709551615}"),
		SUNG,
		"{\"schema\":\"halfopen.later/9\",\"n\":99999999999999999999}",
	};
	struct written w = { .lines = 0 };
	struct timeline_json_problem problem;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(read_line(lines[i], &w, &problem), 0);
	assert_int_equal(w.timelines, 4);
	assert_int_equal(w.events, 0);
	json__free(&w.json);
}

/* ---- names ---- */

#define CHECK_NAMES(type, from, count)                                                           \
	do {                                                                                     \
		enum type value, found;                                                          \
                                                                                                 \
		for (value = from; value < count; value++) {                                     \
			assert_true(*type##__name(value));                                       \
			assert_true(type##__named(type##__name(value), &found));                 \
			assert_int_equal(found, value);                                          \
		}                                                                                \
		assert_false(type##__named("", &found));                                         \
		assert_false(type##__named("no such word", &found));                             \
		assert_string_equal(type##__name(count), "");                                    \
	} while (0)

static void test_every_word_is_read_as_it_is_written(void **state)
{
	enum event_kind k;
	char number[ERRNO_NUMBER_SIZE];

	(void)state;
	CHECK_NAMES(outcome, 0, OUTCOME_COUNT);
	CHECK_NAMES(found_by, 1, FOUND_BY_COUNT);
	CHECK_NAMES(ending_detail, 1, DETAIL_COUNT);
	CHECK_NAMES(event_kind, 0, EVENT_COUNT);
	CHECK_NAMES(send_failure, 0, FAILURE_COUNT);
	CHECK_NAMES(episode_kind, 0, EPISODE_KIND_COUNT);
	CHECK_NAMES(episode_end, 0, EPISODE_END_COUNT);
	CHECK_NAMES(option_source, 0, OPTION_SOURCE_COUNT);
	CHECK_NAMES(loss_reason, 1, LOSS_REASON_MAX);
	for (k = 0; k < EVENT_COUNT; k++)
		assert_true(*event_kind__words(k));
	assert_string_equal(errno__name(ETIMEDOUT, number), "ETIMEDOUT");
	assert_int_equal(errno__named("EHOSTUNREACH"), EHOSTUNREACH);
	assert_int_equal(errno__named(errno__name(4000, number)), 4000);
	assert_int_equal(errno__named(""), 0);
}

/* ---- sinks ---- */

static const char scene[] = "tests/recordings/keepalive_timeout-ipv4.ho.zst";

static void test_a_foreign_sink_is_given_all_it_tells(void **state)
{
	char *text = NULL;
	size_t size;
	struct foreign f = { .out = open_memstream(&text, &size) };
	struct sink sink = foreign__sink(&f);

	(void)state;
	assert_int_equal(replay(scene, true, &sink), 0);
	fclose(f.out);
	assert_int_equal(f.metas, 1);
	assert_true(f.timelines > 0 && f.events > 0 && f.ticks > 0 && f.summaries > 2);
	assert_non_null(strstr(text, "keepalive_timeout keepalive "));
	free(text);
}

/* One that was compiled when there was no `timeline` yet: memory behind its size is not its own. */
static void test_an_older_sink_is_given_what_it_knows(void **state)
{
	struct foreign f = { .out = fopen("/dev/null", "w") };
	struct sink sink = foreign__sink(&f);

	(void)state;
	sink.size = offsetof(struct sink, timeline);
	memset((char *)&sink + sink.size, 0xa5, sizeof(sink) - sink.size);
	assert_int_equal(replay(scene, true, &sink), 0);
	fclose(f.out);
	assert_int_equal(f.metas, 1);
	assert_true(f.events > 0);
	assert_int_equal(f.timelines + f.ticks + f.summaries, 0);
}

/* Fails at the `after`-th call. */
struct failing {
	unsigned int after, calls;
	int err;
};

static int fail_late(void *context, const struct timeline_progress *p)
{
	struct failing *f = context;

	(void)p;
	return ++f->calls >= f->after ? f->err : 0;
}

static struct sink failing(struct failing *f)
{
	return (struct sink){ .size = sizeof(struct sink), .context = f, .tick = fail_late };
}

static void test_a_sink_that_fails_ends_the_stream(void **state)
{
	struct failing f = { .after = 2, .err = -ENOSPC };
	struct sink sink = failing(&f);

	(void)state;
	assert_int_equal(replay(scene, false, &sink), -ENOSPC);
	assert_int_equal(f.calls, 2);
}

static void test_a_reader_that_goes_away_ends_its_sink_alone(void **state)
{
	struct failing gone = { .after = 2, .err = -EPIPE }, stays = { .after = 1000000 };
	struct sink sinks[] = { failing(&gone), failing(&stays) }, all;
	struct fanout f = { .count = 0 };

	(void)state;
	assert_true(fanout__add(&f, &sinks[0]) && fanout__add(&f, &sinks[1]));
	all = fanout__sink(&f);
	assert_null(all.timeline);	/* none takes any */
	assert_int_equal(replay(scene, false, &all), 0);
	assert_int_equal(gone.calls, 2);
	assert_int_equal(f.branches[0].error, -EPIPE);
	assert_true(stays.calls > 2);
	f = (struct fanout){ .count = 0 };
	gone.calls = 0;
	fanout__add(&f, &sinks[0]);
	all = fanout__sink(&f);
	assert_int_equal(replay(scene, false, &all), -EPIPE);	/* it was the last */
}

/* When summaries came, by the stream's clock. */
struct clocked {
	unsigned int interim, first, last;
	uint64_t before_ns, least_ns;
};

static int on_summary(void *context, const struct summary *s)
{
	struct clocked *c = context;
	uint64_t now_ns = s->progress.now_ns;

	c->first += s->kind == SUMMARY_FIRST;
	c->last += s->kind == SUMMARY_LAST;
	if (s->kind == SUMMARY_INTERIM) {
		c->interim++;
		if (!c->least_ns || now_ns - c->before_ns < c->least_ns)
			c->least_ns = now_ns - c->before_ns;
	}
	c->before_ns = now_ns;
	return 0;
}

static void test_each_sink_has_summaries_at_its_own_interval(void **state)
{
	struct clocked often = { .first = 0 }, seldom = { .first = 0 }, never = { .first = 0 };
	struct sink sinks[] = {
		{ .size = sizeof(struct sink), .context = &often, .summary = on_summary,
		  .summary_every_ns = S },
		{ .size = sizeof(struct sink), .context = &seldom, .summary = on_summary,
		  .summary_every_ns = 5 * S },
		{ .size = sizeof(struct sink), .context = &never, .summary = on_summary } };
	struct fanout f = { .count = 0 };
	struct sink all;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true(fanout__add(&f, &sinks[i]));
	all = fanout__sink(&f);
	assert_int_equal(all.summary_every_ns, S);
	assert_int_equal(replay(scene, false, &all), 0);
	assert_int_equal(often.first + seldom.first + never.first, 3);
	assert_int_equal(often.last + seldom.last + never.last, 3);
	assert_true(often.interim > seldom.interim && seldom.interim > 0);
	assert_int_equal(never.interim, 0);
	assert_true(often.least_ns >= S && seldom.least_ns >= 5 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_gives_the_same_values_again),
		cmocka_unit_test(test_lives_are_the_same_from_either),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_another_version_of_a_known_kind_is_named),
		cmocka_unit_test(test_what_is_not_known_is_passed_over),
		cmocka_unit_test(test_every_word_is_read_as_it_is_written),
		cmocka_unit_test(test_a_foreign_sink_is_given_all_it_tells),
		cmocka_unit_test(test_an_older_sink_is_given_what_it_knows),
		cmocka_unit_test(test_a_sink_that_fails_ends_the_stream),
		cmocka_unit_test(test_a_reader_that_goes_away_ends_its_sink_alone),
		cmocka_unit_test(test_each_sink_has_summaries_at_its_own_interval),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
