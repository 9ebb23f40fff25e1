/* SPDX-License-Identifier: GPL-2.0 */
/* The two sides of what proxies pass on, among all connections of a look, wanted or not. */
#ifndef HALFOPEN_PIPELINE_LOOK_PAIRS_H
#define HALFOPEN_PIPELINE_LOOK_PAIRS_H

#include "exposure/pairs.h"

/* What is told of the other side. */
struct look_side {
	size_t kept;		/* index, from 1, among the sockets that are kept; 0: it is not */
	uint64_t cookie;
	uint32_t bound_if;
	uint16_t local_port, peer_port;
	uint8_t local[16], peer[16];	/* as in struct ho_event */
	uint8_t family;
	bool suspect;
};

struct look_pairs {
	struct pair_side *sides;
	struct look_side *told;	/* by pair_side.socket */
	size_t count, size;
	uint8_t *owners;	/* of each owner: 1 has accepted some, 2 has made some */
	size_t owner_count;
};

/* One connection more, of a program that is known (`owner`), accepted by one of its listeners or made
 * from here, suspect or not; `kept` as above. False: memory is short. */
bool look_pairs__add(struct look_pairs *p, const struct ho_event *e, uint32_t owner, bool accepted,
		     bool suspect, size_t kept);

/* All were added: pairs them, and calls `fn` for each kept socket that has another side (an index,
 * from 0, into `sides`). `hz` of their kernel. */
void look_pairs__find(struct look_pairs *p, uint32_t hz,
		      void (*fn)(void *context, size_t kept, uint32_t side), void *context);

/* The other side of the one at this index. */
const struct look_side *look_pairs__other(const struct look_pairs *p, uint32_t side);

void look_pairs__free(struct look_pairs *p);

#endif
