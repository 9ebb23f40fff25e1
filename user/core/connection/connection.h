/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one socket did, by one fact after the other. How it ended and what that means is in
 * outcome.h; what the reader sees of it in timeline.h.
 */
#ifndef HALFOPEN_CORE_CONNECTION_CONNECTION_H
#define HALFOPEN_CORE_CONNECTION_CONNECTION_H

#include "connection/history.h"
#include "connection/incidents.h"
#include "connection/latency.h"
#include "connection/silence.h"

/* AF_INET or AF_INET6. */
uint8_t connection__family(const struct connection *c);

/*
 * Takes one fact about this socket; facts come in order of time. `told` receives the events
 * that a reader of every event is told. False when memory is short: nothing was taken.
 */
bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told);

/* The sysctls of its namespace are these now: what it took from there follows. */
void connection__follow_sysctl(struct connection *c, uint64_t at_ns, uint32_t idle_s,
			       uint32_t interval_s, uint32_t probes,
			       const struct connection_rules *rules, struct told *told);

/* It is gone, and the state change that would tell why never reached us. False when memory is
 * short. */
bool connection__lose_ending(struct connection *c, uint64_t at_ns);

/* What is known of it without an event of its own: its ends. */
void connection__address(struct connection *c, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer);

/* The kernel heard the peer at `at_ns` or later, though no event told of it. */
void connection__note_life(struct connection *c, uint64_t at_ns, uint32_t hz);

/* The evidence on which the latency of an ending declared at `declared_ns` rests: asks made
 * later do not count. */
struct latency_evidence connection__evidence(const struct connection *c, uint64_t declared_ns);

/* Frees what it holds, not itself. */
void connection__release(struct connection *c);

#endif
