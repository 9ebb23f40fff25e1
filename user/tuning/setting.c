// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/setting.h"

double setting__silence_s(const struct setting *s)
{
	double first = fmax(s->idle_s, s->interval_s);

	if (!s->user_timeout_s)
		return s->interval_s * s->probes;
	return fmax(1, ceil((s->user_timeout_s - first) / s->interval_s)) * s->interval_s;
}

bool setting__is(const struct setting *a, const struct setting *b)
{
	return a->idle_s == b->idle_s && a->interval_s == b->interval_s && a->probes == b->probes;
}

double setting__period_s(const struct setting *s)
{
	return fmax(s->idle_s, s->interval_s);
}
