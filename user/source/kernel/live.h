/* SPDX-License-Identifier: GPL-2.0 */
/* The running kernel as a source of records. */
#ifndef HALFOPEN_SOURCE_KERNEL_LIVE_H
#define HALFOPEN_SOURCE_KERNEL_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/reorder.h"

struct live;
struct snapshot;

struct live_config {
	const char *version, *gateway;
	size_t ring_bytes;	/* 0: from the live socket count */
	bool in_part;		/* what `fn` wants is a part of the host's sockets (FILTER) */
	const char *identities;	/* source of names of devices (identity_feed.h); NULL: none */
	unsigned int idle_gap_ms;	/* idle gaps are emitted from this length on */
	bool all_states;	/* emit every state change */
	stream_fn fn;		/* takes the stream */
	/* Is the watch to end? Called within walks, which may take long; may be NULL. */
	bool (*is_over)(void *context);
	void *context;
};

/*
 * Loads and attaches everything: state programs first, then the snapshot of open sockets, the
 * keepalive timer last. When it returns 0, nothing is missed from then on. Returns -EPERM where a
 * capability lacks, -EBADMSG where the identities are invalid, else another -errno; failures are
 * logged.
 */
int live__open(const struct live_config *config, struct live **live);

/* Becomes readable when the ring fills up. */
int live__fd(const struct live *live);

/*
 * Reads the ring and passes on the records that are in order; to be called when live__fd is
 * readable and at least every LIVE_TICK_MS. Returns 0 or the result of the stream function.
 */
int live__pump(struct live *live);

/* The next live__pump() makes a tick, however soon it comes. */
void live__tick_soon(struct live *live);

#define LIVE_TICK_MS 100

/* Its iterators over open sockets, and the kernel's HZ: they live as long as the watch does. */
struct snapshot *live__snapshot(const struct live *live, unsigned int *hz);

/* Describes the stream and the open sockets again, from RECORD_META to RECORD_START, so that what
 * follows can be read by itself. Returns 0 or -errno. */
int live__describe(struct live *live);

/* The watch ends: passes on the rest, and RECORD_STOP. */
int live__stop(struct live *live);

void live__close(struct live *live);

#endif
