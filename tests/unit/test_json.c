// SPDX-License-Identifier: GPL-2.0
/* What the JSON writer writes, against printf(3) and strftime(3). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "unit.h"
#include "value/json.h"

static struct json j;
static char expected[128];

static int begin(void **state)
{
	(void)state;
	srandom(26);
	j = (struct json){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	json__free(&j);
	return 0;
}

static void check(void)
{
	assert_false(j.failed);
	assert_int_equal(j.length, strlen(expected));
	assert_memory_equal(j.text, expected, j.length);
	j.length = 0;
	j.has_member = 0;
}

/* Of any number of bits. */
static uint64_t any(void)
{
	return ((uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ random()) >> random() % 64;
}

static void test_integers(void **state)
{
	static const uint64_t some[] = { 0, 1, 9, 10, 99, 100, 1ULL << 53, INT64_MAX, 1ULL << 63, UINT64_MAX };
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		uint64_t n = i < 10 ? some[i] : any();

		json__u64(&j, NULL, n);
		snprintf(expected, sizeof(expected), "%" PRIu64, n);
		check();
		json__s64(&j, NULL, (int64_t)n);
		snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)n);
		check();
		json__big(&j, NULL, n);
		snprintf(expected, sizeof(expected), "\"%" PRIu64 "\"", n);
		check();
	}
}

/* Without the zeroes, and the point, at the end. */
static void strip(void)
{
	size_t length = strlen(expected);

	while (expected[length - 1] == '0')
		expected[--length] = '\0';
	if (expected[length - 1] == '.')
		expected[--length] = '\0';
}

static void test_thousandths(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		int64_t n = i < 5000 ? i : (int64_t)(any() >> 21);
		bool negative = i % 2 && n;

		json__milli(&j, NULL, n);
		snprintf(expected, sizeof(expected), "%" PRId64 ".%03d", n / 1000, (int)(n % 1000));
		strip();
		check();
		json__number(&j, NULL, (negative ? -n : n) / 1e3);
		snprintf(expected, sizeof(expected), "%s%" PRId64 ".%03d", negative ? "-" : "", n / 1000,
			 (int)(n % 1000));
		strip();
		check();
	}
}

static void test_times(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		int64_t ns = i % 3 ? (int64_t)(any() >> 1) : (int64_t)i * 300000000;
		time_t seconds = ns / 1000000000;
		char text[32];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected, sizeof(expected), "\"%s.%09dZ\"", text, (int)(ns % 1000000000));
		json__time(&j, NULL, ns);
		check();
	}
}

static void test_strings(void **state)
{
	static const struct {
		const char *text, *written;
	} some[] = {
		{ "", "\"\"" }, { "plain", "\"plain\"" }, { "\"", "\"\\\"\"" }, { "a\\b", "\"a\\\\b\"" },
		{ "a\"b\"c", "\"a\\\"b\\\"c\"" }, { "\x1b[0m", "\"\\u001b[0m\"" }, { "\x7f", "\"\\u007f\"" },
		{ "\xc3\xa9t\xc3\xa9", "\"\xc3\xa9t\xc3\xa9\"" }, { "\xff", "\"\xef\xbf\xbd\"" },
		{ "x\xff\xffy", "\"x\xef\xbf\xbd\xef\xbf\xbdy\"" }, { "\xe2\x80\xaex", "\"\\u202ex\"" },
		{ "~ !", "\"~ !\"" }, { "\xf3\xa0\x80\x81", "\"\\udb40\\udc01\"" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		json__string(&j, NULL, some[i].text);
		snprintf(expected, sizeof(expected), "%s", some[i].written);
		check();
	}
}

static void test_members(void **state)
{
	(void)state;
	json__object(&j, NULL);
	json__bool(&j, "a", true);
	json__array(&j, "b");
	json__bool(&j, NULL, false);
	json__null(&j, NULL);
	json__end_array(&j);
	json__object(&j, "c");
	json__end_object(&j);
	json__s64(&j, "d", -1);
	json__end_object(&j);
	json__end_line(&j);
	strcpy(expected, "{\"a\":true,\"b\":[false,null],\"c\":{},\"d\":-1}\n");
	check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_integers, begin, end),
		cmocka_unit_test_setup_teardown(test_thousandths, begin, end),
		cmocka_unit_test_setup_teardown(test_times, begin, end),
		cmocka_unit_test_setup_teardown(test_strings, begin, end),
		cmocka_unit_test_setup_teardown(test_members, begin, end),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
