// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "tuning/lost_together.h"
#include "value/quantile.h"

bool lost_together__gather(struct lost_together *l, const struct path_witness *all, size_t count)
{
	double *memory = malloc((3 * count + 1) * sizeof(*memory));
	size_t i;

	*l = (struct lost_together){ 0 };
	if (!memory)
		return false;
	l->began = memory;
	l->heard = memory + count;
	l->lost = memory + 2 * count;
	for (i = 0; i < count; i++) {
		l->began[l->count] = all[i].began_at;
		l->heard[l->count++] = all[i].heard_at;
		if (all[i].lost_s > 0)
			l->lost[l->lost_count++] = all[i].heard_at;
	}
	quantile__sort(l->began, l->count);
	quantile__sort(l->heard, l->count);
	quantile__sort(l->lost, l->lost_count);
	return true;
}

void lost_together__free(struct lost_together *l)
{
	free(l->began);
	*l = (struct lost_together){ 0 };
}

/* How many of the sorted are no later. */
static size_t until(const double *sorted, size_t count, double at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sorted[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

double lost_together__spared(const struct lost_together *l, double heard_at, double lost_s)
{
	double from = heard_at - lost_s, to = heard_at + lost_s;
	size_t lost = until(l->lost, l->lost_count, to) - until(l->lost, l->lost_count, from);
	size_t there, gone;

	if (!heard_at)	/* not known when */
		return 1;
	there = until(l->began, l->count, heard_at);
	gone = until(l->heard, l->count, to);

	return there > gone ? (double)(there - gone) / (there - gone + lost) : 0;
}
