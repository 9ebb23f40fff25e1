/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sockets of the latest events. What a pass over processes saw of a socket comes with others of
 * its process, a moment later than it was seen: an event from in between may have ended the socket,
 * or told more of it.
 */
#ifndef HALFOPEN_CORE_RECENT_EVENTS_H
#define HALFOPEN_CORE_RECENT_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

#define RECENT_EVENTS 4096

/* A walk may read a socket's state a moment after its end was emitted, and before that is
 * stored. */
#define WALK_BEHIND_NS 10000000ULL

struct recent_events {
	struct recent_event {
		uint64_t cookie, mono_ns; /* 0: none yet */
		bool ends;		  /* the socket */
	} ring[RECENT_EVENTS];
	uint32_t next;
};

void recent_events__add(struct recent_events *r, const struct ho_event *e);

/* Is something younger known of a socket than what was seen of it (HO_SEEN) at e->mono_ns? True,
 * too, where more happened since then than is remembered. */
bool recent_events__outdate(const struct recent_events *r, const struct ho_event *e);

#endif
