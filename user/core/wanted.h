/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that the filter wants: for admission, totals and output. */
#ifndef HALFOPEN_CORE_WANTED_H
#define HALFOPEN_CORE_WANTED_H

#include "stream/record.h"
#include "table/table.h"

struct core;

/* Decides on a socket that was not let in yet, by an event of it, when it was first seen and its
 * owner (0: not known). TRUTH_UNKNOWN where that depends on what is not known yet, TRUTH_NO where
 * nothing that may become known, nor any other state, would do. */
enum truth wanted__by_event(struct core *core, const struct ho_event *e, uint64_t first_seen_ns,
			    bool opening_unseen, uint32_t owner);

/* Is a socket that was let in to be reported now? It stays, independent of its owner at that
 * time. */
bool wanted__is(struct core *core, const struct connection *c);

/* The same by an event of a socket without a history. */
bool wanted__event_counts(struct core *core, const struct ho_event *e, const struct slot *s);

/* ... and the connections of RECORD_WAITING? */
bool wanted__listener(const struct core *core, const struct record *r);

#endif
