// SPDX-License-Identifier: GPL-2.0
/* Counts of sockets as text and as gauges: how many are dead, and how well that is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sink/metrics.h"
#include "text/summary_table.h"
#include "unit.h"

static struct sockets_group groups[3];

/* Of 40 sockets each. */
static struct sockets_summary of(enum dead_by by, unsigned int group_count)
{
	static const char *const programs[] = { "first", "second", "third" };
	unsigned int i;

	for (i = 0; i < 3; i++)
		groups[i] = (struct sockets_group){
			.program = programs[i], .port = 7000 + i, .netns = { 5, 0, "gw", "" },
			.carrier = "", .counts = { .sockets = 40,
				.dead = { INFINITY, INFINITY, INFINITY, .share = INFINITY } } };
	return (struct sockets_summary){
		.at = 100 * S, .probed_at = 90 * S, .silent_over_s = 900, .because = "so",
		.dead_by = by, .total = { .sockets = 40 * group_count }, .namespaces = 1,
		.groups = groups, .group_count = group_count };
}

static void says(const struct sockets_summary *s, const char *expected)
{
	struct words w = { 0 };

	summary_table__text(&w, s, 0, 0);
	if (!strstr(w.text, expected))
		fail_msg("%s: %s", expected, w.text);
	words__free(&w);
}

/* The cell DEAD of the first group. */
static void cell_is(const struct sockets_summary *s, struct sockets_dead dead, const char *expected)
{
	struct words w = { 0 };
	char *cell;

	groups[0].counts.dead = dead;
	summary_table__text(&w, s, 0, 0);
	cell = strrchr(strstr(w.text, "\nfirst"), '\n') - strlen(" 0s") - strlen(expected);
	if (cell[-1] != ' ' || strncmp(cell, expected, strlen(expected)))
		fail_msg("%s: %s", expected, w.text);
	words__free(&w);
}

static void test_cells(void **state)
{
	struct sockets_summary s = of(DEAD_BY_PROBE, 1);

	(void)state;
	cell_is(&s, (struct sockets_dead){ 4, 4, 4, 40 }, "4");
	cell_is(&s, (struct sockets_dead){ 8, 3, 20, 10 }, "~8");
	cell_is(&s, (struct sockets_dead){ 0, 0, 30, 1 }, "~0");
	cell_is(&s, (struct sockets_dead){ 0, 0, 31, 1 }, "0-31");
	cell_is(&s, (struct sockets_dead){ INFINITY, 0, 40, 0 }, "?");
	cell_is(&s, (struct sockets_dead){ INFINITY, INFINITY, INFINITY, 0, .unknown = 40 }, "?");
	cell_is(&s, (struct sockets_dead){ 4, 4, 4, 20, .unknown = 20 }, "~4");
	cell_is(&s, (struct sockets_dead){ 4, 4, 4, 5, .unknown = 35 }, "4-39");
	s.dead_by = DEAD_BY_HISTORY;	/* chances, of one of 40 */
	cell_is(&s, (struct sockets_dead){ 0.2, 0, 0.6, 1, .unknown = 39 }, "0-40");
	cell_is(&s, (struct sockets_dead){ 3.2, 1.2, 5.3, 40 }, "~3");
}

static void test_by_a_probe(void **state)
{
	struct sockets_summary s = of(DEAD_BY_PROBE, 1);

	(void)state;
	s.total.dead = (struct sockets_dead){ 4, 4, 4, 40 };
	says(&s, "\ndead: 4, as 40 of them were asked 10s ago\n");
	s.total.dead = (struct sockets_dead){ 3, 3, 3, 10, .unknown = 30 };
	says(&s, "\ndead: 3, as 10 of them were asked 10s ago; of 30 nothing is known\n");
	s.total.dead = (struct sockets_dead){ 8, 3, 20, 10 };
	says(&s, "\ndead: about 8, between 3 and 20, as 10 of them were asked 10s ago\n");
	s.total.dead = (struct sockets_dead){ 0, 0, 38, 1 };	/* "about 0" would say too much */
	says(&s, "\ndead: between 0 and 38, as 1 of them was asked 10s ago\n");
	s.total.dead = (struct sockets_dead){ INFINITY, 2, 30, 12 };
	says(&s, "\ndead: not known, between 2 and 30, as 12 of them were asked 10s ago\n");
	s.total.dead = (struct sockets_dead){ INFINITY, INFINITY, INFINITY, 0, .unknown = 40 };
	says(&s, "\ndead: nothing is known, as none of them was to be asked 10s ago\n");
	s.probed_at = 101 * S;
	s.total.dead = (struct sockets_dead){ 4, 4, 4, 40 };
	says(&s, "\ndead: 4, as 40 of them were asked by a clock that was ahead of today's\n");
}

static void test_peers_here(void **state)
{
	struct sockets_summary s = of(DEAD_BY_NOTHING, 1);

	(void)state;
	s.total.local = 10;
	says(&s, "\n10 to peers on this host: both ends are in SOCKETS, KEEPAL. and SUSPECT; NEVER, SILENT "
	     "and OLDEST count one\n");
}

static void holds(const struct sockets_summary *s, const char *expected, bool does)
{
	struct words w = { 0 };

	assert_true(metrics__sockets(&w, s));
	if (!strstr(w.text, expected) == does)
		fail_msg("%s: %s", expected, w.text);
	words__free(&w);
}

/* Groups that a sample left out have their part; of those that nothing is known of there is no series. */
static void test_gauges(void **state)
{
	struct sockets_summary s = of(DEAD_BY_PROBE, 3);

	(void)state;
	groups[0].counts.dead = (struct sockets_dead){ 40, 2, 40, 1, .share = 40 };
	groups[1].counts.dead = (struct sockets_dead){ INFINITY, 0, 40, 0, .share = 12.5 };
	s.total.dead = (struct sockets_dead){ 52, 2, 79, 1, .unknown = 40 };
	holds(&s, "\nhalfopen_sockets_estimated_dead{group=\"first:7000\"} 40\n"
	      "halfopen_sockets_estimated_dead{group=\"second:7001\"} 12.5\n# HELP", true);
	holds(&s, "\nhalfopen_sockets_judged{group=\"first:7000\"} 1\n"
	      "halfopen_sockets_judged{group=\"second:7001\"} 0\n"
	      "halfopen_sockets_judged{group=\"third:7002\"} 0\n", true);
	holds(&s, "\nhalfopen_estimated_dead 52\n", true);
	holds(&s, "\nhalfopen_estimated_dead_low 2\n", true);
	holds(&s, "\nhalfopen_estimated_dead_high 79\n", true);
	holds(&s, "\nhalfopen_estimated_dead_unknown 40\n", true);
	groups[2].program = "second";	/* of another namespace: one series */
	groups[2].port = 7001;
	groups[2].counts.dead.share = 2;
	holds(&s, "\nhalfopen_sockets_estimated_dead{group=\"second:7001\"} 14.5\n# HELP", true);
	s.total.dead.estimate = INFINITY;
	holds(&s, "\nhalfopen_estimated_dead ", false);
	holds(&s, "\nhalfopen_estimated_dead_low 2\n", true);
	s.dead_by = DEAD_BY_NOTHING;
	holds(&s, "estimated_dead", false);
	holds(&s, "judged", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_by_a_probe),
		cmocka_unit_test(test_peers_here),
		cmocka_unit_test(test_gauges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
