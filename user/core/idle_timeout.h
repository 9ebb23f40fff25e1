/* SPDX-License-Identifier: GPL-2.0 */
/*
 * After how long an idle time does something on the path (a carrier's NAT, a firewall) forget a
 * connection? What was seen is never the instant: a gap was survived, or at its end the peer was
 * found gone. That is current-status data; devices vanish by themselves, too.
 *
 * The model: each device sits behind one of a few timers, or none. A timer of T lets every gap
 * shorter than T pass and none that is longer; besides, devices vanish at a constant rate.
 * Likelihoods are of devices, not of gaps, because all gaps of one meet the same timer.
 */
#ifndef HALFOPEN_CORE_IDLE_TIMEOUT_H
#define HALFOPEN_CORE_IDLE_TIMEOUT_H

#include <stdbool.h>
#include <stddef.h>

/* What one device (or one connection, where devices are not known) tells. Seconds. */
struct path_witness {
	double survived_s;	/* its longest gap that ended in life; 0: none */
	double lost_s;		/* after such a gap it was found gone; 0: it was not */
	double idle_s;		/* all its gaps together */
	bool probed;		/* the longest gap ended because our keepalive asked */
	bool lost_to_probe;	/* and so did the one in which it was lost */
	bool timed;		/* out: a timer may have been what it was lost to */
};

#define IDLE_STEPS_MAX 4

enum idle_reason {
	IDLE_KNOWN,
	IDLE_THIN,		/* too few devices, or too few were lost */
	IDLE_NO_STEP,		/* losses come at a constant rate: no timer shows */
	IDLE_CENSORED,		/* our own probes keep gaps shorter: it lies beyond low_s */
};

struct idle_timeout {
	enum idle_reason reason;
	/* With IDLE_KNOWN of the first step; else low_s alone, 0 if nothing is known: gaps up to
	 * there are survived. */
	double estimate_s, low_s, high_s;	/* the interval holds with 95 % */
	unsigned int steps;			/* how many timers there are in this group */
	struct {
		double at_s, share;		/* of the devices; they need not add up to 1 */
	} step[IDLE_STEPS_MAX];
	double vanish_per_hour;			/* of idle time, by themselves */
	size_t devices, lost;
};

#define IDLE_CONFIDENCE 0.95
/* Fewer say nothing. */
#define IDLE_DEVICES_MIN 20
#define IDLE_LOST_MIN 5

/* The witnesses, in any order, are sorted and thinned. False when memory is short. */
bool idle_timeout__estimate(struct path_witness *all, size_t count, struct idle_timeout *t);

/* Names of the contract: "thin_evidence", "no_step", "censored_by_keepalive"; NULL: known. */
const char *idle_reason__name(enum idle_reason r);

#endif
