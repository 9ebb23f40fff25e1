// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "exposure/pairs.h"
#include "tcp/tcp_states.h"
#include "value/hash.h"

/* What a proxy takes it passes on within this time, or not at all as far as can be told. */
#define APART_MAX_MS 1000
/* Connections of the same bytes that are looked at beside one: among more nothing can be told. */
#define NEIGHBOURS_MAX 64
/* Nothing about a program is more certain than that. */
#define CONFIDENCE_MAX 0.99
/* By which a busy proxy may be late, for one connection and not for its neighbour. */
#define LATENESS_MS 100

bool pair_side__of(const struct ho_event *e, bool accepted, struct pair_side *side)
{
	bool fin_taken = e->state == TCP_CLOSE_WAIT;	/* it is counted as a byte; ... */
	bool syn_acked = !accepted;	/* ... so is the SYN, by tcp_snd_una_update() */

	if ((e->state != TCP_ESTABLISHED && !fin_taken) || e->bytes_received < fin_taken ||
	    e->bytes_acked < syn_acked)
		return false;
	if (e->bytes_received == fin_taken && e->bytes_acked == syn_acked)
		return false;	/* nothing went either way, which tells nothing: as of most that idle */
	*side = (struct pair_side){
		.cookie = e->cookie, .received = e->bytes_received - fin_taken,
		.sent = e->bytes_acked - syn_acked, .received_jiffies = e->lrcvtime_jiffies,
		.sent_jiffies = e->lsndtime_jiffies, .accepted = accepted,
		.all_acked = e->flags & HO_F_ALL_ACKED };
	return true;
}

/* What goes from the device towards the program behind: by which both sides are sorted. */
static uint64_t inward(const struct pair_side *s)
{
	return s->accepted ? s->received : s->sent;
}

static uint32_t inward_jiffies(const struct pair_side *s)
{
	return s->accepted ? s->received_jiffies : s->sent_jiffies;
}

static int order_of(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Same program and bytes: a run, in the order of time. */
static int by_run(const struct pair_side *x, const struct pair_side *y)
{
	return order_of(x->owner, y->owner) ?: order_of(x->netns, y->netns) ?:
	       order_of(inward(x), inward(y));
}

static int compare(const void *a, const void *b)
{
	const struct pair_side *x = a, *y = b;
	int32_t later = inward_jiffies(x) - inward_jiffies(y);

	return by_run(x, y) ?: (later > 0) - (later < 0) ?: order_of(x->cookie, y->cookie);
}

static uint32_t apart(uint32_t a, uint32_t b)
{
	int32_t difference = a - b;

	return difference < 0 ? -(uint32_t)difference : (uint32_t)difference;
}

/* May the two be one device's? Then by how many jiffies their times differ, at most. A direction in
 * which nothing went tells nothing, nor does when it was sent last what is not acknowledged yet. */
static bool may_be_one(const struct pair_side *front, const struct pair_side *back,
		       uint32_t *jiffies)
{
	uint32_t outward = apart(back->received_jiffies, front->sent_jiffies);

	*jiffies = inward(front) ? apart(inward_jiffies(front), inward_jiffies(back)) : 0;
	if (!back->all_acked || inward(front) + back->received == 0)
		return false;
	if (!front->all_acked)
		return inward(front) && front->sent <= back->received;
	if (back->received && outward > *jiffies)
		*jiffies = outward;
	return front->sent == back->received;
}

struct search {
	struct pair_side *sides;
	size_t first, last;	/* of the run */
	uint32_t hz, most;	/* jiffies apart, at most */
};

struct best {
	size_t at;
	uint32_t first, second;	/* jiffies; UINT32_MAX: there is none */
};

static void consider(const struct search *s, size_t me, size_t i, struct best *best)
{
	const struct pair_side *a = &s->sides[me], *b = &s->sides[i];
	const struct pair_side *front = a->accepted ? a : b, *back = a->accepted ? b : a;
	uint32_t jiffies;

	if (a->accepted == b->accepted || !may_be_one(front, back, &jiffies) || jiffies > s->most)
		return;
	if (jiffies < best->first) {
		best->second = best->first;
		best->first = jiffies;
		best->at = i;
	} else if (jiffies < best->second) {
		best->second = jiffies;
	}
}

/* Is one side's time so far from the other's that it, and all beyond, are out of the question? */
static bool is_too_far(const struct search *s, size_t me, size_t i)
{
	const struct pair_side *a = &s->sides[me], *b = &s->sides[i];

	return inward(a) && apart(inward_jiffies(a), inward_jiffies(b)) > s->most;
}

/* The nearest in time among the neighbours in the run. False: they are too many. */
static bool find_best(const struct search *s, size_t me, struct best *best)
{
	unsigned int looked_at = 0;
	size_t i;

	*best = (struct best){ .first = UINT32_MAX, .second = UINT32_MAX };
	for (i = me; i > s->first && !is_too_far(s, me, i - 1); i--) {
		consider(s, me, i - 1, best);
		if (++looked_at > NEIGHBOURS_MAX)
			return false;
	}
	for (i = me + 1; i < s->last && !is_too_far(s, me, i); i++) {
		consider(s, me, i, best);
		if (++looked_at > NEIGHBOURS_MAX)
			return false;
	}
	return best->first != UINT32_MAX;
}

/* The nearer the second nearest, the more likely is it chance that the first is the nearest. */
static double confidence_of(const struct best *b, uint32_t hz)
{
	double late = LATENESS_MS * hz / 1000.0, confidence = 1;

	if (b->second != UINT32_MAX)
		confidence -= (b->first + late) / (b->second + late);
	return confidence < CONFIDENCE_MAX ? confidence : CONFIDENCE_MAX;
}

static void choose(const struct search *s, size_t me)
{
	struct pair_side *side = &s->sides[me];
	struct best best;

	if (!find_best(s, me, &best))
		return;
	side->confidence = confidence_of(&best, s->hz);
	side->apart_ms = (uint64_t)best.first * 1000 / s->hz;
	if (side->confidence >= PAIRS_CONFIDENCE)
		side->other = best.at + 1;
}

/* Each has to be the other's choice. */
static void agree(struct pair_side *sides, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct pair_side *me = &sides[i];

		if (!me->other)
			continue;
		if (sides[me->other - 1].other != i + 1)
			me->other = 0;
		else if (sides[me->other - 1].confidence < me->confidence)
			me->confidence = sides[me->other - 1].confidence;
	}
}

enum { HAS_ACCEPTED = 1, HAS_MADE = 2, HAS_BOTH = 3 };

/* Of its run, and of others with the same hash. */
static uint8_t *kinds_of(uint8_t *kinds, size_t size, const struct pair_side *s)
{
	uint64_t hash = hash__number(hash__number(inward(s), s->netns), s->owner);

	return &kinds[hash % size];
}

/* To the front come those in whose run are both kinds; returns how many. Most programs are no
 * proxies, so that as a rule little is left to sort. */
static size_t keep_possible(struct pair_side *sides, size_t count)
{
	size_t size = 2 * count + 1, kept = 0, i;
	uint8_t *kinds = calloc(size, sizeof(*kinds));

	if (!kinds)
		return count;
	for (i = 0; i < count; i++)
		*kinds_of(kinds, size, &sides[i]) |= sides[i].accepted ? HAS_ACCEPTED : HAS_MADE;
	for (i = 0; i < count; i++)
		if (sides[i].owner && *kinds_of(kinds, size, &sides[i]) == HAS_BOTH)
			sides[kept++] = sides[i];
	free(kinds);
	return kept;
}

size_t pairs__find(struct pair_side *sides, size_t count, uint32_t hz)
{
	struct search s = { .sides = sides, .hz = hz, .most = APART_MAX_MS * hz / 1000 };
	size_t i;

	count = keep_possible(sides, count);

	if (count)
		qsort(sides, count, sizeof(*sides), compare);
	for (; s.first < count; s.first = s.last) {
		for (s.last = s.first + 1;
		     s.last < count && !by_run(&sides[s.first], &sides[s.last]); s.last++)
			;
		for (i = s.first; i < s.last && sides[i].owner; i++)
			choose(&s, i);
	}
	agree(sides, count);
	return count;
}
