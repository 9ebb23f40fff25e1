/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices behind one of several timers, or none, that vanish at rates of their own: which shares
 * make the observations likeliest (by expectation and maximisation).
 */
#ifndef HALFOPEN_TUNING_TIMER_MIXTURE_H
#define HALFOPEN_TUNING_TIMER_MIXTURE_H

#include "tuning/idle_timeout.h"
#include "tuning/vanishing.h"

/* A gap may outlive its timer once in a while: something passed without an event. Less likely than
 * that a device vanishes. */
#define TIMER_LEAK 1e-5

/* The observations, and how likely it is that devices vanish so. */
struct path_data {
	const struct path_witness *all;
	const struct vanishing *vanishing;
	uint8_t *kinds; /* room for one of each, while shares are improved */
	size_t count;
};

/* By then it was gone: we asked, or its device was back on another connection. 0: it was not
 * lost. */
double path_witness__gone_by_s(const struct path_witness *w);

/* The last class has no timer. */
#define TIMERS_MAX (IDLE_STEPS_MAX + 1)

struct timer_mixture {
	double at_s[TIMERS_MAX], share[TIMERS_MAX];
	unsigned int classes;
	struct vanishing_shares vanishing;
	double log_likelihood;
};

/* A witness's likelihoods by class: the shares of those whose timer ran out in its last gap, and of
 * the others. */
struct timer_sides {
	double timed, untimed;
};

struct timer_sides timer_mixture__sides(const struct path_witness *w,
					const struct timer_mixture *m);

/* Timers are in order. Improves both kinds of share, from the present ones, or from even ones. */
void timer_mixture__improve(const struct path_data *d, struct timer_mixture *m);
void timer_mixture__fit(const struct path_data *d, struct timer_mixture *m);

#endif
