// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/timer_mixture.h"

double path_witness__gone_by_s(const struct path_witness *w)
{
	return w->lost_s > 0 && w->back_s > 0 ? fmin(w->lost_s, w->back_s) : w->lost_s;
}

static double outlived(const struct path_witness *w, double at_s)
{
	return w->survived_s >= at_s ? TIMER_LEAK : 1;
}

static bool is_timed(const struct path_witness *w, double at_s)
{
	return w->lost_s > 0 && !w->lost_as_usual && at_s <= path_witness__gone_by_s(w);
}

struct timer_sides timer_mixture__sides(const struct path_witness *w, const struct timer_mixture *m)
{
	struct timer_sides s = { 0 };
	unsigned int k;

	for (k = 0; k < m->classes; k++) {
		double of = m->share[k] * outlived(w, m->at_s[k]);

		*(is_timed(w, m->at_s[k]) ? &s.timed : &s.untimed) += of;
	}
	return s;
}

/* Witnesses whose gap was survived, and ended, between the same timers are of one kind. */
#define KINDS ((TIMERS_MAX + 1) * (TIMERS_MAX + 1))

static unsigned int kind_of(const struct path_witness *w, const struct timer_mixture *m)
{
	unsigned int outlived_of = 0, timed = 0, k;

	for (k = 0; k < m->classes; k++) {
		outlived_of += w->survived_s >= m->at_s[k];
		timed += is_timed(w, m->at_s[k]);
	}
	return outlived_of * (TIMERS_MAX + 1) + timed;
}

/* Votes of one round for each kind: by the likelihood that their timer ran out, and that it did
 * not. */
struct round {
	struct timer_sides sides[KINDS], gathered[KINDS];
	double rates[RATES], votes, log_likelihood;
};

static void begin_round(const struct timer_mixture *m, struct round *r)
{
	unsigned int kind, k;

	*r = (struct round){ .votes = 0 };
	for (kind = 0; kind < KINDS; kind++)
		for (k = 0; k < m->classes; k++) {
			double of = m->share[k] *
				    (k < kind / (TIMERS_MAX + 1) ? TIMER_LEAK : 1);

			*(k < kind % (TIMERS_MAX + 1) ? &r->sides[kind].timed
						      : &r->sides[kind].untimed) += of;
		}
}

static void gather(const struct path_data *d, const struct timer_mixture *m, struct round *r)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		struct chances c = vanishing__chances(d->vanishing, i, &m->vanishing);
		const struct timer_sides *s = &r->sides[d->kinds[i]];
		double weight = d->all[i].weight, all, part;

		all = s->timed * c.answers + s->untimed * c.vanished;
		part = weight / all;
		r->gathered[d->kinds[i]].timed += part * c.answers;
		r->gathered[d->kinds[i]].untimed += part * c.vanished;
		vanishing__add_votes(d->vanishing, i,
				     &(struct chances){ part * s->timed, part * s->untimed },
				     r->rates);
		r->votes += weight;
		r->log_likelihood += weight * log(all);
	}
}

static double share_of(const struct timer_mixture *m, unsigned int k, const struct round *r)
{
	double share = 0;
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++)
		share += (k < kind / (TIMERS_MAX + 1) ? TIMER_LEAK : 1) *
			 (k < kind % (TIMERS_MAX + 1) ? r->gathered[kind].timed
						      : r->gathered[kind].untimed);
	return m->share[k] * share / r->votes;
}

/* One round of expectation and maximisation, of both kinds of share; returns the log likelihood
 * before. */
static double improve(const struct path_data *d, struct timer_mixture *m)
{
	struct round r;
	unsigned int k;

	begin_round(m, &r);
	gather(d, m, &r);
	for (k = 0; r.votes > 0 && k < m->classes; k++)
		m->share[k] = share_of(m, k, &r);
	for (k = 0; r.votes > 0 && k < RATES; k++)
		m->vanishing.of[k] = fmax(m->vanishing.of[k] * r.rates[k] / r.votes, 1e-12);
	return r.log_likelihood;
}

void timer_mixture__improve(const struct path_data *d, struct timer_mixture *m)
{
	unsigned int round;
	double l = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		d->kinds[i] = kind_of(&d->all[i], m);
	m->log_likelihood = -HUGE_VAL;
	for (round = 0; round < 200; round++) {
		l = improve(d, m);
		if (l - m->log_likelihood < 0.01)
			break;
		m->log_likelihood = l;
	}
	m->log_likelihood = fmax(l, m->log_likelihood);
}

void timer_mixture__fit(const struct path_data *d, struct timer_mixture *m)
{
	unsigned int k;

	for (k = 0; k < m->classes; k++)
		m->share[k] = 1.0 / m->classes;
	m->vanishing = vanishing__evenly();
	timer_mixture__improve(d, m);
}
