/* SPDX-License-Identifier: GPL-2.0 */
/* Exposure of one socket: what its row says now of how a dead peer of it would be noticed, and of the
 * asks that stayed unanswered. Everybody who counts sockets counts these (counts.h). */
#ifndef HALFOPEN_CORE_EXPOSURE_EXPOSURE_H
#define HALFOPEN_CORE_EXPOSURE_EXPOSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* A socket is suspect from so many unanswered asks on, unless somebody says otherwise. */
#define EXPOSURE_SUSPECT_AFTER 2

struct exposure {
	bool with_keepalive;
	bool never_notices;	/* a dead peer, as long as the connection is idle */
	bool suspect;
	/* With keepalive alone: ... */
	bool own_idle;		/* the idle time is the socket's own, ... */
	bool own_options;	/* all three are: it follows no sysctl */
	bool dies_of_one_loss;	/* a single lost probe ends it: keepalive.h */
};

/* Would this socket never notice that its peer is gone? Not so with keepalive; nor where its FIN waits
 * for an acknowledgement (the retransmission timer asks), or nobody holds it after that (a timeout). */
bool exposure__never_notices(const struct ho_event *e);

/* Asks that left since the peer was last heard, by the kernel's counts; 0: none, or the count is stale
 * (data on the fast path do not reset it). `hz` of its kernel. */
uint32_t exposure__asks(const struct ho_event *e, uint32_t hz);

/* When the last of them left, by the kernel's clock of what the socket sent last. */
uint32_t exposure__last_ask_jiffies(const struct ho_event *e, uint32_t hz);

/* All of it; suspect from `suspect_after` unanswered asks on. */
struct exposure exposure__of(const struct ho_event *e, uint32_t hz, uint32_t suspect_after);

#endif
