/* SPDX-License-Identifier: GPL-2.0 */
/* How many sockets are exposed in which way. */
#ifndef HALFOPEN_CORE_EXPOSURE_COUNTS_H
#define HALFOPEN_CORE_EXPOSURE_COUNTS_H

#include <stdint.h>

#include "exposure/exposure.h"
#include "timeline/socket_now.h"

/* Numbers of sockets by what `halfopen probe` found: its sample, and of whom it is one. Whoever was
 * heard after its end lives, and so does whoever was opened after it. */
struct probed_counts {
	uint32_t drawn;		/* all; ... */
	uint32_t drawn_quiet;	/* ... not heard after its end; ... */
	uint32_t dead, unclear;	/* ... and of those, not heard since they left it unanswered, and unknown */
	uint32_t others_quiet;	/* not drawn, might have been, and not heard after its end; ... */
	uint32_t others_heard;	/* ... of those, heard in its course, or opened */
	uint32_t others;	/* might have been drawn, all */
	uint32_t outside;	/* could not have been drawn: nothing is known */
	bool in_part;		/* the drawn are no sample: it was interrupted */
};

/* Different reasons that are told apart. */
#define EXPOSURE_REASONS 6

/* Numbers of sockets: all, and by the members of struct exposure. */
struct exposure_counts {
	uint32_t sockets, with_keepalive, never_notice, suspect;
	uint32_t own_idle, own_options, die_of_one_loss;
	uint32_t with_peer_here;
	/* Without second ends, as is the oldest silence; the dead, of peers elsewhere. */
	uint32_t long_silent, path_known, surely_dead;
	uint32_t leaked, window_closed, probes_off, address_gone, forgotten;
	uint32_t address_unknown, forgotten_unknown;	/* counted in neither */
	uint32_t ended;		/* that a program still holds: counted in nothing else */
	uint64_t ended_longest_ns;
	uint32_t forgotten_by, forgotten_after_s;	/* the soonest, 0: there is none */
	struct fault_holder holders[SOCKET_FAULTS];
	uint32_t by_state[EXPOSURE_STATES], with_keepalive_by_state[EXPOSURE_STATES];
	uint64_t oldest_silence_ns;
	struct probed_counts probed;
	/* Of those whose history says how likely they are dead: their number, the sum of these
	 * chances, and of their bounds, with the variance of as many events. */
	uint32_t judged;
	uint32_t unjudged;	/* whose history says nothing of that */
	double dead_sum, dead_low, dead_low_variance, dead_high, dead_high_variance;
	/* Why: clauses of static storage, and of how many each is true. */
	struct exposure_reason {
		const char *why;
		uint32_t sockets;
	} reasons[EXPOSURE_REASONS];
};

/* Counts one socket. */
void exposure_counts__add(struct exposure_counts *c, const struct exposure *x);

/* Counts how likely one socket is dead, 0 to 1, between two bounds. */
void exposure_counts__add_chance(struct exposure_counts *c, double dead, double low, double high);

/* Counts those of which that is not known, and why: a clause of static storage. */
void exposure_counts__add_unjudged(struct exposure_counts *c, const char *why, uint32_t sockets);

/* The commonest of these clauses; NULL: there is none. */
const char *exposure_counts__why_unjudged(const struct exposure_counts *c);

/* Who holds the socket with these faults (bits: 1 << enum socket_fault) that was counted. */
void exposure_counts__add_holder(struct exposure_counts *c, unsigned int faults, uint32_t pid);

/* Adds those of `more`. */
void probed_counts__merge(struct probed_counts *c, const struct probed_counts *more);

/* Adds those of `more`. */
void exposure_counts__merge(struct exposure_counts *c, const struct exposure_counts *more);

/* Sockets whose keepalive takes an option from the sysctls of their namespace. */
static inline uint32_t exposure_counts__following(const struct exposure_counts *c)
{
	return c->with_keepalive - c->own_options;
}

#endif
