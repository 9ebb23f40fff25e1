/* SPDX-License-Identifier: GPL-2.0 */
/* Exposure of one socket: how a dead peer would be detected, and unanswered asks, by its present
 * state. All counts of sockets are of these (counts.h). */
#ifndef HALFOPEN_CORE_EXPOSURE_EXPOSURE_H
#define HALFOPEN_CORE_EXPOSURE_EXPOSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "tcp/keepalive.h"
#include "timeline/timeline.h"

/* Unanswered asks that make a socket suspect by default. */
#define EXPOSURE_SUSPECT_AFTER 2

/* A socket in CLOSE_WAIT whose peer was silent for so long: the program leaks it. */
#define EXPOSURE_LEAK_NS 60000000000ULL

/* By what a row is judged. */
struct exposure_rules {
	uint32_t hz;		/* of its kernel */
	uint32_t suspect_after;	/* unanswered asks; 0: EXPOSURE_SUSPECT_AFTER */
	uint64_t long_ns;	/* a silence of that is long; 0: none is */
	uint64_t path_ns;	/* after which the path has forgotten; 0: not known */
};

/* Where in its life a connection is. */
enum exposure_state { EXPOSURE_ESTABLISHED, EXPOSURE_CLOSE_WAIT, EXPOSURE_CLOSING, EXPOSURE_STATES };

struct exposure {
	enum exposure_state state;
	bool with_keepalive;
	bool peer_is_here;	/* on this host: its death is told at once */
	bool second_end;	/* ... and counted by that */
	bool never_notices;	/* a dead peer, as long as the connection is idle */
	uint32_t unanswered;	/* asks that stayed so until the next was due */
	bool suspect;
	bool said_goodbye;	/* the peer did, and nothing of ours stays unacknowledged: it is
				 * silent for good, and no half-open connection's */
	uint64_t silent_ns;	/* since a segment of the peer last arrived: stamps__arrived_ns() */
	bool long_silent;
	bool path_known;	/* when its path forgets it is known, ... */
	bool surely_dead;	/* ... and it was silent for longer */
	/* Ours to mend: ... */
	bool leaked;		/* the peer closed long ago, the program has not (see also
				 * exposure__leaks_under_keepalive()) */
	bool window_closed;	/* the program does not read */
	bool ended;		/* the kernel did, a program still holds it: nothing else is */
	uint64_t ended_ns;	/* ... so long ago, at most */
	bool probes_off;	/* keepalive with 0 probes, which no user timeout
				 * replaces: it ends an idle peer unasked */
	/* ... and by the network, as whoever made the row knows it (exposure__of() does not): */
	bool address_gone;	/* this host no longer has its local address */
	uint32_t forgotten_by;	/* the number of the namespace whose connection tracking forgets it
				 * before its next probe, ...; 0: none does */
	uint32_t forgotten_after_s;
	bool address_unknown, forgotten_unknown;	/* whether it is so is not known */
	/* With keepalive alone: ... */
	bool own_idle;		/* the idle time is the socket's own, ... */
	bool own_options;	/* all three are: it follows no sysctl */
	bool dies_of_one_loss;	/* a single lost probe ends it: keepalive.h */
};

/* Would this socket never detect a dead peer? False with keepalive; where its FIN waits for an
 * acknowledgement (the retransmission timer asks), or no program holds it after that (a timeout);
 * and of the second end of a connection within this host. */
bool exposure__never_notices(const struct ho_event *e);

/* Is its peer on this host? By what the kernel says (enum ho_place); where it does not, at a loopback
 * address, or at the socket's own. Then it reports the death of one end to the other at once. */
bool exposure__peer_is_here(const struct ho_event *e);

/* Does its program leak it, though the peer answers keepalive, so that it is never silent for long?
 * In CLOSE_WAIT, no data either way for EXPOSURE_LEAK_NS, and a probe after the peer's FIN was
 * answered: the kernel does not keep when the FIN came. `hz` of its kernel. */
bool exposure__leaks_under_keepalive(const struct ho_row *row, uint32_t hz);

/* Asks that left since the peer was last heard, by the kernel's counts; 0: none, or the count is
 * stale (data on the fast path do not reset it). `hz` of its kernel. */
uint32_t exposure__asks(const struct ho_event *e, uint32_t hz);

/* When the last of them left, by the kernel's clock of what the socket sent last. */
uint32_t exposure__last_ask_jiffies(const struct ho_event *e, uint32_t hz);

/* exposure.suspect alone. */
bool exposure__is_suspect(const struct ho_event *e, const struct exposure_rules *rules);

/* All of it. */
struct exposure exposure__of(const struct ho_event *e, const struct exposure_rules *rules);

/* The options in force as a value; `rto_max_jiffies` 0: not known. */
struct timeline_keepalive exposure__keepalive(const struct keepalive *k, uint32_t rto_max_jiffies,
					      uint32_t hz);

#endif
