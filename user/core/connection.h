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
#include "traffic.h"

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
	uint16_t asks;		/* saturates */
	uint8_t probes_out;	/* the kernel's count at the last probe */
	uint8_t count_before;	/* ... when data was heard last, which may not have reset it */
	uint8_t kinds : 4;
	bool adopted : 1;	/* it had begun when we first saw the socket */
	uint8_t held;	/* enum entry_kind of a first probe, which is not in the journal while it may
			 * be answered; 0: none */
} __attribute__((packed, aligned(2)));

/* Probes that were answered one after the other, not yet in the journal. */
struct answered_run {
	uint64_t first_ns, last_ns;	/* first sent, last answered */
	struct rtt rtt;			/* count 0: none */
	uint16_t episode;		/* as in struct entry */
} __attribute__((packed, aligned(2)));

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

#define EPISODES_KEPT 16

/* What does not happen to a socket whose peer answers every probe: made when the first of it does. */
struct incidents {
	uint32_t probes_failed, peer_probes, zero_window_probes, heartbeats, events_lost;
	uint32_t retransmits_before;	/* the kernel's total when we first saw it */
	struct rtt rtt;		/* of answers that are in the journal */
	uint32_t bound_if;	/* interface that it is bound to: the scope of link-local addresses */
	uint32_t revision;
	struct heartbeat heartbeat;
	struct traffic traffic;	/* since there are incidents */
	struct successor *successor;	/* NULL: nobody suspected one */
	struct journal journal;
	struct episode *episodes;
	uint32_t episodes_used, episodes_omitted;

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

	struct connection *next_ended;	/* waiting for its last events */
};

/* There may be a million whose probes were answered, and nothing more: see docs/DESIGN.md before
 * you add to it. */
struct connection {
	uint64_t cookie;
	uint64_t first_seen_ns;
	uint64_t last_heard_ns;
	struct incidents *incidents;	/* NULL: none. connection__incidents() reads them */
	uint32_t netns;
	uint32_t owner;
	uint32_t srtt_us, mdev_us;
	uint32_t slowest_answer_us;
	uint32_t probes_sent, probes_answered;
	uint32_t retransmits_total;	/* the kernel's */
	struct gaps gaps;	/* that it survived */
	struct endpoint local, peer;
	struct keepalive keepalive;
	struct silence silence;
	struct answered_run run;
	uint16_t silences;	/* how many began: numbers the journal's episodes */
	uint8_t state : 4;
	bool is_ipv6 : 1;
	bool addressed : 1;	/* family, ends and namespace hold */
	bool identified : 1;	/* and so does the rest: an event told of it */
	bool partial : 1;
	bool told : 1;		/* it did something that is told without --all */
	bool mptcp : 1;
	bool options_settled : 1;	/* programs set them right after accept() or connect() */
	bool heard_is_lower_bound : 1;	/* in a state where the peer's empty probes are invisible */
};

_Static_assert(sizeof(struct connection) <= 200, "what malloc() makes 208 bytes of");

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

/* What befell it, all zeroes where nothing did; valid until the next fact is taken. */
const struct incidents *connection__incidents(const struct connection *c);

/* 0: open. */
static inline uint64_t connection__ended_ns(const struct connection *c)
{
	return c->incidents ? c->incidents->ended_ns : 0;
}

/* AF_INET or AF_INET6. */
uint8_t connection__family(const struct connection *c);

/* Of all answers whose round trip is known. */
struct rtt connection__rtt(const struct connection *c);

/*
 * Takes one fact about this socket; facts come in order of time. `told` receives the events
 * that a reader of every event is told. False when memory is short: nothing was taken.
 */
bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told);

/* The sysctls of its namespace are these now: what it took from there follows. */
void connection__follow_sysctl(struct connection *c, uint64_t at_ns, uint32_t idle_s,
			       uint32_t interval_s, uint32_t probes,
			       const struct connection_rules *rules, struct told *told);

/* It is gone, and the state change that would tell why never reached us. False when memory is short. */
bool connection__lose_ending(struct connection *c, uint64_t at_ns);

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

/* By what its peer was found to be gone. False when memory is short. */
bool connection__set_found_by(struct connection *c, enum found_by found_by);

/* Counts one more timeline of it; returns which one this is. */
uint32_t connection__revise(struct connection *c);

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
