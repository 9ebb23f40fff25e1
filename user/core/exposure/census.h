/* SPDX-License-Identifier: GPL-2.0 */
/* Counts over one pass of open sockets: how exposed they are, and ports whose peers are few. */
#ifndef HALFOPEN_CORE_EXPOSURE_CENSUS_H
#define HALFOPEN_CORE_EXPOSURE_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "exposure/counts.h"

/* Sockets of one listening port whose peers are few: not devices, but something before them. */
struct census_port {
	uint32_t netns;
	uint16_t port;
	uint32_t sockets, peers;
};

struct census {
	struct exposure_counts counts;
	struct census_entry *entries;
	uint32_t used, capacity;
	bool failed;	/* memory was short */
};

/* Counts one socket (a row of a snapshot); `hz` of its kernel. */
void census__add(struct census *c, const struct ho_event *e, uint32_t hz);

/* In how many network namespaces they are. Sorts the entries. */
uint32_t census__namespaces(struct census *c);

/*
 * The ports with at least CENSUS_PORT_SOCKETS sockets and so many of them a peer, on average,
 * that a peer can be no device: CENSUS_PEER_SOCKETS. Most sockets first; returns how many were
 * written to `ports`, at most `size`. Sorts the entries.
 */
uint32_t census__crowded_ports(struct census *c, struct census_port *ports, uint32_t size);

#define CENSUS_PORT_SOCKETS 1000
#define CENSUS_PEER_SOCKETS 500

void census__free(struct census *c);

#endif
