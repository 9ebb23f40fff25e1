// SPDX-License-Identifier: GPL-2.0
/* Small parts that the core uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/sysctl_files.h"
#include "connection/gaps.h"
#include "connection/latency.h"
#include "connection/traffic.h"
#include "core/wallclock.h"
#include "doctor/findings.h"
#include "exposure/census.h"
#include "exposure/owner.h"
#include "table/places.h"
#include "table/table.h"
#include "tcp/keepalive.h"
#include "tcp/retransmission.h"
#include "tcp/stamps.h"
#include "tcp/timer_wheel.h"
#include "tuning/life.h"
#include "unit.h"
#include "value/endpoint.h"
#include "value/quantity.h"
#include "value/rfc3339.h"
#include "value/words.h"

/* ---- keepalive: nominal and worst time to notice ---- */

static struct keepalive options(uint32_t idle_s, uint32_t interval_s, uint8_t probes,
				uint32_t user_timeout_ms)
{
	return (struct keepalive){ .enabled = true, .idle_jiffies = idle_s * 250,
				   .interval_jiffies = interval_s * 250, .probes = probes,
				   .user_timeout_ms = user_timeout_ms };
}

static void test_detects_within(void **state)
{
	static const struct {
		uint32_t idle, interval, probes, user_timeout_ms;
		uint64_t ms;
	} cases[] = {
		{ 7200, 75, 9, 0, 7875000 },	/* the defaults */
		{ 10, 1, 3, 0, 13000 },
		{ 1, 5, 2, 0, 15000 },		/* probed every max(idle, interval) */
		{ 3, 1, 9, 500, 4000 },		/* a short one still needs one probe */
		{ 1, 1, 9, 2500, 3000 },	/* two probes: measured 3.07 s */
		{ 10, 1, 3, 60000, 60000 },	/* a long one prolongs */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keepalive k = options(cases[i].idle, cases[i].interval, cases[i].probes,
					     cases[i].user_timeout_ms);

		assert_int_equal(keepalive__detects_within_ms(&k, 250), cases[i].ms);
		assert_true(keepalive__detects_within_max_ms(&k, 250) > cases[i].ms);
		assert_true(keepalive__detects_within_max_ms(&k, 250) < cases[i].ms * 1.13 + 100);
	}
	struct keepalive off = { .enabled = false };

	assert_true(keepalive__detects_within_ms(&off, 250) == UINT64_MAX);
	assert_true(keepalive__detects_within_max_ms(&off, 250) == UINT64_MAX);
}

static void test_timer_wheel_lateness(void **state)
{
	(void)state;
	/* Granules of 8^level; HZ=250: 75 s are late by up to 2.05 s, 7200 s by up to 131 s. */
	assert_int_equal(timer_wheel__lateness_jiffies(62), 1 + 1);
	assert_int_equal(timer_wheel__lateness_jiffies(63), 8 + 1);
	assert_int_equal(timer_wheel__lateness_jiffies(250), 8 + 1);
	assert_int_equal(timer_wheel__lateness_jiffies(75 * 250), 512 + 1);
	assert_int_equal(timer_wheel__lateness_jiffies(7200 * 250), 32768 + 1);
}

/* ---- retransmission: against measurements of kernels ---- */

static double gives_up(double rto_s, uint32_t retries, double user_timeout_s)
{
	struct retransmission_limits p = { retries, user_timeout_s, 0 };

	return retransmission__gives_up_after_s(rto_s, &p, 250, 0);
}

static void test_unacknowledged_data_is_given_up(void **state)
{
	(void)state;
	/* Linux 6.12, RTO 0.3 s: retransmissions 0.6, 1.2, 2.4 and 4.8 s after each other reach the
	 * 6.2 s of tcp_retries2=4 with the fourth; the timers are late by a granule each. */
	assert_true(gives_up(0.3, 4, 0) > 9 && gives_up(0.3, 4, 0) < 9.7);
	assert_true(gives_up(0.3, 3, 0) > 4.2 && gives_up(0.3, 3, 0) < 4.5);
	/* 924.6 s by default; from then on every 120 s at most. */
	assert_true(gives_up(0.25, 15, 0) > 924.6 && gives_up(0.25, 15, 0) < 924.6 + 122);
	/* A user timeout counts from the first retransmission, whatever the RTO. */
	assert_true(gives_up(0.3, 15, 5) >= 5 && gives_up(0.3, 15, 5) < 5.3);
	assert_true(gives_up(3, 15, 5) >= 5 && gives_up(3, 15, 5) < 5.7);

	assert_int_equal(retransmission__retries_for(100, 0), 8);	/* RFC 1122, by ip-sysctl */
	assert_int_equal(retransmission__retries_for(924.6, 0), 15);
	assert_int_equal(retransmission__retries_within(6, 0.3, 0, 250), 3);
	assert_int_equal(retransmission__retries_within(1, 0.3, 0, 250), 0);
}

static void test_traffic_is_what_was_carried_meanwhile(void **state)
{
	struct ho_event opened = { .kind = HO_STATE, .state = 1, .mono_ns = 5 * S };
	struct ho_event heard = { .kind = HO_HEARD, .state = 1, .mono_ns = 65 * S, .last_tx_ns = 1,
				  .bytes_received = 300, .bytes_acked = 20, .data_segs_in = 3,
				  .data_segs_out = 1 };
	struct ho_event closed = { .kind = HO_STATE, .state = 7, .mono_ns = 70 * S };
	struct traffic t = { 0 };
	struct traffic_counts carried;

	(void)state;
	traffic__take(&t, &closed);
	assert_int_equal(traffic__carried(&t).at_ns, 0);	/* it has no counts */
	traffic__take(&t, &opened);
	traffic__take(&t, &heard);
	traffic__take(&t, &closed);
	carried = traffic__carried(&t);
	assert_int_equal(carried.at_ns, 60 * S);
	assert_int_equal(carried.received_bytes, 300);
	assert_int_equal(carried.acked_bytes, 20);
	assert_int_equal(carried.received_segments, 3);
	assert_int_equal(carried.sent_segments, 1);
}

/* tcp_disconnect() sets the kernel's counts to 0: no negative traffic results. */
static void test_traffic_of_a_socket_that_was_disconnected(void **state)
{
	struct ho_event opened = { .kind = HO_STATE, .old_state = 2, .state = 1, .mono_ns = S };
	struct ho_event told = { .kind = HO_HEARD, .state = 1, .mono_ns = 2 * S,
				 .last_tx_ns = S, .bytes_received = 300, .bytes_acked = 101,
				 .data_segs_in = 3, .data_segs_out = 1 };
	struct ho_event zeroed = { .kind = HO_HEARD, .state = 7, .mono_ns = 3 * S,
				   .last_tx_ns = S };
	struct traffic t = { 0 };
	struct traffic_counts carried;

	(void)state;
	traffic__take(&t, &opened);
	traffic__take(&t, &zeroed);
	carried = traffic__carried(&t);
	assert_int_equal(carried.acked_bytes, 0);
	traffic__take(&t, &told);
	traffic__take(&t, &zeroed);
	carried = traffic__carried(&t);
	assert_int_equal(carried.acked_bytes, 100);
	assert_int_equal(carried.received_bytes, 300);
	assert_int_equal(carried.received_segments, 3);
	assert_int_equal(carried.sent_segments, 1);
}

static void test_options_come_from_socket_or_sysctl(void **state)
{
	struct ho_event e = { .flags = HO_F_KEEPALIVE, .sock_interval_jiffies = 500,
			      .net_idle_jiffies = 1000, .net_interval_jiffies = 250,
			      .net_probes = 9, .sock_probes = 4 };
	struct keepalive k = keepalive__of(&e), same = k;

	(void)state;
	assert_int_equal(k.idle_jiffies, 1000);
	assert_int_equal(k.interval_jiffies, 500);
	assert_int_equal(k.probes, 4);
	assert_false(k.idle_from_socket);
	assert_true(k.interval_from_socket && k.probes_from_socket && k.enabled);
	assert_true(keepalive__equal(&k, &same));
	same.idle_from_socket = true;
	assert_false(keepalive__equal(&k, &same));
}

/* ---- latency ---- */

static void test_latency_bounds(void **state)
{
	struct latency_evidence e = {
		.declared_ns = 100 * S, .last_heard_ns = 80 * S, .first_unanswered_ns = 90 * S,
		.last_unanswered_ns = 98 * S, .srtt_us = 300000, .mdev_us = 200000,
	};
	struct latency l = latency__between(&e);

	(void)state;
	assert_int_equal(l.max_ns, 20 * S);
	assert_int_equal(l.likely_min_ns, 9500 * MS);
	assert_int_equal(l.min_ns, 1500 * MS);
	e.slowest_answer_ns = 5 * S;		/* a device that sleeps */
	l = latency__between(&e);
	assert_int_equal(l.likely_min_ns, 5 * S);
	assert_int_equal(l.min_ns, 0);
	e.srtt_us = 0;				/* no RTT ever measured */
	l = latency__between(&e);
	assert_false(l.lower_bounds_known);
	e.srtt_us = 1;
	e.first_unanswered_ns = 0;		/* no ask */
	assert_false(latency__between(&e).lower_bounds_known);
}

/* ---- table ---- */

static void test_table_against_the_obvious(void **state)
{
	enum { N = 5000 };
	static bool present[N + 1];
	struct table t = { 0 };
	uint64_t random = 1;
	unsigned int i, step, count = 0;
	struct slot *s;
	bool added;

	(void)state;
	memset(present, 0, sizeof(present));
	for (step = 0; step < 200000; step++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		i = (random >> 33) % N + 1;
		if (random >> 62 & 1) {
			s = table__get(&t, i, &added);
			assert_non_null(s);
			assert_int_equal(added, !present[i]);
			assert_int_equal(s->cookie, i);
			count += added;
			present[i] = true;
		} else {
			assert_int_equal(table__find(&t, i) != NULL, present[i]);
			table__remove(&t, i);
			count -= present[i];
			present[i] = false;
		}
		assert_int_equal(t.used, count);
	}
	for (s = NULL; (s = table__next(&t, s)); count--)
		assert_true(present[s->cookie]);
	assert_int_equal(count, 0);
	assert_true(t.size * sizeof(struct slot) <= N * 42);	/* it never held more than N */
	table__free(&t);
}

/* The kernel counts cookies up from 1, each CPU in blocks of 4096, and down from 2^64: in any
 * order, none is far from its home place. */
static void test_cookies_of_all_kinds_are_spread(void **state)
{
	enum { N = 100000 };
	struct table t = { 0 };
	uint64_t cookie, far = 0;
	struct slot *s = NULL;
	unsigned int i;
	bool added;

	(void)state;
	for (i = 0; i < N; i++) {
		cookie = i % 2 ? UINT64_MAX - i : i % 3 ? i + 1 : i * 4096ULL + 1;
		assert_non_null(table__get(&t, cookie, &added));
		assert_true(added && table__find(&t, cookie)->cookie == cookie);
	}
	while ((s = table__next(&t, s)))
		far += places__distance(places__home(s->cookie, t.size), s - t.slots, t.size);
	/* an eighth free: linear probing goes 3.5 places for random keys (Knuth, 6.4) */
	assert_true(far < 5ULL * N);
	table__free(&t);
}

/* Announced sockets find room at once. What is announced may be wrong: a few, many more than come, and
 * anything once some are there. */
static void test_room_for_announced_sockets(void **state)
{
	static const size_t announced[] = { 0, 1, 63, 1000, SIZE_MAX };
	unsigned int n, i;
	bool added;

	(void)state;
	for (n = 0; n < sizeof(announced) / sizeof(announced[0]); n++) {
		struct table t = { 0 };
		size_t size;

		table__expect(&t, announced[n]);
		size = t.size;
		assert_true(size < (1U << 22) * 5ULL / 4);
		for (i = 1; i <= 1000; i++)
			assert_true(table__get(&t, i, &added) && added);
		assert_true(announced[n] < 1000 || t.size == size);
		table__expect(&t, 10);
		table__expect(&t, 2000);
		for (i = 1; i <= 1000; i++)
			assert_true(table__find(&t, i)->cookie == i);
		assert_null(table__find(&t, 1001));
		table__free(&t);
	}
}

/* ---- lives ---- */

/* Of one connection the last revision stays; another one of its socket is a life of its own. */
static void test_each_connection_has_a_life(void **state)
{
	static const struct life told[] = {
		{ .boot = 1, .cookie = UINT64_MAX, .run = 1, .revision = 1 },
		{ .boot = 1, .cookie = UINT64_MAX, .run = 1, .revision = 2, .final = true },
		{ .boot = 1, .cookie = UINT64_MAX, .run = 1, .revision = 1, .connection = 2 },
		{ .boot = 2, .cookie = UINT64_MAX, .run = 1, .revision = 1 },
	};
	struct lives lives = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_true(lives__add(&lives, &told[i]));
	assert_int_equal(lives.count, 3);
	assert_int_equal(lives.all[0]->revision, 2);
	assert_int_equal(lives.all[1]->connection, 2);
	lives__free(&lives);
}

/* ---- owners ---- */

static void test_owners_are_stored_once(void **state)
{
	struct owners o = { 0 };
	uint32_t a = owners__take(&o, 812, "mosquitto", "/x", ""), b, i;

	(void)state;
	b = owners__take(&o, 812, "mosquitto", "/x", "");
	assert_int_equal(a, b);
	assert_int_not_equal(a, owners__take(&o, 812 + 256, "nginx", "/x", "abc"));
	assert_int_not_equal(a, owners__take(&o, 812, "renamed", "/x", ""));
	assert_string_equal(owners__at(&o, a)->comm, "mosquitto");
	assert_null(owners__at(&o, 0));
	owners__drop(&o, 0);
	/* Programs come and go: nothing is left of them. */
	for (i = 1; i < 10000; i++) {
		b = owners__take(&o, i, "short", "", "");
		owners__drop(&o, owners__share(&o, b));
		owners__drop(&o, b);
	}
	assert_true(o.size <= 64);
	owners__free(&o);
}

/* ---- wall clock ---- */

static void test_each_instant_has_the_offset_of_its_time(void **state)
{
	struct wallclock w = { 0 };
	unsigned int i;

	(void)state;
	assert_int_equal(wallclock__set(&w, 100, 1000), 0);
	assert_int_equal(wallclock__set(&w, 200, 5000), 4000);
	assert_int_equal(wallclock__at(&w, 50), 1050);
	assert_int_equal(wallclock__at(&w, 199), 1199);
	assert_int_equal(wallclock__at(&w, 200), 5200);
	for (i = 0; i < 1000; i++)
		wallclock__set(&w, 300 + i, i);
	assert_int_equal(wallclock__at(&w, 2000), 2999);
}

/* ---- quantities ---- */

static void test_durations_and_sizes(void **state)
{
	static const char *const bad[] = { "", "5", "s", "-1s", "1x", "1.5h", "1s ", "99999999999d",
					   "18446744073709551616s", "1h30" };
	unsigned int i;
	uint64_t v;

	(void)state;
	assert_true(quantity__duration("90s", &v) && v == 90 * S);
	assert_true(quantity__duration("1h30m", &v) && v == 5400 * S);
	assert_true(quantity__duration("2d", &v) && v == 172800 * S);
	assert_true(quantity__duration("250ms", &v) && v == 250 * MS);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(quantity__duration(bad[i], &v));
	assert_true(quantity__duration(QUANTITY_DURATION_MAX, &v) && v == 36500ULL * 86400 * S);
	assert_false(quantity__duration(QUANTITY_DURATION_MAX "1ms", &v));
	assert_true(quantity__size("1073741824GiB", &v) && v == 1ULL << 60);
	assert_false(quantity__size("1152921504606846977", &v));
	assert_true(quantity__size("64KiB", &v) && v == 65536);
	assert_true(quantity__size("1GB", &v) && v == 1000000000);
	assert_true(quantity__size("4096", &v) && v == 4096);
	assert_false(quantity__size("4 KiB", &v) || quantity__size("KiB", &v) ||
		     quantity__size("1KiBx", &v) || quantity__size("99999999999GiB", &v));
	assert_true(quantity__number("7", 1, 9, &v) && v == 7);
	assert_false(quantity__number("0", 1, 9, &v) || quantity__number("10", 1, 9, &v) ||
		     quantity__number("7 ", 1, 9, &v) || quantity__number("", 1, 9, &v));
}

/* ---- times ---- */

static void test_times_that_were_set_are_not_rounded(void **state)
{
	static const struct { double s; const char *text; } all[] = {
		{ 0.001, "1ms" }, { 0.05, "50ms" }, { 0.075, "75ms" }, { 0.9, "900ms" }, { 1, "1s" },
		{ 1.25, "1.25s" }, { 59.999, "59.999s" }, { 60, "1m" }, { 60.5, "1m0.5s" },
		{ 90.5, "1m30.5s" }, { 7875, "2h11m15s" }, { 3600.001, "1h0.001s" }, { 0, "0s" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct words w = { 0 };

		words__add_set_duration(&w, all[i].s);
		assert_string_equal(w.text, all[i].text);
		words__free(&w);
	}
}

static void test_links_of_link_local_peers(void **state)
{
	static const struct { const char *text, *link; unsigned int port; } all[] = {
		{ "fe80::1", "", 0 }, { "fe80::1%2", "2", 0 }, { "[fe80::1%2]:80", "2", 80 },
		{ "[fe80::1]%veth0:80", "veth0", 80 }, { "[febf::1%br-5.7]", "br-5.7", 0 },
		{ "10.0.0.1:80", "", 80 },
	};
	static const char *const wrong[] = { "fe80::1%", "[fe80::1%]:80", "fe80::1%a:80", "::1%2",
		"10.0.0.1%2", "[fe80::1%2", "fec0::1%2", "%2", "fe80::1%abcdefghijklmnop", "[%2]:80" };
	char link[ENDPOINT_LINK_SIZE];
	struct endpoint e;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_true(endpoint__read_with_link(all[i].text, &e, link));
		assert_string_equal(link, all[i].link);
		assert_int_equal(e.port, all[i].port);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(endpoint__read_with_link(wrong[i], &e, link));
}

static void test_times_of_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int64_t s;	/* as `date -d TEXT +%s` has it */
		uint32_t ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026-11-21T09:42:48Z", 1795254168, 0 },
		{ "2026-11-21T09:42:48.5Z", 1795254168, 500000000 },
		{ "2026-11-21T09:42:48.1234567891Z", 1795254168, 123456789 },
		{ "2026-11-21T10:42:48+01:00", 1795254168, 0 },
		{ "2026-11-21T08:12:48-0130", 1795254168, 0 },
		{ "2024-02-29T12:00:00Z", 1709208000, 0 },
		{ "2261-12-31T23:59:59Z", 9214646399, 0 },
	};
	static const char *const bad[] = {
		"", "2026", "2026-11-21", "2026-11-21T09:42:48", "2026-11-21 09:42:48Z",
		"2262-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00",
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-11-21T09:42:48.Z",
		"2026-11-21T09:42:48.9e9Z", "2026-11-21T09:42:48.5", "2026-11-21T09:42:48Zx",
		"2026-11-21T09:42:48+1", "2026-11-21T09:42:48+01:", "-026-11-21T09:42:48Z",
		"2026-11-21T09:42:61Z", "2026-11-21T09:60:48Z", " 2026-11-21T09:42:48Z",
	};
	struct rfc3339_time time;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(rfc3339__parse(good[i].text, &time));
		assert_true(time.s == good[i].s && time.ns == good[i].ns);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rfc3339__parse(bad[i], &time))
			fail_msg("'%s' was taken for a time", bad[i]);
}

/* ---- census: peers that are no devices ---- */

static void count_sockets(struct census *census, uint16_t port, unsigned int sockets,
			  unsigned int peers, bool keepalive)
{
	unsigned int i;

	for (i = 0; i < sockets; i++) {
		struct ho_event e = { .family = 2, .local_port = port,
				      .flags = keepalive ? HO_F_KEEPALIVE : 0 };
		uint32_t peer = i % peers;

		e.peer[0] = 10;
		memcpy(e.peer + 1, &peer, 3);
		census__add(census, &e, 250);
	}
}

static void test_a_proxy_is_told_from_devices(void **state)
{
	struct census census = { 0 };
	struct census_port ports[4];

	(void)state;
	assert_int_equal(census__crowded_ports(&census, ports, 4), 0);
	count_sockets(&census, 1883, 40000, 3, true);
	count_sockets(&census, 8883, 1000, 8, false);	/* behind a carrier's shared addresses */
	count_sockets(&census, 443, 5000, 5000, false);
	count_sockets(&census, 22, 999, 1, true);	/* few */
	count_sockets(&census, 80, 1000, 2, true);
	assert_int_equal(census.counts.sockets, 47999);
	assert_int_equal(census.counts.never_notice, 6000);
	assert_int_equal(census__crowded_ports(&census, ports, 4), 2);
	assert_int_equal(ports[0].port, 1883);
	assert_int_equal(ports[0].sockets, 40000);
	assert_int_equal(ports[0].peers, 3);
	assert_int_equal(ports[1].port, 80);
	assert_int_equal(census__namespaces(&census), 1);
	census__free(&census);
}

static void test_namespaces_with_sockets_are_counted(void **state)
{
	static const uint32_t inodes[] = { 0xf0000002, 7, 0xf0000001, 7, 0xf0000002, 7 };
	struct census census = { 0 };
	unsigned int i;

	(void)state;
	assert_int_equal(census__namespaces(&census), 0);
	for (i = 0; i < sizeof(inodes) / sizeof(inodes[0]); i++) {
		struct ho_event e = { .family = 2, .netns = inodes[i], .local_port = i };

		census__add(&census, &e, 250);
	}
	assert_int_equal(census__namespaces(&census), 3);
	census__free(&census);
}

static void test_sockets_that_die_of_one_loss_are_counted(void **state)
{
	static const struct {
		uint32_t idle, interval, probes, user_timeout_ms, flags, counted;
	} sockets[] = {
		{ 15, 15, 9, 20000, HO_F_KEEPALIVE, 1 }, { 15, 15, 9, 20000, 0, 0 },
		{ 15, 15, 9, 30001, HO_F_KEEPALIVE, 0 }, { 15, 15, 9, 0, HO_F_KEEPALIVE, 0 },
		{ 600, 10, 1, 0, HO_F_KEEPALIVE, 1 }, { 600, 10, 2, 0, HO_F_KEEPALIVE, 0 },
	};
	struct census census = { 0 };
	unsigned int i, counted = 0;

	(void)state;
	for (i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct ho_event e = { .family = 2, .flags = sockets[i].flags,
				      .sock_idle_jiffies = sockets[i].idle * 250,
				      .sock_interval_jiffies = sockets[i].interval * 250,
				      .sock_probes = sockets[i].probes,
				      .user_timeout_ms = sockets[i].user_timeout_ms };

		census__add(&census, &e, 250);
		counted += sockets[i].counted;
		assert_int_equal(census.counts.die_of_one_loss, counted);
	}
	census__free(&census);
}

/* ---- findings ---- */

static void test_findings_keep_the_worst(void **state)
{
	struct findings f = { 0 };

	(void)state;
	assert_int_equal(findings__worst(&f), FINDING_OK);
	findings__add(&f, "a", FINDING_NOTE, NULL, NULL, "%u things", 3);
	findings__add(&f, "b", FINDING_PROBLEM, "all", "do it", "none");
	findings__add(&f, "c", FINDING_WARNING, NULL, NULL, "some");
	assert_int_equal(f.count, 3);
	assert_string_equal(f.all[0].what, "3 things");
	assert_null(f.all[0].effect);
	assert_string_equal(f.all[1].advice, "do it");
	assert_int_equal(findings__worst(&f), FINDING_PROBLEM);
	assert_false(f.failed);
	findings__free(&f);
}

/* ---- sysctl.d ---- */

static void write_file(const char *root, const char *path, const char *text)
{
	char command[600], name[300];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s)", name);
	assert_int_equal(system(command), 0);
	f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_the_sysctl_file_that_wins(void **state)
{
	char root[] = "/tmp/halfopen-unit-XXXXXX", command[64];
	const char *key = "net.ipv4.tcp_keepalive_time";
	struct sysctl_setting s;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_false(sysctl_files__find(root, key, &s));

	write_file(root, "/usr/lib/sysctl.d/50-default.conf",
		   "# net.ipv4.tcp_keepalive_time = 1\n;net.ipv4.tcp_keepalive_time=2\n"
		   "net.ipv4.tcp_keepalive_intvl = 3\n\n  net.ipv4.tcp_keepalive_time = 4  \n");
	assert_true(sysctl_files__find(root, key, &s));
	assert_string_equal(s.file, "/usr/lib/sysctl.d/50-default.conf");
	assert_string_equal(s.value, "4");
	assert_int_equal(s.line, 5);

	/* A later name wins, whatever its directory; slashes and a dash are the same key. */
	write_file(root, "/lib/sysctl.d/60-x.conf", "-net/ipv4/tcp_keepalive_time=600\n");
	assert_true(sysctl_files__find(root, key, &s));
	assert_string_equal(s.value, "600");
	/* One in /etc hides one of the same name. */
	write_file(root, "/etc/sysctl.d/60-x.conf", "net.ipv4.tcp_fin_timeout=9\n");
	assert_true(sysctl_files__find(root, key, &s));
	assert_string_equal(s.value, "4");
	write_file(root, "/etc/sysctl.d/70-glob.conf", "net.ipv4.tcp_keepalive_*=75\n");
	write_file(root, "/etc/sysctl.d/99-not.conf.bak", key);
	assert_true(sysctl_files__find(root, key, &s));
	assert_string_equal(s.value, "75");
	write_file(root, "/etc/sysctl.conf", "net.ipv4.tcp_keepalive_time = 60");
	assert_true(sysctl_files__find(root, key, &s));
	assert_string_equal(s.file, "/etc/sysctl.conf");
	assert_string_equal(s.value, "60");
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

/* ---- idle gaps ---- */

static void test_gaps_of_a_kind_are_kept_together(void **state)
{
	struct gaps g = { 0 };
	uint32_t i, all = 0;

	(void)state;
	for (i = 0; i < 1440; i++)	/* a minute, more or less */
		gaps__add(&g, (60000 + i % 7 * 20) * MS, (60004 + i % 7 * 20) * MS, false);
	gaps__add(&g, 60000 * MS, 60000 * MS, true);
	gaps__add(&g, 50000 * MS, 63000 * MS, false);
	assert_int_equal(g.used, 3);
	assert_int_equal(gaps__kept(&g)[1].from_ms, 60000);
	assert_int_equal(gaps__kept(&g)[1].to_ms, 60124);
	assert_int_equal(gaps__kept(&g)[1].count, 1440);
	assert_true(gaps__kept(&g)[2].ended_by_us);	/* behind those that the peer ended */
	assert_int_equal(gaps__longest_ms(&g), 60000);

	/* Of all lengths: none is forgotten, and the nearest are joined first. */
	for (i = 1; i <= 200; i++)
		gaps__add(&g, i * 7 * S, i * 7 * S, i % 2);
	assert_int_equal(g.used, GAPS_KEPT);
	for (i = 0; i < g.used; i++) {
		all += gaps__kept(&g)[i].count;
		assert_true(gaps__kept(&g)[i].from_ms <= gaps__kept(&g)[i].to_ms);
	}
	assert_int_equal(all, 1442 + 200);
	assert_true(gaps__longest_ms(&g) <= 1400000);
	gaps__free(&g);
	assert_int_equal(gaps__longest_ms(&g), 0);
}

/* A 32-bit clock at 1000 Hz repeats after 49.7 days; tcp_mstamp does not. */
static void test_silences_longer_than_the_kernels_clock(void **state)
{
	static const uint64_t boot_s = 400 * 86400;
	static const struct {
		uint64_t acked_s, data_s, stamp_s;	/* before now; stamp 0: not known */
		uint64_t silent_s;
		uint32_t hz;
	} cases[] = {
		{ 5, 3, 3, 3, 1000 },
		{ 3, 5, 0, 3, 1000 },
		{ 51 * 86400, 52 * 86400, 51 * 86400, 51 * 86400, 1000 },
		{ 60 * 86400, 51 * 86400, 51 * 86400, 51 * 86400, 1000 },
		{ 49 * 86400, 120 * 86400, 49 * 86400, 49 * 86400, 1000 },
		{ 150 * 86400, 151 * 86400, 150 * 86400, 150 * 86400, 1000 },
		{ 210 * 86400, 220 * 86400, 210 * 86400, 210 * 86400, 250 },
		/* the stamp was read a little before the jiffies, or they lag behind */
		{ 100, 100, 102, 100, 1000 },
		/* asked since, in vain: it is longer than that, and no more is known */
		{ 51 * 86400, 51 * 86400, 2 * 86400, 51 * 86400, 1000 },
		{ 51 * 86400, 51 * 86400, 86400, 111432, 1000 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t now = (boot_s + 7) * cases[i].hz, got_s;
		struct ho_event e = {
			.mono_ns = boot_s * S, .jiffies = now,
			.rcv_tstamp_jiffies = now - cases[i].acked_s * cases[i].hz,
			.lrcvtime_jiffies = now - cases[i].data_s * cases[i].hz,
			.last_tx_ns = cases[i].stamp_s ? (boot_s - cases[i].stamp_s) * S : 0,
		};

		got_s = (e.mono_ns - stamps__heard_ns(&e, cases[i].hz)) / S;
		assert_int_equal(got_s, cases[i].silent_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detects_within),
		cmocka_unit_test(test_timer_wheel_lateness),
		cmocka_unit_test(test_unacknowledged_data_is_given_up),
		cmocka_unit_test(test_traffic_is_what_was_carried_meanwhile),
		cmocka_unit_test(test_traffic_of_a_socket_that_was_disconnected),
		cmocka_unit_test(test_options_come_from_socket_or_sysctl),
		cmocka_unit_test(test_latency_bounds),
		cmocka_unit_test(test_table_against_the_obvious),
		cmocka_unit_test(test_room_for_announced_sockets),
		cmocka_unit_test(test_cookies_of_all_kinds_are_spread),
		cmocka_unit_test(test_each_connection_has_a_life),
		cmocka_unit_test(test_owners_are_stored_once),
		cmocka_unit_test(test_each_instant_has_the_offset_of_its_time),
		cmocka_unit_test(test_durations_and_sizes),
		cmocka_unit_test(test_times_that_were_set_are_not_rounded),
		cmocka_unit_test(test_links_of_link_local_peers),
		cmocka_unit_test(test_times_of_rfc3339),
		cmocka_unit_test(test_a_proxy_is_told_from_devices),
		cmocka_unit_test(test_namespaces_with_sockets_are_counted),
		cmocka_unit_test(test_sockets_that_die_of_one_loss_are_counted),
		cmocka_unit_test(test_findings_keep_the_worst),
		cmocka_unit_test(test_the_sysctl_file_that_wins),
		cmocka_unit_test(test_gaps_of_a_kind_are_kept_together),
		cmocka_unit_test(test_silences_longer_than_the_kernels_clock),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
