// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/hold_open.h"

/* This share of the low end of the path's idle timeout may be used: timers are late, by an eighth
 * at most; and the measurement is not sharp. */
#define SHARE_PROPOSED 0.8
#define SHARE_KEPT (8.0 / 9)
/* Number of intervals in the idle time: lost probes are spread, as a loss seldom comes alone. */
#define INTERVALS_IN_IDLE 5

/* Approximate share of the room that is left for the idle time: to count probes a year. */
#define IDLE_SHARE 0.7

double hold_open__room_s(const struct evidence *e)
{
	return e->path.reason == IDLE_KNOWN ? e->path.low_s * SHARE_PROPOSED : 0;
}

uint32_t hold_open__losses(const struct evidence *e, const struct setting *s)
{
	uint32_t by_chance = late_answers__lost_in_a_row(&e->late_answers, setting__period_s(s));
	double outage = ceil(e->late_answers.longest_s / fmax(1, s->interval_s));

	/* An outage as long as half the timeout cannot be outlasted by probes. */
	if (e->late_answers.longest_s > e->path.low_s / 2)
		outage = 0;
	return fmax(by_chance, outage);
}

static double needs_s(const struct evidence *e, const struct setting *s)
{
	return setting__period_s(s) + hold_open__losses(e, s) * s->interval_s;
}

bool hold_open__holds(const struct evidence *e, const struct setting *s)
{
	return needs_s(e, s) <= e->path.low_s * SHARE_KEPT;
}

bool hold_open__fit(const struct evidence *e, double floor_s, struct setting *s)
{
	double room = hold_open__room_s(e);
	uint32_t lost = late_answers__lost_in_a_row(&e->late_answers, room * IDLE_SHARE);

	s->idle_s = fmax(1, room * IDLE_SHARE);
	s->interval_s = fmin(s->interval_s, fmax(1, floor(room / (INTERVALS_IN_IDLE + lost))));
	for (; s->interval_s >= 1; s->interval_s--) {
		lost = hold_open__losses(e, s);
		s->idle_s = floor(room - lost * s->interval_s);
		if (s->idle_s < s->interval_s)
			continue;
		s->probes = fmax(s->probes, fmax(lost + 1, ceil(floor_s / s->interval_s)));
		return s->probes <= SETTING_PROBES_MAX;
	}
	return false;
}
