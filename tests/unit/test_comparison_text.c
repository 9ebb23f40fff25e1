// SPDX-License-Identifier: GPL-2.0
/* What advise --compare says of two watches, in words: comparisons are made up. */
#include <stdlib.h>
#include <string.h>

#include "text/comparison_text.h"
#include "unit.h"

#define TIME(name, old, new, of) { .what = (name), .unit = "s", .before = (old), .after = (new), \
	.low = (new) - (old) - 1, .high = (new) - (old) + 1, .verdict = (of) }
#define RATE(name, old, new, of) { .what = (name), .unit = "per socket-day", .before = (old), \
	.after = (new), .low = (new) - (old) - 1, .high = (new) - (old) + 1, .verdict = (of) }

static void says(const struct comparison *c, const char *expected)
{
	struct words w = { 0 };

	comparison_text__write(&w, c);
	assert_false(w.failed);
	assert_string_equal(w.text, expected);
	words__free(&w);
}

static void test_each_direction_has_its_word(void **state)
{
	const struct comparison c = {
		.before.sockets = 20, .after.sockets = 30, .values_known = true,
		.changes = { TIME("detection_p50", 90, 30, CHANGE_LOWER),
			     TIME("detection_p95", 30, 90, CHANGE_HIGHER),
			     TIME("retransmission_p50", 900, 900, CHANGE_NOISE),
			     RATE("half_open", 8, 2, CHANGE_LOWER),
			     RATE("probes", 2, 8.5, CHANGE_NOISE) } };

	(void)state;
	says(&c,
	     "all peers: 20 sockets before, 30 sockets after; net.ipv4.tcp_keepalive_* are the same\n"
	     "  detection_p50      1m30s -> 30s: sooner by 1m (95 %: -1m1s to -59s)\n"
	     "  detection_p95      30s -> 1m30s: later by 1m (95 %: 59s to 1m1s)\n"
	     "  retransmission_p50 15m -> 15m: the same (95 %: -1s to 1s): noise\n"
	     "  half_open          8 -> 2 per socket-day: fewer by 6 (95 %: -7 to -5)\n"
	     "  probes             2 -> 8.5 per socket-day: more by 6.5 (95 %: 5.5 to 7.5): noise\n");
}

static void test_what_cannot_be_compared(void **state)
{
	const struct comparison c = {
		.group = "north", .before.sockets = 20, .after.sockets = 30,
		.values_known = true, .values_changed = true,
		.values_before = { 7200, 75, 9, 0, 0 }, .values_after = { 240, 20, 5, 0, 0 },
		.changes = { TIME("detection_p50", 90, 30, CHANGE_NOT_COMPARABLE),
			     { .what = "detection_p95", .unit = "s", .verdict = CHANGE_TOO_FEW },
			     TIME("retransmission_p50", 90, 30, CHANGE_TOO_FEW),
			     RATE("half_open", 0.0004, 120, CHANGE_NOT_COMPARABLE),
			     RATE("probes", 2, 8, CHANGE_NOT_COMPARABLE) } };

	(void)state;
	says(&c,
	     "north: 20 sockets before, 30 sockets after; net.ipv4.tcp_keepalive_* "
	     "(idle/interval/probes) 7200/75/9 -> 240/20/5\n"
	     "  watched at other times of the day: a difference may be the hour's\n"
	     "  detection_p50      1m30s -> 30s: not comparable\n"
	     "  detection_p95      none, before and after\n"
	     "  retransmission_p50 too few cases (0, 0), or hours\n"
	     "  half_open          0.000400 -> 120 per socket-day: not comparable\n"
	     "  probes             2 -> 8 per socket-day: not comparable\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_direction_has_its_word),
		cmocka_unit_test(test_what_cannot_be_compared),
	};

	return cmocka_run_group_tests_name("comparison text", tests, NULL, NULL);
}
