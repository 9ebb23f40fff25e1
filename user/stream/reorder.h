/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts records in order of time. The ring's order is that of reservation, and a keepalive probe's
 * event is reserved when its timer has ended, with the time at which it began; records that are
 * late by more than the window are passed on out of order, and counted. A record that is reserved
 * and not submitted hides all that was reserved behind it: until the ring can be read on, the
 * stream's time stands still.
 */
#ifndef HALFOPEN_STREAM_REORDER_H
#define HALFOPEN_STREAM_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/record.h"

/* A record is held back this long. Timer and softirq run for microseconds; a virtual CPU may
 * be taken away in between for tens of milliseconds. */
#define REORDER_WINDOW_NS 100000000ULL

/* The stream waits this long for a reserved record: a virtual CPU that is taken away comes back
 * sooner, and a fault of ours must not stop the stream for ever. */
#define REORDER_WAIT_MAX_NS 2000000000ULL

/* Takes one encoded record; returns 0, or a negative errno that ends the stream. */
typedef int (*stream_fn)(void *context, const void *record, size_t size);

struct reorder {
	struct pending *pending;
	size_t passed_on, count, size;	/* of `size`, the `count` behind those passed on */
	size_t in_order;	/* of `count`, the first so many are */
	struct block *last, *free;	/* the one being filled, and a list */
	size_t block_count, free_count;
	uint64_t pushed;	/* ties are broken by arrival */
	uint64_t released_until_ns;
	uint64_t late;		/* records passed on out of order */
	uint64_t all_read_ns;	/* everything reserved before it has been pushed */
	bool gave_up;	/* records reserved since then are not waited for any more */
};

/* Returns 0 or -ENOMEM. */
int reorder__push(struct reorder *r, const struct record *record);

/* The ring was read at `now_ns`, and everything reserved before then was pushed, or (not `all`) a
 * record that is not submitted yet hides the rest. Returns the time up to which records may be
 * released. */
uint64_t reorder__horizon(struct reorder *r, uint64_t now_ns, bool all);

/* Passes on all records up to `until_ns`, in order. Returns the result of `fn`. */
int reorder__release(struct reorder *r, uint64_t until_ns, stream_fn fn, void *context);

void reorder__free(struct reorder *r);

#endif
