/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keepalive probes that no event told of: lost ones, and all of them on a kernel that shows none.
 * What the kernel counted, its clock of the last transmission and its timers' rules tell how many
 * there were and how late each can have been; taking them for as late as that keeps every bound
 * of a latency true. Each function changes the present silence of `c` as if they had been told.
 */
#ifndef HALFOPEN_CORE_CONNECTION_LOST_PROBES_H
#define HALFOPEN_CORE_CONNECTION_LOST_PROBES_H

#include "connection/incidents.h"
#include "connection/silence.h"

/* The kernel counts `probes_out` in this silence: more than were told? */
void lost_probes__count_probes(struct connection *c, uint8_t probes_out, uint64_t at_ns,
			  struct told *told);

/*
 * `e` tells a probe, later than others that were sent after it: it is one of those that the kernel's
 * count showed, and that were taken for lost. Then it is so no more, and nothing is left to count.
 */
bool lost_probes__was_taken_for_lost(struct connection *c, const struct ho_event *e);

/* `e` tells the first probe of a silence: did others go before? */
void lost_probes__find_first_probes(struct connection *c, const struct ho_event *e, uint32_t hz,
			       struct told *told);

/* `e` tells a segment of the peer's, on a kernel that shows no probe: which did it answer? */
void lost_probes__find_answered_probe(struct connection *c, const struct ho_event *e, uint32_t hz);

/*
 * `e` tells a segment of the peer's, or a probe for its window: were more such probes sent? Where
 * the write timer meets a socket that its program owns, tcp_release_cb() sends the probe later, and
 * no timer's program sees it; the kernel's count does.
 */
void lost_probes__find_window_probes(struct connection *c, const struct ho_event *e, uint32_t hz);

/* `e` tells the end by the keepalive timer: what had it sent? */
void lost_probes__find_probes_at_death(struct connection *c, const struct ho_event *e,
				  const struct connection_rules *rules, struct told *told);

#endif
