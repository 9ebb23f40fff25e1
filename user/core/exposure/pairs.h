/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A proxy's two sides of one device: the connection that a program accepted, and the one that it
 * made for it. No kernel says so. It is concluded where a program passed on as many bytes as it
 * took, either way, at the same times, and no other connection of that program comes near.
 */
#ifndef HALFOPEN_CORE_EXPOSURE_PAIRS_H
#define HALFOPEN_CORE_EXPOSURE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

/* Below this, a pair is not told. */
#define PAIRS_CONFIDENCE 0.9

struct pair_side {
	uint64_t cookie;
	uint64_t received, sent;	/* bytes of data; `sent` of those acknowledged */
	uint32_t received_jiffies, sent_jiffies;	/* the last of them */
	uint32_t owner, netns;		/* the caller's numbers; owner 0: not known */
	bool accepted;			/* by a listener of ours; else made from here */
	bool all_acked;			/* else more was sent than `sent`, and later than is known */
	uint32_t socket;		/* the caller's */

	uint32_t other;			/* out: index, from 1, of the other side; 0: not told */
	double confidence;		/* ... of that */
	uint32_t apart_ms;		/* ... by how much the times of the two differ at most */
};

/* The side that a row shows, but for what is the caller's. False: its state rules out a pair, or it
 * has no data by which one could be told. */
bool pair_side__of(const struct ho_event *e, bool accepted, struct pair_side *side);

/* Finds the pairs among all connections; `hz` of their kernel. Returns how many of them may have
 * another side: these are at the front then, in an order of their own, and the rest is void. */
size_t pairs__find(struct pair_side *sides, size_t count, uint32_t hz);

#endif
