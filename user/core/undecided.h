/* SPDX-License-Identifier: GPL-2.0 */
/* How many events came of sockets of which the filter could not say whether it wants them: its
 * owner is not known yet, or its state is another one. They count once it wants the socket. */
#ifndef HALFOPEN_CORE_UNDECIDED_H
#define HALFOPEN_CORE_UNDECIDED_H

#include <stddef.h>
#include <stdint.h>

struct undecided {
	struct undecided_count {
		uint64_t cookie;	/* 0: free */
		uint64_t events;
	} *places;
	size_t size, used;
};

/* One more; where memory is short it is not counted. */
void undecided__add(struct undecided *u, uint64_t cookie);

/* How many came of this socket. */
uint64_t undecided__of(const struct undecided *u, uint64_t cookie);

/* It is decided: the same, and none are kept any more. */
uint64_t undecided__take(struct undecided *u, uint64_t cookie);

void undecided__free(struct undecided *u);

#endif
