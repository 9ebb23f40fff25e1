// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "value/quantile.h"

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void quantile__sort(double *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), by_number);
}

double quantile__of(const double *sorted, size_t count, double share)
{
	size_t i = ceil(share * count);

	return count ? sorted[i ? i - 1 : 0] : 0;
}

struct detection detection__of(double *latencies, size_t count)
{
	quantile__sort(latencies, count);
	return (struct detection){ quantile__of(latencies, count, 0.5),
				   quantile__of(latencies, count, 0.95),
				   quantile__of(latencies, count, 1) };
}
