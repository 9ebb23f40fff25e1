/* SPDX-License-Identifier: GPL-2.0 */
/* An operator's names for networks: lines of CIDR NAME (--groups). */
#ifndef HALFOPEN_VALUE_NAMED_NETWORK_H
#define HALFOPEN_VALUE_NAMED_NETWORK_H

#include "value/network.h"

struct named_network {
	struct network network;
	char *name;
	unsigned int line;	/* of its file; 0: of none */
};

/*
 * Reads one line, which is cut up. Returns NULL, or what was expected instead. `n->name` lies in
 * the line; NULL: it is empty, or a comment.
 */
const char *named_network__read(char *line, struct named_network *n);

/* The name of the smallest network that holds `address` (endpoint__mapped()); NULL: none does. */
const char *named_network__of(const uint8_t address[16], const struct named_network *networks,
			      unsigned int count);

#endif
