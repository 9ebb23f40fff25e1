// SPDX-License-Identifier: GPL-2.0
/* From the source to the file: reordering, recordings, JSON and outputs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file/output.h"
#include "kernel/deferred.h"
#include "kernel/cookie_set.h"
#include "stream/record.h"
#include "stream/recorder.h"
#include "stream/recording.h"
#include "stream/reorder.h"
#include "tcp/tcp_states.h"
#include "unit.h"
#include "value/json.h"

struct seen {
	uint64_t mono_ns[64];
	unsigned int count;
	int fail_at;
};

static int take(void *context, const void *bytes, size_t size)
{
	struct seen *seen = context;
	const char *why;
	struct record r;

	assert_int_equal(record__decode(bytes, size, &r, &why), 0);
	seen->mono_ns[seen->count++] = r.mono_ns;
	return seen->fail_at && (int)seen->count == seen->fail_at ? -ENOSPC : 0;
}

static void push(struct reorder *r, uint64_t mono_ns)
{
	assert_int_equal(reorder__push(r, &(struct record){ .type = RECORD_TICK,
							    .mono_ns = mono_ns }), 0);
}

static void test_records_come_out_in_order(void **state)
{
	struct reorder r = { 0 };
	struct seen seen = { 0 };
	unsigned int i;

	(void)state;
	push(&r, 30);
	push(&r, 10);
	push(&r, 50);
	push(&r, 20);
	assert_int_equal(reorder__release(&r, 30, take, &seen), 0);
	assert_int_equal(seen.count, 3);
	push(&r, 40);
	push(&r, 25);		/* too late for its place: passed on all the same, and counted */
	assert_int_equal(r.late, 1);
	assert_int_equal(reorder__release(&r, UINT64_MAX, take, &seen), 0);
	static const uint64_t expected[] = { 10, 20, 30, 25, 40, 50 };

	assert_int_equal(seen.count, 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(seen.mono_ns[i], expected[i]);
	reorder__free(&r);
}

/* Time stands still behind a record that is reserved and not submitted, but not for ever. */
static void test_what_is_hidden_in_the_ring_is_waited_for(void **state)
{
	struct reorder r = { 0 };
	uint64_t ms;

	(void)state;
	assert_int_equal(reorder__horizon(&r, 5000 * MS, true), 4900 * MS);
	for (ms = 5100; ms <= 7000; ms += 100)
		assert_int_equal(reorder__horizon(&r, ms * MS, false), 4900 * MS);
	assert_false(r.gave_up);
	assert_int_equal(reorder__horizon(&r, 7100 * MS, false), 7000 * MS);
	assert_true(r.gave_up);
	assert_int_equal(reorder__horizon(&r, 7200 * MS, false), 7100 * MS);
	assert_int_equal(reorder__horizon(&r, 7300 * MS, true), 7200 * MS);
	assert_false(r.gave_up);
	assert_int_equal(reorder__horizon(&r, 7400 * MS, false), 7200 * MS);
	/* waiting from the first look on: unknown how far it was read */
	r = (struct reorder){ 0 };
	assert_int_equal(reorder__horizon(&r, 5000 * MS, false), 4900 * MS);
	assert_int_equal(reorder__horizon(&r, 5100 * MS, false), 4900 * MS);
}

static void test_a_failing_reader_ends_the_stream(void **state)
{
	struct seen seen = { .fail_at = 2 };
	struct reorder r = { 0 };

	(void)state;
	push(&r, 1);
	push(&r, 2);
	push(&r, 3);
	assert_int_equal(reorder__release(&r, 9, take, &seen), -ENOSPC);
	assert_int_equal(seen.count, 2);
	reorder__free(&r);
}

/* ---- a burst ---- */

struct order {
	uint64_t last_ns, last_cookie, count;
};

/* In order of time, and of arrival where that is the same. */
static int take_in_order(void *context, const void *bytes, size_t size)
{
	struct order *o = context;
	struct record r;
	const char *why;

	assert_int_equal(record__decode(bytes, size, &r, &why), 0);
	assert_true(r.mono_ns > o->last_ns ||
		    (r.mono_ns == o->last_ns && r.event.cookie > o->last_cookie));
	o->last_ns = r.mono_ns;
	o->last_cookie = r.event.cookie;
	o->count++;
	return 0;
}

static void push_burst(struct reorder *r, uint64_t from, uint64_t to)
{
	uint64_t i;

	for (i = from; i < to; i++) {
		struct record event = { .type = RECORD_EVENT, .mono_ns = 1000 + i * 7919 % 3000 };

		event.event = (struct ho_event){ .cookie = i + 1, .kind = HO_HEARD, .family = 2,
						 .state = TCP_ESTABLISHED,
						 .mono_ns = event.mono_ns };
		assert_int_equal(reorder__push(r, &event), 0);
	}
}

/* Of twelve thousand events half are held back; what they took is given back. */
static void test_a_burst_takes_memory_and_gives_it_back(void **state)
{
	struct reorder r = { 0 };
	struct order o = { 0 };
	size_t at_most;

	(void)state;
	push_burst(&r, 0, 12000);
	at_most = r.block_count;
	assert_true(at_most > 12);	/* of 256 KiB */
	assert_int_equal(reorder__release(&r, 2499, take_in_order, &o), 0);
	assert_int_equal(o.count, 6000);
	assert_int_equal(r.count, 6000);
	assert_int_equal(o.last_ns, 2499);
	push_burst(&r, 12000, 13000);
	assert_int_equal(r.late, 500);		/* for these it is too late */
	o = (struct order){ 0 };
	assert_int_equal(reorder__release(&r, 2499, take_in_order, &o), 0);
	assert_int_equal(o.count, 500);
	assert_int_equal(reorder__release(&r, 3990, take_in_order, &o), 0);
	assert_true(r.count < 100);
	assert_int_equal(r.size, 4096);
	assert_int_equal(reorder__release(&r, UINT64_MAX, take_in_order, &o), 0);
	assert_int_equal(o.count, 7000);
	assert_true(r.block_count <= 2);
	assert_int_equal(reorder__release(&r, UINT64_MAX, take_in_order, &o), 0);
	push_burst(&r, 0, 12000);
	o = (struct order){ 0 };
	assert_int_equal(reorder__release(&r, UINT64_MAX, take_in_order, &o), 0);
	assert_int_equal(o.count, 12000);
	assert_true(r.block_count <= 2);
	assert_int_equal(r.size, 4096);
	reorder__free(&r);
	assert_null(r.pending);
}

static void test_what_is_late_is_counted(void **state)
{
	struct reorder r = { 0 };
	struct seen seen = { 0 };

	(void)state;
	push(&r, 10);
	assert_int_equal(reorder__release(&r, 50, take, &seen), 0);
	push(&r, 50);
	assert_int_equal(r.late, 0);
	push(&r, 60);
	assert_int_equal(reorder__release(&r, 40, take, &seen), 0);	/* it never goes back */
	push(&r, 49);
	assert_int_equal(r.late, 1);
	reorder__free(&r);
}

/* ---- recordings ---- */

static char path[] = "/tmp/halfopen-test-XXXXXX";

static int write_recording(unsigned int records)
{
	static const struct privacy none;
	struct recorder_config config = { .path = path, .privacy = &none };
	struct recorder rec;
	unsigned int i;

	assert_int_equal(recorder__open(&rec, &config), 0);
	for (i = 0; i < records; i++) {
		struct record r = { .type = RECORD_TICK, .mono_ns = i };

		assert_int_equal(recorder__add(&rec, &r), 0);
	}
	assert_int_equal(recorder__flush(&rec), 0);
	assert_int_equal(recorder__close(&rec), 0);
	return sizeof(struct recording_header) + records * 16;
}

static int read_recording(struct seen *seen, struct recording_problem *problem)
{
	int fd = open(path, O_RDONLY), err;

	assert_true(fd >= 0);
	err = recording__read(fd, -1, take, seen, problem);
	close(fd);
	return err;
}

static void test_a_recording_reads_back(void **state)
{
	struct recording_problem problem;
	struct seen seen = { 0 };

	(void)state;
	write_recording(50);
	assert_int_equal(read_recording(&seen, &problem), 0);
	assert_int_equal(seen.count, 50);
	assert_int_equal(seen.mono_ns[49], 49);
	assert_string_equal(problem.text, "");
}

static void test_a_recording_cut_anywhere_reads_up_to_the_cut(void **state)
{
	struct recording_problem problem;
	int size, cut;

	(void)state;
	for (cut = sizeof(struct recording_header), size = cut + 1; cut < size; cut++) {
		struct seen seen = { 0 };

		size = write_recording(10);
		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(read_recording(&seen, &problem), 0);
		assert_int_equal(seen.count, (cut - sizeof(struct recording_header)) / 16);
		assert_int_equal(problem.is_cut, (cut - sizeof(struct recording_header)) % 16 != 0);
	}
}

static void overwrite(long offset, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, size, offset), (ssize_t)size);
	close(fd);
}

static int count_ticks(void *context, const void *bytes, size_t size)
{
	uint64_t *count = context;
	const char *why;
	struct record r;

	assert_int_equal(record__decode(bytes, size, &r, &why), 0);
	assert_int_equal(r.mono_ns, *count);
	++*count;
	return 0;
}

/* Longer than what is read at once, and cut off in its last record. */
static void test_a_long_recording(void **state)
{
	struct recording_problem problem;
	uint64_t count = 0;
	int fd;

	(void)state;
	write_recording(150001);
	fd = open(path, O_RDWR);
	assert_int_equal(recording__read(fd, -1, count_ticks, &count, &problem), 0);
	assert_int_equal(count, 150001);
	assert_string_equal(problem.text, "");
	assert_false(problem.is_cut);
	assert_int_equal(ftruncate(fd, 16 + 150001 * 16 - 3), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	count = 0;
	assert_int_equal(recording__read(fd, -1, count_ticks, &count, &problem), 0);
	assert_int_equal(count, 150000);
	assert_true(problem.is_cut);
	assert_string_equal(problem.text, "cut off in the record at byte 2400016; read up to there");
	/* within the header nothing was read */
	assert_int_equal(ftruncate(fd, 11), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(recording__read(fd, -1, count_ticks, &count, &problem), 0);
	assert_string_equal(problem.text, "cut off in the record at byte 0; read up to there");
	close(fd);
}

static void test_what_cannot_be_read_is_an_error(void **state)
{
	struct recording_problem problem;
	int fd = open("/", O_RDONLY);

	(void)state;
	assert_int_equal(recording__read(fd, -1, take, NULL, &problem), -EISDIR);
	close(fd);
	assert_int_equal(recording__read(fd, -1, take, NULL, &problem), -EBADF);
}

static void test_foreign_files_are_named(void **state)
{
	static const uint32_t newer = 99, swapped = 0x04030201, nonsense = 5;
	struct recording_problem problem;
	struct seen seen = { 0 };

	(void)state;
	write_recording(5);
	overwrite(16 + 32, &nonsense, sizeof(nonsense));
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_int_equal(seen.count, 2);
	assert_string_equal(problem.text, "byte 48: no record begins here");
	write_recording(5);
	overwrite(8, &newer, sizeof(newer));
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_string_equal(problem.text, "recorded in a newer format than this version reads");
	write_recording(5);
	overwrite(12, &swapped, sizeof(swapped));
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_string_equal(problem.text, "recorded on a machine of another byte order");
	overwrite(0, "PK", 2);
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_string_equal(problem.text, "not a recording: it does not begin with HALFOPEN");
	overwrite(0, "{\"schema\":\"halfopen.meta/1\"}", 28);
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_non_null(strstr(problem.text, "these are timelines"));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(read_recording(&seen, &problem), -EBADMSG);
	assert_string_equal(problem.text, "not a recording: it is empty");
}

/* ---- outputs ---- */

static void test_a_full_disk_is_told_once_and_for_all(void **state)
{
	struct output o;

	(void)state;
	assert_int_equal(output__open(&o, "/dev/full"), 0);
	assert_int_equal(output__write(&o, "x", 1), -ENOSPC);
	assert_int_equal(output__write(&o, "x", 1), -ENOSPC);
	output__close(&o);
	assert_int_equal(output__open(&o, "/nowhere/file"), -ENOENT);
}

static void test_a_file_keeps_what_it_held_until_the_first_write(void **state)
{
	struct output o;
	char text[8] = "";
	int fd;

	(void)state;
	write_recording(5);
	assert_int_equal(output__open(&o, path), 0);
	assert_int_equal(output__close(&o), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_END), 16 + 5 * 16);
	close(fd);
	assert_int_equal(output__open(&o, path), 0);
	assert_int_equal(output__write(&o, "new", 3), 0);
	assert_int_equal(output__close(&o), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_memory_equal(text, "new", 3);
	close(fd);
}

static void test_a_renamed_file_is_made_anew(void **state)
{
	char moved[sizeof(path) + 2];
	struct output o;

	(void)state;
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(output__open(&o, path), 0);
	assert_int_equal(output__write(&o, "one", 3), 0);
	assert_false(output__was_moved(&o));
	assert_int_equal(output__reopen(&o), 0);	/* it was not moved: nothing is lost */
	assert_int_equal(output__write(&o, "two", 3), 0);
	assert_int_equal(o.written, 6);
	assert_int_equal(rename(path, moved), 0);
	assert_true(output__was_moved(&o));
	assert_int_equal(output__reopen(&o), 0);
	assert_int_equal(output__write(&o, "three", 5), 0);
	assert_int_equal(o.written, 5);
	assert_int_equal(output__close(&o), 0);
	assert_int_equal(truncate(moved, 6) || unlink(moved), 0);
}

/* Room for one page, and no reader. */
static void test_a_reader_that_stands_still_is_left_when_the_end_is_asked_for(void **state)
{
	static const char line[] = "a line\n";
	struct output o;
	int ends[2], ask[2];
	unsigned int i;
	char page[4096];

	(void)state;
	assert_int_equal(pipe(ends) || pipe(ask), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	memset(page, '\n', sizeof(page));
	o = (struct output){ .fd = ends[1], .name = "a pipe", .ending = -1 };
	output__heed(&o, ask[0]);
	assert_int_equal(output__write(&o, page, sizeof(page)), 0);
	assert_int_equal(write(ask[1], "", 1), 1);
	assert_int_equal(output__write(&o, line, sizeof(line) - 1), -ETIMEDOUT);
	for (i = 0; i < 3; i++)
		assert_int_equal(output__write(&o, line, sizeof(line) - 1), -ETIMEDOUT);
	assert_int_equal(o.unwritten_lines, 4);
	output__close(&o);
	close(ends[0]);
	close(ask[0]);
	close(ask[1]);
}

/* A file of the two has as much room as its beginning takes. */
static void test_a_bound_must_hold_the_description_twice(void **state)
{
	static const struct privacy none;
	struct recorder_config config = { .path = path, .privacy = &none, .max_bytes = 4096 };
	struct record r = { .type = RECORD_TICK };
	struct recorder rec;
	uint64_t needed;
	unsigned int i;

	(void)state;
	assert_int_equal(recorder__open(&rec, &config), 0);
	for (i = 0; i < 63; i++)	/* with the header's 16 bytes a quarter of the bound */
		recorder__add(&rec, &r);
	assert_int_equal(recorder__bytes_needed(&rec, &needed), 0);
	assert_int_equal(needed, 0);
	recorder__add(&rec, &r);
	assert_int_equal(recorder__bytes_needed(&rec, &needed), 0);
	assert_int_equal(needed, 4 * (16 + 64 * 16));
	assert_int_equal(recorder__close(&rec), 0);
}

/* ---- JSON ---- */

static void assert_json(struct json *j, const char *expected)
{
	json__end_line(j);
	assert_false(j->failed);
	assert_int_equal(j->length, strlen(expected) + 1);
	assert_memory_equal(j->text, expected, strlen(expected));
	json__free(j);
}

static void test_json_nests_and_separates(void **state)
{
	struct json j = { 0 };

	(void)state;
	json__object(&j, NULL);
	json__u64(&j, "a", 1);
	json__array(&j, "b");
	json__object(&j, NULL);
	json__end_object(&j);
	json__object(&j, NULL);
	json__bool(&j, "c", true);
	json__null(&j, "d");
	json__end_object(&j);
	json__end_array(&j);
	json__big(&j, "e", UINT64_MAX);
	json__s64(&j, "f", -3);
	json__end_object(&j);
	assert_json(&j, "{\"a\":1,\"b\":[{},{\"c\":true,\"d\":null}],"
		    "\"e\":\"18446744073709551615\",\"f\":-3}");
}

static void test_json_strings_hold_anything(void **state)
{
	struct json j = { 0 };

	(void)state;
	json__array(&j, NULL);
	json__string(&j, NULL, "q\"b\\n\n\x01\x7f");
	json__string(&j, NULL, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9b\xb4");
	json__string(&j, NULL, "\xff \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
	json__end_array(&j);
	assert_json(&j, "[\"q\\\"b\\\\n\\u000a\\u0001\\u007f\","
		    "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9b\xb4\","
		    "\"\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\"]");
}

static void test_json_numbers_and_times(void **state)
{
	struct json j = { 0 };

	(void)state;
	json__array(&j, NULL);
	json__milli(&j, NULL, 13500);
	json__milli(&j, NULL, 13000);
	json__milli(&j, NULL, 1001);
	json__milli(&j, NULL, 50);
	json__time(&j, NULL, 1795230814945356496);
	json__end_array(&j);
	assert_json(&j, "[13.5,13,1.001,0.05,\"2026-11-21T03:13:34.945356496Z\"]");
}

/* ---- sets of cookies ---- */

static void test_a_cookie_is_added_once(void **state)
{
	struct cookie_set s = { 0 };
	uint64_t cookie;

	(void)state;
	assert_true(cookie_set__add(&s, 7));
	assert_false(cookie_set__add(&s, 7));
	for (cookie = 1000; cookie < 21000; cookie++)
		assert_true(cookie_set__add(&s, cookie));
	for (cookie = 1000; cookie < 21000; cookie++)
		assert_false(cookie_set__add(&s, cookie));
	assert_true(cookie_set__add(&s, 1000 | 1ULL << 39));
	cookie_set__free(&s);
	assert_null(s.places);
	assert_true(cookie_set__add(&s, 7));
	cookie_set__free(&s);
}

/* ---- handshakes that wait for data ---- */

static bool row(struct deferred *d, uint8_t state, uint32_t netns, uint8_t address, uint16_t port)
{
	return deferred__take(d, &(struct ho_event){ .state = state, .family = 2, .netns = netns,
						     .local = { 10, 0, 0, address },
						     .local_port = port });
}

static void test_requests_of_deferring_listeners_are_counted(void **state)
{
	struct deferred d = { 0 };

	(void)state;
	assert_false(row(&d, TCP_ESTABLISHED, 1, 1, 80));
	assert_true(row(&d, TCP_LISTEN, 1, 0, 80));
	assert_true(row(&d, TCP_NEW_SYN_RECV, 1, 1, 80));
	assert_true(row(&d, TCP_NEW_SYN_RECV, 1, 2, 80));
	assert_true(row(&d, TCP_NEW_SYN_RECV, 1, 1, 80));
	assert_true(row(&d, TCP_NEW_SYN_RECV, 1, 1, 81));	/* whose queue is full */
	assert_true(row(&d, TCP_NEW_SYN_RECV, 2, 1, 80));	/* in another namespace */
	assert_int_equal(d.group_count, 2);
	assert_int_equal(d.groups[0].waiting.count, 2);
	assert_int_equal(d.groups[1].waiting.count, 1);
	assert_int_equal(d.groups[1].waiting.local[3], 2);
	deferred__free(&d);
	assert_int_equal(d.group_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_out_in_order),
		cmocka_unit_test(test_what_is_hidden_in_the_ring_is_waited_for),
		cmocka_unit_test(test_a_failing_reader_ends_the_stream),
		cmocka_unit_test(test_a_burst_takes_memory_and_gives_it_back),
		cmocka_unit_test(test_what_is_late_is_counted),
		cmocka_unit_test(test_a_recording_reads_back),
		cmocka_unit_test(test_a_recording_cut_anywhere_reads_up_to_the_cut),
		cmocka_unit_test(test_a_long_recording),
		cmocka_unit_test(test_what_cannot_be_read_is_an_error),
		cmocka_unit_test(test_foreign_files_are_named),
		cmocka_unit_test(test_a_full_disk_is_told_once_and_for_all),
		cmocka_unit_test(test_a_file_keeps_what_it_held_until_the_first_write),
		cmocka_unit_test(test_a_renamed_file_is_made_anew),
		cmocka_unit_test(
			test_a_reader_that_stands_still_is_left_when_the_end_is_asked_for),
		cmocka_unit_test(test_a_bound_must_hold_the_description_twice),
		cmocka_unit_test(test_json_nests_and_separates),
		cmocka_unit_test(test_json_strings_hold_anything),
		cmocka_unit_test(test_json_numbers_and_times),
		cmocka_unit_test(test_a_cookie_is_added_once),
		cmocka_unit_test(test_requests_of_deferring_listeners_are_counted),
	};
	int failed, fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests_name("stream", tests, NULL, NULL);
	unlink(path);
	return failed;
}
