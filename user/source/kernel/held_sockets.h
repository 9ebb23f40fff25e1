/* SPDX-License-Identifier: GPL-2.0 */
/* Collects rows of a walk over processes: one record for a process and its sockets. */
#ifndef HALFOPEN_SOURCE_KERNEL_HELD_SOCKETS_H
#define HALFOPEN_SOURCE_KERNEL_HELD_SOCKETS_H

#include <stdbool.h>

#include "stream/record.h"
#include "sys/process.h"

struct held_sockets {
	/* Takes a record; returns 0 or a negative errno. */
	int (*push)(void *context, const struct record *r);
	void *context;
	uint32_t pass;		    /* numbers the walk */
	bool shown;		    /* each socket is told as it is, too */
	struct process_place place; /* of the process ... */
	uint32_t pid, count;	    /* ... and how many of its sockets were not pushed yet */
	char comm[16];
	uint64_t mono_ns; /* when the last of them was read */
	uint64_t cookies[RECORD_HELD_MAX];
	struct ho_event events[RECORD_SHOWN_MAX];
};

/* The next walk begins. `push` and `context` are set. */
void held_sockets__begin(struct held_sockets *h, bool shown);

/* One more, in the order of the walk: process by process. Returns what `push` did. */
int held_sockets__add(struct held_sockets *h, const struct ho_row *row);

/* The walk has ended: pushes those that are left. Returns what `push` did. */
int held_sockets__end(struct held_sockets *h);

#endif
