// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "idle_timeout.h"

/* A gap may outlive its timer once in a while: something passed that no event told of. */
#define LEAK 0.003
/* A step must explain the losses better than vanishing alone by this much, in units of log
 * likelihood; two steps better than one. Chi-squared with 2 degrees of freedom: 0.25 and 0.7 %. */
#define STEP_WORTH 6.0
#define SECOND_STEP_WORTH 5.0
/* Of more devices than this, evenly chosen ones are looked at; and for the number of steps. */
#define DEVICES_MAX 20000
#define DEVICES_OF_STEPS 1500
/* A device that was lost in a gap hardly longer than one that it survived was not lost to a timer:
 * such gaps are ended by timers of our own, which come late by chance (and gaps this alike are kept
 * as one). */
#define ALIKE 1.05
/* Nor one that was lost where our own probes ended the gaps of the others: some were there, some
 * were not, all after the same time but for the lateness of our timer. */
#define AS_LATE 1.15
/* Of what lies within the data's reach, this much of a log unit lies beyond its end. */
#define BEYOND 0.7

/* Shares of devices without a timer, and rates of vanishing as shares of the highest possible, over
 * which likelihoods are maximised. */
static const double untimed_shares[] = { 0, 0.02, 0.08, 0.2, 0.4, 0.6, 0.8 };
static const double vanish_shares[] = { 2, 1.6, 1.3, 1.1, 0.9, 0.7, 0.5, 0.33, 0.2, 0.1, 0.04, 0.01,
					0.003 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- one timer ---- */

/* T moves past what a witness survived, or past that in which it was lost. */
struct edge {
	double at_s;
	const struct path_witness *witness;	/* while the profile is made */
	bool of_loss;
};

static int by_place(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at_s != y->at_s)
		return x->at_s < y->at_s ? -1 : 1;
	return x->of_loss - y->of_loss;
}

/* The profile of T: constant from each edge to the next. */
struct profile {
	struct edge *edges;	/* sorted */
	double *best;		/* log likelihood behind each edge; [0] before all */
	double *alone;		/* ... if all devices are behind that timer */
	size_t count;
	double top, beyond;	/* the highest with a step, and without one */
	double vanish_per_s;	/* at the top */
};

static double gone_by(double rate, double s)
{
	return -expm1(-rate * s);
}


/* How likely what was seen in its last gap is, if its timer ran out in there. */
static double within_gap(const struct path_witness *w, double gone, double untimed)
{
	return w->timed ? 1 - untimed + untimed * gone : gone;
}

static size_t make_edges(const struct path_witness *all, size_t count, struct edge *edges)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		const struct path_witness *w = &all[i];

		if (w->survived_s)
			edges[n++] = (struct edge){ w->survived_s, w, false };
		if (w->lost_s)
			edges[n++] = (struct edge){ fmax(w->lost_s, w->survived_s), w, true };
	}
	qsort(edges, n, sizeof(*edges), by_place);
	return n;
}

/* One rate of vanishing, one share of devices without a timer: how likely is each T? */
static void sweep(struct profile *p, const struct path_witness *all, size_t count, double rate,
		  double untimed)
{
	double outlived = log(untimed + (1 - untimed) * LEAK), l = 0;
	size_t i;

	for (i = 0; i < count; i++) {	/* as it is with T below all */
		double gone = all[i].lost_s ? gone_by(rate, all[i].lost_s) : 1;

		l -= rate * (all[i].idle_s - all[i].lost_s);
		l += all[i].survived_s ? outlived + log(gone)
				       : log(within_gap(&all[i], gone, untimed));
	}
	for (i = 0; ; i++) {
		const struct path_witness *w;
		double gone, vanished, within;

		p->best[i] = fmax(p->best[i], l);
		if (!untimed)
			p->alone[i] = fmax(p->alone[i], l);
		if (i == p->count)
			break;
		if (i && l > p->top) {
			p->top = l;
			p->vanish_per_s = rate;
		}
		w = p->edges[i].witness;
		gone = w->lost_s ? gone_by(rate, w->lost_s) : 1;
		vanished = log(gone);
		within = w->lost_s ? log(within_gap(w, gone, untimed)) : 0;
		l += p->edges[i].of_loss ? vanished - within : within - outlived - vanished;
	}
	p->beyond = fmax(p->beyond, l);
}

/* The most that all idle time and all losses allow. */
static double highest_rate(const struct path_witness *all, size_t count)
{
	double idle = 1, lost = 1;
	size_t i;

	for (i = 0; i < count; i++) {
		idle += all[i].idle_s;
		lost += all[i].lost_s > 0;
	}
	return lost / idle;
}

static bool make_profile(const struct path_witness *all, size_t count, struct profile *p)
{
	double highest = highest_rate(all, count);
	size_t i, u, v;

	*p = (struct profile){ .edges = malloc((2 * count + 1) * sizeof(*p->edges)),
			       .best = malloc((2 * count + 1) * sizeof(*p->best)),
			       .alone = malloc((2 * count + 1) * sizeof(*p->alone)),
			       .top = -HUGE_VAL, .beyond = -HUGE_VAL };
	if (!p->edges || !p->best || !p->alone)
		return false;
	p->count = make_edges(all, count, p->edges);
	for (i = 0; i <= p->count; i++)
		p->best[i] = p->alone[i] = -HUGE_VAL;
	for (v = 0; v < COUNT(vanish_shares); v++)
		for (u = 0; u < COUNT(untimed_shares); u++)
			sweep(p, all, count, highest * vanish_shares[v], untimed_shares[u]);
	return true;
}

static void free_profile(struct profile *p)
{
	free(p->edges);
	free(p->best);
	free(p->alone);
}

/* The piece behind edge i - 1: its weight, with T even on a logarithmic scale. */
static double weight_of(const struct profile *p, size_t i)
{
	double from = i ? p->edges[i - 1].at_s : 0, to;

	if (i == p->count)
		return exp(p->best[i] - p->top) * BEYOND;
	to = p->edges[i].at_s;
	if (!i)
		from = to / 2;
	return to > from ? exp(p->best[i] - p->top) * log(to / from) : 0;
}

static double quantile(const struct profile *p, double all, double share)
{
	double left = all * share;
	size_t i;

	for (i = 0; i < p->count; i++) {
		double weight = weight_of(p, i), to = p->edges[i].at_s;
		double from = i ? p->edges[i - 1].at_s : to / 2;

		if (left <= weight && weight > 0)
			return from * pow(to / from, left / weight);
		left -= weight;
	}
	return p->edges[p->count - 1].at_s;
}

static void find_interval(const struct profile *p, struct idle_timeout *t)
{
	double all = 0;
	size_t i;

	for (i = 0; i <= p->count; i++)
		all += weight_of(p, i);
	t->estimate_s = quantile(p, all, 0.5);
	t->low_s = quantile(p, all, (1 - IDLE_CONFIDENCE) / 2);
	t->high_s = quantile(p, all, (1 + IDLE_CONFIDENCE) / 2);
}

/* Without a step in reach: gaps up to here are survived, if one timer holds for all, by the
 * likelihood's word (1.92: half of the 95 % quantile of chi-squared). */
static double surely_survived(const struct profile *p)
{
	double top = -HUGE_VAL;
	size_t i;

	for (i = 0; i <= p->count; i++)
		top = fmax(top, p->alone[i]);
	for (i = 0; i < p->count && p->alone[i] < top - 1.92; i++)
		;
	return i ? p->edges[i - 1].at_s : 0;
}

/* Every n-th of the sorted ones, so that at most `max` are left; how many are. */
static size_t thin_out(struct path_witness *sorted, size_t count, size_t max)
{
	size_t stride = (count + max - 1) / max, i, n = 0;

	for (i = 0; i < count; i += stride)
		sorted[n++] = sorted[i];
	return n;
}

/* ---- several timers ---- */

/* Timers that devices may sit behind, and how many do. The last class has none. */
#define CLASSES_MAX 41

struct mixture {
	double at_s[CLASSES_MAX], share[CLASSES_MAX];
	unsigned int classes;
	double rate;		/* of vanishing, a second */
	double log_likelihood;
};

/* Of what this witness saw, if its timer is `at_s`; `gone` if it vanished as soon as it was lost.
 */
static double chance(const struct path_witness *w, double at_s, double gone)
{
	double outlived = w->survived_s >= at_s ? LEAK : 1;

	return at_s <= w->lost_s && w->timed ? outlived : outlived * gone;
}

/* Shares by expectation and maximisation (Turnbull's, with a class that vanishes), until they gain
 * nothing that matters. */
static void fit_shares(const struct path_witness *all, size_t count, struct mixture *m)
{
	unsigned int round, k;
	double before;
	size_t i;

	m->log_likelihood = -HUGE_VAL;
	for (round = 0; round < 100; round++) {
		double next[CLASSES_MAX] = { 0 };

		before = m->log_likelihood;
		m->log_likelihood = 0;
		for (i = 0; i < count; i++) {
			double gone = all[i].lost_s ? gone_by(m->rate, all[i].lost_s) : 1;
			double of[CLASSES_MAX], sum = 0;

			for (k = 0; k < m->classes; k++)
				sum += of[k] = m->share[k] * chance(&all[i], m->at_s[k], gone);
			for (k = 0; k < m->classes; k++)
				next[k] += of[k] / sum;
			m->log_likelihood += log(sum) - m->rate * (all[i].idle_s - all[i].lost_s);
		}
		for (k = 0; k < m->classes; k++)
			m->share[k] = next[k] / count;
		if (m->log_likelihood - before < 0.02)
			break;
	}
}

/* The rate of vanishing is looked for anew: with one step too few it seems high. */
static void fit(const struct path_witness *all, size_t count, double rate, struct mixture *m)
{
	static const double shares[] = { 1, 0.4, 0.12, 0.03 };
	struct mixture best = { .log_likelihood = -HUGE_VAL };
	unsigned int k;
	size_t v;

	for (v = 0; v < COUNT(shares); v++) {
		for (k = 0; k < m->classes; k++)
			m->share[k] = 1.0 / m->classes;
		m->rate = rate * shares[v];
		fit_shares(all, count, m);
		if (m->log_likelihood > best.log_likelihood)
			best = *m;
	}
	*m = best;
}

static double middle(const struct profile *p, size_t i)
{
	return i ? sqrt(p->edges[i - 1].at_s * p->edges[i].at_s) : p->edges[0].at_s * 0.99;
}

/* Candidates all over the range, thinned to what is worth the time. */
static void spread_classes(const struct profile *p, struct mixture *m)
{
	size_t step = p->count / (CLASSES_MAX - 1) + 1, i;

	m->classes = 0;
	for (i = 0; i < p->count && m->classes < CLASSES_MAX - 1; i += step)
		m->at_s[m->classes++] = middle(p, i);
	m->at_s[m->classes++] = HUGE_VAL;
}

/* Neighbours that hold devices are one timer, at their weighted middle. */
static void gather_classes(const struct mixture *all, struct mixture *m)
{
	double mass = 0, logs = 0;
	unsigned int k;

	m->classes = 0;
	for (k = 0; k < all->classes; k++) {
		bool last = k + 1 == all->classes;
		bool apart = !last && mass > 0 && all->at_s[k] > exp(logs / mass) * 1.25;

		if ((last || apart) && mass >= 0.08 && m->classes < IDLE_STEPS_MAX)
			m->at_s[m->classes++] = exp(logs / mass);
		if (last || apart)
			mass = logs = 0;
		if (all->share[k] > 0.005 && !last) {
			mass += all->share[k];
			logs += all->share[k] * log(all->at_s[k]);
		}
	}
	m->at_s[m->classes++] = HUGE_VAL;
}

/* One step less, if that makes what was seen hardly less likely. */
static bool drop_a_class(const struct path_witness *all, size_t count, double rate,
			 struct mixture *m)
{
	struct mixture best = { .log_likelihood = -HUGE_VAL };
	unsigned int without, k;

	for (without = 0; without + 1 < m->classes; without++) {
		struct mixture fewer = { .classes = 0 };

		for (k = 0; k < m->classes; k++)
			if (k != without)
				fewer.at_s[fewer.classes++] = m->at_s[k];
		fit(all, count, rate, &fewer);
		if (fewer.log_likelihood > best.log_likelihood)
			best = fewer;
	}
	if (m->log_likelihood - best.log_likelihood >= SECOND_STEP_WORTH)
		return false;
	*m = best;
	return true;
}

static double log_likelihood(const struct path_witness *all, size_t count, const struct mixture *m)
{
	double sum = 0;
	unsigned int k;
	size_t i;

	for (i = 0; i < count; i++) {
		double gone = all[i].lost_s ? gone_by(m->rate, all[i].lost_s) : 1, of = 0;

		for (k = 0; k < m->classes; k++)
			of += m->share[k] * chance(&all[i], m->at_s[k], gone);
		sum += log(of);
	}
	return sum;
}

/* The profile of one timer of several, the others and the shares staying: as above, T is even on a
 * logarithmic scale within each piece. */
static void find_step(const struct profile *p, const struct path_witness *all, size_t count,
		      const struct mixture *m, unsigned int k, struct idle_timeout *t)
{
	double from = k ? sqrt(m->at_s[k - 1] * m->at_s[k]) : m->at_s[k] / 2;
	double to = k + 2 < m->classes ? sqrt(m->at_s[k] * m->at_s[k + 1]) : m->at_s[k] * 2;
	struct edge *pieces = malloc((p->count + 1) * sizeof(*pieces));
	size_t i, n = 0, within = 0, stride;
	double top = -HUGE_VAL;
	struct profile mine;

	if (!pieces)
		return;
	for (i = 0; i < p->count; i++)
		within += p->edges[i].at_s >= from && p->edges[i].at_s <= to;
	stride = within / 400 + 1;
	for (i = 0; i < p->count; i += stride)
		if (p->edges[i].at_s >= from && p->edges[i].at_s <= to)
			pieces[n++] = p->edges[i];
	mine = (struct profile){ .edges = pieces, .count = n,
				 .best = malloc((n + 1) * sizeof(*mine.best)) };
	if (!mine.best || n < 2)
		goto out;
	for (i = 0; i <= n; i++) {
		struct mixture other = *m;

		mine.best[i] = -HUGE_VAL;
		if (!i || i == n)
			continue;
		other.at_s[k] = sqrt(pieces[i - 1].at_s * pieces[i].at_s);
		mine.best[i] = log_likelihood(all, count, &other);
		top = fmax(top, mine.best[i]);
	}
	mine.top = top;
	find_interval(&mine, t);
out:
	free(mine.best);
	free(pieces);
}

static void find_steps(const struct profile *p, struct path_witness *all, size_t count,
		       struct idle_timeout *t)
{
	struct mixture many = { 0 }, few = { 0 };
	struct mixture one = { .classes = 2, .at_s = { t->estimate_s, HUGE_VAL } };
	unsigned int k;

	t->steps = 1;
	count = thin_out(all, count, DEVICES_OF_STEPS);
	fit(all, count, p->vanish_per_s, &one);
	t->step[0].at_s = t->estimate_s;
	t->step[0].share = one.share[0];
	spread_classes(p, &many);
	fit(all, count, p->vanish_per_s, &many);
	gather_classes(&many, &few);
	if (few.classes < 3)
		return;
	fit(all, count, p->vanish_per_s, &few);
	while (few.classes > 2 && drop_a_class(all, count, p->vanish_per_s, &few))
		;
	if (few.classes < 3 || few.log_likelihood - one.log_likelihood < SECOND_STEP_WORTH)
		return;
	t->steps = few.classes - 1;
	for (k = t->steps; k--; ) {	/* the first one last: the interval is its */
		find_step(p, all, count, &few, k, t);
		t->step[k].at_s = t->estimate_s;
		t->step[k].share = few.share[k];
	}
}

/* ---- the estimate ---- */

static int by_worth(const void *a, const void *b)
{
	const struct path_witness *x = a, *y = b;

	if (x->survived_s != y->survived_s)
		return x->survived_s < y->survived_s ? -1 : 1;
	return x->lost_s < y->lost_s ? -1 : x->lost_s > y->lost_s;
}

/* Did those who came furthest come there because we asked? Then nobody waited for longer. */
/* To whom of the sorted ones may a timer have happened? */
static void find_timed(struct path_witness *sorted, size_t count)
{
	size_t i, probed = 0, seen = 0;
	double usual = 0;

	for (i = 0; i < count; i++)
		probed += sorted[i].probed;
	for (i = 0; i < count && !usual; i++) {	/* the median, by their order */
		seen += sorted[i].probed;
		if (probed && 2 * seen >= probed)
			usual = sorted[i].survived_s;
	}
	for (i = 0; i < count; i++) {
		struct path_witness *w = &sorted[i];

		w->timed = w->lost_s > w->survived_s * ALIKE &&
			   !(w->lost_to_probe && w->lost_s <= usual * AS_LATE);
	}
}

static bool is_censored(const struct path_witness *sorted, size_t count)
{
	double longest = count ? sorted[count - 1].survived_s : 0;
	size_t i, far = 0, probed = 0;

	for (i = 0; i < count; i++) {
		if (sorted[i].survived_s < longest * 0.8)
			continue;
		far++;
		probed += sorted[i].probed;
	}
	return far && probed * 10 >= far * 9;
}

bool idle_timeout__estimate(struct path_witness *all, size_t count, struct idle_timeout *t)
{
	struct profile p;
	size_t i;
	bool ok;

	*t = (struct idle_timeout){ .reason = IDLE_THIN, .devices = count };
	qsort(all, count, sizeof(*all), by_worth);
	for (i = 0; i < count; i++)
		t->lost += all[i].lost_s > 0;
	find_timed(all, count);
	count = thin_out(all, count, DEVICES_MAX);
	ok = make_profile(all, count, &p);
	if (!ok)
		goto out;
	t->low_s = surely_survived(&p);
	if (count < IDLE_DEVICES_MIN)
		goto out;
	if (t->lost < IDLE_LOST_MIN || p.top - p.beyond < STEP_WORTH) {
		t->reason = is_censored(all, count) ? IDLE_CENSORED
			    : t->lost < IDLE_LOST_MIN ? IDLE_THIN : IDLE_NO_STEP;
		goto out;
	}
	t->reason = IDLE_KNOWN;
	t->vanish_per_hour = p.vanish_per_s * 3600;
	find_interval(&p, t);
	find_steps(&p, all, count, t);
out:
	free_profile(&p);
	return ok;
}

const char *idle_reason__name(enum idle_reason r)
{
	static const char *const names[] = {
		[IDLE_KNOWN] = NULL, [IDLE_THIN] = "thin_evidence", [IDLE_NO_STEP] = "no_step",
		[IDLE_CENSORED] = "censored_by_keepalive",
	};

	return names[r];
}
