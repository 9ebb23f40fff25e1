/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every known open socket, keyed by its cookie: one flat table with open addressing, because there
 * may be a million without any event; it grows by an eighth, so that each costs between 39 and 44
 * bytes. The history of a socket is kept elsewhere (struct connection), and only once it has one: a
 * second table of pointers leads there.
 */
#ifndef HALFOPEN_CORE_TABLE_TABLE_H
#define HALFOPEN_CORE_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/record.h"

struct connection;

struct slot {
	uint64_t cookie;	/* 0: free */
	uint64_t peer_key : 60;	/* arrivals__key() */
	uint64_t partial : 1;	/* was open before the watch */
	uint64_t would_notice : 1;	/* a dead peer: exposure__never_notices() */
	uint64_t ignored : 1;	/* the filter rejects it, or cannot decide yet */
	uint64_t has_history : 1;
	uint64_t first_seen_us : 48;	/* nine years */
	uint64_t peer_port : 16;
	uint32_t touched;	/* time of the last event or pass: slot__untouched_since() */
	uint32_t netns : 12;	/* index into the core's namespaces, 0: not known */
	uint32_t owner : 19;	/* index into struct owners, 0: not known */
	uint32_t held : 1; /* by a process that the present pass met (holders.h) */
	uint16_t local_port;
} __attribute__((packed, aligned(2)));

_Static_assert(sizeof(struct slot) == 34, "a socket with nothing to tell");

#define SLOT_OWNER_MAX ((1U << 19) - 1)

/* In units of half a second since boot: 73 years. */
static inline void slot__touch(struct slot *s, uint64_t mono_ns)
{
	uint32_t touched = mono_ns / RECORD_TOUCH_NS;

	if (touched > s->touched)	/* events may come late */
		s->touched = touched;
}

/* That time, at the earliest. */
static inline uint64_t slot__touched_ns(const struct slot *s)
{
	return s->touched * RECORD_TOUCH_NS;
}

/* Had it no event and no pass since then? */
static inline bool slot__untouched_since(const struct slot *s, uint64_t mono_ns)
{
	return s->touched < mono_ns / RECORD_TOUCH_NS;
}

struct table {
	struct slot *slots;
	size_t size, used;
	struct connection **histories;	/* by their cookies */
	size_t histories_size, histories_used;
};

/* NULL if the cookie is not there. Slots move when others are added or removed. */
struct slot *table__find(const struct table *t, uint64_t cookie);

/* Finds or adds; `*added` says which. NULL when memory is short. */
struct slot *table__get(struct table *t, uint64_t cookie, bool *added);

/* So many sockets are to come: makes room at once, instead of eighth by eighth. Where memory is short
 * nothing is done. */
void table__expect(struct table *t, size_t count);

/* The socket's history; NULL if it has none. */
struct connection *table__history(const struct table *t, const struct slot *s);

/* Gives the slot a history, of the same cookie, which stays the caller's to free. False when memory
 * is short. */
bool table__give_history(struct table *t, struct slot *s, struct connection *history);

/* Removes the slot's history, and returns it; NULL if it has none. */
struct connection *table__take_history(struct table *t, struct slot *s);

/* Removes a slot, which has no history any more. */
void table__remove(struct table *t, uint64_t cookie);

/* Walks over all slots in an order that depends on the cookies and their history alone; starts
 * with `after` NULL. The table must not change meanwhile. */
struct slot *table__next(struct table *t, struct slot *after);

void table__free(struct table *t);

#endif
