// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "connection/connection.h"
#include "table/places.h"
#include "table/table.h"

/* More than this nobody needs to announce: 150 MB. */
#define EXPECTED_MAX (1U << 22)

/* ---- slots ---- */

/* Its place, or the free one where it would be. */
static struct slot *place(struct slot *slots, size_t size, uint64_t cookie)
{
	size_t i = places__home(cookie, size);

	while (slots[i].cookie && slots[i].cookie != cookie)
		i = places__next(i, size);
	return &slots[i];
}

struct slot *table__find(const struct table *t, uint64_t cookie)
{
	struct slot *s = t->size ? place(t->slots, t->size, cookie) : NULL;

	return s && s->cookie ? s : NULL;
}

static bool resize(struct table *t, size_t size)
{
	struct slot *slots = calloc(size, sizeof(*slots)), *s = NULL;

	if (!slots)
		return false;
	while ((s = table__next(t, s)))
		*place(slots, size, s->cookie) = *s;
	free(t->slots);
	t->slots = slots;
	t->size = size;
	return true;
}

void table__expect(struct table *t, size_t count)
{
	size_t size = places__for(count < EXPECTED_MAX ? count : EXPECTED_MAX);

	if (count && size > t->size)
		resize(t, size);
}

struct slot *table__get(struct table *t, uint64_t cookie, bool *added)
{
	struct slot *s = t->size ? place(t->slots, t->size, cookie) : NULL;

	*added = !s || !s->cookie;
	if (s && !*added)
		return s;
	if (!s || places__is_full(t->used, t->size)) {
		if (!resize(t, places__bigger(t->size)))
			return NULL;
		s = place(t->slots, t->size, cookie);
	}
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
	/* Shift back entries that would no longer be found behind the hole. */
	hole = s - t->slots;
	for (i = places__next(hole, t->size); t->slots[i].cookie; i = places__next(i, t->size)) {
		size_t from = places__home(t->slots[i].cookie, t->size);

		if (places__distance(from, i, t->size) >= places__distance(hole, i, t->size)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct slot){ .cookie = 0 };
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

/* ---- histories ---- */

static size_t place_of_history(struct connection *const *all, size_t size, uint64_t cookie)
{
	size_t i = places__home(cookie, size);

	while (all[i] && all[i]->cookie != cookie)
		i = places__next(i, size);
	return i;
}

struct connection *table__history(const struct table *t, const struct slot *s)
{
	if (!s->has_history)
		return NULL;
	return t->histories[place_of_history(t->histories, t->histories_size, s->cookie)];
}

static bool grow_histories(struct table *t)
{
	size_t size = places__bigger(t->histories_size), i;
	struct connection **all = calloc(size, sizeof(*all));

	if (!all)
		return false;
	for (i = 0; i < t->histories_size; i++)
		if (t->histories[i])
			all[place_of_history(all, size, t->histories[i]->cookie)] = t->histories[i];
	free(t->histories);
	t->histories = all;
	t->histories_size = size;
	return true;
}

bool table__give_history(struct table *t, struct slot *s, struct connection *history)
{
	if (places__is_full(t->histories_used, t->histories_size) && !grow_histories(t))
		return false;
	t->histories[place_of_history(t->histories, t->histories_size, s->cookie)] = history;
	t->histories_used++;
	s->has_history = true;
	return true;
}

struct connection *table__take_history(struct table *t, struct slot *s)
{
	struct connection *history = table__history(t, s), **all = t->histories;
	size_t hole, i, size = t->histories_size;

	if (!history)
		return NULL;
	hole = place_of_history(all, size, s->cookie);
	for (i = places__next(hole, size); all[i]; i = places__next(i, size)) {
		size_t from = places__home(all[i]->cookie, size);

		if (places__distance(from, i, size) >= places__distance(hole, i, size)) {
			all[hole] = all[i];
			hole = i;
		}
	}
	all[hole] = NULL;
	t->histories_used--;
	s->has_history = false;
	return history;
}

void table__free(struct table *t)
{
	free(t->slots);
	free(t->histories);
	*t = (struct table){ 0 };
}
