/* SPDX-License-Identifier: GPL-2.0 */
/* A new connection: which open one's device may it be? */
#ifndef HALFOPEN_CORE_DEVICES_SUSPICIONS_H
#define HALFOPEN_CORE_DEVICES_SUSPICIONS_H

#include "devices/supersession.h"
#include "table/table.h"

typedef void (*suspect_fn)(void *context, uint64_t cookie, const struct arrival *by,
			   double confidence);

/*
 * Looks at the arrivals since the last call: whom of those in the table may each supersede? Tells
 * `fn` of suspicions that are worth it, after the table was walked, so that it may change it.
 * One walk over the table where anybody arrived.
 */
void suspicions__judge_arrivals(struct supersession *s, struct table *t, uint64_t now_ns,
				suspect_fn fn, void *context);

#endif
