/* SPDX-License-Identifier: GPL-2.0 */
/* Totals over all sockets that the filter wants, counted as events come. */
#ifndef HALFOPEN_CORE_TOTALS_H
#define HALFOPEN_CORE_TOTALS_H

#include "timeline/timeline.h"

struct totals {
	uint64_t events, events_lost, endings, half_open;
	uint64_t half_open_by[FOUND_BY_COUNT];
	uint64_t longest_latency_ns;
};

/* Counts one more event, if it `counts`. */
void totals__count_event(struct totals *t, bool counts);
void totals__count_ending(struct totals *t, bool counts);
void totals__count_lost(struct totals *t, uint64_t events);

/* Counts a half-open one, whose peer was gone for `latency_ns` at the most (0: not known). */
void totals__count_half_open(struct totals *t, enum found_by found_by, uint64_t latency_ns);

/* As a summary with nothing else set. */
struct summary totals__summary(const struct totals *t);

#endif
