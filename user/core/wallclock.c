// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "core/wallclock.h"

int64_t wallclock__set(struct wallclock *w, uint64_t mono_ns, int64_t offset_ns)
{
	const unsigned int max = sizeof(w->steps) / sizeof(w->steps[0]);
	int64_t step = 0;

	if (w->count && __builtin_sub_overflow(offset_ns, w->steps[w->count - 1].offset_ns, &step))
		step = INT64_MAX;
	if (w->count && !step)
		return 0;
	if (w->count == max) {
		memmove(&w->steps[0], &w->steps[1], (max - 1) * sizeof(w->steps[0]));
		w->count--;
	}
	w->steps[w->count++] = (struct wallclock_step){ mono_ns, offset_ns };
	return step;
}

int64_t wallclock__at(const struct wallclock *w, uint64_t mono_ns)
{
	unsigned int i = w->count;
	int64_t at_ns;

	while (i > 1 && w->steps[i - 1].from_ns > mono_ns)
		i--;
	/* A recording may contain any numbers. */
	if (__builtin_add_overflow(mono_ns, i ? w->steps[i - 1].offset_ns : 0, &at_ns) || at_ns < 0)
		return 0;
	return at_ns;
}
