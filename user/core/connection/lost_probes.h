/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keepalive probes without an event: lost events, and all probes on a kernel that shows none. Their
 * number, and the latest time of each, follow from the kernel's count, its clock of the last
 * transmission and the rules of its timers; the latest times keep every bound of a latency true.
 * Each function changes the present silence of `c` as if events had reported them.
 */
#ifndef HALFOPEN_CORE_CONNECTION_LOST_PROBES_H
#define HALFOPEN_CORE_CONNECTION_LOST_PROBES_H

#include "connection/incidents.h"
#include "connection/silence.h"

/* The kernel counts `probes_out` in this silence: more than were emitted? */
void lost_probes__count_probes(struct connection *c, uint8_t probes_out, uint64_t at_ns,
			  struct told *told);

/*
 * Is `e` a probe, emitted after later ones, that the kernel's count had shown and that was taken
 * for lost? Then it is no longer lost, and nothing is left to count.
 */
bool lost_probes__was_taken_for_lost(struct connection *c, const struct ho_event *e);

/* `e` is the first emitted probe of a silence: were others sent before? */
void lost_probes__find_first_probes(struct connection *c, const struct ho_event *e, uint32_t hz,
			       struct told *told);

/* `e` is a segment of the peer, on a kernel that shows no probe: which one does it answer? */
void lost_probes__find_answered_probe(struct connection *c, const struct ho_event *e, uint32_t hz);

/*
 * `e` is a segment of the peer, or a zero-window probe: were more such probes sent? Where the write
 * timer meets a socket that its program owns, tcp_release_cb() sends the probe later, and no
 * timer's program sees it; the kernel's count does.
 */
void lost_probes__find_window_probes(struct connection *c, const struct ho_event *e, uint32_t hz);

/* `e` is the end by the keepalive timer: which probes had it sent? */
void lost_probes__find_probes_at_death(struct connection *c, const struct ho_event *e,
				  const struct connection_rules *rules, struct told *told);

#endif
