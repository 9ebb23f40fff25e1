/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts records in order of time. The ring's order is that of reservation, and a keepalive probe
 * is reserved when its timer has ended, with the time at which it began; what is late by more
 * than the window is passed on out of order, and counted.
 */
#ifndef HALFOPEN_SOURCE_REORDER_H
#define HALFOPEN_SOURCE_REORDER_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* A record is held back this long. Timer and softirq run for microseconds; a virtual CPU may
 * be taken away in between for tens of milliseconds. */
#define REORDER_WINDOW_NS 100000000ULL

/* Takes one encoded record; returns 0, or a negative errno that ends the stream. */
typedef int (*stream_fn)(void *context, const void *record, size_t size);

struct reorder {
	struct pending *pending;
	size_t count, size;
	uint8_t *bytes;
	size_t bytes_used, bytes_size;
	uint64_t pushed;	/* ties are broken by arrival */
	uint64_t released_until_ns;
	uint64_t late;		/* records passed on out of order */
};

/* Returns 0 or -ENOMEM. */
int reorder__push(struct reorder *r, const struct record *record);

/* Passes on all records up to `until_ns`, in order. Returns what `fn` returns. */
int reorder__release(struct reorder *r, uint64_t until_ns, stream_fn fn, void *context);

void reorder__free(struct reorder *r);

#endif
