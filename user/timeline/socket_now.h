/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of a socket at one moment (halfopen.socket/1), as a value. Members, units and strings
 * as in timeline.h.
 */
#ifndef HALFOPEN_TIMELINE_SOCKET_NOW_H
#define HALFOPEN_TIMELINE_SOCKET_NOW_H

#include "timeline.h"

/* What is ours to mend about a socket; names.h has the words. */
enum socket_fault {
	FAULT_CLOSE_WAIT,	/* the peer closed long ago, the program has not */
	FAULT_WINDOW_CLOSED,	/* our receive window is 0 */
	FAULT_PROBES_OFF,	/* keepalive with 0 probes */
	FAULT_ADDRESS_GONE,	/* this host no longer has its local address */
	FAULT_CONNTRACK,	/* connection tracking here forgets it before its next probe */
	FAULT_ENDED,		/* the kernel ended it, a program still holds it */
	SOCKET_FAULTS
};

/* Why it has no owner; names.h has the words. */
enum no_owner {
	HAS_OWNER,
	NOT_ACCEPTED,		/* it waits in its listener's queue for accept(2) */
	CLOSED_BY_OWNER,	/* only the kernel has it still */
	OWNER_UNSEEN,		/* no process has it that can be seen from here */
	NO_OWNER_COUNT
};

/* The other side of what a proxy passes on: one device's. */
struct timeline_pair {
	uint64_t cookie;		/* of its socket; 0: it has none, or none that can be told */
	struct timeline_end local, peer;
	bool suspect;			/* ... is the other side */
	double confidence;		/* 0 to 1 */
	uint64_t received, sent;	/* bytes on this side; there they are swapped */
	double apart_s;			/* by which their times differ, at most */
};

struct socket_now {
	struct timeline_origin origin;
	struct timeline_socket socket;
	enum no_owner no_owner;
	uint8_t state;			/* a TCP state, by the kernel's number */
	struct timeline_keepalive keepalive;
	int64_t last_heard_at;
	bool last_heard_is_lower_bound;
	double silent_s;
	uint32_t unanswered;		/* asks that stayed so until the next was due */
	bool suspect;
	double next_probe_in_s;		/* or retransmission; INFINITY: none is due (null) */
	double dies_in_s;		/* INFINITY: never (null) */
	double notices_in_s;		/* a dead peer, within that; INFINITY: never; below 0: not known.
					 * JSON has no key for it */
	bool half_closed;		/* the peer's FIN was taken; when is not known (null) */
	uint32_t receive_window;	/* bytes */
	bool exposed;			/* the peer is not of this host, and the connection is open */
	int64_t ended_at;		/* at the earliest; 0: it has not */
	int error;			/* why, an errno that its program has not asked for yet */
	unsigned int faults;		/* bits: 1 << enum socket_fault */
	unsigned int faults_unknown;	/* ... it may have these, too */
	struct timeline_pair pair;
	double dead_probability;	/* NAN: nothing is known (null), and `why` */
	const char *why;
};

/* ---- many of them (halfopen.summary/1 of `halfopen sockets --summary`) ---- */

/* CLOSE_WAIT: the peer has closed; closing: our program has. */
enum { SOCKETS_ESTABLISHED, SOCKETS_CLOSE_WAIT, SOCKETS_CLOSING, SOCKETS_STATES };

enum dead_by { DEAD_BY_NOTHING, DEAD_BY_PROBE, DEAD_BY_HISTORY };

/* How many are dead by estimate, and between what: of a probe in 95 of 100 samples; of a history
 * as far as that leaves it open (docs/PRESENCE.md). */
struct sockets_dead {
	double estimate, low, high;	/* INFINITY: not known */
	uint64_t of;	/* how many the estimate rests on: were asked, or judged by a history */
	uint64_t unknown;	/* of so many others nothing is known: no figure is about these */
	const char *why;	/* ... of most of them, by a history; NULL: not told */
	double share;	/* a group's part in the estimate for all, known also where none of it was
			 * asked: at the rate of all that were. INFINITY: not known */
};

/* Of the processes that hold sockets with a fault, that of the lowest pid; 0: none is known. */
struct fault_holder {
	uint32_t pid;
	bool others;	/* hold such ones, too */
};

struct sockets_counts {
	uint64_t sockets, with_keepalive, suspect, never_notice;
	uint64_t local;			/* the peer is of this host: never_notice and silent count
					 * one end of each connection, surely_dead none */
	uint64_t silent;		/* for longer than sockets_summary.silent_over_s */
	double oldest_silence_s;
	uint64_t path_known;		/* when their path forgets is known, ... */
	uint64_t surely_dead;		/* ... and they were silent for longer */
	struct sockets_dead dead;	/* by what sockets_summary.dead_by says */
	uint64_t to_mend[SOCKET_FAULTS];
	struct fault_holder held_by[SOCKET_FAULTS];	/* what JSON has no key for */
	uint64_t to_mend_unknown[SOCKET_FAULTS];	/* of so many others it is not known */
	/* Of those with FAULT_CONNTRACK, the shortest time, and whose it is; 0: there are none. */
	uint32_t forgotten_after_s;
	struct timeline_netns forgotten_by;
	double ended_longest_s;		/* of those with FAULT_ENDED, at most */
	struct {
		uint64_t with_keepalive, without;
	} by_state[SOCKETS_STATES];	/* what JSON has no key for */
};

struct sockets_group {
	const char *program;		/* "": not known (null) */
	uint16_t port;			/* ours; 0: of connections from here (absent) */
	bool port_unknown;		/* it is not known which of the two (null) */
	struct timeline_netns netns;
	uint32_t namespaces;		/* 0: it is of `netns`; else of so many without a name */
	const char *carrier;		/* "": absent */
	struct sockets_counts counts;
};

struct sockets_summary {
	struct timeline_origin origin;
	int64_t at;
	double silent_over_s;
	double path_forgets_s;		/* 0: not known */
	const char *because;		/* ... or why it is */
	enum dead_by dead_by;		/* DEAD_BY_HISTORY: path_known is told, too */
	int64_t probed_at;		/* for DEAD_BY_PROBE */
	struct sockets_counts total;
	uint32_t namespaces;		/* that sockets live in */
	const struct sockets_group *groups;	/* most sockets first */
	uint32_t group_count;
};

#endif
