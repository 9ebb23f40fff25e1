/* SPDX-License-Identifier: GPL-2.0 */
/* The two sides of what proxies pass on, among all connections of a look, wanted or not. */
#ifndef HALFOPEN_PIPELINE_LOOK_PAIRS_H
#define HALFOPEN_PIPELINE_LOOK_PAIRS_H

#include "exposure/pairs.h"

/* What is told of the other side. */
struct look_side {
	uint32_t bound_if;
	uint16_t local_port, peer_port;
	uint8_t local[16], peer[16];	/* as in struct ho_event */
	uint8_t family;
	bool suspect;
};

/* A socket that has another side. */
struct look_pair {
	uint64_t cookie;
	uint32_t side;		/* index into the sides */
};

struct look_pairs {
	struct pair_side *sides;
	struct look_side *told;	/* by pair_side.socket */
	size_t count, size;
	struct look_pair *found;	/* in the order of cookies */
	size_t found_count;
};

/* One connection more, of a program that is known (`owner`), accepted by one of its listeners or made
 * from here, suspect or not. False: memory is short. */
bool look_pairs__add(struct look_pairs *p, const struct ho_event *e, uint32_t owner, bool accepted,
		     bool suspect);

/* All were added: pairs them. `hz` of their kernel. False: memory is short. */
bool look_pairs__find(struct look_pairs *p, uint32_t hz);

/* What pairs the socket of this cookie, as it is seen from there, and `*other` side. NULL: nothing
 * does. */
const struct pair_side *look_pairs__of(const struct look_pairs *p, uint64_t cookie,
				       const struct look_side **other, uint64_t *other_cookie);

void look_pairs__free(struct look_pairs *p);

#endif
