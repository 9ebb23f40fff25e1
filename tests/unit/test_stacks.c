// SPDX-License-Identifier: GPL-2.0
/* The stacks and modules that explain knows, against the numbers of their own documents. */
#include <string.h>

#include "tuning/stacks.h"
#include "unit.h"

struct known {
	const char *spec;
	double notices_s, speaks_s;
};

static void test_numbers_of_their_documents(void **state)
{
	static const struct known all[] = {
		{ "linux", 7875, 7200 },	/* TCP-Keepalive-HOWTO: 7200 + 9 * 75 */
		{ "linux:7200/75/9", 7875, 7200 },
		{ "linux:60/75/9", 750, 75 },	/* an answered probe is armed for the interval */
		{ "linux:60/10/6/user_timeout=25", 70, 60 },
		{ "windows", 7210, 7200 },
		{ "bsd", 7800, 7200 },
		{ "solaris", 7680, 7200 },
		{ "lwip", 7875, 7200 },
		{ "zephyr:30/5/3", 45, 30 },
		{ "wizfi210", 600, 0 },		/* 8 * 75 */
		{ "wizfi210:600", 600, 0 },
		{ "wizfi210:75", 600, 0 },	/* not less than its count allows */
		{ "wizfi210:75/1", 75, 0 },
		{ "wizfi210:1200", 1200, 0 },
		{ "astra:ping=540,timeout=30", 570, 540 },
		{ "nat=900", 0, 0 },
	};
	struct party_notes notes;
	char expected[320];
	struct party p;
	unsigned int i;
	bool is_new;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!party__parse(all[i].spec, NULL, &p, &is_new, &notes, expected,
				  sizeof(expected)))
			fail_msg("%s: %s", all[i].spec, expected);
		assert_true(is_new);
		if (party__notices_within_s(&p) != all[i].notices_s ||
		    party__speaks_every_s(&p) != all[i].speaks_s)
			fail_msg("%s: notices within %f, speaks every %f", all[i].spec,
				 party__notices_within_s(&p), party__speaks_every_s(&p));
	}
}

static void test_lines_typed_into_the_module(void **state)
{
	struct party_notes notes;
	struct party p, none;
	char expected[320];
	bool is_new;

	(void)state;
	/* 75 s by itself are less than eight probes take: it is warned of ... */
	assert_true(party__parse("AT+SETSOCKOPT=0,6,4001,75,4", NULL, &p, &is_new, &notes, expected,
				 sizeof(expected)));
	assert_true(is_new && notes.count == 2);
	assert_non_null(strstr(notes.text[1], "stays at 600 s"));
	assert_true(party__notices_within_s(&p) == 600);
	/* ... and with the count first it is taken. */
	assert_true(party__parse("AT+SETSOCKOPT=0,6,4005,1,4", &p, &none, &is_new, &notes, expected,
				 sizeof(expected)));
	assert_true(!is_new && p.probes == 1);
	assert_true(party__notices_within_s(&p) == 75);
	assert_true(party__parse("AT+SETSOCKOPT=0,6,10,30,4", &p, &none, &is_new, &notes, expected,
				 sizeof(expected)));
	assert_true(p.retransmits_s == 30);
	assert_true(party__parse("AT+SETSOCKOPT=0,65535,8,0,4", &p, &none, &is_new, &notes,
				 expected, sizeof(expected)));
	assert_true(party__notices_within_s(&p) == 0);
}

static void test_what_is_no_spec_is_named(void **state)
{
	static const char *const all[] = {
		"",
		"linux:",
		"linux:7200",
		"linux:7200/75",
		"linux:7200/75/0",
		"linux:-1/75/9",
		"linux:7200/75/9/",
		"linux:7200/75/9/user_timeout=",
		"linuxx",
		"wizfi210:0",
		"wizfi210:600/",
		"astra",
		"astra:ping=540",
		"astra:ping=540,timeout=x",
		"nat",
		"nat=",
		"nat=0",
		"nat=1s",
		"AT+SETSOCKOPT=",
		"AT+SETSOCKOPT=0,6,4001,75",
		"AT+SETSOCKOPT=0,6,4001,75,2",
		"AT+SETSOCKOPT=0,6,4002,75,4",
		"AT+SETSOCKOPT=0,6,4001,75,4,5",
	};
	struct party_notes notes;
	struct party p;
	unsigned int i;
	bool is_new;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char expected[320] = "";

		if (party__parse(all[i], NULL, &p, &is_new, &notes, expected, sizeof(expected)) ||
		    !*expected)
			fail_msg("'%s' is taken", all[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_of_their_documents),
		cmocka_unit_test(test_lines_typed_into_the_module),
		cmocka_unit_test(test_what_is_no_spec_is_named),
	};

	return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
