// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/timer_steps.h"

/* Another step must explain the observations better by this much, in units of log likelihood. */
#define STEP_WORTH 5.0
/* Timers closer to each other are one. */
#define STEPS_APART 1.2

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Another timer beside those of a mixture, which hardly counts if it lies close to one of them. */
struct addition {
	double at_s, share, log_likelihood;
};

static const double added_shares[] = { 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.7 };

static bool is_close(const struct timer_mixture *m, double at_s)
{
	unsigned int k;

	for (k = 0; k < m->classes; k++)
		if (at_s < m->at_s[k] * STEPS_APART && at_s > m->at_s[k] / STEPS_APART)
			return true;
	return false;
}

/* With a share behind another timer, wherever that is; `before`: likelihood of each witness without
 * it. */
static void try_share(const struct timer_profile *p, const struct path_data *d,
		      const struct timer_mixture *m, const double *before, double share,
		      struct addition *best)
{
	double l = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		l += d->all[i].weight *
		     log((1 - share) * before[i] +
			 share * timer_profile__below(&d->all[i], &p->chances[i]));
	for (i = 0; i < p->count; i++) {
		const struct timer_edge *e = &p->edges[i];
		const struct path_witness *w = &d->all[e->witness];
		const struct chances *c = &p->chances[e->witness];
		double others = (1 - share) * before[e->witness];
		double within = log(others + share * timer_profile__within(w, c));

		l += w->weight *
		     (e->of_loss ? log(others + share * c->vanished) - within
				 : within - log(others + share * TIMER_LEAK * c->vanished));
		if (l > best->log_likelihood && i + 1 < p->count &&
		    p->edges[i + 1].at_s > e->at_s && !is_close(m, timer_profile__middle(p, i + 1)))
			*best = (struct addition){ timer_profile__middle(p, i + 1), share, l };
	}
}

static void take_in(const struct addition *new, struct timer_mixture *m)
{
	unsigned int k, place = 0;

	while (place + 1 < m->classes && m->at_s[place] < new->at_s)
		place++;
	for (k = m->classes++; k > place; k--) {
		m->at_s[k] = m->at_s[k - 1];
		m->share[k] = m->share[k - 1];
	}
	for (k = 0; k < m->classes; k++)
		m->share[k] *= 1 - new->share;
	m->at_s[place] = new->at_s;
	m->share[place] = new->share;
}

/* The likelihood of each witness's observations under a mixture. */
static void weigh(struct timer_profile *p, const struct path_data *d, const struct timer_mixture *m,
		  double *before)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		struct timer_sides s = timer_mixture__sides(&d->all[i], m);

		p->chances[i] = vanishing__chances(d->vanishing, i, &m->vanishing);
		before[i] = s.timed * p->chances[i].answers + s.untimed * p->chances[i].vanished;
	}
}

static struct timer_mixture without(const struct timer_mixture *m, unsigned int class)
{
	struct timer_mixture others = { .vanishing = m->vanishing };
	unsigned int k;

	for (k = 0; k < m->classes; k++) {
		if (k == class)
			continue;
		others.at_s[others.classes] = m->at_s[k];
		others.share[others.classes++] = m->share[k] / (1 - m->share[class] + 1e-12);
	}
	return others;
}

/* A timer that was found before another one is where both were: each is estimated again. */
static void settle(struct timer_profile *p, const struct path_data *d, double *before,
		   struct timer_mixture *m)
{
	unsigned int k;

	for (k = 0; k + 1 < m->classes; k++) {
		struct addition best = { .log_likelihood = m->log_likelihood };
		struct timer_mixture others = without(m, k);

		weigh(p, d, &others, before);
		try_share(p, d, &others, before, m->share[k], &best);
		if (best.at_s <= 0)
			continue;
		best.share = m->share[k];
		*m = others;
		take_in(&best, m);
		timer_mixture__improve(d, m);
	}
}

/* Adds a timer, where that makes the observations sufficiently likelier; `before` has room for
 * all. */
static bool add_a_step(struct timer_profile *p, const struct path_data *d, double *before,
		       struct timer_mixture *m)
{
	struct addition best = { .log_likelihood = -HUGE_VAL };
	struct timer_mixture more = *m;
	size_t k;

	weigh(p, d, m, before);
	for (k = 0; k < COUNT(added_shares); k++)
		try_share(p, d, m, before, added_shares[k], &best);
	if (best.log_likelihood == -HUGE_VAL)
		return false;
	take_in(&best, &more);
	timer_mixture__improve(d, &more);
	settle(p, d, before, &more);
	if (more.log_likelihood - m->log_likelihood < STEP_WORTH)
		return false;
	*m = more;
	return true;
}

static double log_likelihood(const struct path_data *d, const struct chances *chances,
			     const struct timer_mixture *m)
{
	double l = 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		struct timer_sides s = timer_mixture__sides(&d->all[i], m);

		l += d->all[i].weight *
		     log(s.timed * chances[i].answers + s.untimed * chances[i].vanished);
	}
	return l;
}

/* Edges in the reach of the k-th timer of several, at most some 400 of them. */
static size_t choose_edges(const struct timer_profile *p, const struct timer_mixture *m,
			   unsigned int k, struct timer_edge *chosen)
{
	double from = k ? sqrt(m->at_s[k - 1] * m->at_s[k]) : m->at_s[k] / 2;
	double to = k + 2 < m->classes ? sqrt(m->at_s[k] * m->at_s[k + 1]) : m->at_s[k] * 2;
	size_t i, n = 0, within = 0, stride;

	for (i = 0; i < p->count; i++)
		within += p->edges[i].at_s >= from && p->edges[i].at_s <= to;
	stride = within / 400 + 1;
	for (i = 0; i < p->count; i += stride)
		if (p->edges[i].at_s >= from && p->edges[i].at_s <= to)
			chosen[n++] = p->edges[i];
	return n;
}

/* The profile of one timer of several, the others and the shares unchanged: as above, T is even on
 * a logarithmic scale within each piece. */
static void find_step(const struct timer_profile *p, const struct path_data *d,
		      const struct timer_mixture *m, unsigned int k, struct idle_timeout *t)
{
	struct timer_profile mine = { .edges = malloc((p->count + 1) * sizeof(*mine.edges)),
				      .best = malloc((p->count + 1) * sizeof(*mine.best)),
				      .top = -HUGE_VAL };
	size_t i;

	if (!mine.edges || !mine.best)
		goto out;
	mine.count = choose_edges(p, m, k, mine.edges);
	if (mine.count < 2)
		goto out;
	mine.best[0] = mine.best[mine.count] = -HUGE_VAL;
	for (i = 1; i < mine.count; i++) {
		struct timer_mixture other = *m;

		other.at_s[k] = timer_profile__middle(&mine, i);
		mine.best[i] = log_likelihood(d, p->chances, &other);
		mine.top = fmax(mine.top, mine.best[i]);
	}
	timer_profile__interval(&mine, t);
out:
	free(mine.best);
	free(mine.edges);
}

static void tell_steps(struct timer_profile *p, const struct path_data *d,
		       const struct timer_mixture *m, struct idle_timeout *t)
{
	unsigned int k;
	size_t i;

	for (i = 0; i < d->count; i++)
		p->chances[i] = vanishing__chances(d->vanishing, i, &m->vanishing);
	t->steps = m->classes - 1;
	for (k = t->steps; k--;) { /* the first one last: the interval is for it */
		t->estimate_s = m->at_s[k];
		find_step(p, d, m, k, t);
		t->step[k].at_s = t->estimate_s;
		t->step[k].share = m->share[k];
	}
}

bool timer_steps__find(struct timer_profile *p, const struct path_data *d, struct idle_timeout *t)
{
	struct timer_mixture m = { .classes = 2,
				   .at_s = { t->estimate_s, HUGE_VAL },
				   .share = { 0.9, 0.1 },
				   .vanishing = vanishing__evenly() };
	double *before = malloc((d->count + 1) * sizeof(*before));

	if (!before)
		return false;
	timer_mixture__improve(d, &m);
	settle(p, d, before, &m);
	t->steps = 1;
	t->step[0].at_s = t->estimate_s;
	t->step[0].share = m.share[0];
	while (m.classes <= IDLE_STEPS_MAX && add_a_step(p, d, before, &m))
		;
	if (m.classes > 2)
		tell_steps(p, d, &m, t);
	free(before);
	return true;
}
