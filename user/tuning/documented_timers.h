/* SPDX-License-Identifier: GPL-2.0 */
/* Idle times after which well-known parts of a path forget a connection, and platforms close one,
 * as their makers document it. docs/TIMERS.md has the source of each. */
#ifndef HALFOPEN_TUNING_DOCUMENTED_TIMERS_H
#define HALFOPEN_TUNING_DOCUMENTED_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

#include "tuning/idle_timeout.h"

struct documented_timer {
	const char *name;
	double idle_s;
	const char *what;	/* its maker, and what may change it */
	bool ends_tcp;		/* it answers probes itself: they hold nothing open beyond it */
	bool is_platform;	/* a program that expects data: probes do not count */
};

/* NULL: there is none of this name. */
const struct documented_timer *documented_timer__named(const char *name);

/* The i-th, in order of their names; NULL beyond the last. */
const struct documented_timer *documented_timer__at(size_t i);

/* The next of those on the path, from the i-th on, that may be what was estimated: within its
 * interval, or hardly above it (what was survived is longer than no timer), and near the estimate;
 * moves `i` behind it. NULL: no more. */
const struct documented_timer *documented_timer__agreeing(const struct idle_timeout *t, size_t *i);

#endif
