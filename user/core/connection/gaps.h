/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Idle gaps that a connection survived: for how long nothing passed in either direction, and then
 * something did. The evidence for the idle timeout of whatever stands on the path.
 */
#ifndef HALFOPEN_CORE_CONNECTION_GAPS_H
#define HALFOPEN_CORE_CONNECTION_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#define GAPS_KEPT 8
/* Shorter ones say nothing of any path. */
#define GAP_MIN_NS 1000000000ULL

/* Gaps of about the same length: the shortest that one of them can have been, the longest, and how
 * many. Not every middlebox lets both directions refresh it, so who ended them is kept apart. */
struct gap {
	uint32_t from_ms, to_ms;
	uint32_t count : 31;
	uint32_t ended_by_us : 1;
};

/* In order of length, those that we ended behind those that the peer did. Mostly there is one kind:
 * it stands here, several elsewhere. */
struct gaps {
	union {
		struct gap only;
		struct gap *several;
	} __attribute__((packed, aligned(4)));
	uint32_t used;
};

/* The first of `used`; NULL: none. */
const struct gap *gaps__kept(const struct gaps *g);

/* One more gap, whose true length lies between the two; where memory is short, it is
 * forgotten. */
void gaps__add(struct gaps *g, uint64_t low_ns, uint64_t high_ns, bool ended_by_us);

/* The longest that was surely survived, in milliseconds; 0 if there was none. */
uint32_t gaps__longest_ms(const struct gaps *g);

void gaps__free(struct gaps *g);

#endif
