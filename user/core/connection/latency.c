// SPDX-License-Identifier: GPL-2.0
#include "connection/latency.h"

/* As many in a row are no single losses. */
#define DEAF_ASKS 2

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t latency__slack_ns(const struct latency_evidence *e)
{
	uint64_t usual = ((uint64_t)e->srtt_us + e->mdev_us) * 1000;

	return usual > e->slowest_answer_ns ? usual : e->slowest_answer_ns;
}

struct latency latency__between(const struct latency_evidence *e)
{
	struct latency l = { .max_ns = minus(e->declared_ns, e->last_heard_ns) };
	uint64_t slack = latency__slack_ns(e), first;

	if (!e->first_unanswered_ns || !e->srtt_us)
		return l;
	l.lower_bounds_known = true;
	first = e->deaf_asks ? e->first_since_heard_ns : e->first_unanswered_ns;
	if (e->deaf_asks >= DEAF_ASKS || !first)
		return l;
	l.likely_min_ns = least(minus(minus(e->declared_ns, first), slack), l.max_ns);
	l.min_ns = least(minus(minus(e->declared_ns, e->last_unanswered_ns), slack), l.max_ns);
	return l;
}
