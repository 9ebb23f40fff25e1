/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handshakes that are complete and no sockets yet: the listener has TCP_DEFER_ACCEPT, and their
 * first data have not come. The kernel marks one whose place in the accept queue lacks in the same
 * way, so that the listener has to be known.
 */
#ifndef HALFOPEN_SOURCE_KERNEL_DEFERRED_H
#define HALFOPEN_SOURCE_KERNEL_DEFERRED_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/record.h"

struct deferred {
	struct deferred_listener {
		uint32_t netns;
		uint16_t port;
	} *listeners;
	struct record *groups;	/* RECORD_WAITING, one for each end that was connected to */
	size_t listener_count, group_count;
};

/* Takes a row of a pass, which tells listeners before what they are asked for. False where it is of
 * neither, but of a connection. Where memory is short, fewer are counted. */
bool deferred__take(struct deferred *d, const struct ho_event *row);

void deferred__free(struct deferred *d);

#endif
