/* SPDX-License-Identifier: GPL-2.0 */
/* Which process has which established TCP socket open, and as which descriptor. */
#ifndef HALFOPEN_ACT_DESCRIPTORS_H
#define HALFOPEN_ACT_DESCRIPTORS_H

#include <stddef.h>

#include "ask.h"

struct bpf_link;

/* Ordered by cookie; a socket that several have open stands there as often. */
struct descriptors {
	struct ho_descriptor *list;
	size_t count, size;
};

/* Reads them anew through an iterator of ask.bpf.c. Returns 0 or -errno; what was there before is
 * gone then. */
int descriptors__read(struct descriptors *d, const struct bpf_link *iterator);

/* The first for this socket; the others follow. NULL: none. */
const struct ho_descriptor *descriptors__find(const struct descriptors *d, uint64_t cookie);

/* The next for the same socket, or NULL. */
const struct ho_descriptor *descriptors__next(const struct descriptors *d,
					      const struct ho_descriptor *at);

void descriptors__free(struct descriptors *d);

#endif
