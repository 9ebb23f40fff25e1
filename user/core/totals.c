// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "core/totals.h"

void totals__count_event(struct totals *t, bool counts)
{
	t->events += counts;
}

void totals__count_ending(struct totals *t, bool counts)
{
	t->endings += counts;
}

void totals__count_lost(struct totals *t, uint64_t events)
{
	t->events_lost += events;
}

void totals__count_half_open(struct totals *t, enum found_by found_by, uint64_t latency_ns)
{
	t->half_open++;
	t->half_open_by[found_by]++;
	if (latency_ns > t->longest_latency_ns)
		t->longest_latency_ns = latency_ns;
}

struct summary totals__summary(const struct totals *t)
{
	struct summary s = { .events = t->events, .events_lost = t->events_lost,
			     .endings = t->endings, .half_open = t->half_open,
			     .longest_latency_s = t->longest_latency_ns / 1e9 };

	memcpy(s.half_open_by, t->half_open_by, sizeof(s.half_open_by));
	return s;
}
