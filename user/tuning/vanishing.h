/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that vanish by themselves: how likely is it that one is there when it is asked, after a
 * silence of some length? At a rate r of vanishing, where live peers are silent for longer than a
 * with the chance S(a):
 *
 *	S(a) e^(-ra) / (S(a) e^(-ra) + r * integral of S(t) e^(-rt) dt from 0 to a)
 *
 * Not all vanish at the same rate: how many do at which is what makes the data likeliest (the
 * non-parametric mixture, by expectation and maximisation). So a few that die young are no timer.
 */
#ifndef HALFOPEN_TUNING_VANISHING_H
#define HALFOPEN_TUNING_VANISHING_H

#include "tuning/own_pauses.h"

#define RATES 24

struct vanishing {
	double rate[RATES]; /* a second */
	size_t count;	    /* of witnesses */
	/* For each witness and rate, up to a factor that is the same for all rates: the chance of
	 * its answers; and of them and of being lost by itself when it was, if it was lost. */
	float (*answers)[RATES], (*vanished)[RATES];
};

/* The share that vanishes at each rate; they add up to 1. */
struct vanishing_shares {
	float of[RATES] __attribute__((aligned(16)));
};

/* False when memory is short. */
bool vanishing__prepare(const struct path_witness *all, size_t count,
			const struct own_pauses *habits, struct vanishing *v);
void vanishing__free(struct vanishing *v);

struct vanishing_shares vanishing__evenly(void);

/* Nearly the same, with a little of each rate: none stays out for having been improbable once. */
struct vanishing_shares vanishing__awake(const struct vanishing_shares *s);

/* Sums over rates for one witness: of its answers; and of having vanished as well. */
struct chances {
	double answers, vanished;
};

struct chances vanishing__chances(const struct vanishing *v, size_t witness,
				  const struct vanishing_shares *s);

/* Adds this witness's weighted votes for each rate. */
void vanishing__add_votes(const struct vanishing *v, size_t witness, const struct chances *weight,
			  double *votes);

#endif
