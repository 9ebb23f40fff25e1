/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lengths of one history's gaps. A watch reports them folded, as a number from a shortest to a
 * longest: their distribution is estimated, so that all of them fit into the known time.
 */
#ifndef HALFOPEN_TUNING_GAP_LENGTHS_H
#define HALFOPEN_TUNING_GAP_LENGTHS_H

#include "tuning/life.h"

/* A folded gap is taken for so many lengths, even over the logarithm except for `weight`. */
#define GAP_PARTS 8

struct gap_lengths {
	double known_s;		/* how long it is known what passed */
	double probed, probed_s;	/* ended by our keepalive: their number and time */
	double own, own_s;		/* ended by the peer or our program */
	double own_low_s, own_high_s;
	double own_share;	/* of those that look as if our keepalive had ended them */
	double weight[GAP_PARTS];	/* 1 together; the shortest first */
	double part_s[LIFE_GAPS_MAX][GAP_PARTS]; /* lengths of each gap's parts */
};

struct gap_lengths gap_lengths__of(const struct life *life);

/* Is it as long as our own keepalive waits? */
bool gap_lengths__is_probed(const struct life *life, const struct life_gap *gap);

/* For the parts of a gap: the length of one in seconds, and the number of gaps of it; only those of
 * the peer or our program. */
double gap_lengths__part_s(const struct life_gap *gap, unsigned int part);
double gap_lengths__own_count(const struct gap_lengths *l, const struct life *life,
			      const struct life_gap *gap, unsigned int part);

#endif
