/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine: records in, timelines out. It reads neither the clock nor /proc: the same core serves
 * a live watch, a replay, the tests and the fuzzer.
 */
#ifndef HALFOPEN_CORE_CORE_H
#define HALFOPEN_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "timeline/sink.h"

struct core;
struct identities;

/* NULL when memory is short. The sink is copied. */
struct core *core__new(const struct core_config *config, const struct sink *sink);
void core__free(struct core *core);

/* Takes the next record of the stream. Returns 0, -ENOMEM, -EBADMSG where this is no stream (it
 * does not begin with RECORD_META), each with `*why` a constant sentence, or what the sink
 * returned, with `*why` NULL: from then on it is given nothing more. */
int core__feed(struct core *core, const struct record *r, const char **why);

/* Present totals; `kind` and the programs are left out. */
struct summary core__summary(struct core *core);

/* Emits the run's struct meta again, if it ever began: for an output that continues in another
 * file. Returns the sink's result. */
int core__tell_meta(struct core *core);

/* The stream is over: emits a SUMMARY_LAST, if it ever began. Returns the sink's result. */
int core__tell_last_summary(struct core *core);

/* Its events, losses and endings so far; the rest is 0. Unlike core__summary() it does not walk
 * over all sockets. */
struct summary core__totals(const struct core *core);

/* Gives `fn` the timeline of an open socket as it is now, as the sink would be given it, but counts
 * no revision. False if none is kept: nothing has happened on the socket, or it is not known. */
bool core__show(struct core *core, uint64_t cookie,
		void (*fn)(void *context, const struct timeline *t), void *context);

/* Names of peers as they are known now. To be looked up only. */
struct identities *core__identities(struct core *core);

/* Number of peers' names that were dropped: there were too many (RECORD_IDENTITY). Costs
 * nothing. */
uint64_t core__names_forgotten(const struct core *core);

/* How the stream shows its peers (privacy); NULL before it says so. */
const char *core__peers(const struct core *core);

/* Do timelines of open sockets (core_config.every_ns) wait for the next tick? */
bool core__has_more_to_tell(const struct core *core);

#endif
