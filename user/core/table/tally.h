/* SPDX-License-Identifier: GPL-2.0 */
/* Counters by a number, mostly a socket's cookie, kept only for those that have a count. */
#ifndef HALFOPEN_CORE_TABLE_TALLY_H
#define HALFOPEN_CORE_TABLE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
	struct tally_count {
		uint64_t cookie;	/* 0: free */
		uint64_t count;
	} *places;
	size_t size, used;
};

/* Adds one. False when memory is short. */
bool tally__add(struct tally *t, uint64_t cookie);

/* The count of this socket. */
uint64_t tally__of(const struct tally *t, uint64_t cookie);

/* The same, and sets it to 0. */
uint64_t tally__take(struct tally *t, uint64_t cookie);

void tally__free(struct tally *t);

#endif
