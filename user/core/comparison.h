/* SPDX-License-Identifier: GPL-2.0 */
/* Before and after: did detection get quicker, and is the difference more than chance? */
#ifndef HALFOPEN_CORE_COMPARISON_H
#define HALFOPEN_CORE_COMPARISON_H

#include "life.h"

struct change_of {
	const char *what, *unit;
	double before, after;
	double low, high;	/* of the difference after - before, with 95 % */
	size_t cases_before, cases_after;
	bool known;		/* there were enough cases on both sides */
	bool is_noise;		/* the interval holds 0 */
};

#define COMPARED 5

struct comparison {
	struct change_of changes[COMPARED];
	size_t sockets_before, sockets_after;
};

/*
 * Quantiles of the detection latency (upper bounds), half-open connections and probes a socket-day,
 * intervals by resampling sockets, always in the same way. False when memory is short.
 */
bool comparison__make(const struct lives *before, const struct lives *after, struct comparison *c);

#endif
