/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to the sink, and what the filter keeps from it. */
#ifndef HALFOPEN_CORE_TELLING_H
#define HALFOPEN_CORE_TELLING_H

#include "core.h"

/* Does the filter want this socket? TRUTH_UNKNOWN where that depends on what is not known yet; of
 * an event's socket its owner and its state never are. */
enum truth telling__event_is_wanted(const struct core *core, const struct ho_event *e,
				    bool stranger);
enum truth telling__is_wanted(struct core *core, const struct connection *c);

/* ... and the connections that RECORD_WAITING tells of? */
enum truth telling__listener_is_wanted(const struct core *core, const struct record *r);

/* That of an ended socket, or how an open one stands. */
enum outcome telling__outcome(const struct core *core, const struct connection *c);

void telling__timeline(struct core *core, struct connection *c);
bool telling__is_worth(struct core *core, const struct connection *c);

/* Timelines of all open sockets that have something to tell. */
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
