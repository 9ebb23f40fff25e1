/* SPDX-License-Identifier: GPL-2.0 */
/* How many of a finite number have a property, from a random sample drawn without replacement. */
#ifndef HALFOPEN_TUNING_SAMPLED_COUNT_H
#define HALFOPEN_TUNING_SAMPLED_COUNT_H

#include <stdbool.h>
#include <stdint.h>

struct sampled_count {
	bool known;		/* else none of those that were drawn could be judged */
	uint64_t estimate;
	uint64_t low, high;	/* covers the truth in 95 % of samples at least */
};

/*
 * Of `total`, `drawn` were looked at; `found` of them have the property, `unclear` could not be
 * judged (found + unclear <= drawn <= total). Exact limits of the hypergeometric distribution, 2.5
 * % on each side (Buonaccorsi, The American Statistician 41, 1987): where all were looked at, and
 * none is unclear, there is no error. The unclear widen the interval: they may be all without it,
 * or all with it; the estimate takes them for as many as among the others.
 */
struct sampled_count sampled_count__of(uint64_t total, uint64_t drawn, uint64_t found,
				       uint64_t unclear);

/* The same, narrowed by what is certain of all of them: `low` to `high` have the property. */
struct sampled_count sampled_count__certain(struct sampled_count c, uint64_t low, uint64_t high);

#endif
