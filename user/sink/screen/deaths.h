/* SPDX-License-Identifier: GPL-2.0 */
/* The latest peers that were found dead: what is said of each, and the timeline. */
#ifndef HALFOPEN_SINK_SCREEN_DEATHS_H
#define HALFOPEN_SINK_SCREEN_DEATHS_H

#include <stddef.h>

#include "timeline/timeline.h"
#include "value/json.h"

#define DEATHS_KEPT 256

enum death_column { DEATH_TIME, DEATH_PEER, DEATH_OUTCOME, DEATH_UNNOTICED, DEATH_WHOSE };
#define DEATH_COLUMNS (DEATH_WHOSE + 1)

struct death {
	uint64_t cookie;
	char *cells[DEATH_COLUMNS];	/* plain text */
	struct json timeline; /* one line: timeline_json.h */
};

struct deaths {
	struct death all[DEATHS_KEPT];
	size_t count; /* so far: the place of the next is count % DEATHS_KEPT */
};

/* Keeps a final timeline; where memory is short, it is forgotten. */
void deaths__add(struct deaths *d, const struct timeline *t);

/* Moves those of `later` behind those of `d`, and leaves `later` empty. */
void deaths__move(struct deaths *d, struct deaths *later);

/* How many are kept, and the n-th, from 0: the latest first. */
size_t deaths__kept(const struct deaths *d);
const struct death *deaths__at(const struct deaths *d, size_t n);

/* NULL: none is kept of that cookie. */
const struct death *deaths__find(const struct deaths *d, uint64_t cookie);

void deaths__free(struct deaths *d);

#endif
