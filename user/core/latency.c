// SPDX-License-Identifier: GPL-2.0
#include "latency.h"

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t latency__slack_ns(const struct latency_evidence *e)
{
	uint64_t usual = ((uint64_t)e->srtt_us + e->mdev_us) * 1000;

	return usual > e->slowest_answer_ns ? usual : e->slowest_answer_ns;
}

struct latency latency__between(const struct latency_evidence *e)
{
	struct latency l = { .max_ns = minus(e->declared_ns, e->last_heard_ns) };
	uint64_t slack = latency__slack_ns(e);

	if (!e->first_unanswered_ns || !e->srtt_us)
		return l;
	l.lower_bounds_known = true;
	l.likely_min_ns = minus(minus(e->declared_ns, e->first_unanswered_ns), slack);
	l.min_ns = minus(minus(e->declared_ns, e->last_unanswered_ns), slack);
	return l;
}
