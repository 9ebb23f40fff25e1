// SPDX-License-Identifier: GPL-2.0
/* The small parts that the core stands on. */
#include <stdio.h>

#include "keepalive.h"
#include "latency.h"
#include "owner.h"
#include "quantity.h"
#include "table.h"
#include "unit.h"
#include "wallclock.h"

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
	assert_int_equal(keepalive__timer_lateness_jiffies(62), 1 + 1);
	assert_int_equal(keepalive__timer_lateness_jiffies(63), 8 + 1);
	assert_int_equal(keepalive__timer_lateness_jiffies(250), 8 + 1);
	assert_int_equal(keepalive__timer_lateness_jiffies(75 * 250), 512 + 1);
	assert_int_equal(keepalive__timer_lateness_jiffies(7200 * 250), 32768 + 1);
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
	assert_true(sizeof(struct slot) <= 32);
	table__free(&t);
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
	assert_true(quantity__size("64KiB", &v) && v == 65536);
	assert_true(quantity__size("1GB", &v) && v == 1000000000);
	assert_true(quantity__size("4096", &v) && v == 4096);
	assert_false(quantity__size("4 KiB", &v) || quantity__size("KiB", &v) ||
		     quantity__size("1KiBx", &v) || quantity__size("99999999999GiB", &v));
	assert_true(quantity__number("7", 1, 9, &v) && v == 7);
	assert_false(quantity__number("0", 1, 9, &v) || quantity__number("10", 1, 9, &v) ||
		     quantity__number("7 ", 1, 9, &v) || quantity__number("", 1, 9, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detects_within),
		cmocka_unit_test(test_timer_wheel_lateness),
		cmocka_unit_test(test_options_come_from_socket_or_sysctl),
		cmocka_unit_test(test_latency_bounds),
		cmocka_unit_test(test_table_against_the_obvious),
		cmocka_unit_test(test_owners_are_stored_once),
		cmocka_unit_test(test_each_instant_has_the_offset_of_its_time),
		cmocka_unit_test(test_durations_and_sizes),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
