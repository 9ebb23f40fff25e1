/* SPDX-License-Identifier: GPL-2.0 */
/* Values for the sink: timelines, events, changes, losses, summaries. */
#ifndef HALFOPEN_CORE_EMIT_H
#define HALFOPEN_CORE_EMIT_H

#include "stream/record.h"
#include "table/table.h"

struct told;

struct core;

/* Everything is attached: emits the run, and the first summary. */
void emit__start(struct core *core);

/* Emits the run once more; and the last summary. */
void emit__meta(struct core *core);
void emit__last_summary(struct core *core);

/* The present totals: `kind` and the programs are left out. */
struct summary emit__summary(struct core *core);

void emit__timeline(struct core *core, struct connection *c);
/* Gives an open one to `fn` instead of the sink: it counts no revision, and leaves the history as
 * it is. */
void emit__show(struct core *core, struct connection *c,
		void (*fn)(void *context, const struct timeline *t), void *context);
bool emit__is_worth(struct core *core, const struct connection *c);

/* The timeline of an open socket, if it is to be emitted; of all such. */
void emit__if_open(struct core *core, struct slot *s);
void emit__open_sockets(struct core *core);

void emit__events(struct core *core, const struct connection *c, const struct told *told);

/* The part of a connection whose changes are reported at once. */
struct glimpse {
	bool suspect, has_period;
	uint64_t last_heard_ns;
};

struct glimpse emit__glimpse(const struct core *core, const struct connection *c);
void emit__change(struct core *core, const struct connection *c, const struct glimpse *before,
		     uint64_t at_ns);

/* `from_ns` ... `to_ns`: when that many events were lost. */
void emit__loss(struct core *core, enum loss_reason reason, uint64_t count, uint64_t from_ns,
		   uint64_t to_ns);
/* Losses found by counts and passes, and records that were skipped, since the last call. */
void emit__losses(struct core *core);

void emit__clock_step(struct core *core, uint64_t mono_ns, int64_t step_ns);

/* Time has passed; a summary that is due by then follows. */
void emit__tick(struct core *core);

#endif
