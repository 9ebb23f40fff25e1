/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one socket did, as far as facts go: its silences, answers and counts. How it ended and
 * what that means is in outcome.h; what the reader sees of it in timeline.h.
 */
#ifndef HALFOPEN_CORE_CONNECTION_H
#define HALFOPEN_CORE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"
#include "gaps.h"
#include "heartbeat.h"
#include "journal.h"
#include "keepalive.h"
#include "latency.h"

/* Kinds of ask, as bits: a silence that saw several is mixed. */
enum ask {
	ASK_PROBE = 1 << 0,
	ASK_DATA = 1 << 1,
	ASK_ZERO_WINDOW = 1 << 2,
	ASK_FIN = 1 << 3,
};

/* Asks since the peer was last heard. One of them is a question; from the second on, when the
 * first stayed unanswered until the next was due, it is an episode. */
struct silence {
	uint64_t first_ask_ns;
	uint64_t last_ask_ns;
	uint32_t last_ask_jiffies;
	uint32_t asks;
	uint8_t kinds;
	uint8_t probes_out;	/* the kernel's count at the last probe */
	uint8_t count_before;	/* ... when data was heard last, which may not have reset it */
	bool adopted;		/* it had begun when we first saw the socket */
	uint8_t held;	/* enum entry_kind of a first probe, which is not in the journal while it may
			 * be answered; 0: none */
};

enum episode_end { EPISODE_OPEN, EPISODE_RECOVERED, EPISODE_DIED, EPISODE_CLOSED };

struct episode {
	uint64_t first_unanswered_ns;
	uint64_t ended_ns;
	uint32_t asks;
	uint8_t kinds;
	uint8_t end;	/* enum episode_end */
};

enum outcome {
	OUTCOME_OPEN, OUTCOME_SUSPECT,
	OUTCOME_KEEPALIVE_TIMEOUT, OUTCOME_USER_TIMEOUT, OUTCOME_RETRANSMIT_TIMEOUT,
	OUTCOME_ZERO_WINDOW_TIMEOUT, OUTCOME_UNREACHABLE, OUTCOME_RESET_BY_PEER,
	OUTCOME_CLOSED_BY_PEER, OUTCOME_CLOSED_LOCALLY, OUTCOME_ABORTED_LOCALLY,
	OUTCOME_UNKNOWN,
};

enum found_by {
	FOUND_BY_NOTHING, FOUND_BY_KEEPALIVE, FOUND_BY_USER_TIMEOUT, FOUND_BY_RETRANSMIT,
	FOUND_BY_ZERO_WINDOW, FOUND_BY_RESET, FOUND_BY_UNREACHABLE, FOUND_BY_LOCAL_CLOSE,
	FOUND_BY_SUPERSEDED, FOUND_BY_COUNT,
};

/* The connection on which the device seems to have come back. */
struct successor {
	uint64_t cookie;
	uint64_t at_ns;		/* its arrival */
	struct endpoint peer;
	uint8_t family;
	double confidence;	/* 1: the operator's word */
};

struct counts {
	uint32_t probes_sent, probes_answered, probes_failed, peer_probes, zero_window_probes;
	uint32_t heartbeats, events_lost;
	uint32_t retransmits_before;	/* the kernel's total when we first saw it */
	uint32_t retransmits_total;
};

#define EPISODES_KEPT 16

struct connection {
	uint64_t cookie;
	struct endpoint local, peer;
	uint32_t netns;
	uint32_t bound_if;	/* interface that it is bound to: the scope of link-local addresses */
	uint8_t family;
	uint8_t state;
	bool addressed;		/* the fields above hold */
	bool identified;	/* and so does the rest: an event told of it */
	bool partial;
	bool told;		/* it did something that is told without --all */
	bool mptcp;
	bool options_settled;	/* programs set them right after accept() or connect() */
	bool heard_is_lower_bound;	/* in a state where the peer's empty probes are invisible */

	struct keepalive keepalive;
	struct silence silence;
	struct rtt rtt;
	struct counts counts;
	uint32_t srtt_us, mdev_us;
	uint64_t slowest_answer_ns;

	uint64_t first_seen_ns;
	uint64_t last_heard_ns;
	struct gaps *gaps;	/* that it survived; NULL: none */
	struct successor *successor;	/* NULL: nobody suspected one */
	struct heartbeat heartbeat;

	/* Evidence of the ending. */
	uint64_t closed_ns;	/* our program closed it (its FIN was queued) */
	uint64_t ended_ns;	/* 0: open */
	uint64_t reset_heard_ns;	/* a segment with RST arrived ... */
	uint64_t reset_ns;	/* ... and the kernel accepted it */
	uint32_t reset_reason;	/* of the one that we sent */
	uint16_t error;
	bool reset_sent, reset_of_an_ask, suspect_at_close;
	uint8_t ended_from;	/* TCP state */
	uint8_t outcome;	/* enum outcome */
	uint8_t found_by;	/* enum found_by */
	bool ending_lost;	/* the state change was not seen, only that it is gone */

	uint32_t owner;
	uint32_t revision;
	uint16_t silences;	/* how many began: numbers the journal's episodes */
	struct journal journal;
	struct entry run;	/* answered probes not yet in the journal; n = 0: none */
	struct episode *episodes;
	uint32_t episodes_used, episodes_omitted;

	struct connection *next_ended;	/* waiting for its last events */
};

/* How the facts are turned into history; constant over a run. */
struct connection_rules {
	uint32_t hz;
	uint32_t suspect_after;	/* asks */
	bool fold;		/* runs of answered probes become one entry */
	bool probes_unseen;	/* this kernel shows no probe (DESIGN.md, Kernels) */
};

/* What one fact adds to the stream of events. */
struct told {
	struct entry entries[4];
	unsigned int count;
	uint32_t untold_probes;	/* whose own events never came, by the kernel's count */
};

/*
 * Takes one fact about this socket; facts come in order of time. `told` receives the events
 * that a reader of every event is told.
 */
void connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told);

/* The sysctls of its namespace are these now: what it took from there follows. */
void connection__follow_sysctl(struct connection *c, uint64_t at_ns, uint32_t idle_s,
			       uint32_t interval_s, uint32_t probes,
			       const struct connection_rules *rules, struct told *told);

/* It is gone, and the state change that would tell why never reached us. */
void connection__lose_ending(struct connection *c, uint64_t at_ns);

/* Events about this socket never reached us. */
void connection__note_loss(struct connection *c, uint64_t at_ns, uint32_t events,
			   struct told *told);

/* What is known of it without an event of its own: its ends. */
void connection__address(struct connection *c, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer);

/* The kernel heard the peer at `at_ns` or later, though no event told of it. */
void connection__note_life(struct connection *c, uint64_t at_ns);

/* It may have been superseded, or surely was: the likeliest successor stays. */
void connection__suspect_successor(struct connection *c, const struct successor *by,
				   struct told *told);

/* Its successor, unless it was heard after that one came. */
const struct successor *connection__successor(const struct connection *c);

/* An ask left at `at_ns`: it begins a silence, or prolongs it. */
void connection__ask(struct connection *c, uint64_t at_ns, uint32_t at_jiffies, enum ask kind);

/* Asks that stayed unanswered until the next was due: the last one may still be answered. */
uint32_t connection__unanswered(const struct connection *c);

/* The evidence on which the latency of an ending declared at `declared_ns` rests: asks made
 * later do not count. */
struct latency_evidence connection__evidence(const struct connection *c, uint64_t declared_ns);

/* Records the present silence as an episode with this end, if it is one. The silence itself
 * stays, as evidence. */
void connection__end_episode(struct connection *c, uint64_t at_ns, enum episode_end end);

/* Moves the run of answered probes into the journal. */
void connection__flush_run(struct connection *c);

/* Frees what it holds, not itself. */
void connection__release(struct connection *c);

#endif
