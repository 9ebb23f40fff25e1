// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "screen/figures.h"

/* A rate is of at least that time. */
#define SAMPLE_NS 2000000000ULL

void figures__add(struct figures *f, const struct timeline *t)
{
	if (!t->final || !t->half_open.is)
		return;
	f->latencies_s[f->deaths % FIGURES_LATENCIES] = t->half_open.latency_ms.max / 1e3;
	f->deaths++;
	f->deaths_by[t->outcome]++;
}

void figures__take_totals(struct figures *f, const struct summary *totals, uint64_t now_ns)
{
	f->events = totals->events;
	f->lost = totals->events_lost;
	f->endings = totals->endings;
	if (f->sampled_ns && now_ns - f->sampled_ns < SAMPLE_NS)
		return;
	f->rate_known = f->sampled_ns;
	if (f->rate_known)
		f->events_per_s = (f->events - f->sampled_events) * 1e9 / (now_ns - f->sampled_ns);
	f->sampled_events = f->events;
	f->sampled_ns = now_ns;
}

struct detection figures__latencies(const struct figures *f)
{
	size_t count = f->deaths < FIGURES_LATENCIES ? f->deaths : FIGURES_LATENCIES;
	double latencies[FIGURES_LATENCIES];

	memcpy(latencies, f->latencies_s, count * sizeof(*latencies));
	return detection__of(latencies, count);
}
