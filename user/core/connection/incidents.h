/* SPDX-License-Identifier: GPL-2.0 */
/* State that few connections need (unanswered probes, resets, the ending); allocated on first
 * use. */
#ifndef HALFOPEN_CORE_CONNECTION_INCIDENTS_H
#define HALFOPEN_CORE_CONNECTION_INCIDENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "connection/heartbeat.h"
#include "connection/history.h"
#include "connection/journal.h"
#include "connection/traffic.h"
#include "value/endpoint.h"

/* Asks unanswered though the peer was heard after them: what we send does not arrive, or the peer
 * does not take it. */
struct deafness {
	uint16_t asks;			/* before it was last heard; 0: it was not heard */
	uint64_t first_ask_after_ns;	/* the first one since then; 0: none */
	uint32_t heard_jiffies;		/* ... the kernel's clocks of the peer at that time */
	uint32_t segs_in, data_segs_in;	/* ... segments received so far, and those with data */
	uint64_t bytes_received;	/* ... new bytes among them */
	uint64_t bytes_acked;		/* of ours, at the first ask that carries some */
	uint64_t carrying_ns;		/* the time of that ask ... */
	uint16_t asks_before;		/* ... and the number of others before it in this silence */
	uint8_t retransmits;		/* expiries of the RTO since then that were emitted */
};

struct episode {
	uint64_t first_unanswered_ns;
	uint64_t ended_ns;
	uint32_t asks;
	uint8_t kinds;
	uint8_t end;	/* enum episode_end */
};

/* Another sender that answers in the peer's place: with another time to live than the peer's data,
 * or with timestamps where those had none. */
struct other_sender {
	uint32_t answers;
	uint8_t ttl;
	bool timestamps;
};

/* Value of half_closed_ns: before the socket was first seen. */
#define HALF_CLOSED_BEFORE UINT64_MAX

/* The connection on which the device seems to have reconnected. */
struct successor {
	uint64_t cookie;
	uint64_t at_ns;		/* its arrival */
	struct endpoint peer;
	uint8_t family;
	double confidence;	/* 1: named by the operator */
};

#define EPISODES_KEPT 16

/* State that a socket lacks while its peer answers every probe: made with its first such event.
 */
struct incidents {
	uint32_t probes_failed, peer_probes, zero_window_probes, heartbeats, events_lost;
	uint32_t sends_failed, answers_dropped;
	uint32_t retransmits_before;	/* the kernel's total when it was first seen */
	struct rtt rtt;		/* of answers in the journal */
	uint32_t bound_if; /* interface that it is bound to: the scope of link-local addresses */
	uint32_t rto_max_jiffies;	/* between two retransmissions; 0: not known */
	uint32_t revision;
	struct deafness deafness;
	struct other_sender other;
	uint64_t acknowledged_ns;	/* time of the last new acknowledgement; 0: not known */
	uint64_t half_closed_ns;	/* the peer's FIN was taken; HALF_CLOSED_BEFORE */
	uint64_t failed_ns;		/* this host's last drop of our segments ... */
	uint64_t first_failed_ns;	/* ... and of the first one under way */
	uint32_t failed_in_silence;	/* sends that failed since the peer was heard */
	struct heartbeat heartbeat;
	struct traffic traffic;	/* since there are incidents */
	struct successor *successor;	/* NULL: none suspected */
	struct journal journal;
	struct episode *episodes;
	uint32_t episodes_used, episodes_omitted;

	/* Evidence of the ending. */
	uint64_t closed_ns;	/* our program closed it (its FIN was queued) */
	uint64_t ended_ns;	/* 0: open */
	uint64_t reset_heard_ns;	/* a segment with RST arrived ... */
	uint64_t reset_ns;	/* ... and the kernel accepted it */
	uint64_t syn_heard_ns;	/* a SYN came from the peer's address */
	uint32_t reset_reason;	/* of the one that we sent */
	uint16_t error;
	bool reset_sent, reset_of_an_ask, suspect_at_close;
	bool reset_of_probe;	/* ... which was that of `halfopen probe` */
	bool closing_noted;	/* reconnects__note_closing() */
	uint8_t ended_from;	/* TCP state */
	uint8_t outcome;	/* enum outcome */
	uint8_t found_by;	/* enum found_by */
	uint8_t detail;		/* enum ending_detail */
	bool ending_lost;	/* the state change was not seen, only that the socket is gone */
	bool destroyed;		/* with its socket: no program holds it and may connect it again */

	struct connection *next_ended;	/* waiting for its last events */
};

/* Events that one fact adds to the stream. */
struct told {
	struct entry entries[4];
	unsigned int count;
	uint32_t untold_probes;	/* probes without an event, by the kernel's count */
};

/* Its incidents, all zeroes where it has none; valid until the next event is taken. */
const struct incidents *incidents__of(const struct connection *c);

/* Allocates its incidents. False, and `failed`, when memory is short. */
bool incidents__make(struct connection *c);

/* Adds an entry to the journal, and to `told`. Requires incidents. */
void incidents__note(struct connection *c, struct told *told, struct entry entry);

/* It was heard at that time: of its asks that failed before, none is of this silence. */
void incidents__silence_ended(struct connection *c, uint64_t at_ns);

/* Events of this socket were lost. */
void incidents__note_loss(struct connection *c, uint64_t at_ns, uint32_t events,
			  struct told *told);

/* It may have been superseded, or certainly was: the likeliest successor is kept. */
void incidents__suspect_successor(struct connection *c, const struct successor *by,
				  struct told *told);

/* Its successor, unless the peer was heard here after that one arrived. */
const struct successor *incidents__successor(const struct connection *c);

/* Sets what found its peer to be gone. False when memory is short. */
bool incidents__set_found_by(struct connection *c, enum found_by found_by);

/* Counts one more timeline of it; returns its number. */
uint32_t incidents__revise(struct connection *c);

/* Round-trip times of all answers with a known one. */
struct rtt incidents__rtt(const struct connection *c);

/* The run of answered probes that is not in the journal yet, as its entry; false: there is none. */
bool incidents__run(const struct connection *c, struct entry *entry);

/* Moves the run of answered probes into the journal. */
void incidents__flush_run(struct connection *c);

void incidents__free(struct connection *c);

/* 0: open. */
static inline uint64_t connection__ended_ns(const struct connection *c)
{
	return c->incidents ? c->incidents->ended_ns : 0;
}

#endif
