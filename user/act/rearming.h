/* SPDX-License-Identifier: GPL-2.0 */
/* Makes idle sockets take new values now: a few at a time, and stops if they die of it. */
#ifndef HALFOPEN_ACT_REARMING_H
#define HALFOPEN_ACT_REARMING_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/tunables.h"

struct rearming_config {
	uint64_t spread_ns;	/* within this time */
	double stop_at_deaths;	/* share of those armed anew that were alive */
};

struct rearming;

enum rearming_end {
	REARMING_DONE,
	REARMING_STOPPED,	/* too many died, a signal came, or it failed: step back */
	REARMING_OVERTAKEN,	/* the values were changed by others: leave them alone */
};

/* For the namespace of this thread, before `values` are written there. Changes nothing. Returns 0;
 * -EDOM for values with which no socket is to be armed; or -errno. Failures are logged. */
int rearming__open(const struct rearming_config *how, uint32_t netns,
		   const int32_t values[TUNABLES], struct rearming **rearming);

/* From now on, for good, signals that would end us are taken by rearming__do(): call it before the
 * values are written, and after other programs were started. Returns 0 or -errno; logged. */
int rearming__hold_signals(struct rearming *r);

/*
 * Arms the sockets, and waits until each was answered, died or had its time. Where most were not
 * heard for a while, one in a hundred comes first. SIGINT and SIGTERM stop it; so does `stands`,
 * checked every second, once the values were taken back; SIGHUP does not, so that deaths are
 * watched without a terminal, too. Its end was reported.
 */
enum rearming_end rearming__do(struct rearming *r, bool (*stands)(const void *context),
			       const void *context);

void rearming__close(struct rearming *r);

#endif
