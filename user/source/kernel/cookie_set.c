// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "kernel/cookie_set.h"
#include "value/hash.h"

#define SIZE_MIN 256

/* Its place, or the free one where it would be: 0 is no cookie. */
static uint64_t *find(const struct cookie_set *s, uint64_t cookie)
{
	size_t i = (hash__number(0, cookie) >> 32) * s->size >> 32;

	while (s->places[i] && s->places[i] != cookie)
		i = i + 1 < s->size ? i + 1 : 0;
	return &s->places[i];
}

static bool grow(struct cookie_set *s)
{
	struct cookie_set bigger = { .size = s->size ? 2 * s->size : SIZE_MIN, .used = s->used };
	size_t i;

	bigger.places = calloc(bigger.size, sizeof(*bigger.places));
	if (!bigger.places)
		return false;
	for (i = 0; i < s->size; i++)
		if (s->places[i])
			*find(&bigger, s->places[i]) = s->places[i];
	free(s->places);
	*s = bigger;
	return true;
}

bool cookie_set__add(struct cookie_set *s, uint64_t cookie)
{
	uint64_t *place;

	if (s->used >= s->size - s->size / 4 && !grow(s))
		return false;
	place = find(s, cookie);
	if (*place)
		return false;
	*place = cookie;
	s->used++;
	return true;
}

void cookie_set__free(struct cookie_set *s)
{
	free(s->places);
	*s = (struct cookie_set){ 0 };
}
