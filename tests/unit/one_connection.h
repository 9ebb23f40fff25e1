/* SPDX-License-Identifier: GPL-2.0 */
/* One connection's history, begun by fact_opened(), and what the last event applied to it told. */
#ifndef HALFOPEN_TESTS_ONE_CONNECTION_H
#define HALFOPEN_TESTS_ONE_CONNECTION_H

#include "facts.h"

static struct connection_rules rules;
static struct connection c;
static struct told told;

static inline void apply(struct ho_event e)
{
	assert_true(connection__apply(&c, &e, &rules, &told));
}

static inline int begin(void **state)
{
	(void)state;
	rules = (struct connection_rules){ .hz = HZ, .suspect_after = 2, .fold = true };
	c = (struct connection){ .cookie = 9, .first_seen_ns = 1000 * MS };
	apply(fact_opened());
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	connection__release(&c);
	return 0;
}

static inline void anew(void)
{
	end(NULL);
	begin(NULL);
}

#endif
