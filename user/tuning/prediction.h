/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The effect of other keepalive settings on these sockets: one simulation of the kernel's timer,
 * for any setting, today's included, so that predictions can be checked against observations.
 */
#ifndef HALFOPEN_TUNING_PREDICTION_H
#define HALFOPEN_TUNING_PREDICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tuning/false_deaths.h"
#include "tuning/setting.h"
#include "value/quantile.h"

/* Silences of a length within a tenth of each other. */
#define SILENCE_BINS 144
#define SILENCE_BIN 0.1		/* of the natural logarithm of seconds */
struct silences {
	double times, sum_s, squares_s2;
};

/* Sockets with the same settings, and the silences of their peers, in all of them together. */
struct sockets_alike {
	struct setting setting;
	double count;
	bool ipv6;
	struct silences silences[SILENCE_BINS];	/* that end by themselves */
	double silent_s;	/* in which only answers to probes passed */
	double busy_s;		/* in which the peer is heard all the time */
	double covered_s;	/* all of that: none is as if all were silent */
	/* The lengths of what keepalive, our program or the peer ended, as reported: all, and those
	 * that our program ended. It asks, too. */
	double told[SILENCE_BINS], commanded[SILENCE_BINS];
	double commands;
	/* Without a reported gap or data of the peer: it answered our program all the time, or
	 * spoke. */
	double unsaid_s;
	double deaths;		/* detected by the silence */
	/* ... by keepalive, which waits until our program's data is acknowledged, and by that
	 * data. */
	double deaths_idle, deaths_asked;
};

unsigned int silence__bin(double s);

/* How a probe and its answer are paid for. */
struct tariff {
	double increment_bytes;	/* each packet is rounded up to it; 0: not */
};

struct prediction {
	struct detection detection;
	double probes_per_s;		/* of all sockets together */
	double bytes_per_socket_day;
	double wakeups_per_socket_day;	/* of the device's radio */
	struct false_deaths false_deaths;	/* a socket and year */
	/* That it is about; 0: none was watched for any time, so that nothing is known. */
	double sockets;
};

/* The billed size of a segment: its bytes with headers (IPv4 20 + 32, IPv6 40 + 32, with
 * timestamps). */
double prediction__packet_bytes(double payload, bool ipv6, const struct tariff *t);

/* A probe and its answer. */
double prediction__probe_bytes(bool ipv6, const struct tariff *t);

/*
 * Predicts all of them together; deaths are even over time. `hz` of the kernel decides how late
 * timers are. False when memory is short.
 */
bool prediction__make(const struct sockets_alike *groups, size_t count, unsigned int hz,
		      const struct tariff *tariff, const struct late_answers *late_answers,
		      struct prediction *p);

#endif
