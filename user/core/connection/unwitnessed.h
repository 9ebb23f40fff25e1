/* SPDX-License-Identifier: GPL-2.0 */
/* An ending that no program saw, derived from the state of the dead socket. */
#ifndef HALFOPEN_CORE_CONNECTION_UNWITNESSED_H
#define HALFOPEN_CORE_CONNECTION_UNWITNESSED_H

#include "connection/incidents.h"
#include "connection/silence.h"

/*
 * The state change to TCP_CLOSE as the kernel would have emitted it, from `dead`: a walk found `c`
 * behind its file, closed, or it was destroyed. tcp_done() leaves its error, counters and clocks as they
 * were, except what it purges (backoff, packets_out). Where its program has fetched the error,
 * keepalive's ending is known by its probes and its last expiry. False where nothing shows how it
 * ended.
 */
bool unwitnessed__ending(const struct connection *c, const struct ho_event *dead, uint32_t hz,
			 struct ho_event *ending);

#endif
