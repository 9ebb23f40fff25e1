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
	struct table bigger = { .slots = calloc(size, sizeof(struct slot)), .size = size,
				.used = t->used };
	struct slot *s = NULL;

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

void table__free(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}
