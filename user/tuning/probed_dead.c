// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/probed_dead.h"
#include "tuning/sampled_count.h"

/* Of the quiet ones that are not known to be alive, at most. */
static uint64_t possibly_dead(const struct probed_counts *c)
{
	return c->dead + c->unclear + c->others_quiet - c->others_heard;
}

static bool is_sampled(const struct probed_counts *c)
{
	return !c->in_part && c->drawn_quiet > c->unclear;
}

/* Whoever was not heard after the probe's end is a part of the population that was defined without
 * regard to the draw: the drawn among them are a sample of them. Who was heard in its course, and was
 * not drawn, may have been opened then: the limits hold with and without these. */
struct sockets_dead probed_dead__of(const struct probed_counts *c)
{
	uint64_t drawn = is_sampled(c) ? c->drawn_quiet : 0, dead = drawn ? c->dead : 0;
	uint64_t unclear = drawn ? c->unclear : 0, all = c->drawn_quiet + c->others_quiet;
	struct sampled_count most = sampled_count__of(all, drawn, dead, unclear);
	struct sampled_count least = sampled_count__of(all - c->others_heard, drawn, dead, unclear);
	bool certain = c->dead == possibly_dead(c);

	if (!c->drawn && !c->others)
		return (struct sockets_dead){ INFINITY, INFINITY, INFINITY, .unknown = c->outside };
	most.low = least.low;
	most = sampled_count__certain(most, c->dead, possibly_dead(c));
	return (struct sockets_dead){ .estimate = certain || most.known ? most.estimate : INFINITY,
				      .low = most.low, .high = most.high, .of = c->drawn,
				      .unknown = c->outside };
}

double probed_dead__share(const struct probed_counts *c, const struct probed_counts *all)
{
	double estimate = probed_dead__of(c).estimate;

	if (isfinite(estimate) || c->drawn || !c->others || !is_sampled(all))
		return estimate;
	return fmin(possibly_dead(c), (double)c->others_quiet * all->dead /
					      (all->drawn_quiet - all->unclear));
}
