/* SPDX-License-Identifier: GPL-2.0 */
/* When the kernel asks a socket's peer next, and when it gives up one that stays silent. */
#ifndef HALFOPEN_CORE_EXPOSURE_DEADLINE_H
#define HALFOPEN_CORE_EXPOSURE_DEADLINE_H

#include "event.h"

struct deadline {
	double next_ask_s;	/* a probe or a retransmission, from now; INFINITY: none is due */
	double dies_s;		/* from now, if the peer stays silent; INFINITY: never */
};

/* Follows tcp_keepalive_timer(), tcp_retransmit_timer() and tcp_probe_timer() of `row`'s kernel,
 * whose HZ and tcp_retries2 (of the socket's namespace) these are; timers are taken for
 * punctual. */
struct deadline deadline__of(const struct ho_row *row, uint32_t hz, uint32_t retries2);

#endif
