/* SPDX-License-Identifier: GPL-2.0 */
/* The parties of a connection (its two ends, and what lies between them) in silence: which of them
 * notices the other's death, and when. */
#ifndef HALFOPEN_TUNING_PARTIES_H
#define HALFOPEN_TUNING_PARTIES_H

#include <stdbool.h>
#include <stdint.h>

#include "tuning/documented_timers.h"

enum party_kind {
	PARTY_STACK,	/* TCP keepalive, by idle, interval and probes */
	PARTY_TOTAL,	/* TCP keepalive, by the total time: the WizFi210 */
	PARTY_PING,	/* the device's own PING, within the connection: Astra's */
	PARTY_NAT,	/* in between: forgets after an idle time */
	PARTY_PLATFORM,	/* the server's program: closes without data from the device */
};

struct party {
	enum party_kind kind;
	const char *name;	/* for ever */
	double idle_s, interval_s;	/* PARTY_STACK */
	uint32_t probes;		/* ... and PARTY_TOTAL */
	double user_timeout_s;		/* PARTY_STACK, 0: none */
	/* Linux: tcp_retries2 and the longest RTO, 0: the defaults. */
	double retries2, rto_max_s;
	double total_s;			/* PARTY_TOTAL */
	double retransmits_s;		/* PARTY_TOTAL: TCP_MAXRT, 0: not set */
	double ping_s, timeout_s;	/* PARTY_PING */
	double forgets_s;		/* PARTY_NAT, PARTY_PLATFORM */
	const struct documented_timer *documented;	/* ... if it was given by name */
	bool enabled;			/* keepalive is on */
};

/* The least a WizFi210 takes: its interval is never shorter. */
#define WIZFI_INTERVAL_MIN_S 75

/* From the peer's last sign of life until this party has noticed that it is gone, at most; 0: it
 * never does. */
double party__notices_within_s(const struct party *p);

/* How often it sends something while nothing else does; 0: it does not, or it is not documented. */
double party__speaks_every_s(const struct party *p);

/* With its settings a single lost probe ends the connection: its user timeout leaves time for no
 * second one, or it sends only one. */
bool party__dies_of_one_loss(const struct party *p);

/* The party that notices first, and the one that sends most often; NULL: none. */
const struct party *parties__first_noticing(const struct party *all, unsigned int count);
const struct party *parties__first_speaking(const struct party *all, unsigned int count);

/* Of the probes that hold a mapping open, how many in a row may be lost before it is forgotten?
 * False where that does not matter: the connection ends before, or it does not hold by probes. */
bool party__may_lose(const struct party *p, double forgets_s, unsigned int *lost);

#endif
