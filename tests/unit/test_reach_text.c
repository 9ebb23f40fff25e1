// SPDX-License-Identifier: GPL-2.0
/* What reach says of a peer, in words. */
#include <math.h>
#include <stdlib.h>

#include "sink/text/reach_text.h"
#include "unit.h"

static struct reach_result asked(enum reach_answer answer)
{
	return (struct reach_result){
		.target = "scooter-17", .has_socket = true, .answer = answer, .why = "",
		.socket = { .local = { "198.51.100.1", 1883 }, .peer = { "2001:db8::7", 40000 },
			    .owner = { .known = true, .comm = "mosquitto" }, .device = "scooter-17",
			    .netns = { .name = "" } },
		.heard_s = 730, .was_asked = true, .asks = 2, .within_s = 2, .probability = NAN,
		.probability_before = NAN, .probability_why = "" };
}

#define WHO "[2001:db8::7]:40000 scooter-17 on :1883 (mosquitto)"

static void says(const struct reach_result *r, const char *expected)
{
	struct words w = { 0 };

	reach_text__write(&w, r, 0);
	assert_string_equal(w.text, expected);
	words__free(&w);
}

static void says_in_80_columns(const struct reach_result *r, const char *expected)
{
	struct words w = { 0 };

	reach_text__write(&w, r, 80);
	assert_string_equal(w.text, expected);
	words__free(&w);
}

static void test_reachable(void **state)
{
	struct reach_result r = asked(REACH_REACHABLE);

	(void)state;
	says(&r, "reachable  " WHO ": answered, after 12m10s of silence\n");
	r.rtt_us = 40211;
	says(&r, "reachable  " WHO ": answered in 40ms, after 12m10s of silence\n");
	r.probability = 1;
	r.probability_before = 0.975;
	says(&r, "reachable  " WHO ": answered in 40ms, after 12m10s of silence, which was 98 % "
	     "likely\n");
	r = asked(REACH_REACHABLE);
	r.was_asked = false;
	r.heard_s = 0.5;
	says(&r, "reachable  " WHO ": heard 0.5s ago, not asked\n");
	r.heard_s = 81;
	r.probability = r.probability_before = 0.0002;	/* --fresh 1h: that is no answer */
	says(&r, "reachable  " WHO ": heard 1m21s ago, not asked; less than 0.1 % likely to be "
	     "there\n");
}

static void test_silent(void **state)
{
	struct reach_result r = asked(REACH_SILENT);

	(void)state;
	says(&r, "silent     " WHO ": asked twice, no answer within 2s; last heard 12m10s ago\n");
	r.asks = 3;
	r.probability = 0.0004;
	r.probability_before = 0.94;
	says(&r, "silent     " WHO ": asked 3 times, no answer within 2s; last heard 12m10s ago; less "
	     "than 0.1 % likely to be there (94 % before it was asked)\n");
	r = asked(REACH_SILENT);
	r.asks = 0;
	says(&r, "silent     " WHO ": its data are not acknowledged within 2s; last heard 12m10s "
	     "ago\n");
	r = asked(REACH_SILENT);
	r.reset = true;
	says(&r, "silent     " WHO ": its peer had forgotten the connection, and reset it; last heard "
	     "12m10s ago\n");
}

static void test_unknown(void **state)
{
	struct reach_result r = asked(REACH_UNKNOWN);

	(void)state;
	r.was_asked = false;
	r.why = "its program has closed it";
	r.probability = r.probability_before = 0.999;
	says(&r, "unknown    " WHO ": its program has closed it; last heard 12m10s ago; 99.9 % likely "
	     "to be there\n");
	r = (struct reach_result){ .target = "a\033b", .answer = REACH_UNKNOWN,
				   .why = "no such connection" };
	says(&r, "unknown    a\\x1bb: no such connection\n");
}

/* Answer, device and silence stand in the first line. */
static void test_on_a_narrow_terminal(void **state)
{
	struct reach_result r = asked(REACH_SILENT);

	(void)state;
	r.probability = 0.0004;
	r.probability_before = 0.94;
	says_in_80_columns(&r, "silent     scooter-17, last heard 12m10s ago: asked twice, no answer within 2s;\n"
			   "           less than 0.1 % likely to be there (94 % before it was asked);\n"
			   "           [2001:db8::7]:40000 on :1883 (mosquitto)\n");
	r.socket.device = "";
	r.probability_before = NAN;
	says_in_80_columns(&r, "silent     [2001:db8::7]:40000, last heard 12m10s ago: asked twice, no answer\n"
			   "           within 2s; on :1883 (mosquitto)\n");
	r = asked(REACH_REACHABLE);
	r.rtt_us = 40211;
	says_in_80_columns(&r, "reachable  scooter-17: answered in 40ms, after 12m10s of silence;\n"
			   "           [2001:db8::7]:40000 on :1883 (mosquitto)\n");
	r.was_asked = false;
	r.heard_s = 0.5;
	r.probability = r.probability_before = 0.9996;
	says_in_80_columns(&r, "reachable  scooter-17: heard 0.5s ago, not asked; more than 99.9 % likely to be\n"
			   "           there; [2001:db8::7]:40000 on :1883 (mosquitto)\n");
}

/* It hears, and no command can go out to it. */
static void test_a_closed_window(void **state)
{
	struct reach_result r = asked(REACH_REACHABLE);

	(void)state;
	r.window_closed = true;
	says(&r, "reachable  " WHO ": answered, after 12m10s of silence; but its window is closed\n");
	r.unsent_bytes = 33624;
	says(&r, "reachable  " WHO ": answered, after 12m10s of silence; but its window is closed: "
	     "33,624 bytes of ours wait\n");
	r.answer = REACH_SILENT;
	says(&r, "silent     " WHO ": asked twice, no answer within 2s; last heard 12m10s ago; its "
	     "window was closed: 33,624 bytes of ours wait\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reachable),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_on_a_narrow_terminal),
		cmocka_unit_test(test_a_closed_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
