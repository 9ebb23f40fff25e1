/* SPDX-License-Identifier: GPL-2.0 */
/* A silence: asks since the peer last answered, and how it ended. */
#ifndef HALFOPEN_CORE_CONNECTION_SILENCE_H
#define HALFOPEN_CORE_CONNECTION_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "connection/history.h"
#include "event.h"

struct told;

/* Kinds of ask, as bits: a silence with several is mixed. */
enum ask {
	ASK_PROBE = 1 << 0,
	ASK_DATA = 1 << 1,
	ASK_ZERO_WINDOW = 1 << 2,
	ASK_FIN = 1 << 3,
};

/* Asks with a sequence number of their own: only its acknowledgement answers them. */
#define ASK_CARRYING (ASK_DATA | ASK_FIN)

/* An ask left at `at_ns`: it begins a silence, or prolongs it. */
void silence__ask(struct connection *c, uint64_t at_ns, uint32_t at_jiffies, enum ask kind);

/* Asks that stayed unanswered until the next was due: the last one may still be answered. */
uint32_t silence__unanswered(const struct connection *c);

/* Records the present silence as an episode with this end, if it is one. The silence itself stays,
 * as evidence. */
void silence__end_episode(struct connection *c, uint64_t at_ns, enum episode_end end);

/* Adds the first probe to the journal, which was left out while it might be answered. */
void silence__note_held_probe(struct connection *c, struct told *told);

/* Clears its asks; if it was an episode, that recovered. */
void silence__end(struct connection *c, uint64_t at_ns);

/* A segment ends it, which is emitted; with `fold` one answer to one probe joins the run
 * instead. */
void silence__answered(struct connection *c, uint64_t at_ns, bool fold, struct told *told);

/* The kernel heard the peer after our last ask without an event: the receive path is not watched in
 * CLOSE_WAIT and FIN_WAIT, and an event may be lost. */
void silence__answered_unseen(struct connection *c, uint64_t at_ns);

/* The peer was heard, and did not answer all: the silence goes on. `clock_jiffies` is the kernel's
 * clock of the peer after that. Requires incidents. */
void silence__heard_unanswering(struct connection *c, const struct ho_event *e, uint64_t at_ns,
				uint32_t clock_jiffies);

/* A new segment, which answers asks without a sequence number, acknowledged nothing: a silence that
 * began with such asks goes on with those that carry data or a FIN. */
void silence__answer_probes(struct connection *c, uint64_t at_ns);

#endif
