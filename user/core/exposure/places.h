/* SPDX-License-Identifier: GPL-2.0 */
/* Many sockets in order, or the first of them. */
#ifndef HALFOPEN_CORE_EXPOSURE_PLACES_H
#define HALFOPEN_CORE_EXPOSURE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "exposure/owner.h"

/* A socket's place: what is compared, and no more, as there may be a million. */
struct place {
	uint64_t number;	/* ascending: first of all */
	uint64_t peer[2];	/* its address as one number, the upper half first */
	uint64_t cookie;	/* whose place it is: not compared */
	uint32_t owner;		/* the index of that */
	uint16_t peer_port;
};

/* A number that compares as the double does, which is not NAN. */
uint64_t place__number(double number);

/* By number, then by owner (name and pid, who has none last; `owners` NULL: not by that), then by peer.
 * Below 0 where the first comes before the second, 0 where nothing tells them apart. */
int place__compare(const struct place *x, const struct place *y, const struct owners *owners);

/* The indices of the places in that order, equals as they are; the caller's to free. NULL: memory is
 * short. */
uint32_t *places__order(const struct place *places, uint32_t count, const struct owners *owners);

/* The first places of however many come one by one. */
struct first_places {
	size_t most;			/* so many are kept */
	const struct owners *owners;	/* as for place__compare() */

	struct ranked_place {
		struct place place;
		uint32_t slot;		/* below `most`, for what the caller keeps of it */
		uint64_t number;	/* of those that came */
	} *ranked;			/* in order, when they are sorted */
	size_t count;
	uint64_t met;
};

enum place_taken { PLACE_FAILED, PLACE_REFUSED, PLACE_TAKEN };

/* One more: is it among the first so far? Then `*slot` is its own, which another one may have had.
 * PLACE_FAILED: memory is short. */
enum place_taken first_places__add(struct first_places *f, const struct place *p, uint32_t *slot);

/* No more come. */
void first_places__sort(struct first_places *f);

void first_places__free(struct first_places *f);

#endif
