/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to the sink, and what the filter keeps from it. */
#ifndef HALFOPEN_CORE_TELLING_H
#define HALFOPEN_CORE_TELLING_H

#include "core.h"
#include "table.h"

/* Does the filter want a socket that was not let in yet, by an event of it, when it was first seen
 * and its owner (0: not known)? TRUTH_UNKNOWN where that depends on what is not known yet, TRUTH_NO
 * where nothing that may still become known, nor any other state, would do. */
enum truth telling__event_is_wanted(struct core *core, const struct ho_event *e,
				    uint64_t first_seen_ns, bool stranger, uint32_t owner);

/* Is a socket that was let in to be told of now? Whoever held it when it was, it stays. */
bool telling__is_wanted(struct core *core, const struct connection *c);

/* The same by an event of one that has nothing to tell. */
bool telling__event_counts(struct core *core, const struct ho_event *e, const struct slot *s);

/* ... and the connections that RECORD_WAITING tells of? */
bool telling__listener_is_wanted(const struct core *core, const struct record *r);

/* This record was taken. */
void telling__taken(struct core *core, const struct record *r);

/* That of an ended socket, or how an open one stands. */
enum outcome telling__outcome(const struct core *core, const struct connection *c);

void telling__timeline(struct core *core, struct connection *c);
bool telling__is_worth(struct core *core, const struct connection *c);

/* The timeline of a socket that is open, if it has something to tell; of all such. */
void telling__if_open(struct core *core, struct slot *s);
void telling__open_sockets(struct core *core);

void telling__events(struct core *core, const struct connection *c, const struct told *told);

/* What of a connection may change in a way that is told at once. */
struct glimpse {
	bool suspect, has_period;
	uint64_t last_heard_ns;
};

struct glimpse telling__glimpse(const struct core *core, const struct connection *c);
void telling__change(struct core *core, const struct connection *c, const struct glimpse *before,
		     uint64_t at_ns);

void telling__loss(struct core *core, const struct loss *loss);
/* Losses found by counts and passes, and records that were skipped, since the last call. */
void telling__losses(struct core *core);

#endif
