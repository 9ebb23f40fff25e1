// SPDX-License-Identifier: GPL-2.0
/* What probe says of all peers, in words. */
#include <stdlib.h>
#include <string.h>

#include "sink/text/probe_text.h"
#include "unit.h"

static struct probe_summary of(uint64_t matched, uint64_t drawn, uint64_t unanswered)
{
	return (struct probe_summary){
		.matched = matched, .drawn = drawn, .judged = drawn, .asked = drawn,
		.answered = drawn - unanswered, .unanswered = unanswered, .dead_known = true,
		.dead = unanswered, .dead_low = unanswered, .dead_high = unanswered,
		.within_s = 5, .asks_each = 2, .asks = drawn, .bytes = 104 * drawn, .seconds = 6 };
}

static void says(const struct probe_summary *s, const char *expected)
{
	struct probe_text t = { .count = 0 };
	struct words w = { 0 };

	probe_text__write(&t, &w, s, 0);
	if (!strstr(w.text, expected))
		print_message("%s", w.text);
	assert_non_null(strstr(w.text, expected));
	words__free(&w);
	probe_text__free(&t);
}

/* Silence is not death: what was taken for granted is said, also under -q. */
static void test_what_silence_means(void **state)
{
	struct probe_summary s = of(1000, 1000, 137);

	(void)state;
	says(&s, "\ndead: 137 of 1,000\nsilent: 137, asked up to 2 times within 5s: alive if slower, "
	     "or if all asks or their answers were lost\n");
	s.asks_each = 10;
	s.within_s = 1;
	s.asks_are_close = true;
	says(&s, "\nsilent: 137, asked up to 10 times within 1s: alive if slower, or if one answer was "
	     "lost, as asks were less than 0.6s apart\n");
	s.asks_each = 1;
	s.asks_are_close = false;
	s.reset = 37;
	says(&s, "\nsilent: 100, asked once within 1s: alive if slower, or if that ask or its answer "
	     "was lost\n");
	s.heard_later = 40;	/* they live */
	says(&s, " 137 did not (37 reset by a peer that had forgotten them) (40 were heard later, and live)\n");
	says(&s, "\nsilent: 60, asked once");
	s.heard_later = 0;
	s.reset = 137;	/* known to be dead */
	says(&s, "\ndead: 137 of 1,000\nspent: ");
}

static void test_not_known(void **state)
{
	struct probe_summary s = of(0, 0, 0);

	(void)state;
	s.dead_known = false;
	says(&s, "\ndead: not known, as nobody was asked\n");
	s = of(200, 200, 0);
	s.dead_known = false;
	s.answered = s.dead_high = 100;
	s.judged = 0;
	s.interrupted = true;
	says(&s, "\ndead: not known, at most 100 of 200 (interrupted before anybody had 5s)\n");
	s.dead_low = 3;
	says(&s, "\ndead: not known, at least 3 and at most 100 of 200 (interrupted before");
}

/* A number that may be anything is none. */
static void test_samples(void **state)
{
	struct probe_summary s = of(1000, 200, 30);

	(void)state;
	s.dead = 150;
	s.dead_low = 109;
	s.dead_high = 201;
	says(&s, "\ndead: about 150 of 1,000, between 109 and 201 (95 %)\n");
	s.interrupted = true;
	s.judged = 150;
	says(&s, "\ndead: about 150 of 1,000, between 109 and 201 (95 %), by the 150 that had 5s\n");
	s = of(400, 1, 0);
	s.dead_high = 389;
	says(&s, "\ndead: between 0 and 389 of 400 (95 %)\n");
}

static void test_on_a_narrow_terminal(void **state)
{
	static const struct probe_reason reasons[] = {
		{ "its process may not be looked into (another user namespace, or a security "
		  "module)", 7 } };
	struct probe_summary s = of(1000, 1000, 137);
	struct probe_text t = { .count = 0 };
	struct words w = { 0 };
	char *line, *rest;

	(void)state;
	s.reasons = reasons;
	s.reason_count = 1;
	probe_text__write(&t, &w, &s, 80);
	for (line = strtok_r(w.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(strlen(line) <= 80);
	words__free(&w);
	probe_text__free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_silence_means),
		cmocka_unit_test(test_not_known),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_on_a_narrow_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
