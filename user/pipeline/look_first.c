// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "pipeline/look_first.h"

bool look_first__add(struct look_first *f, const struct look *l, const struct look_socket *s)
{
	struct place place = look_place__of(l, s, f->key);
	enum place_taken taken;
	uint32_t slot;

	if (!f->sockets)
		f->sockets = calloc(f->places.most, sizeof(*f->sockets));
	if (!f->sockets)
		return false;
	f->places.owners = look_key__owners(l, f->key);
	taken = first_places__add(&f->places, &place, &slot);
	if (taken == PLACE_TAKEN)
		f->sockets[slot] = *s;
	return taken != PLACE_FAILED;
}

void look_first__sort(struct look_first *f)
{
	first_places__sort(&f->places);
}

const struct look_socket *look_first__at(const struct look_first *f, size_t place)
{
	return &f->sockets[f->places.ranked[place].slot];
}

void look_first__free(struct look_first *f)
{
	first_places__free(&f->places);
	free(f->sockets);
	f->sockets = NULL;
}
