// SPDX-License-Identifier: GPL-2.0
/* The wire of the stream: what goes in comes out, and nothing else does. */
#include <errno.h>
#include <stdlib.h>

#include "record.h"
#include "unit.h"

static uint64_t buffer[RECORD_SIZE_MAX / 8];

static struct record decoded(const struct record *r)
{
	size_t size = record__encode(r, buffer);
	struct record out;
	const char *why;

	assert_int_equal(size % 8, 0);
	assert_int_equal(record__size(buffer, size), size);
	assert_int_equal(record__decode(buffer, size, &out, &why), 0);
	assert_int_equal(out.type, r->type);
	assert_int_equal(out.mono_ns, r->mono_ns);
	return out;
}

static void test_every_type_survives(void **state)
{
	struct record r, out;

	(void)state;
	r = (struct record){ .type = RECORD_META, .mono_ns = 7,
			     .meta = { 250, "0.1.0", "gw-03", "boot", "run", "6.18.44" } };
	out = decoded(&r);
	assert_int_equal(out.meta.hz, 250);
	assert_string_equal(out.meta.version, "0.1.0");
	assert_string_equal(out.meta.gateway, "gw-03");
	assert_string_equal(out.meta.boot_id, "boot");
	assert_string_equal(out.meta.run_id, "run");
	assert_string_equal(out.meta.kernel, "6.18.44");

	r = (struct record){ .type = RECORD_OWNER,
			     .owner = { 1ULL << 60, 812, "mosquitto", "/a/b", "" } };
	out = decoded(&r);
	assert_true(out.owner.cookie == 1ULL << 60);
	assert_int_equal(out.owner.pid, 812);
	assert_string_equal(out.owner.comm, "mosquitto");
	assert_string_equal(out.owner.cgroup, "/a/b");
	assert_string_equal(out.owner.container_id, "");

	r = (struct record){ .type = RECORD_SYSCTL,
			     .sysctl = { 4026531840, 7200, 75, 9, "pod", 5, 1ULL << 32 | 5, "a b" } };
	out = decoded(&r);
	assert_int_equal(out.sysctl.netns, 4026531840);
	assert_int_equal(out.sysctl.probes, 9);
	assert_string_equal(out.sysctl.name, "pod");
	assert_int_equal(out.sysctl.net_cookie, 5);
	assert_true(out.sysctl.cookie == (1ULL << 32 | 5));
	assert_string_equal(out.sysctl.host_name, "a b");

	r = (struct record){ .type = RECORD_CLOCK, .clock = { -5 } };
	assert_int_equal(decoded(&r).clock.realtime_offset_ns, -5);

	r = (struct record){ .type = RECORD_LOSS, .loss = { 3, 4, 5, LOSS_RECURSION } };
	out = decoded(&r);
	assert_int_equal(out.loss.cookie, 3);
	assert_int_equal(out.loss.count, 4);
	assert_int_equal(out.loss.from_ns, 5);
	assert_int_equal(out.loss.reason, LOSS_RECURSION);

	r = (struct record){ .type = RECORD_SNAPSHOT, .snapshot = { 9, true } };
	out = decoded(&r);
	assert_int_equal(out.snapshot.begun_ns, 9);
	assert_true(out.snapshot.complete);
	assert_false(out.snapshot.last);
	r.snapshot.last = true;
	assert_true(decoded(&r).snapshot.last);

	r = (struct record){ .type = RECORD_RESET_REASON, .reset_reason = { 15, "KEEPALIVE" } };
	assert_string_equal(decoded(&r).reset_reason.name, "KEEPALIVE");

	r = (struct record){ .type = RECORD_START, .start = { "a b" } };
	assert_string_equal(decoded(&r).start.attached, "a b");

	r = (struct record){ .type = RECORD_WAITING,
			     .waiting = { 1, 2, 3, { 10, 77, 0, 1 }, 65535, 2 } };
	out = decoded(&r);
	assert_memory_equal(&out.waiting, &r.waiting, sizeof(r.waiting));

	static const uint64_t cookies[] = { 7, 1ULL << 63 };

	r = (struct record){ .type = RECORD_PRESENT, .present = { 2, cookies } };
	out = decoded(&r);
	assert_int_equal(out.present.count, 2);
	assert_memory_equal(out.present.cookies, cookies, sizeof(cookies));

	decoded(&(struct record){ .type = RECORD_TICK, .mono_ns = 1 });
	decoded(&(struct record){ .type = RECORD_STOP, .mono_ns = 2 });
}

static void test_events_keep_their_size(void **state)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = 7 }, out;

	(void)state;
	r.event = (struct ho_event){ .mono_ns = 7, .cookie = 3, .kind = HO_STATE, .mdev_us = 8 };
	out = decoded(&r);
	assert_false(out.small);
	assert_memory_equal(&out.event, &r.event, sizeof(r.event));
	r.small = true;
	r.event.net_cookie = 9;
	out = decoded(&r);
	assert_true(out.small);
	assert_int_equal(out.event.net_cookie, 9);
	assert_int_equal(out.event.cookie, 3);
	assert_int_equal(out.event.mdev_us, 0);		/* was not told */
	assert_true(record__take_event(&out, &r.event, HO_EVENT_SMALL));	/* as it was without */
	assert_true(out.small && !out.event.net_cookie && out.event.cookie == 3);
	assert_false(record__take_event(&out, &r.event, HO_EVENT_SMALL + 4));
}

/* As they were before the whole cookie and the host name came behind: whatever padding ended them. */
static void test_namespaces_of_older_recordings(void **state)
{
	static const char names[] = "12345678";
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(names); i++) {
		struct record r = { .type = RECORD_SYSCTL,
				    .sysctl = { 7, 7200, 75, 9, names + i, 5, 0, "" } }, out;
		uint32_t size = 16 + 16 + sizeof(names) - i + 4;
		const char *why;

		record__encode(&r, buffer);
		size = (size + 7) / 8 * 8;
		memcpy(buffer, &size, sizeof(size));
		assert_int_equal(record__decode(buffer, size, &out, &why), 0);
		assert_string_equal(out.sysctl.name, names + i);
		assert_int_equal(out.sysctl.net_cookie, 5);
		assert_true(!out.sysctl.cookie && !*out.sysctl.host_name);
	}
}

static void test_strings_too_long_are_cut(void **state)
{
	char *path = malloc(20001);
	struct record r = { .type = RECORD_META,
			    .meta = { 250, path, path, path, path, path } }, out;

	(void)state;
	memset(path, 'x', 20000);
	path[20000] = '\0';
	out = decoded(&r);
	assert_int_equal(strlen(out.meta.kernel), 4096);
	free(path);
}

/* What no record looks like is refused, with a reason, whatever it is. */
static void test_broken_records_are_refused(void **state)
{
	struct record r = { .type = RECORD_EVENT }, out;
	uint32_t *words = (uint32_t *)buffer;
	const char *why = NULL;
	size_t size, cut;

	(void)state;
	r.event = (struct ho_event){ .cookie = 3, .kind = HO_STATE };
	size = record__encode(&r, buffer);
	for (cut = 0; cut < size; cut++)
		assert_int_not_equal(record__decode(buffer, cut, &out, &why), 0);
	assert_int_equal(record__size(buffer, RECORD_HEADER_SIZE - 1), 0);

	r.event.kind = HO_KIND_MAX;
	size = record__encode(&r, buffer);
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);
	assert_string_equal(why, "an event of a kind that this version does not know");
	r.event = (struct ho_event){ .cookie = 0, .kind = HO_STATE };
	size = record__encode(&r, buffer);
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);
	assert_string_equal(why, "an event without a socket cookie");
	r = (struct record){ .type = RECORD_EVENT, .event = { .cookie = 3, .kind = HO_STATE } };
	size = record__encode(&r, buffer);
	words[0] = size - 40;	/* as it was before segments were judged */
	assert_int_equal(record__decode(buffer, size - 40, &out, &why), 0);
	words[0] = size - 48;	/* ... and before it told of interfaces */
	assert_int_equal(record__decode(buffer, size - 48, &out, &why), 0);
	words[0] = size - 16;
	assert_int_equal(record__decode(buffer, size - 16, &out, &why), -EBADMSG);
	assert_string_equal(why, "an event of a size that this version does not know");

	r = (struct record){ .type = RECORD_META, .meta = { 0, "", "", "", "", "" } };
	size = record__encode(&r, buffer);
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);
	r = (struct record){ .type = RECORD_TYPE_MAX };
	size = record__encode(&r, buffer);
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);
	r = (struct record){ .type = RECORD_LOSS, .loss = { .reason = 99 } };
	size = record__encode(&r, buffer);
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);

	/* More cookies than there are. */
	r = (struct record){ .type = RECORD_PRESENT, .present = { 0, NULL } };
	size = record__encode(&r, buffer);
	words[4] = 1;
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);

	/* A string that does not end within its record. */
	r = (struct record){ .type = RECORD_START, .start = { "abcdefg" } };
	size = record__encode(&r, buffer);
	((char *)buffer)[size - 1] = 'x';
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);

	words[0] = 4;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
	words[0] = RECORD_SIZE_MAX + 8;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
	words[0] = 33;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_survives),
		cmocka_unit_test(test_events_keep_their_size),
		cmocka_unit_test(test_namespaces_of_older_recordings),
		cmocka_unit_test(test_strings_too_long_are_cut),
		cmocka_unit_test(test_broken_records_are_refused),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
