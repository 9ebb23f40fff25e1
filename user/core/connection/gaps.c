// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection/gaps.h"

/* Gaps that differ by less than this share (and by a little, for the clock's sake) are one. */
#define ALIKE_PERCENT 5
#define ALIKE_MS 50

static uint32_t in_ms(uint64_t ns, uint64_t round_up)
{
	uint64_t ms = (ns + round_up) / 1000000;

	return ms < UINT32_MAX ? ms : UINT32_MAX;
}

static struct gap joined(const struct gap *a, const struct gap *b)
{
	return (struct gap){ .from_ms = a->from_ms < b->from_ms ? a->from_ms : b->from_ms,
			     .to_ms = a->to_ms > b->to_ms ? a->to_ms : b->to_ms,
			     .count = a->count + b->count, .ended_by_us = a->ended_by_us };
}

static bool is_alike(const struct gap *g)
{
	return g->to_ms - g->from_ms <= (uint64_t)g->from_ms * ALIKE_PERCENT / 100 + ALIKE_MS;
}

static bool stands_before(const struct gap *a, const struct gap *b)
{
	if (a->ended_by_us != b->ended_by_us)
		return !a->ended_by_us;
	return a->from_ms < b->from_ms;
}

static void insert(struct gap *all, unsigned int used, const struct gap *gap)
{
	unsigned int i = used;

	for (; i && stands_before(gap, &all[i - 1]); i--)
		all[i] = all[i - 1];
	all[i] = *gap;
}

static void join_with_next(struct gap *all, unsigned int used, unsigned int i)
{
	all[i] = joined(&all[i], &all[i + 1]);
	memmove(&all[i + 1], &all[i + 2], (used - i - 2) * sizeof(*all));
}

/* The two neighbours whose lengths differ least, as a share; among three gaps two are of a kind. */
static unsigned int nearest(const struct gap *all, unsigned int used)
{
	unsigned int i, best = used;
	double least = 0;

	for (i = 0; i + 1 < used; i++) {
		struct gap both = joined(&all[i], &all[i + 1]);
		double spread = (both.to_ms + 1.0) / (both.from_ms + 1.0);

		if (all[i].ended_by_us != all[i + 1].ended_by_us)
			continue;
		if (best == used || spread < least) {
			best = i;
			least = spread;
		}
	}
	return best;
}

const struct gap *gaps__kept(const struct gaps *g)
{
	return g->used > 1 ? g->several : g->used ? &g->only : NULL;
}

/* Replaces the kept gaps by these. */
static bool keep(struct gaps *g, const struct gap *all, unsigned int used)
{
	struct gap *several = g->used > 1 ? g->several : NULL, *bigger;

	if (used > 1 && used > g->used) {
		bigger = realloc(several, used * sizeof(*several));
		if (!bigger)
			return false;
		g->several = several = bigger;
	}
	g->used = used;
	memcpy(used > 1 ? several : &g->only, all, used * sizeof(*all));
	return true;
}

bool gaps__add(struct gaps *g, uint64_t low_ns, uint64_t high_ns, bool ended_by_us)
{
	struct gap new = { .from_ms = in_ms(low_ns, 0), .to_ms = in_ms(high_ns, 999999),
			   .count = 1, .ended_by_us = ended_by_us };
	struct gap all[GAPS_KEPT + 1];
	unsigned int used = g->used, i;

	if (used)
		memcpy(all, gaps__kept(g), used * sizeof(*all));
	for (i = 0; i < used; i++) {
		struct gap both = joined(&all[i], &new);

		if (all[i].ended_by_us == ended_by_us && is_alike(&both)) {
			all[i] = both;
			return keep(g, all, used);
		}
	}
	insert(all, used++, &new);
	if (used > GAPS_KEPT)
		join_with_next(all, used--, nearest(all, GAPS_KEPT + 1));
	return keep(g, all, used);
}

uint32_t gaps__longest_ms(const struct gaps *g)
{
	const struct gap *kept = gaps__kept(g);
	uint32_t longest = 0;
	unsigned int i;

	for (i = 0; i < g->used; i++)
		if (kept[i].from_ms > longest)
			longest = kept[i].from_ms;
	return longest;
}

void gaps__free(struct gaps *g)
{
	if (g->used > 1)
		free(g->several);
	*g = (struct gaps){ .used = 0 };
}
