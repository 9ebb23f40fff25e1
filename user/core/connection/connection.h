/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The history of one socket, built from its events one by one. outcome.h decides how it ended and
 * what that means; timeline.h is what a reader sees of it.
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
 * Takes one event of this socket; events come in order of time. `told` receives the events that are
 * emitted for it. False when memory is short: its history has a hole, and must not be emitted.
 */
bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told);

/* The sysctls of its namespace changed: options that follow them change, too. */
void connection__follow_sysctl(struct connection *c, uint64_t at_ns, uint32_t idle_s,
			       uint32_t interval_s, uint32_t probes,
			       const struct connection_rules *rules, struct told *told);

/* It is gone, and the state change with the reason was lost. False when memory is short. */
bool connection__lose_ending(struct connection *c, uint64_t at_ns);

/* Sets its ends without an event of its own. */
void connection__address(struct connection *c, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer);

/* The kernel heard the peer at `at_ns` or later, though no event reported it. */
void connection__note_life(struct connection *c, uint64_t at_ns, uint32_t hz);

/* The evidence for the latency of an ending declared at `declared_ns`: asks made later do not
 * count. */
struct latency_evidence connection__evidence(const struct connection *c, uint64_t declared_ns);

/* Frees its members, not itself. */
void connection__release(struct connection *c);

#endif
