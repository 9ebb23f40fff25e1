// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "devices/wanted_keys.h"

bool wanted_keys__init(struct wanted_keys *w, uint32_t most)
{
	*w = (struct wanted_keys){ .all = malloc((most ?: 1) * sizeof(*w->all)) };
	return w->all;
}

void wanted_keys__add(struct wanted_keys *w, uint64_t key, uint32_t index)
{
	w->all[w->count++] = (struct wanted_key){ .key = key, .index = index };
	w->bits[key >> 6 & 1023] |= 1ULL << (key & 63);
}

static int by_key(const void *a, const void *b)
{
	const struct wanted_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key ? 1 : x->index < y->index ? -1 : 1;
}

void wanted_keys__sort(struct wanted_keys *w)
{
	qsort(w->all, w->count, sizeof(*w->all), by_key);
}

uint32_t wanted_keys__find(const struct wanted_keys *w, uint64_t key)
{
	uint32_t low = 0, high = w->count;

	if (!(w->bits[key >> 6 & 1023] & 1ULL << (key & 63)))
		return w->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (w->all[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count && w->all[low].key == key ? low : w->count;
}

uint32_t wanted_keys__end(const struct wanted_keys *w, uint32_t first)
{
	uint32_t end = first;

	while (end < w->count && w->all[end].key == w->all[first].key)
		end++;
	return end;
}

void wanted_keys__free(struct wanted_keys *w)
{
	free(w->all);
	*w = (struct wanted_keys){ 0 };
}
