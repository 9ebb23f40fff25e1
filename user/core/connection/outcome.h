/* SPDX-License-Identifier: GPL-2.0 */
/* The outcome of a connection, and whether its peer was gone (half-open). */
#ifndef HALFOPEN_CORE_CONNECTION_OUTCOME_H
#define HALFOPEN_CORE_CONNECTION_OUTCOME_H

#include "connection/incidents.h"
#include "connection/silence.h"

/*
 * Names the ending of `c` from the state change to CLOSE in `e` and from what happened before; sets
 * outcome, found_by and the end of the last episode. Where the evidence is not sufficient the
 * outcome is unknown, with its errno. Follows the kernel's own paths to tcp_done():
 * tcp_keepalive_timer(), tcp_write_timeout(), tcp_reset(), tcp_abort(), tcp_close().
 */
void outcome__decide(struct connection *c, const struct ho_event *e, uint32_t suspect_after);

/*
 * Did the keepalive timer give up? Shown by where the state change happened; where the timer is not
 * watched, by the reset that it sends and no other timer of a socket with a program does, with
 * probes out and nothing under way.
 */
bool outcome__is_of_keepalive(const struct connection *c, const struct ho_event *e);

/* The outcome of an ended connection, or the present state of an open one. */
enum outcome outcome__now(const struct connection *c, uint32_t suspect_after);

/* The time at which our side gave up or was told (contract: "declared"). */
uint64_t outcome__declared_ns(const struct connection *c);

#endif
