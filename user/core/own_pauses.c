// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "own_pauses.h"

#define BINS_OF_E 40.0
/* A connection that had so many pauses has a habit; one that was asked so often and never spoke has
 * that of silence. */
#define PAUSES_MIN 8
#define ASKED_MIN 3
/* Means this far apart are of one habit. */
#define ONE_HABIT 6.0
/* Behind the last pauses but so many, S is what the rate of the longest quarter makes it. */
#define LAST_PAUSES 5.0
#define LONGEST 0.25

size_t age__bin(double s)
{
	double bin = s > 1 ? log(s) * BINS_OF_E : 0;

	return bin < AGES - 1 ? bin : AGES - 1;
}

size_t age__bin_behind(double s)
{
	size_t bin = age__bin(s) + 1;

	return bin < AGES ? bin : AGES - 1;
}

double age__at(size_t bin)
{
	return exp(bin / BINS_OF_E);
}

void age__spread(const struct life_gap *g, void (*add)(void *context, size_t bin, double count),
		 void *context)
{
	size_t first = age__bin(g->from_s), last = age__bin(g->to_s), i;
	double between = g->count > 2 ? (g->count - 2.0) / (last - first + 1) : 0;

	if (first == last || g->count < 2) {
		add(context, last, g->count);
		return;
	}
	add(context, first, 1);
	add(context, last, 1);
	for (i = first; between > 0 && i <= last; i++)
		add(context, i, between);
}

/* Of one habit: how much of all pauses ended so, by the peer or by us. */
struct endings {
	double spoke[AGES], asked[AGES];
};

struct place {
	double *bins;
	double weight;
};

static void count_in(void *context, size_t bin, double count)
{
	const struct place *p = context;

	p->bins[bin] += count * p->weight;
}

static void count_endings(const struct path_witness *w, struct endings *e)
{
	unsigned int i;

	for (i = 0; i < w->gap_count; i++) {
		struct place p = { w->gaps[i].ended_by_us ? e->asked : e->spoke, w->weight };

		age__spread(&w->gaps[i], count_in, &p);
	}
}

static double sum(const double *bins)
{
	double all = 0;
	size_t i;

	for (i = 0; i < AGES; i++)
		all += bins[i];
	return all;
}

/* How often, a second, those speak who are silent for longer than the shorter pauses. */
static double rate_of_longest(const struct endings *e)
{
	double left = sum(e->spoke) * LONGEST, spoke = 0, silent_s = 0;
	size_t from = AGES, i;

	while (from && spoke < left)
		spoke += e->spoke[--from];
	for (i = from; i < AGES; i++)
		silent_s += (e->spoke[i] + e->asked[i]) *
			    fmax(age__at(i) - age__at(from), age__at(i) * 0.5 / BINS_OF_E);
	return silent_s > 0 ? spoke / silent_s : 0;
}

static void estimate(const struct endings *e, struct own_pauses *habit)
{
	double at_risk = sum(e->spoke) + sum(e->asked), to_come = sum(e->spoke), s = 1;
	double few = fmin(LAST_PAUSES, to_come * 0.1), rate = rate_of_longest(e);
	size_t i;

	for (i = 0; i < AGES; i++) {
		double before = s;

		if (to_come > few && at_risk > e->spoke[i])
			s *= 1 - e->spoke[i] / at_risk;
		else
			s *= exp(-rate * (age__at(i + 1) - age__at(i)));
		habit->longer[i] = (before + s) / 2;
		at_risk -= e->spoke[i] + e->asked[i];
		to_come -= e->spoke[i];
	}
}

static int by_pause(const void *a, const void *b)
{
	const struct path_witness *x = a, *y = b;

	if (x->pause_s != y->pause_s)
		return x->pause_s < y->pause_s ? -1 : 1;
	if (x->survived_s != y->survived_s)
		return x->survived_s < y->survived_s ? -1 : 1;
	return x->lost_s < y->lost_s ? -1 : x->lost_s > y->lost_s;
}

/* By the shortest mean of each habit on. */
static unsigned int tell_apart(struct path_witness *sorted, size_t count)
{
	unsigned int habits = HABIT_UNKNOWN + 1;
	double shortest = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct path_witness *w = &sorted[i];

		w->habit = !w->pauses && w->answered >= ASKED_MIN ? HABIT_SILENT : HABIT_UNKNOWN;
		if (w->pauses < PAUSES_MIN)
			continue;
		if ((!shortest || w->pause_s > shortest * ONE_HABIT) && habits < HABITS_MAX) {
			shortest = w->pause_s;
			habits++;
		}
		w->habit = habits - 1;
	}
	return habits;
}

unsigned int own_pauses__find(struct path_witness *all, size_t count, struct own_pauses *habits)
{
	unsigned int n, k;
	size_t i;

	qsort(all, count, sizeof(*all), by_pause);
	n = tell_apart(all, count);
	for (k = 0; k < n; k++) {
		struct endings e = { 0 };

		for (i = 0; i < count; i++)
			if (k == HABIT_UNKNOWN || all[i].habit == k)
				count_endings(&all[i], &e);
		estimate(&e, &habits[k]);
	}
	return n;
}
