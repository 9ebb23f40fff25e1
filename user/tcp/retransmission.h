/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How soon the kernel gives up a peer that does not acknowledge data: a simulation of its timer,
 * for any tcp_retries2 or TCP_USER_TIMEOUT. Follows net/ipv4/tcp_timer.c: tcp_retransmit_timer(),
 * retransmits_timed_out(), tcp_clamp_rto_to_user_timeout().
 */
#ifndef HALFOPEN_TCP_RETRANSMISSION_H
#define HALFOPEN_TCP_RETRANSMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/quantile.h"

/* Data that a dead peer never acknowledged. */
struct unacknowledged {
	double before_s;	/* from the peer's last sign of life to the first transmission */
	double first_s; /* from there to the first retransmission by the timer; a loss probe may
			 * have gone before (RFC 8985) */
	double rto_s;		/* the timer's value then */
	double rto_max_s;	/* the socket's longest; 0: not known */
};

struct retransmission_limits {
	uint32_t retries;	/* tcp_retries2; of no effect where there is a user timeout */
	double user_timeout_s;	/* 0: none */
	double rto_max_s;	/* 0: TCP_RTO_MAX, 120 s */
};

/* The initial RTO of RFC 6298, where it is not known. */
#define RTO_ASSUMED_S 1.0

/* Linux' defaults: net.ipv4.tcp_retries2, and the longest RTO (TCP_RTO_MAX; tcp_rto_max_ms). */
#define RETRIES2_DEFAULT 15
#define RTO_MAX_DEFAULT_S 120.0

/* How long so many retransmissions take where every RTO begins at the least, 200 ms: the first
 * expiry later than that, from the first retransmission on, ends it (tcp_model_timeout()).
 * `rto_max_s`: 0 is the default. */
double retransmission__model_s(uint32_t retries, double rto_max_s);

/* From the first retransmission to the end. `n` numbers many alike: each has another lateness of
 * its timers. */
double retransmission__gives_up_after_s(double rto_s, const struct retransmission_limits *p,
					unsigned int hz, unsigned int n);

/* The largest tcp_retries2 that ends within `s` of the first retransmission; 0: none that is
 * sensible for the kernel (at least 3, its tcp_retries1). */
uint32_t retransmission__retries_within(double s, double rto_s, double rto_max_s, unsigned int hz);

/* The smallest tcp_retries2 that lasts at least `s`. */
uint32_t retransmission__retries_for(double s, double rto_max_s);

/* The tcp_retries2 that makes it likeliest that these were given up `took_s` (one each) after their
 * last sign of life; 0: there are none, or no value fits. */
uint32_t retransmission__retries_of(const struct unacknowledged *all, const double *took_s,
				    size_t count, unsigned int hz);

/* The times within which these deaths would have been noticed, from the last sign of life. False
 * when memory is short. */
bool retransmission__predict(const struct unacknowledged *all, size_t count,
			     const struct retransmission_limits *p, unsigned int hz,
			     struct detection *d);

#endif
