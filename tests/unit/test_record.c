// SPDX-License-Identifier: GPL-2.0
/* Records of the stream: encoded and decoded they are the same, and nothing else is accepted. */
#include <errno.h>
#include <stdlib.h>

#include "stream/record.h"
#include "stream/record_fields.h"
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

static struct ho_event sound_event(void)
{
	return (struct ho_event){ .cookie = 3, .kind = HO_STATE, .family = 2, .state = 1,
				  .old_state = 2 };
}

static void test_every_type_survives(void **state)
{
	struct record r, out;

	(void)state;
	r = (struct record){ .type = RECORD_META, .mono_ns = 7,
			     .meta = { 250, "0.1.0", "gw-03", "boot", "run", "6.18.44", "full",
				       300000 } };
	out = decoded(&r);
	assert_int_equal(out.meta.hz, 250);
	assert_string_equal(out.meta.version, "0.1.0");
	assert_string_equal(out.meta.gateway, "gw-03");
	assert_string_equal(out.meta.boot_id, "boot");
	assert_string_equal(out.meta.run_id, "run");
	assert_string_equal(out.meta.kernel, "6.18.44");
	assert_string_equal(out.meta.peers, "full");
	assert_int_equal(out.meta.sockets, 300000);

	r = (struct record){ .type = RECORD_OWNER,
			     .owner = { 1ULL << 60, 812, "mosquitto", "/a/b", "" } };
	out = decoded(&r);
	assert_true(out.owner.cookie == 1ULL << 60);
	assert_int_equal(out.owner.pid, 812);
	assert_string_equal(out.owner.comm, "mosquitto");
	assert_string_equal(out.owner.cgroup, "/a/b");
	assert_string_equal(out.owner.container_id, "");

	r = (struct record){ .type = RECORD_SYSCTL,
			     .sysctl = { 4026531840, 7200, 75, 9, "pod", 5, 1ULL << 32 | 5,
					 "a b" } };
	out = decoded(&r);
	assert_int_equal(out.sysctl.netns, 4026531840);
	assert_int_equal(out.sysctl.probes, 9);
	assert_string_equal(out.sysctl.name, "pod");
	assert_int_equal(out.sysctl.half_cookie, 5);
	assert_true(out.sysctl.cookie == (1ULL << 32 | 5));
	assert_string_equal(out.sysctl.host_name, "a b");

	r = (struct record){ .type = RECORD_CLOCK, .clock = { -5 } };
	assert_int_equal(decoded(&r).clock.realtime_offset_ns, -5);

	r = (struct record){ .type = RECORD_LOSS, .mono_ns = 6,
			     .loss = { 3, 4, 5, LOSS_RECURSION } };
	out = decoded(&r);
	assert_int_equal(out.loss.cookie, 3);
	assert_int_equal(out.loss.count, 4);
	assert_int_equal(out.loss.from_ns, 5);
	assert_int_equal(out.loss.reason, LOSS_RECURSION);

	r = (struct record){ .type = RECORD_SNAPSHOT, .mono_ns = 9, .snapshot = { 9, true } };
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
	assert_false(record__sees_probes(&(struct record[]){ decoded(&r) }[0]));
	r.start.probes = PROBES_SEEN;		/* the value counts, not the names */
	assert_true(record__sees_probes(&(struct record[]){ decoded(&r) }[0]));
	r = (struct record){ .type = RECORD_START, .start = { "timer_expire_exit_cast", PROBES_UNSEEN } };
	assert_false(record__sees_probes(&(struct record[]){ decoded(&r) }[0]));
	r.start.probes = PROBES_BY_NAMES;	/* an old recording's */
	assert_true(record__sees_probes(&(struct record[]){ decoded(&r) }[0]));

	r = (struct record){ .type = RECORD_WAITING,
			     .waiting = { 1, 2, 3, { 10, 77, 0, 1 }, 65535, 2, 1ULL << 63 } };
	out = decoded(&r);
	assert_memory_equal(&out.waiting, &r.waiting, sizeof(r.waiting));

	static const uint64_t cookies[] = { 7, 1ULL << 63 };

	r = (struct record){ .type = RECORD_PRESENT, .present = { 2, cookies } };
	out = decoded(&r);
	assert_int_equal(out.present.count, 2);
	assert_memory_equal(out.present.cookies, cookies, sizeof(cookies));

	static const uint32_t silent_s[] = { 3, UINT32_MAX };

	r = (struct record){ .type = RECORD_SILENT, .present = { 2, cookies, silent_s } };
	out = decoded(&r);
	assert_int_equal(out.present.count, 2);
	assert_true(record__silence(&out, 1).cookie == 1ULL << 63);
	assert_int_equal(record__silence(&out, 0).silent_s, 3);
	assert_int_equal(record__silence(&out, 1).silent_s, UINT32_MAX);
	r.present.count = 1;	/* an odd number is padded */
	assert_int_equal(record__silence(&(struct record[]){ decoded(&r) }[0], 0).silent_s, 3);

	decoded(&(struct record){ .type = RECORD_TICK, .mono_ns = 1 });
	decoded(&(struct record){ .type = RECORD_STOP, .mono_ns = 2 });
}

/* A process and its sockets: as many as fit, with names of any length, and as a pass saw them. */
static void test_holders_survive(void **state)
{
	static uint64_t cookies[RECORD_HELD_MAX];
	static struct ho_event events[RECORD_SHOWN_MAX];
	char *path = malloc(20001);
	struct record r = { .type = RECORD_HOLDER, .mono_ns = 9 }, out;
	uint32_t i;

	(void)state;
	memset(path, 'x', 20000);
	path[20000] = '\0';
	for (i = 0; i < RECORD_HELD_MAX; i++)
		cookies[i] = UINT64_MAX - i;
	r.holder.pass = 5;
	r.holder.by = (struct record_process){ 812, path, path, path };
	r.holder.count = RECORD_HELD_MAX;
	r.holder.cookies = cookies;
	out = decoded(&r);
	assert_int_equal(out.holder.pass, 5);
	assert_int_equal(out.holder.by.pid, 812);
	assert_int_equal(strlen(out.holder.by.container_id), 4096);
	assert_int_equal(out.holder.count, RECORD_HELD_MAX);
	assert_memory_equal(out.holder.cookies, cookies, sizeof(cookies));
	assert_null(out.holder.events);

	for (i = 0; i < RECORD_SHOWN_MAX; i++) {
		events[i] = sound_event();
		events[i].kind = HO_SEEN;
		events[i].cookie = cookies[i];
	}
	r.holder.by = (struct record_process){ 812, "nginx", "", path };
	r.holder.count = RECORD_SHOWN_MAX;
	r.holder.events = events;
	out = decoded(&r);
	assert_memory_equal(out.holder.events, events, sizeof(events));
	assert_memory_equal(out.holder.cookies, cookies, sizeof(events[0].cookie) * RECORD_SHOWN_MAX);
	assert_string_equal(out.holder.by.comm, "nginx");
	free(path);
}

static void test_holders_of_what_was_not_seen_are_refused(void **state)
{
	uint64_t cookies[RECORD_HELD_MAX + 1] = { 3, 3 };
	struct ho_event events[2] = { sound_event(), sound_event() };
	struct record r = { .type = RECORD_HOLDER, .mono_ns = 9 }, out;
	const char *why;

	(void)state;
	events[0].kind = events[1].kind = HO_SEEN;
	r.holder.by = (struct record_process){ 812, "nginx", "", "" };
	r.holder.count = 2;
	r.holder.cookies = cookies;
	r.holder.events = events;
	decoded(&r);
	events[1].cookie = 4;
	assert_int_equal(record__decode(buffer, record__encode(&r, buffer), &out, &why), -EBADMSG);
	events[1] = events[0];
	events[1].mono_ns = 10;		/* later than the record */
	assert_int_equal(record__decode(buffer, record__encode(&r, buffer), &out, &why), -EBADMSG);
	events[1] = events[0];
	events[1].kind = HO_HEARD;
	assert_int_equal(record__decode(buffer, record__encode(&r, buffer), &out, &why), -EBADMSG);
	events[1] = events[0];
	events[1].family = 0;
	assert_int_equal(record__decode(buffer, record__encode(&r, buffer), &out, &why), -EBADMSG);
	r.holder.events = NULL;
	decoded(&r);
	r.holder.count = RECORD_HELD_MAX + 1;
	assert_int_equal(record__decode(buffer, record__encode(&r, buffer), &out, &why), -EBADMSG);
}

/* The kernel counts them down from 2^64, too (include/linux/cookie.h). */
static void test_cookies_have_64_bits(void **state)
{
	static const uint64_t cookies[] = { UINT64_MAX, UINT64_MAX - 4096, 1ULL << 48, 1 };
	static const uint64_t old[] = { 7 | 5ULL << 48, UINT64_MAX };
	static const uint32_t silent_s[] = { 1, 2, 3, 4 };
	struct record r, out;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		r = (struct record){ .type = RECORD_EVENT, .mono_ns = 7 };
		r.event = sound_event();
		r.event.mono_ns = 7;
		r.event.cookie = cookies[i];
		assert_true(decoded(&r).event.cookie == cookies[i]);
	}
	r = (struct record){ .type = RECORD_SILENT, .present = { 4, cookies, silent_s } };
	out = decoded(&r);
	for (i = 0; i < 4; i++)
		assert_true(record__silence(&out, i).cookie == cookies[i]);
	/* as versions wrote it that knew 48 bits of them */
	r = (struct record){ .type = RECORD_SILENT_48, .present = { 2, old } };
	out = decoded(&r);
	assert_int_equal(record__silence(&out, 0).cookie, 7);
	assert_int_equal(record__silence(&out, 0).silent_s, 5);
	assert_true(record__silence(&out, 1).cookie == (1ULL << 48) - 1);
	assert_int_equal(record__silence(&out, 1).silent_s, RECORD_SILENT_48_MAX_S);
}

static void test_events_keep_their_size(void **state)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = 7 }, out;

	(void)state;
	r.event = sound_event();
	r.event.mono_ns = 7;
	r.event.mdev_us = 8;
	out = decoded(&r);
	assert_false(out.small);
	assert_memory_equal(&out.event, &r.event, sizeof(r.event));
	r.small = true;
	r.event.net_cookie = 1ULL << 63 | 9;
	out = decoded(&r);
	assert_true(out.small);
	assert_true(out.event.net_cookie == (1ULL << 63 | 9));
	assert_int_equal(out.event.cookie, 3);
	assert_int_equal(out.event.mdev_us, 0);		/* was not included */
	assert_false(record__take_event(&out, &r.event, HO_EVENT_SMALL + 4));
	assert_false(record__take_event(&out, &r.event, HO_EVENT_FULL - 8));
}

/* An event of formats 1 to 4: byte N holds N, but where a sound one needs something else. */
static struct ho_event old_event(size_t size, bool *small)
{
	uint8_t bytes[16 + 232];
	uint32_t words[4] = { 16 + size, RECORD_EVENT_3, 0, 0 };
	struct record out;
	const char *why;
	size_t i;

	memcpy(bytes, words, 16);
	for (i = 0; i < 232; i++)
		bytes[16 + i] = i;
	memset(bytes + 16, 0, 8);	/* mono_ns, and the clocks that may not be younger */
	memset(bytes + 16 + 104, 0, 8);
	memset(bytes + 16 + 192, 0, 8);
	memset(bytes + 16 + 216, 0, 8);
	memcpy(bytes + 16 + 16, (uint8_t[]){ HO_HEARD, 2, 1, 0 }, 4);
	if (size == 112)
		memcpy(bytes + 16 + 104, (uint8_t[]){ 9, 8, 7, 6, 0, 0, 0, 0 }, 8);
	memcpy(buffer, bytes, 16 + size);
	assert_int_equal(record__decode(buffer, 16 + size, &out, &why), 0);
	assert_int_equal(out.type, RECORD_EVENT);
	*small = out.small;
	assert_int_equal(out.event.netns, 0x17161514);
	assert_int_equal(out.event.probes_out, 102);
	assert_int_equal(out.event.peer_place, HO_PLACE_UNKNOWN);
	assert_int_equal(out.event.window_probed, 0);
	assert_int_equal(out.event.pad_full, 0);
	return out.event;
}

static void test_events_of_older_recordings(void **state)
{
	const uint16_t flags = 0x3d3c & ~HO_F_HALF_COOKIE;
	struct ho_event e;
	bool small;

	(void)state;
	e = old_event(104, &small);		/* formats 1 and 2 */
	assert_true(small && !e.net_cookie && e.flags == flags);
	e = old_event(112, &small);		/* format 3 */
	assert_true(small && e.net_cookie == 0x06070809 && e.flags == (flags | HO_F_HALF_COOKIE));
	assert_int_equal(e.bytes_acked, 0);
	e = old_event(184, &small);
	assert_true(!small && !e.net_cookie && e.flags == flags && !e.bound_if);
	assert_int_equal(e.unverified, 183);
	e = old_event(192, &small);
	assert_true(!small && e.net_cookie == 0xbfbebdbc && e.flags == (flags | HO_F_HALF_COOKIE));
	assert_int_equal(e.bound_if, 0xbbbab9b8);
	e = old_event(232, &small);
	assert_true(!small && e.net_cookie == 0xbfbebdbc);
	assert_int_equal(e.tcp_flags, 176);
	assert_int_equal(e.retransmits, 178);
	assert_int_equal(e.ack_offset, (int32_t)0xcbcac9c8);
	assert_int_equal(e.rto_max_jiffies, 0xe7e6e5e4);
}

/* Records from before the whole cookie and the host name were appended: whatever padding ended
 * them. */
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
		assert_int_equal(out.sysctl.half_cookie, 5);
		assert_true(!out.sysctl.cookie && !*out.sysctl.host_name);
	}
}

/* Our port was added to identities later: where it is not there, whatever the padding, it is 0. */
static void test_identities_without_our_port(void **state)
{
	static const char name[] = "a device's name";
	struct record r = { .type = RECORD_IDENTITY, .mono_ns = 7,
			    .identity = { .at_ns = 6, .port = 40000, .local = 1883 } };
	struct record out;
	size_t length, size, at = RECORD_HEADER_SIZE + 8 + 16 + 4;
	const char *why;
	uint32_t *header = (uint32_t *)buffer;

	(void)state;
	for (length = 1; length < sizeof(name); length++) {
		r.identity.device = name + sizeof(name) - 1 - length;
		out = decoded(&r);
		assert_string_equal(out.identity.device, r.identity.device);
		assert_int_equal(out.identity.port, 40000);
		assert_int_equal(out.identity.local, 1883);
		size = (at + length + 1 + 7) / 8 * 8;
		memset((uint8_t *)buffer + at + length, 0, size - at - length);
		*header = size;
		assert_int_equal(record__decode(buffer, size, &out, &why), 0);
		assert_string_equal(out.identity.device, r.identity.device);
		assert_int_equal(out.identity.port, 40000);
		assert_int_equal(out.identity.local, 0);
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

/* Bytes of no valid record are refused, with a reason. */
static void test_broken_records_are_refused(void **state)
{
	struct record r = { .type = RECORD_EVENT }, out;
	uint32_t *words = (uint32_t *)buffer;
	const char *why = NULL;
	size_t size, cut;

	(void)state;
	r.event = sound_event();
	size = record__encode(&r, buffer);
	for (cut = 0; cut < size; cut++)
		assert_int_not_equal(record__decode(buffer, cut, &out, &why), 0);
	assert_int_equal(record__size(buffer, RECORD_HEADER_SIZE - 1), 0);

	r = (struct record){ .type = RECORD_EVENT };
	r.event = sound_event();
	size = record__encode(&r, buffer);
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
	record__encode(&r, buffer);
	size = words[0] = RECORD_HEADER_SIZE + 8;
	((char *)buffer)[size - 1] = 'x';
	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);

	words[0] = 4;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
	words[0] = RECORD_SIZE_MAX + 8;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
	words[0] = 33;
	assert_int_equal(record__size(buffer, 64), -EBADMSG);
}

static void refuse(const struct record *r, const char *expected)
{
	size_t size = record__encode(r, buffer);
	struct record out;
	const char *why = NULL;

	assert_int_equal(record__decode(buffer, size, &out, &why), -EBADMSG);
	assert_string_equal(why, expected);
}

/* Values that no kernel and no watch produces, each close to a valid one. */
static void test_contradictions_are_refused(void **state)
{
	static const struct {
		struct ho_event event;
		const char *why;
	} events[] = {
		{ { .cookie = 3, .family = 2, .state = 1 },
		  "an event of a kind that this version does not know" },
		{ { .cookie = 3, .kind = HO_KIND_MAX, .family = 2, .state = 1 },
		  "an event of a kind that this version does not know" },
		{ { .kind = HO_HEARD, .family = 2, .state = 1 },
		  "an event without a socket cookie" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 1, .state = 1 },
		  "an event of an address family that TCP does not have" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 10 },
		  "an event of a state that TCP does not have" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 10, .state = 14 },
		  "an event of a state that TCP does not have" },
		{ { .cookie = 3, .kind = HO_STATE, .family = 10, .state = 7, .old_state = 99 },
		  "an event of a state that TCP does not have" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 2, .state = 1, .mono_ns = 1 },
		  "an event whose time is not that of its record" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 2, .state = 1, .last_tx_ns = 61 * S },
		  "an event that is older than what it tells of" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 2, .state = 1,
		    .delivered_ns = UINT64_MAX }, "an event that is older than what it tells of" },
		{ { .cookie = 3, .kind = HO_HEARD, .family = 2, .state = 1,
		    .acknowledged_ns = 61 * S }, "an event that is older than what it tells of" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		refuse(&(struct record){ .type = RECORD_EVENT, .event = events[i].event },
		       events[i].why);
	refuse(&(struct record){ .type = RECORD_TICK, .mono_ns = 1ULL << 63 },
	       "a time that no clock has");
	refuse(&(struct record){ .type = RECORD_LOSS, .loss = { .reason = LOSS_REASON_MAX } },
	       "a loss for a reason that this version does not know");
	refuse(&(struct record){ .type = RECORD_LOSS, .loss = { 0, 1, 1, LOSS_UNSEEN } },
	       "a loss that ends before it begins");
	refuse(&(struct record){ .type = RECORD_SNAPSHOT, .snapshot = { 1, true } },
	       "a pass that ends before it begins");
	refuse(&(struct record){ .type = RECORD_META, .meta = { 0, "", "", "", "", "" } },
	       "a clock rate (HZ) that no kernel has");
}

static void accept(const struct record *r)
{
	decoded(r);
}

/* What is just possible is no contradiction. */
static void test_bounds_are_within(void **state)
{
	static const uint32_t rates[] = { 10, 10000 }, beyond[] = { 9, 10001 };
	struct record r = { .type = RECORD_EVENT, .mono_ns = 100 * S };
	unsigned int i;

	(void)state;
	r.event = sound_event();
	r.event.mono_ns = 100 * S;
	r.event.state = 13;	/* TCP_BOUND_INACTIVE */
	accept(&r);
	r.event.old_state = 13;
	accept(&r);
	r.event.last_tx_ns = r.event.delivered_ns = r.event.acknowledged_ns = 160 * S;
	accept(&r);
	r.event.acknowledged_ns++;
	refuse(&r, "an event that is older than what it tells of");
	for (i = 0; i < 2; i++) {
		r = (struct record){ .type = RECORD_META, .meta = { rates[i], "", "", "", "", "" } };
		accept(&r);
		r.meta.hz = beyond[i];
		refuse(&r, "a clock rate (HZ) that no kernel has");
	}
	accept(&(struct record){ .type = RECORD_TICK, .mono_ns = INT64_MAX });
	accept(&(struct record){ .type = RECORD_LOSS, .mono_ns = 5,
				 .loss = { 0, 1, 5, LOSS_RING_FULL } });
	accept(&(struct record){ .type = RECORD_LOSS, .loss = { 0, 1, 0, LOSS_REASON_MAX - 1 } });
}

/* A new record type must say whether it shows a peer. */
static void test_every_type_says_whom_it_shows(void **state)
{
	unsigned int type;

	(void)state;
	for (type = 1; type < RECORD_TYPE_MAX; type++)
		assert_non_null(record_form__of(type));
	assert_null(record_form__of(0));
	assert_null(record_form__of(RECORD_TYPE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_says_whom_it_shows),
		cmocka_unit_test(test_every_type_survives),
		cmocka_unit_test(test_holders_survive),
		cmocka_unit_test(test_events_of_older_recordings),
		cmocka_unit_test(test_holders_of_what_was_not_seen_are_refused),
		cmocka_unit_test(test_cookies_have_64_bits),
		cmocka_unit_test(test_events_keep_their_size),
		cmocka_unit_test(test_namespaces_of_older_recordings),
		cmocka_unit_test(test_identities_without_our_port),
		cmocka_unit_test(test_strings_too_long_are_cut),
		cmocka_unit_test(test_broken_records_are_refused),
		cmocka_unit_test(test_contradictions_are_refused),
		cmocka_unit_test(test_bounds_are_within),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
