// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exposure/places.h"

uint64_t place__number(double number)
{
	uint64_t bits;

	number += 0.0;	/* there is one 0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits >> 63 ? ~bits : bits | 1ULL << 63;
}

static int order_of(uint64_t x, uint64_t y)
{
	return x < y ? -1 : x > y;
}

static int by_owner(const struct owners *owners, uint32_t a, uint32_t b)
{
	const struct owner *x = owners__at(owners, a), *y = owners__at(owners, b);

	if (!x || !y)
		return !x - !y;	/* without owner: last */
	return strcmp(x->comm, y->comm) ?: order_of(x->pid, y->pid);
}

int place__compare(const struct place *x, const struct place *y, const struct owners *owners)
{
	int by = order_of(x->number, y->number);

	if (!by && owners)
		by = by_owner(owners, x->owner, y->owner);
	return by ?: order_of(x->peer[0], y->peer[0]) ?: order_of(x->peer[1], y->peer[1]) ?:
	       order_of(x->peer_port, y->peer_port);
}

/* ---- many of them: a radix sort, from the word that counts least to the one that counts most ---- */

struct sorting {
	const struct place *places;
	uint32_t count;
	struct word {
		uint64_t word;
		uint32_t of;	/* index of the place */
	} *now, *next;		/* all of them, in the order so far; room for the next */
	const uint32_t *ranks;	/* of owners */
};

enum word_of_place { WORD_PORT, WORD_PEER_LOW, WORD_PEER_HIGH, WORD_OWNER, WORD_NUMBER, WORDS };

static uint64_t word_of(const struct sorting *s, const struct place *p, enum word_of_place word)
{
	switch (word) {
	case WORD_PORT:
		return p->peer_port;
	case WORD_PEER_LOW:
		return p->peer[1];
	case WORD_PEER_HIGH:
		return p->peer[0];
	case WORD_OWNER:
		return s->ranks ? s->ranks[p->owner] : 0;
	default:
		return p->number;
	}
}

/* By one byte of the words, equals as they are. */
static void sort_by_byte(struct sorting *s, unsigned int shift)
{
	uint32_t begins[256] = { 0 }, begin = 0, size, i;
	struct word *from = s->now;

	for (i = 0; i < s->count; i++)
		begins[from[i].word >> shift & 0xff]++;
	for (i = 0; i < 256; i++) {
		size = begins[i];
		begins[i] = begin;
		begin += size;
	}
	for (i = 0; i < s->count; i++)
		s->next[begins[from[i].word >> shift & 0xff]++] = from[i];
	s->now = s->next;
	s->next = from;
}

/* Only bits count in which they differ. */
static void sort_by_word(struct sorting *s, enum word_of_place word)
{
	uint64_t differ = 0;
	unsigned int shift;
	uint32_t i;

	for (i = 0; i < s->count; i++) {
		s->now[i].word = word_of(s, &s->places[s->now[i].of], word);
		differ |= s->now[i].word ^ s->now[0].word;
	}
	while (differ) {
		shift = __builtin_ctzll(differ);
		sort_by_byte(s, shift);
		differ &= ~(0xffULL << shift);
	}
}

static int compare_owners(const void *a, const void *b, void *owners)
{
	return by_owner(owners, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Of each owner, by its index, its rank in the order of owners; equals have the same. */
static uint32_t *rank_owners(const struct owners *owners)
{
	uint32_t count = owners->used + 1, i;
	uint32_t *order = malloc(2 * count * sizeof(*order)), *ranks;

	if (!order)
		return NULL;
	ranks = order + count;
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_owners, (void *)owners);
	for (i = 0; i < count; i++)
		ranks[order[i]] = i && !by_owner(owners, order[i - 1], order[i]) ? ranks[order[i - 1]] : i;
	memmove(order, ranks, count * sizeof(*order));
	return order;
}

static void sort(struct sorting *s, uint32_t *order)
{
	enum word_of_place word;
	uint32_t i;

	for (i = 0; i < s->count; i++)
		s->now[i].of = i;
	for (word = 0; word < WORDS; word++)
		sort_by_word(s, word);
	for (i = 0; i < s->count; i++)
		order[i] = s->now[i].of;
}

uint32_t *places__order(const struct place *places, uint32_t count, const struct owners *owners)
{
	uint32_t *order = malloc(((size_t)count + 1) * sizeof(*order)), *ranks = NULL;
	struct word *room = malloc(2 * ((size_t)count + 1) * sizeof(*room));
	struct sorting s = { .places = places, .count = count, .now = room, .next = room + count };
	bool failed = !order || !room;

	if (!failed && owners) {
		s.ranks = ranks = rank_owners(owners);
		failed = !ranks;
	}
	if (!failed)
		sort(&s, order);
	free(ranks);
	free(room);
	if (!failed)
		return order;
	free(order);
	return NULL;
}

/* ---- the first of them: a heap, the last of these at its root ---- */

static void swap(struct ranked_place *a, struct ranked_place *b)
{
	struct ranked_place kept = *a;

	*a = *b;
	*b = kept;
}

/* Equals stay as they came. */
static bool comes_behind(const struct first_places *f, const struct ranked_place *x,
			 const struct ranked_place *y)
{
	int order = place__compare(&x->place, &y->place, f->owners);

	return order ? order > 0 : x->number > y->number;
}

static bool is_behind(const struct first_places *f, size_t a, size_t b)
{
	return comes_behind(f, &f->ranked[a], &f->ranked[b]);
}

static void rise(struct first_places *f, size_t i)
{
	while (i && is_behind(f, i, (i - 1) / 2)) {
		swap(&f->ranked[i], &f->ranked[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

/* The first `count` places are a heap, but for its root. */
static void sink(struct first_places *f, size_t count)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count && is_behind(f, child + 1, child))
			child++;
		if (!is_behind(f, child, i))
			return;
		swap(&f->ranked[i], &f->ranked[child]);
		i = child;
	}
}

enum place_taken first_places__add(struct first_places *f, const struct place *p, uint32_t *slot)
{
	struct ranked_place r = { *p, f->count, f->met++ };

	if (!f->ranked)
		f->ranked = calloc(f->most, sizeof(*f->ranked));
	if (!f->ranked)
		return PLACE_FAILED;
	*slot = r.slot;
	if (f->count < f->most) {
		f->ranked[f->count] = r;
		rise(f, f->count++);
		return PLACE_TAKEN;
	}
	if (comes_behind(f, &r, &f->ranked[0]))
		return PLACE_REFUSED;
	*slot = r.slot = f->ranked[0].slot;
	f->ranked[0] = r;
	sink(f, f->count);
	return PLACE_TAKEN;
}

void first_places__sort(struct first_places *f)
{
	size_t left;

	for (left = f->count; left > 1; left--) {
		swap(&f->ranked[0], &f->ranked[left - 1]);
		sink(f, left - 1);
	}
}

void first_places__free(struct first_places *f)
{
	free(f->ranked);
	f->ranked = NULL;
	f->count = 0;
	f->met = 0;
}
