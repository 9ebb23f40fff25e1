/* SPDX-License-Identifier: GPL-2.0 */
/* Whose each socket is: by its cookie, the first that a walk over processes names. */
#ifndef HALFOPEN_CORE_EXPOSURE_HOLDINGS_H
#define HALFOPEN_CORE_EXPOSURE_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct holdings {
	struct holding {
		uint64_t cookie;	/* 0: free */
		uint32_t owner;		/* the caller's number, not 0 */
	} *places;
	size_t size, used;
	bool incomplete;	/* memory was short */
};

/* This owner holds the socket. False if another one was named before, or memory is short. */
bool holdings__add(struct holdings *h, uint64_t cookie, uint32_t owner);

/* 0: nobody is known. */
uint32_t holdings__of(const struct holdings *h, uint64_t cookie);

void holdings__free(struct holdings *h);

#endif
