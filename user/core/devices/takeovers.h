/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that close a client's old connection when its next one comes: an MQTT broker ends the
 * session that is taken over. How often a program does so, and how long after the arrival, is
 * learned from connections that it closed while their peers were gone. An arrival just before such
 * a closing counts by its delay, against the arrivals that chance would have put there.
 */
#ifndef HALFOPEN_CORE_DEVICES_TAKEOVERS_H
#define HALFOPEN_CORE_DEVICES_TAKEOVERS_H

#include <stdint.h>

/* Classes of delay from the arrival to the closing, and of the share of closings that are
 * takeovers. */
#define TAKEOVER_DELAYS 9
#define TAKEOVER_SHARES 9

/* Up to so long after an arrival a closing may be its doing; and when data left with the FIN, the
 * closing is known by its RTO: up to so much too early. */
#define TAKEOVER_LATEST_NS 6400000000ULL
#define TAKEOVER_EARLY_NS 300000000ULL

/* Learned from the closings of one address, or of one service. */
struct takeovers {
	float closings;
	float evidence[TAKEOVER_SHARES]; /* log-likelihood of each share */
	float delays[TAKEOVER_DELAYS];	 /* takeovers, each counted as far as it is believed */
};

/* The estimate for the next closing. */
struct takeover_view {
	double share;			/* chance that it is a takeover */
	double per_ns[TAKEOVER_DELAYS]; /* of takeovers: density of the delay */
	double sooner[TAKEOVER_DELAYS]; /* and the share with a shorter one */
	double believed;		/* how many there were at this address */
};

/* `own` of an address, `service` of all addresses that come to one port of ours; either may be
 * NULL.
 */
struct takeover_view takeovers__view(const struct takeovers *own, const struct takeovers *service);

/* The class of a delay; TAKEOVER_DELAYS where the closing cannot be this arrival's doing. */
unsigned int takeovers__delay(uint64_t arrived_ns, uint64_t closed_ns);

/* Counts a closing. `ratio`: how much likelier the arrivals before it are if it was a takeover. */
void takeovers__count_closing(struct takeovers *t, double ratio);

/* Counts its delay: `ratios` are the parts of that which arrivals at each delay have. As though
 * takeovers were as likely as not: a program whose clients log in slowly would never be seen to
 * take over by the first guess of their delays. */
void takeovers__count_delays(struct takeovers *t, const double ratios[TAKEOVER_DELAYS]);

#endif
