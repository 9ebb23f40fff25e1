/* SPDX-License-Identifier: GPL-2.0 */
/* From monotonic to wall-clock time: each instant with the offset that was valid at it. */
#ifndef HALFOPEN_CORE_WALLCLOCK_H
#define HALFOPEN_CORE_WALLCLOCK_H

#include <stdint.h>

struct wallclock_step {
	uint64_t from_ns;	/* monotonic */
	int64_t offset_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC since then */
};

/* The last steps; an instant older than all of them takes the oldest kept. */
struct wallclock {
	struct wallclock_step steps[64];
	unsigned int count;
};

/* Returns by how much the clock was stepped, 0 for the first offset. */
int64_t wallclock__set(struct wallclock *w, uint64_t mono_ns, int64_t offset_ns);

/* Nanoseconds since 1970 UTC. */
int64_t wallclock__at(const struct wallclock *w, uint64_t mono_ns);

#endif
