/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to the sink, and to whoever records what was taken. */
#ifndef HALFOPEN_CORE_TELLING_H
#define HALFOPEN_CORE_TELLING_H

#include "core.h"
#include "table.h"

/* What every value begins with. */
struct timeline_origin telling__origin(const struct core *core);
struct timeline_progress telling__progress(const struct core *core);

/* This record was taken. */
void telling__taken(struct core *core, const struct record *r);

/* Everything is attached: the run, and what there is. */
void telling__start(struct core *core);

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

/* `from_ns` ... `to_ns`: when that many events were lost. */
void telling__loss(struct core *core, enum loss_reason reason, uint64_t count, uint64_t from_ns,
		   uint64_t to_ns);
/* Losses found by counts and passes, and records that were skipped, since the last call. */
void telling__losses(struct core *core);

void telling__clock_step(struct core *core, uint64_t mono_ns, int64_t step_ns);

/* Time has passed; a summary that is due by then follows. */
void telling__tick(struct core *core);

#endif
