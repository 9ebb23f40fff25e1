// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tcp/retransmission.h"
#include "tcp/timer_wheel.h"

#define RTO_MIN_S 0.2	/* TCP_RTO_MIN */
#define RETRIES_LEAST 3
#define RETRIES_MOST RETRIES2_DEFAULT
/* A value of tcp_retries2 fits where the typical death came no more than this share sooner, or
 * later; by the next value it comes an eighth later at the least. */
#define FITS 0.15
/* More deaths do not tell more of one value. */
#define DEATHS_ENOUGH 200
#define RETRIES_TRIED 30

/* The kernel takes 1 to 120 s (net.ipv4.tcp_rto_max_ms, TCP_RTO_MAX_MS). */
static double longest_s(double told_s)
{
	return told_s > 0 ? fmax(1, fmin(told_s, RTO_MAX_DEFAULT_S)) : RTO_MAX_DEFAULT_S;
}

double retransmission__model_s(uint32_t retries, double told_rto_max_s)
{
	double rto_max_s = longest_s(told_rto_max_s);
	uint32_t doubled = log2(rto_max_s / RTO_MIN_S);

	if (retries <= doubled)
		return (ldexp(2, retries) - 1) * RTO_MIN_S;
	return (ldexp(2, doubled) - 1) * RTO_MIN_S + (retries - doubled) * rto_max_s;
}

double retransmission__gives_up_after_s(double rto_s, const struct retransmission_limits *p,
					unsigned int hz, unsigned int n)
{
	double rto_max = longest_s(p->rto_max_s), elapsed = 0, wait, chance;
	double limit = p->user_timeout_s > 0 ? p->user_timeout_s
						 : retransmission__model_s(p->retries, rto_max);
	double rto = fmin(fmax(rto_s, RTO_MIN_S), rto_max);
	unsigned int i;

	for (i = 0; elapsed < limit; i++) {
		wait = rto = fmin(2 * rto, rto_max);
		if (p->user_timeout_s > 0)
			wait = fmin(rto, limit - elapsed);
		chance = timer_wheel__chance(16 * n + i, 0.7548776662466927);
		elapsed += timer_wheel__fires_after_s(wait, hz, chance);
	}
	return elapsed;
}

uint32_t retransmission__retries_within(double s, double rto_s, double rto_max_s, unsigned int hz)
{
	struct retransmission_limits p = { .retries = RETRIES_MOST, .rto_max_s = rto_max_s };

	while (p.retries >= RETRIES_LEAST && retransmission__gives_up_after_s(rto_s, &p, hz, 0) > s)
		p.retries--;
	return p.retries >= RETRIES_LEAST ? p.retries : 0;
}

uint32_t retransmission__retries_for(double s, double rto_max_s)
{
	uint32_t retries = RETRIES_LEAST;

	while (retries < RETRIES_MOST && retransmission__model_s(retries, rto_max_s) < s)
		retries++;
	return retries;
}

/* Of so many deaths, how far off is this value, mostly? The mean of the logarithms' sizes. */
static double misses(const struct unacknowledged *all, const double *took_s, size_t count,
		     uint32_t retries, unsigned int hz)
{
	struct retransmission_limits p = { .retries = retries };
	double sum = 0, told_s;
	size_t i;

	for (i = 0; i < count; i++) {
		p.rto_max_s = all[i].rto_max_s;
		told_s = all[i].before_s + all[i].first_s +
			 retransmission__gives_up_after_s(all[i].rto_s, &p, hz, i);
		sum += fabs(log(told_s / fmax(took_s[i], 1e-3)));
	}
	return sum / count;
}

uint32_t retransmission__retries_of(const struct unacknowledged *all, const double *took_s,
				    size_t count, unsigned int hz)
{
	double least = FITS, miss;
	uint32_t retries, best = 0;

	count = count < DEATHS_ENOUGH ? count : DEATHS_ENOUGH;
	for (retries = 1; count && retries <= RETRIES_TRIED; retries++) {
		miss = misses(all, took_s, count, retries, hz);
		if (miss >= least)
			continue;
		least = miss;
		best = retries;
	}
	return best;
}

bool retransmission__predict(const struct unacknowledged *all, size_t count,
			     const struct retransmission_limits *p, unsigned int hz,
			     struct detection *d)
{
	double *latencies = malloc((count + 1) * sizeof(*latencies));
	size_t i;

	if (!latencies)
		return false;
	for (i = 0; i < count; i++) {
		struct retransmission_limits own = *p;

		own.rto_max_s = all[i].rto_max_s;
		latencies[i] = all[i].before_s + all[i].first_s +
			       retransmission__gives_up_after_s(all[i].rto_s, &own, hz, i);
	}
	*d = detection__of(latencies, count);
	free(latencies);
	return true;
}
