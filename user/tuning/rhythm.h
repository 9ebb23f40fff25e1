/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A peer's own rhythm: for how long is it silent while it is there? A heartbeat of a minute that is
 * five minutes late says more than five minutes of a peer that speaks once an hour. So pauses of
 * peers with a rhythm are compared by their length relative to that peer's usual one.
 */
#ifndef HALFOPEN_TUNING_RHYTHM_H
#define HALFOPEN_TUNING_RHYTHM_H

#include "tuning/life.h"
#include "tuning/own_pauses.h"

enum rhythm_kind {
	RHYTHM_UNKNOWN,		/* too few pauses, or no history */
	RHYTHM_NONE,		/* it never speaks by itself: only our asks are answered */
	RHYTHM_REGULAR,		/* pauses of nearly one length */
	RHYTHM_IRREGULAR,
	RHYTHM_KINDS
};

struct rhythm {
	enum rhythm_kind kind;
	double pause_s;		/* the mean; of the last two kinds */
};

/* Of one connection. */
struct rhythm rhythm__of(const struct life *life);

/* The pauses of a group, of each kind together: in seconds where it is unknown, of the last two
 * kinds in hundredths of the peer's own mean. */
struct rhythms {
	struct own_pauses of[RHYTHM_KINDS];
};

/* How they ended, of each kind. */
struct rhythm_endings {
	struct pause_endings of[RHYTHM_KINDS];
};

/* Adds the reported gaps of these. */
void rhythm_endings__gather(struct life *const *lives, size_t count, struct rhythm_endings *e);

/* Adds a silence of this rhythm that nobody could end any more after so long: it was over, or the
 * peer was gone. */
void rhythm_endings__add_cut(struct rhythm_endings *e, const struct rhythm *of, double silent_s,
			     double count);

void rhythms__estimate(const struct rhythm_endings *e, struct rhythms *r);

/* A rhythm's table `longer[]` (of struct own_pauses), and by how many bins its ages lie behind
 * those in seconds. NULL: of a peer that never speaks, which is silent for ever. */
const float *rhythms__table(const struct rhythms *r, const struct rhythm *of, int *offset);

/* The chance that a live peer of this rhythm is silent for longer. */
double rhythms__silent(const struct rhythms *r, const struct rhythm *of, double silent_s);

#endif
