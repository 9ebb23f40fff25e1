/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What would these sockets see under other keepalive settings: one simulation of the kernel's
 * timer, for any setting, that of today included, so that predictions can be checked against what
 * was.
 */
#ifndef HALFOPEN_CORE_PREDICTION_H
#define HALFOPEN_CORE_PREDICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mutes.h"
#include "quantile.h"

/* Single probes are lost: as many at least must stay unanswered before a peer is given up. */
#define PROBES_MIN 3

/* As the kernel takes them (net/ipv4/tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
 */
#define SETTING_SECONDS_MAX 32767.0
#define SETTING_PROBES_MAX 127

struct setting {
	double idle_s, interval_s;
	uint32_t probes;
	double user_timeout_s;	/* 0: none */
};

/* Silences of a length within a tenth of each other. */
#define SILENCE_BINS 144
#define SILENCE_BIN 0.1		/* of the natural logarithm of seconds */
struct silences {
	double times, sum_s;
};

/* Sockets that are alike, and what was seen of their peers' silences, in all of them together. */
struct sockets_alike {
	struct setting setting;
	double count;
	bool ipv6;
	struct silences silences[SILENCE_BINS];	/* that end by themselves */
	double silent_s;	/* in which nobody said anything but answers to probes */
	double busy_s;		/* in which the peer is heard all the time */
	double covered_s;	/* all of that: none is as if all were silent */
	double commands;	/* silences that our own program ended: it asks, too */
};

/* How a probe and its answer are paid for. */
struct tariff {
	double increment_bytes;	/* each packet is rounded up to it; 0: not */
};

struct prediction {
	struct detection detection;
	double probes_per_s;		/* of all sockets together */
	double bytes_per_socket_day;
	double wakeups_per_socket_day;	/* of the device's radio */
	/* Live sockets given up: at least what was seen to come back later, at most what the time
	 * watched does not exclude (95 %). */
	double false_deaths_low, false_deaths_high;	/* a socket and year */
	double sockets;			/* that it is about */
};

/* The silence from the first unanswered probe to the end. */
double prediction__silence_s(const struct setting *s);

/* How often an idle live peer is asked. */
double prediction__period_s(const struct setting *s);

/* What is paid for a segment: its bytes with headers (IPv4 20 + 32, IPv6 40 + 32, with timestamps).
 */
double prediction__packet_bytes(double payload, bool ipv6, const struct tariff *t);

/* A probe and its answer. */
double prediction__probe_bytes(bool ipv6, const struct tariff *t);

/*
 * All of them together; deaths are even over time. `hz` of the kernel decides how late timers are.
 * False when memory is short.
 */
bool prediction__make(const struct sockets_alike *groups, size_t count, unsigned int hz,
		      const struct tariff *tariff, const struct mutes *mutes,
		      struct prediction *p);

#endif
