/* SPDX-License-Identifier: GPL-2.0 */
/* The running kernel as a source of records. */
#ifndef HALFOPEN_SOURCE_KERNEL_LIVE_H
#define HALFOPEN_SOURCE_KERNEL_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/reorder.h"

struct live;

struct live_config {
	const char *version, *gateway;
	size_t ring_bytes;	/* 0: from the live socket count */
	const char *identities;	/* where devices are named (identity_feed.h); NULL: nowhere */
	unsigned int idle_gap_ms;	/* an idle gap is told from here on */
	bool all_states;	/* tell every state change */
	stream_fn fn;		/* takes the stream */
	/* Is the watch to end? Asked in the midst of walks, which may take long; NULL: nobody says. */
	bool (*is_over)(void *context);
	void *context;
};

/*
 * Loads and attaches everything: state programs first, then the snapshot of who is there, the
 * keepalive timer last. When it returns 0, nothing that happens from then on is missed. Returns
 * -EPERM where a capability lacks, -EBADMSG where the identities are none, else another -errno;
 * what failed was logged.
 */
int live__open(const struct live_config *config, struct live **live);

/* Becomes readable when the ring fills up. */
int live__fd(const struct live *live);

/*
 * Takes what lies in the ring and passes on what is in order; to be called when live__fd is
 * readable and at least every LIVE_TICK_MS. Returns 0 or what the stream function returned.
 */
int live__pump(struct live *live);

/* The next live__pump() lets time pass, however soon it comes. */
void live__tick_soon(struct live *live);

#define LIVE_TICK_MS 100

/* Tells once more what the stream is of and who is there, from RECORD_META to RECORD_START, so that
 * what follows can be read by itself. Returns 0 or -errno. */
int live__describe(struct live *live);

/* The watch ends: passes on all that is left, and RECORD_STOP. */
int live__stop(struct live *live);

void live__close(struct live *live);

#endif
