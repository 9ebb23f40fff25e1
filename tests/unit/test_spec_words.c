// SPDX-License-Identifier: GPL-2.0
/* What explain says of a SPEC, in words. */
#include <stdlib.h>
#include <string.h>

#include "text/spec_words.h"
#include "unit.h"

static void assert_words(struct words *w, const char *expected)
{
	assert_false(w->failed);
	assert_string_equal(w->text ? w->text : "", expected);
	words__free(w);
}

static void note_says(struct party_note note, const char *expected)
{
	struct words w = { 0 };

	spec_words__add_note(&w, &note);
	assert_words(&w, expected);
}

static void test_each_option_of_the_module(void **state)
{
	(void)state;
	note_says((struct party_note){ NOTE_TOTAL, 3, 1200, 0 },
		  "connection 3, TCP (6), TCP_KEEPALIVE (4001): all probes together take 1200 s");
	note_says((struct party_note){ NOTE_COUNT, 0, 1, 0 },
		  "connection 0, TCP (6), TCP_KEEPALIVE_CNT (4005): 1 probe");
	note_says((struct party_note){ NOTE_COUNT, 0, 255, 0 },
		  "connection 0, TCP (6), TCP_KEEPALIVE_CNT (4005): 255 probes");
	note_says((struct party_note){ NOTE_MAXRT, 0, 30, 0 },
		  "connection 0, TCP (6), TCP_MAXRT (10): unacknowledged data end it after 30 s");
	note_says((struct party_note){ NOTE_KEEPALIVE, 0, 1, 0 },
		  "connection 0, socket (65535), SO_KEEPALIVE (8): on");
	note_says((struct party_note){ NOTE_KEEPALIVE, 0, 0, 0 },
		  "connection 0, socket (65535), SO_KEEPALIVE (8): off");
	note_says((struct party_note){ NOTE_TOTAL_TOO_SHORT, 0, 299, 4 },
		  "299 s are less than 4 probes of 75 s: it stays at 300 s. For less, set the count "
		  "first: AT+SETSOCKOPT=0,6,4005,1,4");
}

static struct words expected_of(enum party_spec_expected expected)
{
	struct words w = { 0 };

	spec_words__add_expected(&w, expected);
	assert_false(w.failed);
	assert_non_null(w.text);
	return w;
}

/* No two alike: each says what its part of a SPEC should be. */
static void test_each_expectation_is_told(void **state)
{
	static const char *const tells[] = {
		[EXPECTED_PARTY] = "AT+SETSOCKOPT=..., astra:ping=S,timeout=S, nat=S, ",
		[EXPECTED_STACK] = "IDLE/INTERVAL/PROBES in seconds behind the colon",
		[EXPECTED_TIMEOUT] = "nothing, or /user_timeout=SECONDS, behind the probes",
		[EXPECTED_LINUX_TIMEOUTS] = "/retries2=N or /rto_max=SECONDS, behind",
		[EXPECTED_LINUX_VALUES] = "whole seconds from 1 to 32767 (TCP_KEEPIDLE, ",
		[EXPECTED_LINUX_USER_TIMEOUT] = "up to 2147483 seconds (TCP_USER_TIMEOUT)",
		[EXPECTED_LINUX_RETRIES2] = "a whole number up to 255",
		[EXPECTED_LINUX_RTO_MAX] = "1 to 120 seconds",
		[EXPECTED_WIZFI] = "TOTAL[/COUNT]",
		[EXPECTED_MODULE_NUMBERS] = "CID,TYPE,PARAM,VALUE,LENGTH",
		[EXPECTED_MODULE_LENGTH] = "the length 4",
		[EXPECTED_MODULE_OPTION] = "one of 65535,8 (SO_KEEPALIVE), 6,4001 ",
		[EXPECTED_ASTRA] = "ping=SECONDS,timeout=SECONDS",
		[EXPECTED_NAT] = "seconds, or one of 1nce aws-nat-gateway ",
		[EXPECTED_PLATFORM] = "one of thingsboard traccar traccar-status",
		[EXPECTED_MQTT] = "keep alive in seconds behind mqtt=",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
		struct words w = expected_of(i);

		if (!strstr(w.text, tells[i]))
			fail_msg("\"%s\" does not say \"%s\"", w.text, tells[i]);
		words__free(&w);
	}
}

/* Those of the path where a path is meant, those of programs where one is. */
static void test_names_of_documented_timers(void **state)
{
	struct words w = expected_of(EXPECTED_NAT);

	(void)state;
	assert_non_null(strstr(w.text, " twilio-supersim"));
	assert_null(strstr(w.text, " traccar"));
	words__free(&w);
	w = expected_of(EXPECTED_PLATFORM);
	assert_words(&w, "one of thingsboard traccar traccar-status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_option_of_the_module),
		cmocka_unit_test(test_each_expectation_is_told),
		cmocka_unit_test(test_names_of_documented_timers),
	};

	return cmocka_run_group_tests_name("words of a SPEC", tests, NULL, NULL);
}
