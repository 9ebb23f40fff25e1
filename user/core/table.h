/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every open socket that we know of, keyed by its cookie: one flat table with open addressing,
 * because there may be a million that have nothing to tell. What a socket did is kept elsewhere
 * (struct connection), and only once it did something.
 */
#ifndef HALFOPEN_CORE_TABLE_H
#define HALFOPEN_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

struct slot {
	uint64_t cookie : 48;	/* 0: free; see RECORD_COOKIE_MASK */
	uint64_t peer_port : 16;
	uint64_t first_seen_us : 49;	/* 17 years */
	uint64_t netns : 12;	/* index into the core's namespaces, 0: not known */
	uint64_t partial : 1;	/* was open before the watch */
	uint64_t keepalive : 1;	/* SO_KEEPALIVE was on when last seen */
	uint64_t ignored : 1;	/* the filter does not want it */
	uint32_t owner;		/* index into struct owners, 0: not known */
	uint32_t touched;	/* when it was last heard of, in units of 1 << TABLE_TOUCH_SHIFT ns */
	uint32_t peer_key;	/* arrivals__key() */
	uint32_t history;	/* table__history(); 0: nothing to tell so far */
};

_Static_assert(sizeof(struct slot) == 32, "a socket with nothing to tell");

/* 2^27 ns, 134 ms: 32 bits of it last for 18 years. */
#define TABLE_TOUCH_SHIFT 27

struct table {
	struct slot *slots;
	size_t size;		/* a power of two, or 0 */
	size_t used;
	struct connection **histories;	/* 0 is never used */
	uint32_t histories_used, histories_size;
	uint32_t *unused_histories;	/* numbers below histories_used */
	uint32_t unused_count;
};

/* NULL if the cookie is not there. Slots move when others are added or removed. */
struct slot *table__find(struct table *t, uint64_t cookie);

/* Finds or adds; `*added` tells which. NULL when memory is short. */
struct slot *table__get(struct table *t, uint64_t cookie, bool *added);

/* What the socket did; NULL if there is nothing to tell. */
static inline struct connection *table__history(const struct table *t, const struct slot *s)
{
	return s->history ? t->histories[s->history] : NULL;
}

/* Gives the slot a history, which stays the caller's to free. False when memory is short. */
bool table__give_history(struct table *t, struct slot *s, struct connection *history);

/* Takes it away again, and returns it. */
struct connection *table__take_history(struct table *t, struct slot *s);

/* Forgets a slot, which has no history any more. */
void table__remove(struct table *t, uint64_t cookie);

/* Walks over all slots in an order that depends on the cookies and their history alone; starts
 * with `after` NULL. The table must not change meanwhile. */
struct slot *table__next(struct table *t, struct slot *after);

void table__free(struct table *t);

#endif
