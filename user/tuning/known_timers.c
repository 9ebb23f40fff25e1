// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/known_timers.h"
#include "tuning/lost_together.h"

/* Resets within this of each other come from one timer; at least so many votes, and most of all
 * that come as late or later. */
#define AS_ONE 1.02
#define VOTES_MIN 5.0
#define MOST 0.7
/* Middleboxes check their timers once a second. */
#define COARSE_S 1.0
/* Connections that were lost after probing for so many periods at least, and this many of them. */
#define PERIODS_MIN 3.0
#define PROBED_MIN 8.0
/* Where fewer of those who were there are heard later, an outage ended them, or may have. */
#define SPARED_MIN 0.1

struct vote {
	double at_s, weight;
};

static int by_age(const void *a, const void *b)
{
	const struct vote *x = a, *y = b;

	return x->at_s < y->at_s ? -1 : x->at_s > y->at_s;
}

static double sum(const struct vote *all, size_t from, size_t to)
{
	double votes = 0;

	for (; from < to; from++)
		votes += all[from].weight;
	return votes;
}

/* ---- resets ---- */

static size_t gather_resets(const struct path_witness *all, size_t count, struct vote *votes)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		if (all[i].reset_s >= 1)
			votes[n++] = (struct vote){ all[i].reset_s, all[i].weight };
	qsort(votes, n, sizeof(*votes), by_age);
	return n;
}

/* The window with most votes. */
static double find_window(const struct vote *votes, size_t count, size_t *from, size_t *to)
{
	double most = 0, held = 0;
	size_t i, end = 0;

	for (i = 0; i < count; i++) {
		for (; end < count && votes[end].at_s <= votes[i].at_s * AS_ONE + COARSE_S; end++)
			held += votes[end].weight;
		if (held > most) {
			most = held;
			*from = i;
			*to = end;
		}
		held -= votes[i].weight;
	}
	return most;
}

static double outlived(const struct path_witness *all, size_t count, double s)
{
	double votes = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (all[i].survived_s > s * AS_ONE + COARSE_S)
			votes += all[i].weight;
	return votes;
}

bool known_timers__of_resets(const struct path_witness *all, size_t count, struct idle_timeout *t,
			     bool *short_of_memory)
{
	struct vote *votes = malloc((count + 1) * sizeof(*votes));
	size_t n, from = 0, to = 0;
	double most;
	bool found;

	*short_of_memory = !votes;
	if (!votes)
		return false;
	n = gather_resets(all, count, votes);
	most = find_window(votes, n, &from, &to);
	found = most >= VOTES_MIN && most >= MOST * sum(votes, from, n) &&
		outlived(all, count, votes[to - 1].at_s) < most * (1 - MOST);
	if (found) {
		t->reason = IDLE_KNOWN;
		t->told_by_resets = true;
		t->estimate_s = votes[(from + to) / 2].at_s;
		t->low_s = votes[from].at_s - COARSE_S;
		t->high_s = votes[to - 1].at_s;
		t->steps = 1;
		t->step[0].at_s = t->estimate_s;
		t->step[0].share = most / fmax(most, most + outlived(all, count, t->high_s));
	}
	free(votes);
	return found;
}

/* ---- empty segments ---- */

static bool answers_probes_only(const struct path_witness *w)
{
	return w->probed && !w->pauses && w->answered >= PERIODS_MIN;
}

static size_t gather_probed(const struct path_witness *all, size_t count,
			    const struct lost_together *others, struct vote *votes,
			    double *period_s)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		double spared;

		if (!answers_probes_only(&all[i]) || all[i].lost_s <= 0 ||
		    all[i].first_s < all[i].lost_s * (PERIODS_MIN + 1))
			continue;
		spared = lost_together__spared(others, all[i].heard_at, all[i].lost_s);
		if (spared < SPARED_MIN)
			continue;
		votes[n++] = (struct vote){ all[i].first_s, all[i].weight * spared };
		*period_s = fmax(*period_s, all[i].lost_s);
	}
	qsort(votes, n, sizeof(*votes), by_age);
	return n;
}

/* Votes of connections that were probed, and not lost, for longer. */
static double probed_for_longer(const struct path_witness *all, size_t count, double s)
{
	double votes = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (answers_probes_only(&all[i]) && all[i].lost_s <= 0 && all[i].idle_s > s)
			votes += all[i].weight;
	return votes;
}

bool known_timers__of_data_only(const struct path_witness *all, size_t count,
				struct idle_timeout *t, bool *short_of_memory)
{
	struct vote *votes = malloc((count + 1) * sizeof(*votes));
	double period_s = 0, low, high;
	struct lost_together others = { 0 };
	bool found = false;
	size_t n;

	*short_of_memory = !votes || !lost_together__gather(&others, all, count);
	if (*short_of_memory) {
		free(votes);
		return false;
	}
	n = gather_probed(all, count, &others, votes, &period_s);
	if (sum(votes, 0, n) >= PROBED_MIN) {
		low = votes[n / 20].at_s;
		high = votes[n - 1 - n / 20].at_s;
		found = high - low <= 1.3 * period_s &&
			probed_for_longer(all, count, high) < sum(votes, 0, n) * (1 - MOST);
	}
	if (found) {
		t->reason = IDLE_DATA_ONLY;
		t->low_s = fmax(0, fmin(low, high - period_s));
		t->high_s = low;
	}
	lost_together__free(&others);
	free(votes);
	return found;
}
