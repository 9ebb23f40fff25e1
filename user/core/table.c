// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "table.h"

/* Cookies are small integers in runs; multiplying by 2^64 / phi spreads them. */
static size_t home(const struct table *t, uint64_t cookie)
{
	return (cookie * 0x9e3779b97f4a7c15ULL >> 20) & (t->size - 1);
}

struct slot *table__find(struct table *t, uint64_t cookie)
{
	size_t i;

	if (!t->size)
		return NULL;
	for (i = home(t, cookie); t->slots[i].cookie; i = (i + 1) & (t->size - 1))
		if (t->slots[i].cookie == cookie)
			return &t->slots[i];
	return NULL;
}

static struct slot *place(struct table *t, uint64_t cookie)
{
	size_t i = home(t, cookie);

	while (t->slots[i].cookie)
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

static bool resize(struct table *t, size_t size)
{
	struct table bigger = *t;
	struct slot *s = NULL;

	bigger.slots = calloc(size, sizeof(struct slot));
	bigger.size = size;
	if (!bigger.slots)
		return false;
	while ((s = table__next(t, s)))
		*place(&bigger, s->cookie) = *s;
	free(t->slots);
	*t = bigger;
	return true;
}

struct slot *table__get(struct table *t, uint64_t cookie, bool *added)
{
	struct slot *s = table__find(t, cookie);

	*added = !s;
	if (s)
		return s;
	if (t->used + 1 > t->size - t->size / 8 && !resize(t, t->size ? t->size * 2 : 1024))
		return NULL;
	s = place(t, cookie);
	s->cookie = cookie;
	t->used++;
	return s;
}

void table__remove(struct table *t, uint64_t cookie)
{
	struct slot *s = table__find(t, cookie);
	size_t hole, i;

	if (!s)
		return;
	/* Shift back what would no longer be found behind the hole. */
	hole = s - t->slots;
	for (i = (hole + 1) & (t->size - 1); t->slots[i].cookie; i = (i + 1) & (t->size - 1)) {
		size_t distance = (i - home(t, t->slots[i].cookie)) & (t->size - 1);

		if (distance >= ((i - hole) & (t->size - 1))) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct slot){ 0 };
	t->used--;
}

struct slot *table__next(struct table *t, struct slot *after)
{
	size_t i = after ? after - t->slots + 1 : 0;

	for (; i < t->size; i++)
		if (t->slots[i].cookie)
			return &t->slots[i];
	return NULL;
}

static bool grow_histories(struct table *t)
{
	uint32_t size = t->histories_size ? t->histories_size * 2 : 64;
	struct connection **all = realloc(t->histories, size * sizeof(*all));
	uint32_t *unused;

	if (all)
		t->histories = all;
	unused = realloc(t->unused_histories, size * sizeof(*unused));
	if (unused)
		t->unused_histories = unused;
	if (!all || !unused)
		return false;
	t->histories_size = size;
	return true;
}

bool table__give_history(struct table *t, struct slot *s, struct connection *history)
{
	if (t->unused_count) {
		s->history = t->unused_histories[--t->unused_count];
	} else {
		if (t->histories_used + 1 >= t->histories_size && !grow_histories(t))
			return false;
		s->history = ++t->histories_used;
	}
	t->histories[s->history] = history;
	return true;
}

struct connection *table__take_history(struct table *t, struct slot *s)
{
	struct connection *history = table__history(t, s);

	if (history)
		t->unused_histories[t->unused_count++] = s->history;
	s->history = 0;
	return history;
}

void table__free(struct table *t)
{
	free(t->slots);
	free(t->histories);
	free(t->unused_histories);
	*t = (struct table){ 0 };
}
