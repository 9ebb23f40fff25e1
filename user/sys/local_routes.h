/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses for which a network namespace takes segments in: those that some routing table, in
 * which one without a mark may be looked up, has a route of type local (or anycast) for. Each
 * address of an interface has one; so have whole networks by `ip route add local`. TPROXY's rules
 * lead segments that it marked to a table in which any address has one: that is for transparent
 * sockets alone.
 */
#ifndef HALFOPEN_SYS_LOCAL_ROUTES_H
#define HALFOPEN_SYS_LOCAL_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/network.h"

struct local_routes {
	struct network *all;	/* networks first, then single addresses in their order */
	size_t count, size;
	size_t networks;	/* of them are no single address */
	bool known;
};

/* Reads those of this thread's namespace. Where that fails they stay unknown. */
void local_routes__read(struct local_routes *r);

/* Is `address` (endpoint__mapped()) one of them? True if they are unknown. */
bool local_routes__have(const struct local_routes *r, const uint8_t address[16]);

void local_routes__free(struct local_routes *r);

#endif
