/* SPDX-License-Identifier: GPL-2.0 */
/* How likely is each idle timeout T, if there is one (beside devices behind none)? */
#ifndef HALFOPEN_TUNING_TIMER_PROFILE_H
#define HALFOPEN_TUNING_TIMER_PROFILE_H

#include "tuning/timer_mixture.h"

/* Where T passes the gap that a witness survived, or the one in which it was lost. */
struct timer_edge {
	double at_s;
	size_t witness;
	bool of_loss;
};

/* The profile of T: constant from each edge to the next. */
struct timer_profile {
	struct timer_edge *edges; /* sorted */
	double *best;		  /* log likelihood behind each edge; [0] before all */
	double *alone;		  /* ... if all devices are behind that timer */
	struct chances *chances;  /* of each witness */
	size_t count, top_edge;
	double top, beyond; /* the highest with a step, and without one */
	double top_untimed;
};

/* False when memory is short; is to be freed all the same. */
bool timer_profile__make(const struct path_data *d, struct timer_profile *p);
void timer_profile__free(struct timer_profile *p);

/* The likelihood of a witness's observations, if its timer ran out in its last gap; if it lies
 * below all. */
double timer_profile__within(const struct path_witness *w, const struct chances *c);
double timer_profile__below(const struct path_witness *w, const struct chances *c);

/* The middle of the piece behind edge i - 1. */
double timer_profile__middle(const struct timer_profile *p, size_t i);

/* Median and central 95 %: sets estimate_s, low_s and high_s. */
void timer_profile__interval(const struct timer_profile *p, struct idle_timeout *t);

/* Without a step in reach: gaps up to here are survived, if one timer holds for all, by
 * likelihood. */
double timer_profile__surely_survived(const struct timer_profile *p);

#endif
