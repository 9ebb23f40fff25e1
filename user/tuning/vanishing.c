// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/vanishing.h"

/* An observation that no habit makes likely may happen all the same. */
#define LEAST_CHANCE 1e-6
/* Relative to the likeliest rate: a smaller one counts for nothing, and is slow to count. */
#define LEAST_OF_ALL 1e-25

/* The chance (logarithm) that a peer asked at this age is there, or gone, for each rate. */
struct table {
	float log_there[AGES][RATES], gone[AGES][RATES];
};

/* Asked by us, a live peer has to be silent until then; by itself it comes when it speaks. */
static void tabulate(const struct own_pauses *habit, bool by_itself, const double *rates,
		     size_t ages, struct table *t)
{
	double vanished[RATES], from = age__at(0), to;
	unsigned int k;
	size_t i;

	for (k = 0; k < RATES; k++)
		vanished[k] = rates[k]; /* in the first second */
	for (i = 0; i < ages; i++, from = to) {
		to = age__at(i + 1);
		for (k = 0; k < RATES; k++) {
			double left = exp(-rates[k] * (from + to) / 2);
			double silent = habit->longer[i] * left;
			double there = by_itself ? habit->speaks[i] * left : silent, all;

			vanished[k] += rates[k] * silent * (to - from) / 2;
			all = there + vanished[k] + 1e-300;
			t->log_there[i][k] = log(fmax(there / all, LEAST_CHANCE));
			t->gone[i][k] = fmax(vanished[k] / all, 1e-12);
			vanished[k] += rates[k] * silent * (to - from) / 2;
		}
	}
}

/* Nothing is asked of the tables beyond the longest silence. */
static size_t ages_needed(const struct path_witness *all, size_t count)
{
	double longest = 0;
	unsigned int k;
	size_t i;

	for (i = 0; i < count; i++) {
		longest = fmax(longest, all[i].lost_s);
		for (k = 0; k < all[i].gap_count; k++)
			longest = fmax(longest, all[i].gaps[k].to_s);
	}
	return age__bin_behind(longest) + 1;
}

/* Most of them lie closely around the mean: whoever vanishes at a rate between two of them is
 * hardly told from a mixture of both. The others reach up to where all vanish at once. */
#define NEAR_MEAN 16
#define APART 1.5

static void choose_rates(const struct path_witness *all, size_t count, double *rates)
{
	double idle = 1, lost = 0.01, soonest = 1e7, high;
	unsigned int k;
	size_t i;

	for (i = 0; i < count; i++) {
		idle += all[i].weight * (all[i].idle_s + all[i].lost_s);
		lost += all[i].lost_s > 0 ? all[i].weight : 0;
		if (all[i].lost_s > 0)
			soonest = fmin(soonest, fmax(all[i].lost_s, 1));
	}
	for (k = 0; k < NEAR_MEAN; k++)
		rates[k] = lost / idle * pow(APART, k - (NEAR_MEAN - 1) / 2.0);
	high = fmax(3 / soonest, rates[k - 1] * 4);
	for (; k < RATES; k++)
		rates[k] =
			rates[k - 1] * pow(high / rates[NEAR_MEAN - 1], 1.0 / (RATES - NEAR_MEAN));
}

struct answering {
	const struct table *table;
	double *logs;
};

static void add_answers(void *context, size_t bin, double count)
{
	const struct answering *a = context;
	unsigned int k;

	for (k = 0; k < RATES; k++)
		a->logs[k] += count * a->table->log_there[bin][k];
}

/* For one habit: asked by us, and coming by itself. */
struct tables {
	bool asked_made, coming_made;
	struct table asked, coming;
};

static void tell_chances(const struct path_witness *w, const struct tables *t, float *answers,
			 float *vanished)
{
	const struct table *last = w->lost_by_itself ? &t->coming : &t->asked;
	double logs[RATES] = { 0 }, top = -HUGE_VAL;
	unsigned int i, k;

	for (i = 0; i < w->gap_count; i++) {
		bool by_us = w->gaps[i].ended_by_us;

		if (by_us || w->named)
			age__spread(&w->gaps[i], add_answers,
				    &(struct answering){ by_us ? &t->asked : &t->coming, logs });
	}
	for (k = 0; k < RATES; k++)
		top = fmax(top, logs[k]);
	for (k = 0; k < RATES; k++) {
		answers[k] = fmax(exp(logs[k] - top), LEAST_OF_ALL);
		vanished[k] = answers[k];
		if (w->lost_s > 0)
			vanished[k] *= last->gone[age__bin_behind(w->lost_s)][k];
		vanished[k] = fmax(vanished[k], LEAST_OF_ALL);
	}
}

bool vanishing__prepare(const struct path_witness *all, size_t count,
			const struct own_pauses *habits, struct vanishing *v)
{
	struct tables *tables = calloc(HABITS_MAX, sizeof(*tables));
	size_t ages = ages_needed(all, count), i;

	*v = (struct vanishing){ .count = count,
				 .answers = malloc((count + 1) * sizeof(*v->answers)),
				 .vanished = malloc((count + 1) * sizeof(*v->vanished)) };
	if (!tables || !v->answers || !v->vanished) {
		free(tables);
		return false;
	}
	choose_rates(all, count, v->rate);
	for (i = 0; i < count; i++) {
		struct tables *t = &tables[all[i].habit];

		if (!t->asked_made)
			tabulate(&habits[all[i].habit], false, v->rate, ages, &t->asked);
		t->asked_made = true;
		if ((all[i].named || all[i].lost_by_itself) && !t->coming_made) {
			tabulate(&habits[all[i].habit], true, v->rate, ages, &t->coming);
			t->coming_made = true;
		}
		tell_chances(&all[i], t, v->answers[i], v->vanished[i]);
	}
	free(tables);
	return true;
}

void vanishing__free(struct vanishing *v)
{
	free(v->answers);
	free(v->vanished);
	*v = (struct vanishing){ 0 };
}

struct vanishing_shares vanishing__evenly(void)
{
	struct vanishing_shares s;
	unsigned int k;

	for (k = 0; k < RATES; k++)
		s.of[k] = 1.0 / RATES;
	return s;
}

struct vanishing_shares vanishing__awake(const struct vanishing_shares *s)
{
	struct vanishing_shares awake = vanishing__evenly();
	unsigned int k;

	for (k = 0; k < RATES; k++)
		awake.of[k] = awake.of[k] * 0.05 + s->of[k] * 0.95;
	return awake;
}

/* Four at a time: this is where an estimate's time goes. */
typedef float four __attribute__((vector_size(16), may_alias));

static double sum(four f)
{
	return ((double)f[0] + f[1]) + ((double)f[2] + f[3]);
}

struct chances vanishing__chances(const struct vanishing *v, size_t witness,
				  const struct vanishing_shares *s)
{
	const four *a = (const four *)v->answers[witness];
	const four *b = (const four *)v->vanished[witness];
	const four *of = (const four *)s->of;
	four answers = { 0 }, vanished = { 0 };
	unsigned int k;

	for (k = 0; k < RATES / 4; k++) {
		answers += of[k] * a[k];
		vanished += of[k] * b[k];
	}
	return (struct chances){ 1e-300 + sum(answers), 1e-300 + sum(vanished) };
}

void vanishing__add_votes(const struct vanishing *v, size_t witness, const struct chances *weight,
			  double *restrict votes)
{
	const float *restrict answers = v->answers[witness];
	const float *restrict vanished = v->vanished[witness];
	double a = weight->answers, b = weight->vanished;
	unsigned int k;

	for (k = 0; k < RATES; k++)
		votes[k] += a * answers[k] + b * vanished[k];
}
