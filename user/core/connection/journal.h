/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of one socket, in order and in bounded space: the first and the last of each episode are
 * kept, those between are counted.
 */
#ifndef HALFOPEN_CORE_CONNECTION_JOURNAL_H
#define HALFOPEN_CORE_CONNECTION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timeline/timeline.h"

/* Limit of entries of a socket. */
#define JOURNAL_MAX 96

struct rtt {
	uint64_t sum_us;
	uint32_t count, min_us, max_us;
} __attribute__((packed, aligned(2)));

void rtt__add(struct rtt *r, uint32_t us);

/* The sum of both. */
struct rtt rtt__sum(struct rtt a, struct rtt b);

struct entry {
	uint64_t at_ns;
	union {
		uint64_t last_ns;	/* EVENT_ANSWERED_RUN: of the last; EVENT_HEARTBEAT: time of
					 * the data before */
		uint64_t by_cookie;	/* EVENT_SUPERSEDED only */
	};
	struct rtt rtt;		/* of an answer or a run of them; count 0: not known */
	uint32_t n;		/* as in struct event; or enum ho_failure, a reset reason, an
				 * errno, a confidence in thousandths */
	uint16_t episode;	/* number of its silence */
	uint8_t kind;		/* enum event_kind */
	uint8_t from : 4, to : 4;	/* TCP states */
} __attribute__((packed, aligned(4)));

struct journal {
	struct entry *entries;
	uint16_t used, size;
	uint32_t omitted;
};

/* Appends. False when memory is short. */
bool journal__add(struct journal *j, const struct entry *e);

void journal__free(struct journal *j);

#endif
