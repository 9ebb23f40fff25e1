/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface of outputs. A sink is given everything that it reports: it needs this header and
 * timeline.h, and nothing else of ours.
 */
#ifndef HALFOPEN_TIMELINE_SINK_H
#define HALFOPEN_TIMELINE_SINK_H

#include <stddef.h>
#include <string.h>

#include "timeline.h"

/*
 * Any function may be NULL. Each returns 0 or -errno: a sink that failed is called no more, and its
 * caller decides what becomes of the others. `meta` comes before all else, once for each run.
 */
struct sink {
	size_t size;	/* of its maker's struct: always the first member */
	void *context;
	uint64_t summary_every_ns;	/* interval of SUMMARY_INTERIM; 0: never */
	int (*meta)(void *context, const struct meta *m);
	int (*event)(void *context, const struct socket_event *e);
	int (*change)(void *context, const struct change *c);
	int (*timeline)(void *context, const struct timeline *t);
	int (*loss)(void *context, const struct loss *l);
	int (*clock_step)(void *context, const struct clock_step *s);
	int (*summary)(void *context, const struct summary *s);
	/* Time has passed: buffered output should be flushed now. */
	int (*tick)(void *context, const struct timeline_progress *p);
};

/* A sink with the members that both its maker and we know. */
static inline struct sink sink__of(const struct sink *given)
{
	struct sink s = { .size = 0 };

	memcpy(&s, given, given->size < sizeof(s) ? given->size : sizeof(s));
	s.size = sizeof(s);
	return s;
}

#endif
