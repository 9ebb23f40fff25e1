/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handshakes that are complete and have no socket yet: the listener has TCP_DEFER_ACCEPT, and their
 * first data has not arrived. The kernel marks handshakes that wait for room in the accept queue in
 * the same way, so the listener must be known.
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

/* Takes a row of a pass, which shows listeners before their requests. False if it is neither, but a
 * connection. Where memory is short, fewer are counted. */
bool deferred__take(struct deferred *d, const struct ho_event *row);

void deferred__free(struct deferred *d);

#endif
