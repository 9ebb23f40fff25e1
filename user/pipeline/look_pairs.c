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

bool look_pairs__add(struct look_pairs *p, const struct ho_event *e, uint32_t owner, bool accepted,
		     bool suspect)
{
	struct look_side *told;
	struct pair_side side;

	if (!pair_side__of(e, accepted, &side))
		return true;
	if (!make_room(p))
		return false;
	side.owner = owner;
	side.netns = e->netns;
	side.socket = p->count;
	p->sides[p->count] = side;
	told = &p->told[p->count++];
	*told = (struct look_side){ .bound_if = e->bound_if, .local_port = e->local_port,
				    .peer_port = e->peer_port, .family = e->family,
				    .suspect = suspect };
	memcpy(told->local, e->local, sizeof(told->local));
	memcpy(told->peer, e->peer, sizeof(told->peer));
	return true;
}

static int by_cookie(const void *a, const void *b)
{
	const struct look_pair *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

bool look_pairs__find(struct look_pairs *p, uint32_t hz)
{
	size_t i;

	p->count = pairs__find(p->sides, p->count, hz);
	p->found = malloc((p->count + 1) * sizeof(*p->found));
	if (!p->found)
		return false;
	for (i = 0; i < p->count; i++)
		if (p->sides[i].other)
			p->found[p->found_count++] = (struct look_pair){ p->sides[i].cookie, i };
	qsort(p->found, p->found_count, sizeof(*p->found), by_cookie);
	return true;
}

const struct pair_side *look_pairs__of(const struct look_pairs *p, uint64_t cookie,
				       const struct look_side **other, uint64_t *other_cookie)
{
	const struct look_pair key = { .cookie = cookie };
	const struct look_pair *found = NULL;
	const struct pair_side *side, *there;

	if (p->found_count)
		found = bsearch(&key, p->found, p->found_count, sizeof(key), by_cookie);
	if (!found)
		return NULL;
	side = &p->sides[found->side];
	there = &p->sides[side->other - 1];
	*other = &p->told[there->socket];
	*other_cookie = there->cookie;
	return side;
}

void look_pairs__free(struct look_pairs *p)
{
	free(p->sides);
	free(p->told);
	free(p->found);
	*p = (struct look_pairs){ 0 };
}
