// SPDX-License-Identifier: GPL-2.0
/* Short memory: each allocation of a replay in the core fails in turn. The replay ends with -ENOMEM,
 * or its output is the same, and nothing leaks (AddressSanitizer). Linked with --wrap. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/core.h"
#include "stream/recording.h"
#include "timeline/timeline_json.h"
#include "unit.h"

/* ---- the allocator ---- */

static bool armed;
static unsigned long allocations, failing;	/* so far; the one that fails, 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *s);

static bool fails(void)
{
	return armed && ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

/* ---- a replay ---- */

struct replay {
	struct core *core;
	struct json json;
	uint64_t seq;
};

static int on_meta(void *context, const struct meta *m)
{
	struct replay *r = context;

	armed = false;
	timeline_json__write_meta(&r->json, r->seq++, m);
	armed = true;
	return 0;
}

static int on_timeline(void *context, const struct timeline *t)
{
	struct replay *r = context;

	armed = false;
	timeline_json__write_timeline(&r->json, r->seq++, t);
	armed = true;
	return 0;
}

static int take(void *context, const void *bytes, size_t size)
{
	struct replay *r = context;
	struct record record;
	const char *why;
	int err;

	assert_int_equal(record__decode(bytes, size, &record, &why), 0);
	armed = true;
	err = core__feed(r->core, &record, &why);
	armed = false;
	return err;
}

/* Its lines, which the caller frees; `*err` is what ended it. */
static struct json replay(const char *path, unsigned long fail, int *err)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct replay r = { .seq = 1 };
	struct sink sink = { .size = sizeof(sink), .context = &r, .meta = on_meta,
			     .timeline = on_timeline };
	struct recording_problem problem;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	allocations = 0;
	failing = fail;
	r.core = core__new(&config, &sink);
	assert_non_null(r.core);
	*err = recording__read(fd, -1, take, &r, &problem);
	core__free(r.core);
	close(fd);
	assert_false(r.json.failed);
	return r.json;
}

static void check(const char *path)
{
	unsigned long count, fail;
	int err;
	struct json whole = replay(path, 0, &err);

	assert_int_equal(err, 0);
	count = allocations;
	assert_true(count > 20);
	for (fail = 1; fail <= count; fail++) {
		struct json lines = replay(path, fail, &err);

		if (err)
			assert_int_equal(err, -ENOMEM);
		else if (lines.length != whole.length ||
			 memcmp(lines.text, whole.text, whole.length))
			fail_msg("%s: allocation %lu of %lu failed unnoticed", path, fail, count);
		json__free(&lines);
	}
	json__free(&whole);
}

static void test_each_allocation_fails(void **state)
{
	static const char *const recordings[] = {
		"keepalive_timeout-ipv4.ho.zst", "gaps_end_in_loss.ho.zst",
		"a_server_that_does_not_reply.ho.zst", "reset_that_answers_a_probe-ipv6.ho.zst",
		"retransmission_takes_over-0-ipv4.ho.zst", "format1.ho",
	};
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(recordings) / sizeof(*recordings); i++) {
		snprintf(path, sizeof(path), "tests/recordings/%s", recordings[i]);
		check(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
