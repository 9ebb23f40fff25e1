// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "kernel/holders.h"
#include "value/hash.h"

#define SIZE_MIN 256

/* Its place, or the free one where it would be: 0 is no cookie. */
static uint64_t *find(const struct cookies *c, uint64_t cookie)
{
	size_t i = (hash__number(0, cookie) >> 32) * c->size >> 32;

	while (c->places[i] && c->places[i] != cookie)
		i = i + 1 < c->size ? i + 1 : 0;
	return &c->places[i];
}

static bool grow(struct cookies *c)
{
	struct cookies bigger = { .size = c->size ? 2 * c->size : SIZE_MIN, .used = c->used };
	size_t i;

	bigger.places = calloc(bigger.size, sizeof(*bigger.places));
	if (!bigger.places)
		return false;
	for (i = 0; i < c->size; i++)
		if (c->places[i])
			*find(&bigger, c->places[i]) = c->places[i];
	free(c->places);
	*c = bigger;
	return true;
}

bool holders__is_first(struct holders *h, uint64_t cookie)
{
	uint64_t *place;

	if (h->now.used >= h->now.size - h->now.size / 4 && !grow(&h->now))
		return false;
	place = find(&h->now, cookie);
	if (*place)
		return false;
	*place = cookie;
	h->now.used++;
	return !h->before.used || !*find(&h->before, cookie);
}

void holders__end_pass(struct holders *h)
{
	free(h->before.places);
	h->before = h->now;
	h->now = (struct cookies){ 0 };
}

void holders__free(struct holders *h)
{
	holders__end_pass(h);
	holders__end_pass(h);
}
