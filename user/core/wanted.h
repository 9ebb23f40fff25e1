/* SPDX-License-Identifier: GPL-2.0 */
/* Which sockets the filter wants: asked by whoever admits, counts or tells of one. */
#ifndef HALFOPEN_CORE_WANTED_H
#define HALFOPEN_CORE_WANTED_H

#include "stream/record.h"
#include "table/table.h"

struct core;

/* A socket that was not let in yet, by an event of it, when it was first seen and its owner (0: not
 * known)? TRUTH_UNKNOWN where that depends on what is not known yet, TRUTH_NO where nothing that may
 * still become known, nor any other state, would do. */
enum truth wanted__by_event(struct core *core, const struct ho_event *e, uint64_t first_seen_ns,
			    bool stranger, uint32_t owner);

/* Is a socket that was let in to be told of now? Whoever held it when it was, it stays. */
bool wanted__is(struct core *core, const struct connection *c);

/* The same by an event of one that has nothing to tell. */
bool wanted__event_counts(struct core *core, const struct ho_event *e, const struct slot *s);

/* ... and the connections that RECORD_WAITING tells of? */
bool wanted__listener(const struct core *core, const struct record *r);

#endif
