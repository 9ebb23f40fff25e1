/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments received from a peer: one by one where the kernel shows them, by its clocks where it
 * does not. sign.h says what a segment means.
 */
#ifndef HALFOPEN_CORE_CONNECTION_HEARD_H
#define HALFOPEN_CORE_CONNECTION_HEARD_H

#include "connection/incidents.h"
#include "connection/silence.h"

/* An HO_HEARD event: a sign of life, an answer, a reset, a SYN. */
void heard__segment(struct connection *c, const struct ho_event *e,
		    const struct connection_rules *rules, struct told *told);

/* The tracepoint of an accepted reset. */
void heard__reset(struct connection *c, const struct ho_event *e, uint32_t hz, struct told *told);

/* This host dropped a segment of the peer's before TCP saw it. */
void heard__dropped(struct connection *c, const struct ho_event *e, struct told *told);

/* The kernel's clocks in any event: was the peer heard, or did it answer, without an event? */
void heard__by_clocks(struct connection *c, const struct ho_event *e, uint32_t hz);

/* ... and when something of ours was last acknowledged. Requires incidents. */
void heard__acknowledgement(struct connection *c, const struct ho_event *e, uint32_t hz);

/* Does an answer come from another sender than the peer's data? */
bool heard__is_of_another(const struct connection *c, const struct ho_event *e);

#endif
