/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of sockets by cookie: the first process that a walk over processes shows. */
#ifndef HALFOPEN_CORE_EXPOSURE_HOLDINGS_H
#define HALFOPEN_CORE_EXPOSURE_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct holdings {
	struct holding {
		uint64_t cookie;	/* 0: free */
		uint32_t owner;		/* the caller's number; 0: not known */
		bool told;		/* by holdings__tell() */
	} *places;
	size_t size, used;
	size_t untold;		/* that have an owner, and were not met by the pass (yet) */
	bool incomplete;	/* memory was short */
};

/* So many are about to come: room is made at once. */
void holdings__expect(struct holdings *h, size_t count);

/* This owner holds the socket. False if another one was named before, or memory is short. */
bool holdings__add(struct holdings *h, uint64_t cookie, uint32_t owner);

/* A pass over sockets finds this one: whose is it (0: nobody is known)? False if the pass had found
 * it before, or memory is short. */
bool holdings__tell(struct holdings *h, uint64_t cookie, uint32_t *owner);

/* That comes soon: its place is asked from memory. */
void holdings__fetch(const struct holdings *h, uint64_t cookie);

void holdings__free(struct holdings *h);

#endif
