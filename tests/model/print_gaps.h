/* SPDX-License-Identifier: GPL-2.0 */
/* The idle gaps of a simulated connection as a timeline has them. */
#ifndef HALFOPEN_TESTS_MODEL_PRINT_GAPS_H
#define HALFOPEN_TESTS_MODEL_PRINT_GAPS_H

#include <math.h>
#include <stdio.h>

#include "connection/gaps.h"

static inline void print_survived_gaps(const struct gaps *g)
{
	const struct gap *kept = gaps__kept(g);
	unsigned int i;

	for (i = 0; i < g->used; i++)
		printf("%s{\"from_s\":%.3f,\"to_s\":%.3f,\"count\":%u,\"ended_by\":\"%s\"}",
		       i ? "," : "", kept[i].from_ms / 1e3, kept[i].to_ms / 1e3, kept[i].count,
		       kept[i].ended_by_us ? "us" : "peer");
}

/* The member "gaps"; `lost_within_s`: the gap in which the peer was lost, NAN: none. */
static inline void print_gaps(const struct gaps *g, double lost_within_s)
{
	printf("\"gaps\":{\"survived\":[");
	print_survived_gaps(g);
	printf("]");
	if (!isnan(lost_within_s))
		printf(",\"lost\":{\"after_s\":%.3f,\"within_s\":%.3f}", gaps__longest_ms(g) / 1e3,
		       lost_within_s);
	printf("},");
}

#endif
