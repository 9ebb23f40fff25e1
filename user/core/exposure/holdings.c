// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "exposure/holdings.h"
#include "value/hash.h"

#define SIZE_MIN 256	/* a power of two, as all sizes */

/* Cookies that follow each other lie side by side: a process has many of them, and its walk finds
 * them in the processor's cache. */
#define SIDE_BY_SIDE 8

static size_t index_of(const struct holdings *h, uint64_t cookie)
{
	return (hash__number(0, cookie / SIDE_BY_SIDE) * SIDE_BY_SIDE + cookie % SIDE_BY_SIDE) &
	       (h->size - 1);
}

/* Its place, or the free one where it would be. */
static struct holding *find(const struct holdings *h, uint64_t cookie)
{
	size_t i = index_of(h, cookie);

	while (h->places[i].cookie && h->places[i].cookie != cookie)
		i = i + 1 < h->size ? i + 1 : 0;
	return &h->places[i];
}

static bool grow(struct holdings *h)
{
	struct holdings bigger = { .size = h->size ? 2 * h->size : SIZE_MIN, .used = h->used,
				   .untold = h->untold, .incomplete = h->incomplete };
	size_t i;

	bigger.places = calloc(bigger.size, sizeof(*bigger.places));
	if (!bigger.places)
		return false;
	for (i = 0; h->used && i < h->size; i++)
		if (h->places[i].cookie)
			*find(&bigger, h->places[i].cookie) = h->places[i];
	free(h->places);
	*h = bigger;
	return true;
}

void holdings__expect(struct holdings *h, size_t count)
{
	while (h->size - h->size / 4 <= count && grow(h))
		;
}

/* Its place, where there is room for one more; NULL when memory is short. */
static struct holding *place_of(struct holdings *h, uint64_t cookie)
{
	struct holding *place;

	if (h->used >= h->size - h->size / 4 && !grow(h)) {
		h->incomplete = true;
		return NULL;
	}
	place = find(h, cookie);
	if (!place->cookie) {
		place->cookie = cookie;
		h->used++;
	}
	return place;
}

bool holdings__add(struct holdings *h, uint64_t cookie, uint32_t owner)
{
	struct holding *place = place_of(h, cookie);

	if (!place || place->owner)
		return false;
	place->owner = owner;
	h->untold += !place->told;
	return true;
}

bool holdings__tell(struct holdings *h, uint64_t cookie, uint32_t *owner)
{
	struct holding *place = place_of(h, cookie);

	if (!place || place->told)
		return false;
	place->told = true;
	h->untold -= place->owner != 0;
	*owner = place->owner;
	return true;
}

void holdings__fetch(const struct holdings *h, uint64_t cookie)
{
	if (h->size)
		__builtin_prefetch(&h->places[index_of(h, cookie)], 1);
}

void holdings__free(struct holdings *h)
{
	free(h->places);
	*h = (struct holdings){ 0 };
}
