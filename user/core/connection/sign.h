/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The meaning of a segment from the peer: whether it shows the peer alive, and whether it answers
 * our asks. Anybody can send segments with a connection's addresses: the kernel's rules decide
 * which are its peer's (bpf/segment.bpf.h).
 */
#ifndef HALFOPEN_CORE_CONNECTION_SIGN_H
#define HALFOPEN_CORE_CONNECTION_SIGN_H

#include <stdbool.h>

#include "event.h"

struct sign {
	bool life;		/* the peer sent it, and is alive */
	bool own_probe;		/* its keepalive probe: empty, or with one byte of garbage */
	bool acknowledges;	/* something of ours that was not acknowledged before */
	bool new;		/* later than all heard before: no repetition, no old ACK */
};

/* Of an HO_HEARD event. A reset is no sign of life. */
struct sign sign__of(const struct ho_event *e);

/* Does it answer asks of these kinds (enum ask)? Data and FINs are answered by their
 * acknowledgement; asks that carry nothing, by anything new. */
bool sign__answers(const struct sign *s, unsigned int kinds);

#endif
