/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For how long are peers silent by themselves? A peer that speaks every minute is asked by a
 * keepalive of two hours only once it is dead: that it is found dead then is no evidence about the
 * path. So before a lost connection is evidence of a timer, there must be a chance that a live peer
 * would have been silent for so long (inspection that depends on the event: Zhang, Sun and Sun
 * 2005; Chen, Feng and Sun 2012).
 */
#ifndef HALFOPEN_TUNING_OWN_PAUSES_H
#define HALFOPEN_TUNING_OWN_PAUSES_H

#include <stddef.h>

#include "tuning/path_witness.h"

/* Ages are binned in steps of 2.5 % of their length, from a second to four months. */
#define AGES 648

size_t age__bin(double s);

/* The next bin: where pauses end within a bin, its middle is too high for what lies behind them. */
size_t age__bin_behind(double s);

/* The lower end of a bin. */
double age__at(size_t bin);

/* Calls `add` for each bin of a gap's kind, with the number of gaps in it: one is as long as the
 * shortest, one as the longest, the others lie evenly between (on a logarithmic scale). */
void age__spread(const struct life_gap *g, void (*add)(void *context, size_t bin, double count),
		 void *context);

struct own_pauses {
	float longer[AGES];	/* S: the chance that a live peer is silent so long, mid-bin */
	float speaks[AGES];	/* how likely a pause ends there: its density by its mean */
};

/* Of one habit: how many of all pauses ended in each bin, by the peer or by us. */
struct pause_endings {
	double spoke[AGES], asked[AGES];
};

/* By Kaplan and Meier, our asks censor; behind the observations, at the rate of the longest
 * pauses. */
void own_pauses__estimate(const struct pause_endings *e, struct own_pauses *habit);

/* Habits that are distinguished: one of peers that never speak, one of all together (for those with
 * too little evidence), and of talkers by the length of their pauses. */
#define HABITS_MAX 8
#define HABIT_SILENT 0
#define HABIT_UNKNOWN 1

/* Sorts the witnesses; sets each one's `habit`, and S for each habit (an array of HABITS_MAX): by
 * Kaplan and Meier, our asks censor; behind the observations, at the rate of the longest pauses.
 * Returns how many there are. */
unsigned int own_pauses__find(struct path_witness *all, size_t count, struct own_pauses *habits);

#endif
