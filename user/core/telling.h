/* SPDX-License-Identifier: GPL-2.0 */
/* What is told to the sink. */
#ifndef HALFOPEN_CORE_TELLING_H
#define HALFOPEN_CORE_TELLING_H

#include "record.h"
#include "table.h"

struct told;

struct core;

/* Everything is attached: the run, and what there is. */
void telling__start(struct core *core);

/* The run once more; and what there was at the end. */
void telling__meta(struct core *core);
void telling__last_summary(struct core *core);

/* What there is: `kind` and the programs are left out. */
struct summary telling__summary(struct core *core);

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
