// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/own_pauses.h"

#define BINS_OF_E 40.0
/* A connection with so many pauses has a habit; one that was asked so often and never spoke has
 * that of silence. */
#define PAUSES_MIN 8
#define ASKED_MIN 3
/* Means this far apart are of one habit. */
#define ONE_HABIT 6.0
/* Behind the last pauses but so many, S falls at the rate of the longest quarter. */
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

/* Of a run of gaps of about one length the shortest and the longest are known; the others are
 * distributed between them as all gaps of the habit (Turnbull 1976), where they begin evenly. */
#define ROUNDS 10

struct place {
	double *bins;
	double weight;
};

static void count_in(void *context, size_t bin, double count)
{
	const struct place *p = context;

	p->bins[bin] += count * p->weight;
}

static bool is_wide(const struct life_gap *g, size_t *first, size_t *last)
{
	*first = age__bin(g->from_s);
	*last = age__bin(g->to_s);
	return g->count > 2 && *last > *first;
}

static void count_known(const struct path_witness *w, struct pause_endings *known)
{
	size_t first, last;
	unsigned int i;

	for (i = 0; i < w->gap_count; i++) {
		const struct life_gap *g = &w->gaps[i];
		double *bins = g->ended_by_us ? known->asked : known->spoke;
		bool wide = is_wide(g, &first, &last);

		bins[first] += w->weight * wide;
		bins[last] += w->weight * (wide ? 1 : g->count);
	}
}

static void vote_between(const struct path_witness *w, const struct pause_endings *below,
			 struct pause_endings *votes)
{
	size_t first, last;
	unsigned int i;

	for (i = 0; i < w->gap_count; i++) {
		const struct life_gap *g = &w->gaps[i];
		const double *sums = g->ended_by_us ? below->asked : below->spoke;
		double *bins = g->ended_by_us ? votes->asked : votes->spoke, mass, each;

		if (!is_wide(g, &first, &last))
			continue;
		mass = sums[last] - (first ? sums[first - 1] : 0);
		if (mass <= 0)
			continue;
		each = w->weight * (g->count - 2) / mass;
		bins[first] += each;
		if (last + 1 < AGES)
			bins[last + 1] -= each;
	}
}

static void accumulate(double *bins)
{
	size_t i;

	for (i = 1; i < AGES; i++)
		bins[i] += bins[i - 1];
}

static double sum(const double *bins)
{
	double all = 0;
	size_t i;

	for (i = 0; i < AGES; i++)
		all += bins[i];
	return all;
}

struct choice {
	const struct path_witness *all;
	size_t count;
	unsigned int from, to; /* habits, both included; from HABIT_UNKNOWN on: all */
};

static bool is_chosen(const struct choice *c, size_t i)
{
	return c->from == HABIT_UNKNOWN ||
	       (c->all[i].habit >= c->from && c->all[i].habit <= c->to);
}

static void improve(const struct choice *c, const struct pause_endings *known,
		    struct pause_endings *e)
{
	struct pause_endings below = *e, votes = { 0 };
	size_t i;

	accumulate(below.spoke);
	accumulate(below.asked);
	for (i = 0; i < c->count; i++)
		if (is_chosen(c, i))
			vote_between(&c->all[i], &below, &votes);
	accumulate(votes.spoke);
	accumulate(votes.asked);
	for (i = 0; i < AGES; i++) {
		e->spoke[i] = known->spoke[i] + e->spoke[i] * fmax(0, votes.spoke[i]);
		e->asked[i] = known->asked[i] + e->asked[i] * fmax(0, votes.asked[i]);
	}
}

static void count_endings(const struct choice *c, struct pause_endings *e)
{
	struct pause_endings known = { 0 };
	unsigned int round, k;
	size_t i;

	*e = (struct pause_endings){ 0 };
	for (i = 0; i < c->count; i++) {
		const struct path_witness *w = &c->all[i];

		if (!is_chosen(c, i))
			continue;
		count_known(w, &known);
		for (k = 0; k < w->gap_count; k++)
			age__spread(&w->gaps[k], count_in,
				    &(struct place){ w->gaps[k].ended_by_us ? e->asked : e->spoke,
						     w->weight });
	}
	for (round = 0; round < ROUNDS; round++)
		improve(c, &known, e);
}

/* How often, a second, peers speak that are silent for longer than the shorter pauses. */
static double rate_of_longest(const struct pause_endings *e)
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

void own_pauses__estimate(const struct pause_endings *e, struct own_pauses *habit)
{
	double at_risk = sum(e->spoke) + sum(e->asked), to_come = sum(e->spoke), s = 1;
	double few = fmin(LAST_PAUSES, to_come * 0.1), rate = rate_of_longest(e), mean_s = 1;
	size_t i;

	for (i = 0; i < AGES; i++) {
		double before = s;

		if (to_come > few)	/* where all spoke, one more might not have */
			s *= 1 - e->spoke[i] / fmax(at_risk, e->spoke[i] + 1);
		else
			s *= exp(-rate * (age__at(i + 1) - age__at(i)));
		habit->longer[i] = (before + s) / 2;
		habit->speaks[i] = (before - s) / (age__at(i + 1) - age__at(i));
		mean_s += habit->longer[i] * (age__at(i + 1) - age__at(i));
		at_risk -= e->spoke[i] + e->asked[i];
		to_come -= e->spoke[i];
	}
	for (i = 0; i < AGES; i++)
		habit->speaks[i] *= mean_s;
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

/* Means that lie no further apart than this, one by one, may be of devices of one kind. */
#define GO_ON 1.5

/* Finds habits by their shortest means. `goes_on`: the habit's first mean is near the last of the
 * one before. */
static unsigned int tell_apart(struct path_witness *sorted, size_t count, bool *goes_on)
{
	unsigned int habits = HABIT_UNKNOWN + 1;
	double shortest = 0, last = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct path_witness *w = &sorted[i];

		w->habit = !w->pauses && w->answered >= ASKED_MIN ? HABIT_SILENT : HABIT_UNKNOWN;
		if (w->pauses < PAUSES_MIN)
			continue;
		if ((!shortest || w->pause_s > shortest * ONE_HABIT) && habits < HABITS_MAX) {
			shortest = w->pause_s;
			goes_on[habits++] = last > 0 && w->pause_s < last * GO_ON;
		}
		last = w->pause_s;
		w->habit = habits - 1;
	}
	return habits;
}

static void estimate_of(const struct choice *c, struct own_pauses *habit)
{
	struct pause_endings e;

	count_endings(c, &e);
	own_pauses__estimate(&e, habit);
}

/* Devices that back off speak often while they are young: one that died then had no other habit. So
 * where habits overlap, a silence is as likely as in the less likely of its own habit and all of
 * them. */
static void bound_by_others(const struct choice *c, struct own_pauses *habits)
{
	struct own_pauses all;
	unsigned int k;
	size_t i;

	if (c->from == c->to)
		return;
	estimate_of(c, &all);
	for (k = c->from; k <= c->to; k++)
		for (i = 0; i < AGES; i++) {
			habits[k].longer[i] = fminf(habits[k].longer[i], all.longer[i]);
			habits[k].speaks[i] = fminf(habits[k].speaks[i], all.speaks[i]);
		}
}

unsigned int own_pauses__find(struct path_witness *all, size_t count, struct own_pauses *habits)
{
	bool goes_on[HABITS_MAX + 1] = { false };
	struct choice c = { .all = all, .count = count };
	unsigned int n, k;

	qsort(all, count, sizeof(*all), by_pause);
	n = tell_apart(all, count, goes_on);
	for (k = 0; k < n; k++) {
		c.from = c.to = k;
		estimate_of(&c, &habits[k]);
	}
	for (k = HABIT_UNKNOWN + 1; k < n; k = c.to + 1) {
		c.from = c.to = k;
		while (c.to + 1 < n && goes_on[c.to + 1])
			c.to++;
		bound_by_others(&c, habits);
	}
	return n;
}
