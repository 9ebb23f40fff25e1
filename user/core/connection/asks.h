/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks, event by event: probes, data, FINs, zero-window probes, and those that this host dropped.
 * Each function changes the present silence of `c`; all but asks__probe_sent() require that the
 * connection has incidents.
 */
#ifndef HALFOPEN_CORE_CONNECTION_ASKS_H
#define HALFOPEN_CORE_CONNECTION_ASKS_H

#include "connection/incidents.h"
#include "connection/silence.h"

void asks__probe_sent(struct connection *c, const struct ho_event *e,
		      const struct connection_rules *rules, struct told *told);

/* It left TCP, but not this host: no ask, though the kernel may count it. */
void asks__probe_failed(struct connection *c, const struct ho_event *e,
			const struct connection_rules *rules, struct told *told);

void asks__zero_window_probe(struct connection *c, const struct ho_event *e,
			     const struct connection_rules *rules, struct told *told);

void asks__retransmitted(struct connection *c, const struct ho_event *e,
			 const struct connection_rules *rules, struct told *told);

/* Data, a FIN or a zero-window probe that this host itself dropped: no ask. */
void asks__send_failed(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told);

/* When what is under way was first sent, in nanoseconds of CLOCK_MONOTONIC; late rather than
 * early. */
uint64_t asks__first_transmission_ns(const struct ho_event *e, uint32_t hz);

/* Counts that first transmission as an ask, if it left. */
void asks__by_first_transmission(struct connection *c, const struct ho_event *e, enum ask kind,
				 const struct connection_rules *rules);

/* An ask with a sequence number of its own, at `at_ns`. */
void asks__carry(struct connection *c, const struct ho_event *e, uint64_t at_ns, enum ask kind);

/* Our program closed it then; the first such time is kept. */
void asks__note_close(struct connection *c, uint64_t at_ns, uint32_t suspect_after);

#endif
