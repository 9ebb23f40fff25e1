/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timelines of all open sockets at an interval (watch --every). They are emitted in slices, one a
 * tick: between two of them the stream continues, so that on a host with a million sockets neither
 * the ring nor signals wait for all of them.
 */
#ifndef HALFOPEN_CORE_PERIODIC_H
#define HALFOPEN_CORE_PERIODIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

struct periodic {
	uint64_t due_ns;	/* time of the next round, if the last one is over */
	uint64_t *cookies;	/* of the sockets of this round */
	size_t count, emitted;
};

/* At a tick: begins a round if the last one is over and this one is due, of all sockets in the
 * table. Returns 0 or -ENOMEM. */
int periodic__pass_time(struct periodic *p, struct table *t, uint64_t every_ns, uint64_t now_ns);

/* The cookies of this tick's slice of the round, which count as emitted; sockets may have ended
 * since it began. Returns how many there are. */
size_t periodic__slice(struct periodic *p, const uint64_t **cookies);

/* Does a round wait for its next tick? */
bool periodic__is_under_way(const struct periodic *p);

void periodic__free(struct periodic *p);

#endif
