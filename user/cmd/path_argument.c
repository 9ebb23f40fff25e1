// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>

#include "cmd/path_argument.h"
#include "tuning/documented_timers.h"
#include "value/quantity.h"

/* Of a platform it is its program that closes: the path's own timers alone count. */
bool path_argument__read(const char *text, void *at)
{
	const struct documented_timer *timer = documented_timer__named(text);
	uint64_t *ns = at;

	if (timer && !timer->is_platform)
		*ns = timer->idle_s * 1e9;
	return (timer && !timer->is_platform) || (quantity__duration(text, ns) && *ns);
}
