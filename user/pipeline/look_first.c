// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "pipeline/look_first.h"

static bool make_room(struct look_first *f)
{
	if (f->places)
		return true;
	f->places = calloc(f->most, sizeof(*f->places));
	f->sockets = calloc(f->most, sizeof(*f->sockets));
	return f->places && f->sockets;
}

static void swap(struct look_place *a, struct look_place *b)
{
	struct look_place kept = *a;

	*a = *b;
	*b = kept;
}

static bool is_behind(const struct look_first *f, const struct look *l, size_t a, size_t b)
{
	return look_place__compare(l, f->key, &f->places[a], &f->places[b]) > 0;
}

static void rise(struct look_first *f, const struct look *l, size_t i)
{
	while (i && is_behind(f, l, i, (i - 1) / 2)) {
		swap(&f->places[i], &f->places[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

/* The first `count` places are a heap, but for its root. */
static void sink(struct look_first *f, const struct look *l, size_t count)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count && is_behind(f, l, child + 1, child))
			child++;
		if (!is_behind(f, l, child, i))
			return;
		swap(&f->places[i], &f->places[child]);
		i = child;
	}
}

bool look_first__add(struct look_first *f, const struct look *l, const struct look_socket *s)
{
	struct look_place place = look_place__of(l, s, f->key);
	struct look_socket *slot;

	if (!make_room(f))
		return false;
	if (f->count < f->most) {
		slot = &f->sockets[f->count];
		*slot = *s;
		place.socket = slot;
		f->places[f->count] = place;
		rise(f, l, f->count++);
		return true;
	}
	if (look_place__compare(l, f->key, &place, &f->places[0]) >= 0)
		return true;
	slot = &f->sockets[f->places[0].socket - f->sockets];
	*slot = *s;
	place.socket = slot;
	f->places[0] = place;
	sink(f, l, f->count);
	return true;
}

void look_first__sort(struct look_first *f, const struct look *l)
{
	size_t left;

	for (left = f->count; left > 1; left--) {
		swap(&f->places[0], &f->places[left - 1]);
		sink(f, l, left - 1);
	}
}

const struct look_socket *look_first__at(const struct look_first *f, size_t place)
{
	return f->places[place].socket;
}

void look_first__free(struct look_first *f)
{
	free(f->places);
	free(f->sockets);
	f->places = NULL;
	f->sockets = NULL;
	f->count = 0;
}
