/* SPDX-License-Identifier: GPL-2.0 */
/* What a watch has counted since its start: peers found dead, for how long that went unnoticed, and
 * how fast events come. */
#ifndef HALFOPEN_SINK_SCREEN_FIGURES_H
#define HALFOPEN_SINK_SCREEN_FIGURES_H

#include "timeline/timeline.h"
#include "value/quantile.h"

/* Latencies are of the latest so many deaths. */
#define FIGURES_LATENCIES 4096

struct figures {
	uint64_t deaths; /* half-open connections that ended */
	uint64_t deaths_by[OUTCOME_COUNT];
	double latencies_s[FIGURES_LATENCIES]; /* upper bounds */
	uint64_t events, lost, endings;
	double events_per_s;
	bool rate_known;

	uint64_t sampled_ns, sampled_events; /* of the rate; 0: not begun */
};

/* Counts a final timeline, where its peer was gone. */
void figures__add(struct figures *f, const struct timeline *t);

/* The totals so far, at this time (CLOCK_MONOTONIC); at first when all that was open is known. */
void figures__take_totals(struct figures *f, const struct summary *totals, uint64_t now_ns);

/* For how long dead peers went unnoticed at most; 0 where none was found. */
struct detection figures__latencies(const struct figures *f);

#endif
