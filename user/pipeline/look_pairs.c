// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "pipeline/look_pairs.h"

static bool make_room(struct look_pairs *p)
{
	size_t size = p->size ? p->size + p->size / 2 : 64;
	struct pair_side *sides;
	struct look_side *told;

	if (p->count < p->size)
		return true;
	sides = realloc(p->sides, size * sizeof(*sides));
	if (!sides)
		return false;
	p->sides = sides;
	told = realloc(p->told, size * sizeof(*told));
	if (!told)
		return false;
	p->told = told;
	p->size = size;
	return true;
}

enum { HAS_ACCEPTED = 1, HAS_MADE = 2 };

static bool note_owner(struct look_pairs *p, uint32_t owner, bool accepted)
{
	if (owner >= p->owner_count) {
		size_t count = 2 * (size_t)owner + 64;
		uint8_t *bigger = realloc(p->owners, count);

		if (!bigger)
			return false;
		memset(bigger + p->owner_count, 0, count - p->owner_count);
		p->owners = bigger;
		p->owner_count = count;
	}
	p->owners[owner] |= accepted ? HAS_ACCEPTED : HAS_MADE;
	return true;
}

/* Who has not both is no proxy: most programs, so that as a rule nothing is left to compare. */
static size_t keep_proxies(struct look_pairs *p)
{
	size_t i, kept = 0;

	for (i = 0; i < p->count; i++)
		if (p->owners[p->sides[i].owner] == (HAS_ACCEPTED | HAS_MADE))
			p->sides[kept++] = p->sides[i];
	return kept;
}

bool look_pairs__add(struct look_pairs *p, const struct ho_event *e, uint32_t owner, bool accepted,
		     bool suspect, size_t kept)
{
	struct look_side told = { .kept = kept, .cookie = e->cookie, .bound_if = e->bound_if,
				  .local_port = e->local_port, .peer_port = e->peer_port,
				  .family = e->family, .suspect = suspect };
	struct pair_side side;

	if (!pair_side__of(e, accepted, &side))
		return true;
	if (!make_room(p) || !note_owner(p, owner, accepted))
		return false;
	side.owner = owner;
	side.netns = e->netns;
	side.socket = p->count;
	p->sides[p->count] = side;
	memcpy(told.local, e->local, sizeof(told.local));
	memcpy(told.peer, e->peer, sizeof(told.peer));
	p->told[p->count++] = told;
	return true;
}

void look_pairs__find(struct look_pairs *p, uint32_t hz,
		      void (*fn)(void *context, size_t kept, uint32_t side), void *context)
{
	size_t count = keep_proxies(p), i;

	pairs__find(p->sides, count, hz);
	for (i = 0; i < count; i++) {
		size_t kept = p->told[p->sides[i].socket].kept;

		if (p->sides[i].other && kept)
			fn(context, kept - 1, i);
	}
}

const struct look_side *look_pairs__other(const struct look_pairs *p, uint32_t side)
{
	return &p->told[p->sides[p->sides[side].other - 1].socket];
}

void look_pairs__free(struct look_pairs *p)
{
	free(p->sides);
	free(p->told);
	free(p->owners);
	*p = (struct look_pairs){ 0 };
}
