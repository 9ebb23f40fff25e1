/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks over the open sockets, as part of the stream: a whole one at the start and after a loss,
 * light ones now and then over which are still open and which process holds them, and the last,
 * which decides what is open at the end. They take a small share of our time, however long they
 * take.
 */
#ifndef HALFOPEN_SOURCE_KERNEL_WALKS_H
#define HALFOPEN_SOURCE_KERNEL_WALKS_H

#include "kernel/deferred.h"
#include "kernel/every_netns.h"
#include "kernel/held_sockets.h"
#include "kernel/inodes.h"
#include "stream/record.h"

struct walks_config {
	struct snapshot *snapshot;
	unsigned int hz;
	/* Takes a record; returns 0 or a negative errno that ends the walk. */
	int (*push)(void *context, const struct record *r);
	/* Called all the while, to read the ring during a long walk. Returns 0 or a negative errno
	 * that ends it. */
	int (*keep_up)(void *context);
	/* All namespaces are about to be entered, one by one. */
	void (*begin)(void *context);
	netns_fn entered;
	void *context;
	/* Is the watch to end? Then walks end, except the last and a description; may be NULL. */
	bool (*is_over)(void *watch);
	void *watch;
};

struct walks {
	struct walks_config config;
	struct held_sockets held;	/* by the present walk, and not told yet */
	struct deferred deferred;	/* of the present walk */
	struct inodes entered;	/* namespaces, by the present walk */
	uint64_t present[RECORD_PRESENT_MAX];	/* sockets that were found, ... */
	uint64_t heard_ns[RECORD_PRESENT_MAX];	/* ... and when each was last heard */
	uint32_t silent_s[RECORD_PRESENT_MAX];
	uint32_t present_count;
	bool to_its_end;	/* the present walk is not to be interrupted */
	unsigned int rows;	/* since the ring was last read */
	uint64_t next_ns, next_presence_ns, next_holders_ns;
	unsigned int after_loss;	/* still to be made */
	unsigned int for_owners;	/* still to be made: a connection may wait to be accepted */
};

/* From `now_ns` on walks__make_due() has something to do, in time. */
void walks__begin(struct walks *w, uint64_t now_ns);

/* Events were lost. */
void walks__note_loss(struct walks *w);

/* A connection was made: a process will hold it. */
void walks__note_opening(struct walks *w);

/* Walks over everything that is open, which shows what has ended. (`describing`: for a reader that
 * begins here.) Returns 0 or an error: -ECANCELED, the watch is over. */
int walks__make_whole(struct walks *w, bool describing);

/* Reports the handshakes that the last whole walk found waiting for data (TCP_DEFER_ACCEPT), as of
 * `now_ns`. */
void walks__report_waiting(struct walks *w, uint64_t now_ns);

/* Makes the walk that is due, if any. Returns 0 or an error. */
int walks__make_due(struct walks *w, uint64_t now_ns);

/* The last walk, at the end: everything that is open, with its counts and clocks. Returns 0 or an
 * error. */
int walks__make_last(struct walks *w);

void walks__free(struct walks *w);

#endif
