/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that are idle already take new values now: a few at a time, and not if they die of it. */
#ifndef HALFOPEN_CMD_REARMING_H
#define HALFOPEN_CMD_REARMING_H

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
	REARMING_OVERTAKEN,	/* the values are no longer ours: leave them alone */
};

/* For the namespace that this thread is in, before `values` are written there. Changes nothing.
 * Returns 0; -EDOM of values with which nobody is to be armed; or -errno. What failed was logged. */
int rearming__open(const struct rearming_config *how, uint32_t netns,
		   const int32_t values[TUNABLES], struct rearming **rearming);

/* From now on, for good, the signals that would end us are waited for by rearming__do(): to be called
 * before the values are written, and after other programs were started. Returns 0 or -errno; logged. */
int rearming__hold_signals(struct rearming *r);

/*
 * Arms them, and waits until all have answered, died or had the time to. Where most were not heard
 * for a while, one in a hundred comes first. SIGINT and SIGTERM stop it; SIGHUP does not: who waits for
 * deaths does so without a terminal, too; and so does `stands`, asked every second, once it says that
 * the values were taken back. What it ended with was said.
 */
enum rearming_end rearming__do(struct rearming *r, bool (*stands)(const void *context),
			       const void *context);

void rearming__close(struct rearming *r);

#endif
