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
	uint64_t cookie;	/* 0: free */
	uint64_t first_seen_us : 49;	/* 17 years */
	uint64_t netns : 12;	/* index into the core's namespaces, 0: not known */
	uint64_t partial : 1;	/* was open before the watch */
	uint64_t keepalive : 1;	/* SO_KEEPALIVE was on when last seen */
	uint64_t ignored : 1;	/* the filter does not want it */
	uint32_t owner;		/* index into struct owners, 0: not known */
	uint32_t touched;	/* when it was last heard of, in units of TABLE_TOUCH_NS */
	struct connection *history;	/* NULL: nothing to tell so far */
	uint32_t peer_key;	/* arrivals__key() */
	uint16_t peer_port, local_port;
};

/* 2^27 ns, 134 ms: 32 bits of it last for 18 years. */
#define TABLE_TOUCH_SHIFT 27

struct table {
	struct slot *slots;
	size_t size;		/* a power of two, or 0 */
	size_t used;
};

/* NULL if the cookie is not there. Slots move when others are added or removed. */
struct slot *table__find(struct table *t, uint64_t cookie);

/* Finds or adds; `*added` tells which. NULL when memory is short. */
struct slot *table__get(struct table *t, uint64_t cookie, bool *added);

/* Forgets a slot; what it points to is the caller's to free. */
void table__remove(struct table *t, uint64_t cookie);

/* Walks over all slots in an order that depends on the cookies and their history alone; starts
 * with `after` NULL. The table must not change meanwhile. */
struct slot *table__next(struct table *t, struct slot *after);

void table__free(struct table *t);

#endif
