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

/* Asks that stayed unanswered though the peer was heard after them: what we send does not
 * arrive, or is not what the peer takes. */
struct deafness {
	uint16_t asks;			/* before it was last heard; 0: it was not heard */
	uint64_t first_ask_after_ns;	/* the first one since then; 0: none */
	uint32_t heard_jiffies;		/* as of then, the kernel's clocks of the peer ... */
	uint32_t segs_in, data_segs_in;	/* ... and how many segments had come, with data how many */
	uint64_t bytes_received;	/* ... and how many bytes of them were new */
	uint64_t bytes_acked;		/* of ours, when the first ask that carries some was made */
	uint64_t carrying_ns;		/* when that was made ... */
	uint16_t asks_before;		/* ... and how many others before it in this silence */
	uint8_t retransmits;		/* expiries of the RTO since then that are told */
};

struct episode {
	uint64_t first_unanswered_ns;
	uint64_t ended_ns;
	uint32_t asks;
	uint8_t kinds;
	uint8_t end;	/* enum episode_end */
};

/* Somebody who answers in the peer's place: another time to live than the peer's data, or
 * timestamps where those had none. */
struct other_sender {
	uint32_t answers;
	uint8_t ttl;
	bool timestamps;
};

/* Of half_closed_ns: before we first saw the socket. */
#define HALF_CLOSED_BEFORE UINT64_MAX

/* The connection on which the device seems to have come back. */
struct successor {
	uint64_t cookie;
	uint64_t at_ns;		/* its arrival */
	struct endpoint peer;
	uint8_t family;
	double confidence;	/* 1: the operator's word */
};

#define EPISODES_KEPT 16

/* What does not happen to a socket whose peer answers every probe: made when the first of it does.
 */
struct incidents {
	uint32_t probes_failed, peer_probes, zero_window_probes, heartbeats, events_lost;
	uint32_t sends_failed, answers_dropped;
	uint32_t retransmits_before;	/* the kernel's total when we first saw it */
	struct rtt rtt;		/* of answers that are in the journal */
	uint32_t bound_if; /* interface that it is bound to: the scope of link-local addresses */
	uint32_t rto_max_jiffies;	/* between two retransmissions; 0: not known */
	uint32_t revision;
	struct deafness deafness;
	struct other_sender other;
	uint64_t acknowledged_ns;	/* something new of ours was; 0: not known */
	uint64_t half_closed_ns;	/* the peer's FIN was taken; HALF_CLOSED_BEFORE */
	uint64_t failed_ns;		/* this host last dropped a segment of ours ... */
	uint64_t first_failed_ns;	/* ... and of what is under way the first transmission */
	uint32_t failed_in_silence;	/* probes and other sends since the peer was heard */
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
	uint64_t syn_heard_ns;	/* the peer's address asked for a connection anew */
	uint32_t reset_reason;	/* of the one that we sent */
	uint16_t error;
	bool reset_sent, reset_of_an_ask, suspect_at_close;
	bool closing_judged;	/* whether its program closed it because its device came back */
	uint8_t ended_from;	/* TCP state */
	uint8_t outcome;	/* enum outcome */
	uint8_t found_by;	/* enum found_by */
	uint8_t detail;		/* enum ending_detail */
	bool ending_lost;	/* the state change was not seen, only that it is gone */
	bool destroyed;		/* with its socket: nobody holds that and may connect it again */

	struct connection *next_ended;	/* waiting for its last events */
};

/* What one fact adds to the stream of events. */
struct told {
	struct entry entries[4];
	unsigned int count;
	uint32_t untold_probes;	/* whose own events never came, by the kernel's count */
};

/* What befell it, all zeroes where nothing did; valid until the next fact is taken. */
const struct incidents *incidents__of(const struct connection *c);

/* From now on it has some. False when memory is short. */
bool incidents__make(struct connection *c);

/* Writes into the journal, and tells. Only of a connection that has incidents. */
void incidents__note(struct connection *c, struct told *told, struct entry entry);

/* Events about this socket never reached us. */
void incidents__note_loss(struct connection *c, uint64_t at_ns, uint32_t events,
			  struct told *told);

/* It may have been superseded, or surely was: the likeliest successor stays. */
void incidents__suspect_successor(struct connection *c, const struct successor *by,
				  struct told *told);

/* Its successor, unless it was heard after that one came. */
const struct successor *incidents__successor(const struct connection *c);

/* By what its peer was found to be gone. False when memory is short. */
bool incidents__set_found_by(struct connection *c, enum found_by found_by);

/* Counts one more timeline of it; returns which one this is. */
uint32_t incidents__revise(struct connection *c);

/* Of all answers whose round trip is known. */
struct rtt incidents__rtt(const struct connection *c);

/* Moves the run of answered probes into the journal. */
void incidents__flush_run(struct connection *c);

void incidents__free(struct connection *c);

/* 0: open. */
static inline uint64_t connection__ended_ns(const struct connection *c)
{
	return c->incidents ? c->incidents->ended_ns : 0;
}

#endif
