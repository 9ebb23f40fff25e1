// SPDX-License-Identifier: GPL-2.0
/* The timeline of an open socket on request, and totals. */
#include <errno.h>

#include "core_seen.h"

static struct timeline shown;
static struct event shown_events[JOURNAL_MAX];

static void on_shown(void *context, const struct timeline *t)
{
	assert_ptr_equal(context, &seen);
	shown = *t;
	memcpy(shown_events, t->events, t->event_count * sizeof(*t->events));
}

static bool show(struct core *core, uint64_t cookie)
{
	shown = (struct timeline){ .revision = 99 };
	return core__show(core, cookie, on_shown, &seen);
}

static void test_nothing_is_shown_of_what_is_not_kept(void **state)
{
	struct core *core = started((struct core_config){ .all = false });

	(void)state;
	assert_false(show(core, 9));
	establish(core, 9);
	assert_false(show(core, 9)); /* nothing has happened */
	probe(core, 9, 12000, 1);
	assert_true(show(core, 9));
	close_with(core, 9, 13000, ETIMEDOUT, 1);
	assert_false(show(core, 9));
	core__free(core);
}

static void test_it_is_shown_as_it_is_now(void **state)
{
	struct core *core = started((struct core_config){ .all = false });

	(void)state;
	establish(core, 9);
	probe(core, 9, 12000, 1);
	probe(core, 9, 13000, 2);
	probe(core, 9, 14000, 3);
	assert_true(show(core, 9));
	assert_int_equal(shown.socket.cookie, 9);
	assert_int_equal(shown.outcome, OUTCOME_SUSPECT);
	assert_int_equal(shown.counts.probes_sent, 3);
	assert_int_equal(shown.episode_count, 1);
	assert_int_equal(shown.episodes[0].end, EPISODE_OPEN);
	assert_false(shown.final);
	assert_int_equal(seen.timelines, 0); /* it is nothing that the sink is told */
	core__free(core);
}

/* Showing it changes nothing: neither its revision nor how answered probes are folded. */
static void test_showing_leaves_no_trace(void **state)
{
	struct core *core = started((struct core_config){ .all = true });
	unsigned int i;

	(void)state;
	establish(core, 9);
	for (i = 0; i < 3; i++) {
		probe(core, 9, 12000 + 10000 * i, 1);
		answer(core, 9, 12040 + 10000 * i, 1);
		assert_true(show(core, 9));
		assert_int_equal(shown.revision, 0);
		assert_int_equal(shown.counts.probes_answered, i + 1);
		assert_int_equal(shown_events[shown.event_count - 1].kind, EVENT_ANSWERED_RUN);
		assert_int_equal(shown_events[shown.event_count - 1].n, i + 1);
		assert_int_equal(shown.rtt.count, i + 1);
	}
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 40 * S });
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.revision, 1);
	assert_int_equal(seen.timeline.rtt.count, 3);
	assert_int_equal(seen.timeline.event_count, shown.event_count);
	core__free(core);
}

static void test_a_socket_that_the_filter_rejects_is_not_shown(void **state)
{
	struct filter_error error;
	struct filter *filter = filter__parse("sport = :9", NULL, &error);
	struct core *core = started((struct core_config){ .filter = filter });

	(void)state;
	establish(core, 9);
	probe(core, 9, 12000, 1);
	probe(core, 9, 13000, 2);
	assert_false(show(core, 9));
	core__free(core);
	filter__free(filter);
}

static void test_totals_are_those_of_the_summary(void **state)
{
	struct core *core = started((struct core_config){ .all = false });
	struct summary all, totals;

	(void)state;
	establish(core, 9);
	probe(core, 9, 12000, 1);
	probe(core, 9, 13000, 2);
	close_with(core, 9, 14000, ETIMEDOUT, 3);
	tick(core, 20000);
	all = core__summary(core);
	totals = core__totals(core);
	assert_int_equal(totals.endings, 1);
	assert_int_equal(totals.half_open, 1);
	assert_int_equal(totals.events, all.events);
	assert_int_equal(totals.endings, all.endings);
	assert_int_equal(totals.half_open, all.half_open);
	assert_int_equal(totals.events_lost, all.events_lost);
	core__free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_shown_of_what_is_not_kept),
		cmocka_unit_test(test_it_is_shown_as_it_is_now),
		cmocka_unit_test(test_showing_leaves_no_trace),
		cmocka_unit_test(test_a_socket_that_the_filter_rejects_is_not_shown),
		cmocka_unit_test(test_totals_are_those_of_the_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
