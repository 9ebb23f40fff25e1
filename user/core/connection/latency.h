/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Detection latency: how long a dead peer went unnoticed. The instant of its death is not
 * observable on this host, so the result is an interval.
 */
#ifndef HALFOPEN_CORE_CONNECTION_LATENCY_H
#define HALFOPEN_CORE_CONNECTION_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

struct latency_evidence {
	uint64_t declared_ns;		/* our side gave up, or was told by the peer */
	uint64_t last_heard_ns;		/* a time when the peer was there */
	uint64_t first_unanswered_ns;	/* 0: no unanswered ask */
	uint64_t last_unanswered_ns;
	uint32_t deaf_asks;		/* unanswered though the peer was heard after them ... */
	uint64_t first_since_heard_ns;	/* ... and the first one after that; 0: none */
	uint32_t srtt_us;		/* 0: no RTT ever measured */
	uint32_t mdev_us;		/* 4 * rttvar */
	uint64_t slowest_answer_ns;	/* ever seen on this socket */
};

struct latency {
	uint64_t min_ns;		/* holds unless the very last ask was lost singly */
	uint64_t likely_min_ns;		/* holds unless any single ask was lost */
	uint64_t max_ns;
	bool lower_bounds_known;
};

/* How long an answer may take without being late: max(srtt + 4 * rttvar, slowest answer). */
uint64_t latency__slack_ns(const struct latency_evidence *e);

/*
 * A peer heard after unanswered asks was there at that time: these are no evidence of its end. One
 * of them may have been a single loss; after two, what we send does not arrive, and then no
 * unanswered ask shows when the peer's own segments ceased to arrive: the lower bounds are 0.
 */
struct latency latency__between(const struct latency_evidence *e);

#endif
