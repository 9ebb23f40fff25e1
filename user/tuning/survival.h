/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is a peer still there, after a silence? The survival curve of a group's connections over the age
 * of their silences, whatever ends them: a timer on the path shows as a step, devices that vanish
 * as a slope. Of a peer that was silent for s,
 *
 *	S(s) L(s) / (S(s) L(s) + integral of S(t) dF(t) from 0 to s),	F = 1 - L
 *
 * is the chance that it is there: S is its own rhythm (rhythm.h), L the group's survival. The
 * hazard is constant within bins of 5 % of an age, and estimated by expectation and maximisation,
 * because the instant of a death is never seen (Turnbull 1976): the lost are dead by when they were
 * found; those that were silent as the history ended are dead or not, as likely as this formula
 * says.
 */
#ifndef HALFOPEN_TUNING_SURVIVAL_H
#define HALFOPEN_TUNING_SURVIVAL_H

#include "tuning/late_answers.h"
#include "tuning/rhythm.h"

#define SURVIVAL_BINS (AGES / 2)

/* Fewer connections, or silences after which a peer was heard, are no evidence. */
#define SURVIVAL_CONNECTIONS_MIN 20
#define SURVIVAL_SILENCES_MIN 20

/* At which age of a silence did those die whom nobody asked until long after? Where peers are asked
 * at some age alone, all of these explain what was seen: the most even one, and those with deaths
 * as early and as late as the history allows. */
enum survival_explanation { DIED_EVENLY, DIED_EARLY, DIED_LATE, SURVIVAL_EXPLANATIONS };

struct survival_curve {
	struct rhythms rhythms;
	double left[SURVIVAL_BINS + 1];	/* L, at the beginning of each bin */
};

struct survival {
	struct survival_curve by[SURVIVAL_EXPLANATIONS];
	struct late_answers late_answers;
	double longest_s;	/* the longest silence whose end was seen */
	size_t connections, silences, lost;
};

/* What is known of one peer at present. */
struct survival_question {
	struct rhythm rhythm;
	double silent_s;
	uint32_t unanswered;	/* asks since it was heard, ... */
	double mute_s;		/* ... and the time since the first of them */
};

/* False when memory is short; is to be freed all the same. */
bool survival__learn(struct life *const *lives, size_t count, struct survival *s);
void survival__free(struct survival *s);

/* Chances that a peer is there, 0 to 1; NAN: nothing is known. */
struct survival_chance {
	double likely;		/* between the even explanation and the late one */
	double low, high;	/* by the explanations, and by how few deaths were seen */
};

/* NAN: nothing is known of a silence as long as that. */
struct survival_chance survival__chance(const struct survival *s,
					const struct survival_question *q);

#endif
