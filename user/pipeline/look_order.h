/* SPDX-License-Identifier: GPL-2.0 */
/* The order in which the sockets of a look are shown. */
#ifndef HALFOPEN_PIPELINE_LOOK_ORDER_H
#define HALFOPEN_PIPELINE_LOOK_ORDER_H

#include "pipeline/look.h"

enum look_key {
	LOOK_BY_SUSPICION,	/* suspects first, of them those that a program holds, then
				 * by longest silence */
	LOOK_BY_SILENCE, LOOK_BY_UNANSWERED, LOOK_BY_DEATH, LOOK_BY_NEXT, LOOK_BY_DETECTION,
	LOOK_BY_PEER, LOOK_BY_LOCAL, LOOK_BY_OWNER, LOOK_BY_STATE,
	LOOK_BY_DEAD,		/* likeliest first, who is not known last */
};

/* silent, unanswered, dies, next, notices, peer, local, owner, state, dead; false for another name. */
bool look_key__named(const char *name, enum look_key *key);

/* A socket's place: numbers, ascending, before names. */
struct look_place {
	double number;
	uint64_t peer;	/* in the order of peers, equal for some that differ */
	const struct look_socket *socket;
};

struct look_place look_place__of(const struct look *l, const struct look_socket *s,
				 enum look_key key);

/* Below 0 where the first comes before the second. */
int look_place__compare(const struct look *l, enum look_key key, const struct look_place *x,
			const struct look_place *y);

/* Longest silence, most asks, soonest deadline, slowest detection (never: first); names and numbers
 * upwards. Equals by their peers. Of more than `most` (0: all) the rest stay in any order. False
 * when memory is short. */
bool look_order__sort(struct look *l, enum look_key key, size_t most);

#endif
