// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "timer_mixture.h"

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

/* One round of expectation and maximisation, of both kinds of share; the log likelihood before. */
static double improve(const struct path_data *d, struct timer_mixture *m)
{
	double classes[TIMERS_MAX] = { 0 }, rates[RATES] = { 0 }, votes = 0, l = 0;
	unsigned int k;
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct path_witness *w = &d->all[i];
		struct chances c = vanishing__chances(d->vanishing, i, &m->vanishing);
		struct timer_sides s = timer_mixture__sides(w, m);
		double all = s.timed * c.answers + s.untimed * c.vanished;

		for (k = 0; k < m->classes; k++)
			classes[k] += w->weight * m->share[k] * outlived(w, m->at_s[k]) / all *
				      (is_timed(w, m->at_s[k]) ? c.answers : c.vanished);
		for (k = 0; k < RATES; k++)
			rates[k] += w->weight * m->vanishing.of[k] / all *
				    (s.timed * d->vanishing->answers[i][k] +
				     s.untimed * d->vanishing->vanished[i][k]);
		votes += w->weight;
		l += w->weight * log(all);
	}
	for (k = 0; votes > 0 && k < m->classes; k++)
		m->share[k] = classes[k] / votes;
	for (k = 0; votes > 0 && k < RATES; k++)
		m->vanishing.of[k] = fmax(rates[k] / votes, 1e-12);
	return l;
}

void timer_mixture__improve(const struct path_data *d, struct timer_mixture *m)
{
	unsigned int round;
	double l;

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
