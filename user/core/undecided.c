// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdlib.h>

#include "places.h"
#include "undecided.h"

#define SIZE_MIN 64

/* Its place, or the free one where it would be. */
static size_t find(const struct undecided *u, uint64_t cookie)
{
	size_t i = places__home(cookie, u->size);

	while (u->places[i].cookie && u->places[i].cookie != cookie)
		i = places__next(i, u->size);
	return i;
}

static bool resize(struct undecided *u, size_t size)
{
	struct undecided moved = { .size = size, .used = u->used };
	size_t i;

	moved.places = calloc(size, sizeof(*moved.places));
	if (!moved.places)
		return false;
	for (i = 0; i < u->size; i++)
		if (u->places[i].cookie)
			moved.places[find(&moved, u->places[i].cookie)] = u->places[i];
	free(u->places);
	*u = moved;
	return true;
}

void undecided__add(struct undecided *u, uint64_t cookie)
{
	struct undecided_count *place;

	if (places__is_full(u->used, u->size) && !resize(u, u->size ? 2 * u->size : SIZE_MIN))
		return;
	place = &u->places[find(u, cookie)];
	u->used += !place->cookie;
	place->cookie = cookie;
	place->events++;
}

uint64_t undecided__of(const struct undecided *u, uint64_t cookie)
{
	return u->used ? u->places[find(u, cookie)].events : 0;
}

uint64_t undecided__take(struct undecided *u, uint64_t cookie)
{
	uint64_t events = undecided__of(u, cookie);
	size_t hole, i;

	if (!events)
		return 0;
	hole = find(u, cookie);
	/* Whoever lies behind it and could lie in its place moves there. */
	for (i = places__next(hole, u->size); u->places[i].cookie; i = places__next(i, u->size)) {
		size_t from = places__home(u->places[i].cookie, u->size);

		if (places__distance(from, i, u->size) >= places__distance(hole, i, u->size)) {
			u->places[hole] = u->places[i];
			hole = i;
		}
	}
	u->places[hole] = (struct undecided_count){ 0 };
	u->used--;
	if (u->size > SIZE_MIN && u->used < u->size / 8)
		resize(u, u->size / 2);	/* most are decided soon */
	return events;
}

void undecided__free(struct undecided *u)
{
	free(u->places);
	*u = (struct undecided){ 0 };
}
