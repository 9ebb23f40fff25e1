// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/timer_profile.h"

/* Of weight within the data's reach, this much of a log unit lies beyond its end. */
#define BEYOND 0.7
/* A timer for only some devices must explain this much more. */
#define UNTIMED_COST 4.0

/* Shares of devices without a timer over which likelihoods are maximised. */
static const double untimed_shares[] = { 0, 0.02, 0.08, 0.2, 0.4, 0.6, 0.8, 0.92 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int by_place(const void *a, const void *b)
{
	const struct timer_edge *x = a, *y = b;

	if (x->at_s != y->at_s)
		return x->at_s < y->at_s ? -1 : 1;
	if (x->of_loss != y->of_loss)
		return x->of_loss - y->of_loss;
	return x->witness < y->witness ? -1 : x->witness > y->witness;
}

static size_t make_edges(const struct path_data *d, struct timer_edge *edges)
{
	size_t i, n = 0;

	for (i = 0; i < d->count; i++) {
		const struct path_witness *w = &d->all[i];

		if (w->survived_s > 0)
			edges[n++] = (struct timer_edge){ w->survived_s, i, false };
		if (w->lost_s > 0)
			edges[n++] = (struct timer_edge){
				fmax(path_witness__gone_by_s(w), w->survived_s), i, true
			};
	}
	qsort(edges, n, sizeof(*edges), by_place);
	return n;
}

double timer_profile__within(const struct path_witness *w, const struct chances *c)
{
	return w->lost_as_usual ? c->vanished : c->answers;
}

double timer_profile__below(const struct path_witness *w, const struct chances *c)
{
	return w->survived_s > 0 ? TIMER_LEAK * c->vanished : timer_profile__within(w, c);
}

static double within_gap(const struct path_witness *w, const struct chances *c, double untimed)
{
	return (1 - untimed) * timer_profile__within(w, c) + untimed * c->vanished;
}

/* With T below all. */
static double begin_sweep(const struct timer_profile *p, const struct path_data *d, double untimed)
{
	double leak = untimed + (1 - untimed) * TIMER_LEAK, l = untimed > 0 ? -UNTIMED_COST : 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct chances *c = &p->chances[i];

		l += d->all[i].weight * (d->all[i].survived_s > 0
						 ? log(leak * c->vanished)
						 : log(within_gap(&d->all[i], c, untimed)));
	}
	return l;
}

static double lost_votes(const struct path_data *d)
{
	double lost = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		lost += d->all[i].lost_s > 0 ? d->all[i].weight : 0;
	return lost;
}

/* Between edges at one place there is no T. */
static bool is_piece(const struct timer_profile *p, size_t i)
{
	return !i || i == p->count || p->edges[i].at_s > p->edges[i - 1].at_s;
}

/* For one share of devices without a timer: how likely is each T? A few late losses are no step. */
static void sweep_with(struct timer_profile *p, const struct path_data *d, double untimed)
{
	double leak = untimed + (1 - untimed) * TIMER_LEAK, l = begin_sweep(p, d, untimed);
	double lost = lost_votes(d); /* at this T or later */
	size_t i;

	for (i = 0;; i++) {
		const struct path_witness *w;
		const struct chances *c;
		double within, vanished;

		if (is_piece(p, i)) {
			p->best[i] = fmax(p->best[i], l);
			if (!untimed)
				p->alone[i] = fmax(p->alone[i], l);
		}
		if (i == p->count) /* beyond all: as good as none */
			break;
		if (i && is_piece(p, i) && l > p->top && lost >= IDLE_LOST_MIN) {
			p->top = l;
			p->top_edge = i;
			p->top_untimed = untimed;
		}
		w = &d->all[p->edges[i].witness];
		c = &p->chances[p->edges[i].witness];
		vanished = log(c->vanished);
		within = log(within_gap(w, c, untimed));
		lost -= p->edges[i].of_loss ? w->weight : 0;
		l += w->weight *
		     (p->edges[i].of_loss ? vanished - within : within - log(leak) - vanished);
	}
}

static void sweep(struct timer_profile *p, const struct path_data *d,
		  const struct vanishing_shares *s)
{
	size_t i, u;

	for (i = 0; i < d->count; i++)
		p->chances[i] = vanishing__chances(d->vanishing, i, s);
	for (u = 0; u < COUNT(untimed_shares); u++)
		sweep_with(p, d, untimed_shares[u]);
}

double timer_profile__middle(const struct timer_profile *p, size_t i)
{
	if (!i || i == p->count)
		return i ? p->edges[i - 1].at_s * 1.01 : p->edges[0].at_s * 0.99;
	return sqrt(p->edges[i - 1].at_s * p->edges[i].at_s);
}

/* Maximises rates of vanishing, with the best T and without one, and T with these, in turn. */
static void climb(struct timer_profile *p, const struct path_data *d)
{
	struct timer_mixture none = { .classes = 1, .at_s = { HUGE_VAL } };
	struct timer_mixture one = { .vanishing = vanishing__evenly() };
	double before = -HUGE_VAL;
	unsigned int round;

	timer_mixture__fit(d, &none);
	p->beyond = none.log_likelihood;
	sweep(p, d, &none.vanishing);
	for (round = 0; round < 4 && p->count && p->top > before + 0.05; round++) {
		before = p->top;
		one = (struct timer_mixture){
			.classes = 2,
			.at_s = { timer_profile__middle(p, p->top_edge), HUGE_VAL },
			.share = { 1 - fmax(p->top_untimed, 0.01), fmax(p->top_untimed, 0.01) },
			.vanishing = vanishing__awake(&one.vanishing),
		};
		timer_mixture__improve(d, &one);
		sweep(p, d, &one.vanishing);
	}
	p->beyond = fmax(p->beyond, p->best[p->count]);
}

bool timer_profile__make(const struct path_data *d, struct timer_profile *p)
{
	size_t i, size = 2 * d->count + 1;

	*p = (struct timer_profile){ .edges = malloc(size * sizeof(*p->edges)),
				     .best = malloc(size * sizeof(*p->best)),
				     .alone = malloc(size * sizeof(*p->alone)),
				     .chances = malloc(size * sizeof(*p->chances)),
				     .top = -HUGE_VAL,
				     .beyond = -HUGE_VAL };
	if (!p->edges || !p->best || !p->alone || !p->chances)
		return false;
	p->count = make_edges(d, p->edges);
	for (i = 0; i <= p->count; i++)
		p->best[i] = p->alone[i] = -HUGE_VAL;
	climb(p, d);
	return true;
}

void timer_profile__free(struct timer_profile *p)
{
	free(p->edges);
	free(p->best);
	free(p->alone);
	free(p->chances);
}

/* ---- the interval ---- */

/* The piece behind edge i - 1: its weight, with T even on a logarithmic scale. */
static double weight_of(const struct timer_profile *p, size_t i)
{
	double from = i ? p->edges[i - 1].at_s : 0, to;

	if (i == p->count)
		return exp(p->best[i] - p->top) * BEYOND;
	to = p->edges[i].at_s;
	if (!i)
		from = to / 2;
	return to > from ? exp(p->best[i] - p->top) * log(to / from) : 0;
}

/* The T below which that share of all weight lies; `*piece` holds it. */
static double quantile(const struct timer_profile *p, double all, double share, size_t *piece)
{
	double left = all * share;
	size_t i;

	for (i = 0; i < p->count; i++) {
		double weight = weight_of(p, i), to = p->edges[i].at_s;
		double from = i ? p->edges[i - 1].at_s : to / 2;

		*piece = i;
		if (left <= weight && weight > 0)
			return from * pow(to / from, left / weight);
		left -= weight;
	}
	*piece = p->count;
	return p->count ? p->edges[p->count - 1].at_s : 0;
}

/* Asks that many devices got at the same age are a habit of ours, as timers are of others: both
 * like round numbers, and T is not even between them. */
#define AT_ONCE 1.005
#define MANY 3

static bool is_habit(const struct timer_profile *p, size_t edge, int direction)
{
	double at_s = p->edges[edge].at_s;
	size_t i = edge, n = 0;

	while (i < p->count && n < MANY && p->edges[i].at_s <= at_s * AT_ONCE &&
	       p->edges[i].at_s >= at_s / AT_ONCE) {
		n++;
		i += direction; /* below 0 it is none, either */
	}
	return n >= MANY;
}

void timer_profile__interval(const struct timer_profile *p, struct idle_timeout *t)
{
	double all = 0;
	size_t i, low, high, piece;

	for (i = 0; i <= p->count; i++)
		all += weight_of(p, i);
	t->estimate_s = quantile(p, all, 0.5, &piece);
	t->low_s = quantile(p, all, (1 - IDLE_CONFIDENCE) / 2, &low);
	t->high_s = quantile(p, all, (1 + IDLE_CONFIDENCE) / 2, &high);
	if (low && low < p->count && is_habit(p, low - 1, -1))
		t->low_s = p->edges[low - 1].at_s;
	if (high < p->count && is_habit(p, high, 1))
		t->high_s = p->edges[high].at_s;
}

/* 1.92: half of the 95 % quantile of chi-squared. */
double timer_profile__surely_survived(const struct timer_profile *p)
{
	double top = -HUGE_VAL;
	size_t i;

	for (i = 0; i <= p->count; i++)
		top = fmax(top, p->alone[i]);
	for (i = 0; i < p->count && p->alone[i] < top - 1.92; i++)
		;
	return i ? p->edges[i - 1].at_s : 0;
}
