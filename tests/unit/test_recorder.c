// SPDX-License-Identifier: GPL-2.0
/* Recordings that are kept within bounds: when another file is due, what becomes of the former, and
 * what is not overwritten. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream/recorder.h"
#include "stream/record.h"
#include "stream/recording.h"
#include "unit.h"

static const struct privacy full;
static char folder[] = "/tmp/halfopen-test-XXXXXX";
static char path[64], old[64];

static struct record tick(uint64_t at_ns)
{
	return (struct record){ .type = RECORD_TICK, .mono_ns = at_ns };
}

static struct record meta(uint64_t at_ns)
{
	return (struct record){ .type = RECORD_META, .mono_ns = at_ns,
				.meta = { 250, "1", "gw", "b", "r", "6.18" } };
}

/* The types of a file's records, as numbers between blanks. */
static int list(void *context, const void *bytes, size_t size)
{
	struct record r;
	const char *why;

	assert_int_equal(record__decode(bytes, size, &r, &why), 0);
	sprintf((char *)context + strlen(context), "%d@%llu ", r.type,
		(unsigned long long)r.mono_ns);
	return 0;
}

static const char *held_by(const char *file)
{
	static char types[1024];
	struct recording_problem problem;
	int fd = open(file, O_RDONLY);

	assert_true(fd >= 0);
	*types = '\0';
	assert_int_equal(recording__read(fd, -1, list, types, &problem), 0);
	assert_string_equal(problem.text, "");
	close(fd);
	return types;
}

static void add(struct recorder *r, struct record record)
{
	assert_int_equal(recorder__add(r, &record), 0);
}

static void begin_with(struct recorder *r, uint64_t max_bytes, uint64_t max_age_ns)
{
	struct recorder_config config = { .path = path, .privacy = &full, .max_bytes = max_bytes,
					  .max_age_ns = max_age_ns };

	assert_int_equal(recorder__open(r, &config), 0);
}

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/day.ho", folder);
	snprintf(old, sizeof(old), "%s/day.old.ho", folder);
	return 0;
}

static int end(void **state)
{
	char moved[80];

	(void)state;
	snprintf(moved, sizeof(moved), "%s/moved.ho", folder);
	unlink(path);
	unlink(moved);
	rmdir(old);
	unlink(old);
	return 0;
}

/* ---- what is held back ---- */

static void test_where_no_file_can_be_made(void **state)
{
	struct recorder_config config = { .path = "/nowhere/day.ho", .privacy = &full };
	struct recorder r;

	(void)state;
	assert_int_equal(recorder__open(&r, &config), -ENOENT);
	assert_null(r.buffer);
}

/* A quarter of a megabyte is written at once. */
static void test_much_is_written_before_it_is_asked_for(void **state)
{
	struct recorder r;
	struct stat st;
	unsigned int i;

	(void)state;
	begin_with(&r, 0, 0);
	for (i = 1; i < (1 << 18) / 16 - 1; i++)
		add(&r, tick(i));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	add(&r, tick(i));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1 << 18);
	assert_int_equal(r.used, 0);
	assert_int_equal(recorder__close(&r), 0);
}

static int peer_of(void *context, const void *bytes, size_t size)
{
	struct record r;
	const char *why;

	assert_int_equal(record__decode(bytes, size, &r, &why), 0);
	memcpy(context, r.event.peer, 4);
	return 0;
}

static void test_peers_are_recorded_as_they_may_be_shown(void **state)
{
	static const struct privacy prefix = { .kind = PRIVACY_PREFIX };
	static const uint8_t shown[] = { 198, 51, 100, 0 };
	struct recorder_config config = { .path = path, .privacy = &prefix };
	struct record event = { .type = RECORD_EVENT,
				.event = { .cookie = 1, .kind = HO_HEARD, .family = 2, .state = 1,
					   .peer = { 198, 51, 100, 7 } } };
	struct recording_problem problem;
	struct recorder r;
	uint8_t peer[4];
	int fd;

	(void)state;
	assert_int_equal(recorder__open(&r, &config), 0);
	add(&r, event);
	assert_int_equal(recorder__flush(&r), 0);
	assert_int_equal(recorder__close(&r), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(recording__read(fd, -1, peer_of, peer, &problem), 0);
	close(fd);
	assert_memory_equal(peer, shown, 4);
	assert_int_equal(event.event.peer[3], 7);	/* the caller's stays */
}

/* ---- when ---- */

static void test_due_by_age(void **state)
{
	struct recorder r;

	(void)state;
	begin_with(&r, 0, 100);
	assert_false(recorder__is_due(&r, 1000));	/* it is empty */
	add(&r, meta(1000));
	assert_false(recorder__is_due(&r, 1049));
	assert_true(recorder__is_due(&r, 1050));	/* each file holds half */
	r.retry_ns = 2000;
	assert_false(recorder__is_due(&r, 1999));
	assert_true(recorder__is_due(&r, 2000));
	r.output.is_file = false;	/* a pipe has no other end */
	assert_false(recorder__is_due(&r, 2000));
	r.output.is_file = true;
	assert_int_equal(recorder__close(&r), 0);
	begin_with(&r, 0, 0);
	add(&r, meta(1000));
	assert_false(recorder__is_due(&r, UINT64_MAX));
	assert_int_equal(recorder__close(&r), 0);
}

static void test_due_by_size(void **state)
{
	struct recorder r;
	unsigned int i;

	(void)state;
	begin_with(&r, 2 * (16 + 10 * 16), 0);
	for (i = 1; i <= 10; i++) {
		assert_false(recorder__is_due(&r, 5));
		add(&r, tick(i));
		if (i == 5)	/* written or not */
			assert_int_equal(recorder__flush(&r), 0);
	}
	assert_true(recorder__is_due(&r, 5));
	assert_int_equal(recorder__close(&r), 0);
}

/* ---- what becomes of the former ---- */

static void test_the_older_half_gives_way(void **state)
{
	struct recorder r;

	(void)state;
	begin_with(&r, 0, 100);
	add(&r, meta(1000));
	add(&r, tick(1040));
	add(&r, meta(1045));		/* not due */
	add(&r, tick(1050));
	assert_int_equal(access(old, F_OK), -1);
	add(&r, meta(1060));
	add(&r, tick(1070));
	assert_string_equal(held_by(old), "1@1000 4@1040 1@1045 4@1050 11@1050 ");
	assert_false(recorder__is_due(&r, 1109));	/* it has begun at 1060 */
	assert_true(recorder__is_due(&r, 1110));
	add(&r, tick(1120));		/* in its midst a stream is not parted */
	add(&r, meta(1121));
	add(&r, tick(1122));
	assert_string_equal(held_by(old), "1@1060 4@1070 4@1120 11@1120 ");
	assert_int_equal(recorder__flush(&r), 0);
	assert_string_equal(held_by(path), "1@1121 4@1122 ");
	assert_int_equal(recorder__close(&r), 0);
}

static void test_names_of_the_older_half(void **state)
{
	static const struct {
		const char *path, *old;
	} names[] = {
		{ "day.ho", "day.old.ho" }, { "day.ho.zst", "day.old.ho.zst" }, { "day", "day.old" },
		{ "/var/x.d/day", "/var/x.d/day.old" }, { "x.d/.day.ho", "x.d/.day.old.ho" },
		{ "./day.ho", "./day.old.ho" }, { "d.ho", "d.old.ho" }, { ".day", ".day.old" },
	};
	struct recorder_config config = { .max_bytes = 1 };
	unsigned int i;
	char *name;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		config.path = names[i].path;
		name = recorder__old_name(&config);
		assert_string_equal(name, names[i].old);
		free(name);
	}
	config.max_bytes = 0;
	assert_null(recorder__old_name(&config));
	config.max_age_ns = 1;
	name = recorder__old_name(&config);
	assert_non_null(name);
	free(name);
}

/* ---- what is not ours to replace ---- */

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_what_is_not_replaced(void **state)
{
	struct recorder r;

	(void)state;
	assert_null(recorder__refused_old(old));
	write_file(old, "");
	assert_null(recorder__refused_old(old));
	write_file(old, "my diary, of many days and more words than a header has");
	assert_string_equal(recorder__refused_old(old), "is no recording");
	unlink(old);
	begin_with(&r, 0, 0);
	add(&r, tick(1));
	assert_int_equal(recorder__flush(&r), 0);
	assert_int_equal(recorder__close(&r), 0);
	assert_null(recorder__refused_old(path));
	assert_int_equal(mkdir(old, 0700), 0);
	assert_string_equal(recorder__refused_old(old), "is a directory");
	rmdir(old);
	assert_int_equal(mkfifo(old, 0600), 0);
	assert_string_equal(recorder__refused_old(old), "is no regular file");
	unlink(old);
	assert_int_equal(symlink("nothing/here", old), 0);
	assert_null(recorder__refused_old(old));
	assert_string_equal(recorder__refused_old("/dev/null/x"), strerror(ENOTDIR));
}

/* What is said to people goes into a file, until heard() gives its number of lines. */
static int stderr_of_before;

static void listen(void)
{
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "%s/said", folder);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	stderr_of_before = dup(STDERR_FILENO);
	assert_true(fd >= 0 && stderr_of_before >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	unlink(name);
}

static unsigned int heard(const char *word)
{
	static char text[4096];
	unsigned int lines = 0;
	ssize_t n;
	char *at;

	n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);
	dup2(stderr_of_before, STDERR_FILENO);
	close(stderr_of_before);
	assert_true(n >= 0);
	text[n] = '\0';
	for (at = text; (at = strchr(at, '\n')); at++)
		lines++;
	if (lines && !strstr(text, word))
		fail_msg("%s is not in %s", word, text);
	return lines;
}

/* The former is written on, and it is tried again a minute later; that is said once. */
static void test_where_files_cannot_be_changed(void **state)
{
	struct recorder r;
	uint64_t needed;

	(void)state;
	write_file(old, "my diary, of many days and more words than a header has");
	listen();
	begin_with(&r, 0, 100);
	add(&r, meta(1000));
	add(&r, meta(2000));
	add(&r, meta(60 * S + 2000));
	assert_int_equal(heard("day.old.ho: is no recording; the recording goes on"), 1);
	assert_int_equal(recorder__close(&r), 0);
	begin_with(&r, 0, 100);
	listen();
	add(&r, meta(1000));
	add(&r, meta(2000));
	assert_int_equal(heard("is no recording"), 1);
	add(&r, tick(2001));
	assert_int_equal(recorder__flush(&r), 0);
	assert_string_equal(held_by(path), "1@1000 1@2000 4@2001 ");
	assert_false(recorder__is_due(&r, 60 * S + 1999));
	assert_true(recorder__is_due(&r, 60 * S + 2000));
	/* it holds more than one description: that says nothing of the bound */
	r.config.max_bytes = 1;
	assert_int_equal(recorder__bytes_needed(&r, &needed), 0);
	assert_int_equal(needed, 0);
	unlink(old);
	add(&r, meta(61 * S));
	assert_int_equal(r.retry_ns, 0);
	assert_string_equal(held_by(old), "1@1000 1@2000 4@2001 11@2001 ");
	assert_int_equal(recorder__close(&r), 0);
}

/* ---- moved by somebody else ---- */

static void test_a_recording_that_was_moved(void **state)
{
	char moved[80];
	struct recorder r;

	(void)state;
	snprintf(moved, sizeof(moved), "%s/moved.ho", folder);
	begin_with(&r, 0, 0);
	add(&r, meta(1000));
	assert_int_equal(recorder__flush(&r), 0);
	assert_int_equal(recorder__reopen(&r), 0);
	assert_false(recorder__is_due(&r, 1001));	/* nobody moved it */
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(recorder__reopen(&r), 0);
	assert_true(recorder__is_due(&r, 1001));
	add(&r, tick(1002));		/* still of the former: no description begins here */
	add(&r, meta(1003));
	add(&r, tick(1004));
	assert_false(recorder__is_due(&r, 1005));
	assert_int_equal(recorder__close(&r), 0);
	assert_string_equal(held_by(moved), "1@1000 4@1002 11@1002 ");
}

/* ... and once more, before the next has begun: that is to be whole where it was put. */
static void test_a_recording_that_was_moved_twice(void **state)
{
	char moved[80];
	struct recorder r;

	(void)state;
	snprintf(moved, sizeof(moved), "%s/moved.ho", folder);
	begin_with(&r, 0, 0);
	add(&r, meta(1000));
	assert_int_equal(recorder__flush(&r), 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(recorder__reopen(&r), 0);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(recorder__reopen(&r), 0);
	add(&r, meta(1003));
	assert_true(recorder__is_due(&r, 1004));
	add(&r, tick(1004));
	add(&r, meta(1005));
	assert_false(recorder__is_due(&r, 1006));
	assert_int_equal(recorder__flush(&r), 0);
	assert_string_equal(held_by(old), "1@1003 4@1004 11@1004 ");
	assert_string_equal(held_by(path), "1@1005 ");
	assert_int_equal(recorder__close(&r), 0);
}

/* It is due, was moved, and what has its name now is another's. */
static void test_a_recording_whose_name_another_took(void **state)
{
	char moved[80];
	struct recorder r;

	(void)state;
	snprintf(moved, sizeof(moved), "%s/moved.ho", folder);
	begin_with(&r, 0, 100);
	add(&r, meta(1000));
	assert_int_equal(recorder__flush(&r), 0);
	assert_int_equal(rename(path, moved), 0);
	write_file(path, "another's");
	listen();
	add(&r, meta(2000));
	assert_int_equal(heard("was moved, and what is there now is not ours"), 1);
	assert_int_equal(recorder__flush(&r), 0);
	assert_string_equal(held_by(moved), "1@1000 1@2000 ");
	assert_int_equal(unlink(path), 0);	/* now it is free */
	add(&r, meta(70 * S));
	assert_int_equal(recorder__flush(&r), 0);
	assert_string_equal(held_by(moved), "1@1000 1@2000 11@2000 ");
	assert_string_equal(held_by(path), "1@70000000000 ");
	assert_int_equal(recorder__close(&r), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_where_no_file_can_be_made),
		TEST(test_much_is_written_before_it_is_asked_for),
		TEST(test_peers_are_recorded_as_they_may_be_shown),
		TEST(test_due_by_age),
		TEST(test_due_by_size),
		TEST(test_the_older_half_gives_way),
		TEST(test_names_of_the_older_half),
		TEST(test_what_is_not_replaced),
		TEST(test_where_files_cannot_be_changed),
		TEST(test_a_recording_that_was_moved),
		TEST(test_a_recording_that_was_moved_twice),
		TEST(test_a_recording_whose_name_another_took),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
