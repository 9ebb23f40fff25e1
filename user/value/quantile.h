/* SPDX-License-Identifier: GPL-2.0 */
/* Of many numbers, the least that is no smaller than a share of them. */
#ifndef HALFOPEN_VALUE_QUANTILE_H
#define HALFOPEN_VALUE_QUANTILE_H

#include <stddef.h>

void quantile__sort(double *numbers, size_t count);

/* Of sorted numbers; `share` in (0, 1]. 0 where there are none. */
double quantile__of(const double *sorted, size_t count, double share);

/* The time within which dead peers are noticed. */
struct detection {
	double p50_s, p95_s, max_s;
};

/* Sorts the latencies. */
struct detection detection__of(double *latencies, size_t count);

#endif
