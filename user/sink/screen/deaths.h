/* SPDX-License-Identifier: GPL-2.0 */
/* The latest peers that were found dead: a line each, and the timeline. */
#ifndef HALFOPEN_SINK_SCREEN_DEATHS_H
#define HALFOPEN_SINK_SCREEN_DEATHS_H

#include <stddef.h>

#include "timeline/timeline.h"
#include "value/json.h"

#define DEATHS_KEPT 256

struct death {
	uint64_t cookie;
	char *row;	      /* plain text */
	struct json timeline; /* one line: timeline_json.h */
};

struct deaths {
	struct death all[DEATHS_KEPT];
	size_t count; /* so far: the place of the next is count % DEATHS_KEPT */
};

/* Keeps a final timeline; where memory is short, it is forgotten. */
void deaths__add(struct deaths *d, const struct timeline *t);

/* How many are kept, and the n-th, from 0: the latest first. */
size_t deaths__kept(const struct deaths *d);
const struct death *deaths__at(const struct deaths *d, size_t n);

/* NULL: none is kept of that cookie. */
const struct death *deaths__find(const struct deaths *d, uint64_t cookie);

void deaths__free(struct deaths *d);

#endif
