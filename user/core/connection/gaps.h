/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Idle gaps that a connection survived: how long nothing passed in either direction before
 * something did. The evidence for the idle timeout of middleboxes on the path.
 */
#ifndef HALFOPEN_CORE_CONNECTION_GAPS_H
#define HALFOPEN_CORE_CONNECTION_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#define GAPS_KEPT 8
/* Shorter ones are no evidence of any path. */
#define GAP_MIN_NS 1000000000ULL

/* Gaps of about the same length: the shortest and the longest that one of them can have been, and
 * their number. Not every middlebox is refreshed from both directions, so gaps that we ended and
 * gaps that the peer ended are kept apart. */
struct gap {
	uint32_t from_ms, to_ms;
	uint32_t count : 31;
	uint32_t ended_by_us : 1;
};

/* In order of length, those that we ended after those that the peer ended. Mostly there is one
 * kind, kept inline; several are kept elsewhere. */
struct gaps {
	union {
		struct gap only;
		struct gap *several;
	} __attribute__((packed, aligned(4)));
	uint32_t used;
};

/* The first of `used`; NULL: none. */
const struct gap *gaps__kept(const struct gaps *g);

/* Adds a gap, whose true length lies between the two. False when memory is short. */
bool gaps__add(struct gaps *g, uint64_t low_ns, uint64_t high_ns, bool ended_by_us);

/* The longest that was certainly survived, in milliseconds; 0 if there was none. */
uint32_t gaps__longest_ms(const struct gaps *g);

void gaps__free(struct gaps *g);

#endif
