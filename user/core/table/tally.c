// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdlib.h>

#include "table/places.h"
#include "table/tally.h"

#define SIZE_MIN 64

/* The cookie's place, or the free place where it would be. */
static size_t find(const struct tally *t, uint64_t cookie)
{
	size_t i = places__home(cookie, t->size);

	while (t->places[i].cookie && t->places[i].cookie != cookie)
		i = places__next(i, t->size);
	return i;
}

static bool resize(struct tally *t, size_t size)
{
	struct tally moved = { .size = size, .used = t->used };
	size_t i;

	moved.places = calloc(size, sizeof(*moved.places));
	if (!moved.places)
		return false;
	for (i = 0; i < t->size; i++)
		if (t->places[i].cookie)
			moved.places[find(&moved, t->places[i].cookie)] = t->places[i];
	free(t->places);
	*t = moved;
	return true;
}

bool tally__add(struct tally *t, uint64_t cookie)
{
	struct tally_count *place;

	if (places__is_full(t->used, t->size) && !resize(t, t->size ? 2 * t->size : SIZE_MIN))
		return false;
	place = &t->places[find(t, cookie)];
	t->used += !place->cookie;
	place->cookie = cookie;
	place->count++;
	return true;
}

uint64_t tally__of(const struct tally *t, uint64_t cookie)
{
	return t->used ? t->places[find(t, cookie)].count : 0;
}

uint64_t tally__take(struct tally *t, uint64_t cookie)
{
	uint64_t count = tally__of(t, cookie);
	size_t hole, i;

	if (!count)
		return 0;
	hole = find(t, cookie);
	/* Later entries that could lie in the freed place move there. */
	for (i = places__next(hole, t->size); t->places[i].cookie; i = places__next(i, t->size)) {
		size_t from = places__home(t->places[i].cookie, t->size);

		if (places__distance(from, i, t->size) >= places__distance(hole, i, t->size)) {
			t->places[hole] = t->places[i];
			hole = i;
		}
	}
	t->places[hole] = (struct tally_count){ 0 };
	t->used--;
	if (t->size > SIZE_MIN && t->used < t->size / 8)
		resize(t, t->size / 2);	/* most counts are taken soon; else it stays large */
	return count;
}

void tally__free(struct tally *t)
{
	free(t->places);
	*t = (struct tally){ 0 };
}
