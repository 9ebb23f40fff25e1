/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that are idle already take new values now: a few at a time, and not if they die of it. */
#ifndef HALFOPEN_CMD_REARMING_H
#define HALFOPEN_CMD_REARMING_H

#include <stdbool.h>
#include <stdint.h>

#include "applied.h"
#include "rearmer.h"

struct rearming {
	uint64_t spread_ns;	/* within this time */
	double stop_at_deaths;	/* share of the sockets that were armed anew */
	/* False once nothing is to be armed any more: somebody took the values back. Asked every second. */
	bool (*goes_on)(const void *context);
	const void *context;
};

/* True if all went well until those that were armed last would have died under `values`; else it
 * was stopped, and why was logged. */
bool rearming__do(const struct rearming *how, struct rearmer *r, const int32_t values[TUNABLES]);

#endif
