// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/sampled_count.h"

/* On each side. */
#define TAIL 0.025
/* Terms below this share of the sum change nothing. */
#define NEGLIGIBLE 1e-12

struct population {
	double total, with, drawn;	/* `with` of them have the property */
};

static double log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* That `k` of those drawn have it. */
static double probability(const struct population *p, double k)
{
	if (k < 0 || k > p->with || k > p->drawn || p->drawn - k > p->total - p->with)
		return 0;
	return exp(log_choose(p->with, k) + log_choose(p->total - p->with, p->drawn - k) -
		   log_choose(p->total, p->drawn));
}

/* The sum of the probabilities from `k` on upwards (step 1) or downwards (-1). */
static double tail(const struct population *p, double k, int step)
{
	double mean = p->drawn * p->with / p->total, sum = 0, term;
	double begin = fmax(0, p->drawn - (p->total - p->with)), end = fmin(p->drawn, p->with);

	/* the shorter side is the sum; behind the mean terms only fall */
	if (step > 0 ? k <= mean : k >= mean) {
		k -= step;
		return 1 - (k < begin || k > end ? 0 : tail(p, k, -step));
	}
	for (; k >= begin && k <= end; k += step) {
		term = probability(p, k);
		sum += term;
		if (term < NEGLIGIBLE * sum)
			break;
	}
	return sum;
}

/* The smallest number with which `found` or more are drawn in more than 2.5 % of samples. */
static uint64_t lowest(uint64_t total, uint64_t drawn, uint64_t found)
{
	uint64_t low = found, high = total - (drawn - found), middle;

	while (low < high) {
		struct population p = { total, 0, drawn };

		middle = low + (high - low) / 2;
		p.with = middle;
		if (tail(&p, found, 1) > TAIL)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct sampled_count sampled_count__of(uint64_t total, uint64_t drawn, uint64_t found,
				       uint64_t unclear)
{
	uint64_t judged = drawn - unclear;
	struct sampled_count c = { .known = judged };

	c.low = lowest(total, drawn, found);
	/* the same of those without it */
	c.high = total - lowest(total, drawn, judged - found);
	if (judged)
		c.estimate = found + llround((double)(total - judged) * found / judged);
	return c;
}

static uint64_t clamped(uint64_t n, uint64_t low, uint64_t high)
{
	return n < low ? low : n > high ? high : n;
}

struct sampled_count sampled_count__certain(struct sampled_count c, uint64_t low, uint64_t high)
{
	return (struct sampled_count){ c.known, clamped(c.estimate, low, high),
				       clamped(c.low, low, high), clamped(c.high, low, high) };
}
