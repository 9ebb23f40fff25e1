/* SPDX-License-Identifier: GPL-2.0 */
/*
 * After how long an idle time does something on the path (a carrier's NAT, a firewall) forget a
 * connection? The instant is never seen: a gap was survived, or at its end the peer was found gone.
 * That is current-status data, and when a peer is found may depend on the death itself:
 * own_pauses.h. Devices vanish by themselves, too: vanishing.h.
 *
 * The model: each device is behind one of a few timers, or none. A timer of T lets every gap
 * shorter than T pass and none that is longer. Likelihoods are conditional on when an ask was made.
 */
#ifndef HALFOPEN_TUNING_IDLE_TIMEOUT_H
#define HALFOPEN_TUNING_IDLE_TIMEOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "tuning/path_witness.h"

#define IDLE_STEPS_MAX 4

enum idle_reason {
	IDLE_KNOWN,
	IDLE_THIN,	/* too few devices, or too few were lost */
	IDLE_NO_STEP,	/* losses come as devices vanish: no timer shows */
	IDLE_CENSORED,	/* our own probes keep gaps shorter: it lies beyond low_s */
	IDLE_NOT_ASKED, /* asked at ages at which only the dead are silent, or none answered */
	IDLE_DATA_ONLY, /* empty segments do not refresh it: low_s to high_s after data */
};

struct idle_timeout {
	enum idle_reason reason;
	/* With IDLE_KNOWN of the first step, and the interval holds it with 95 %. Else there is no
	 * estimate: gaps up to low_s are survived (0: nothing is known), none of high_s (0: nothing
	 * is known). */
	double estimate_s, low_s, high_s;
	bool told_by_resets; /* the middlebox sent a reset when its timer ran out */
	unsigned int steps;  /* number of timers in this group */
	struct {
		double at_s, share; /* of the devices; they need not add up to 1 */
	} step[IDLE_STEPS_MAX];
	double vanish_per_hour; /* of idle time, by themselves */
	size_t devices, lost;	/* votes, rounded: of this many connections */
	size_t connections;
	bool named; /* most devices have names: the votes are theirs */
	/* With IDLE_KNOWN, devices lost after a shorter silence than low_s, from this one on: they
	 * vanished, or are behind a timer with too little evidence. */
	size_t lost_sooner;
	double sooner_from_s;
	/* Asks that would help where there is no estimate: at random ages in this range, of which
	 * the devices seen here would get so many a day. 0: they are never silent for so long. */
	double ask_from_s, ask_to_s, asks_a_day;
};

#define IDLE_CONFIDENCE 0.95
/* Fewer are no evidence. Each device has one vote, whatever its connections. */
#define IDLE_DEVICES_MIN 20
#define IDLE_LOST_MIN 5
/* So many asks at useful ages are mostly enough. */
#define IDLE_ASKS_ENOUGH 100

/* The witnesses, in any order, are sorted and thinned. Takes time and memory in proportion to them,
 * up to 20,000, and to no more than those beyond. False when memory is short. */
bool idle_timeout__estimate(struct path_witness *all, size_t count, struct idle_timeout *t);

/* The number of days for which these devices must be asked at random ages; 0: it would take
 * years. */
double idle_timeout__days_to_tell(const struct idle_timeout *t);

/* Names of the contract, "thin_evidence" and so on; NULL: known. */
const char *idle_reason__name(enum idle_reason r);

#endif
