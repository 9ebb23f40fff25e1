/* SPDX-License-Identifier: GPL-2.0 */
/* The namespaces of this host that a connection's segments pass. */
#ifndef HALFOPEN_PIPELINE_LOOK_WAY_H
#define HALFOPEN_PIPELINE_LOOK_WAY_H

#include "pipeline/look_network.h"

/* So many in a row, at most. */
#define LOOK_WAY_HOPS 8

/* What a look knows of namespaces, and may ask them. */
struct look_ways {
	struct look_netns *namespaces;
	unsigned int namespace_count;
	bool closed;		/* some could not be entered */
	unsigned int *opened;	/* descriptors to ask through */
	unsigned int *asks;	/* so far */
	bool (*may_ask)(void *context, const struct look_network *n);
	void *context;
};

/* The number, from 1, of the namespace that `from` hands the connection's segments to: the one at the
 * other end of the veth that its route to the peer leads out by, if that one forwards and is this
 * host's. 0: there is none, or it is not known (`*unknown` becomes true). */
uint32_t look_way__next(const struct look_ways *w, uint32_t from, const struct look_idle *idle,
			bool *unknown);

#endif
