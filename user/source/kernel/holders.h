/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets of which nothing was told yet, as passes over the processes meet them: of several
 * processes that hold one, the first in the order of the pass (that of process ids) is its owner,
 * and those that a filter keeps out need not be told again and again. Sockets that are known
 * remember it themselves (core__found_holder()); so this is large for a while after the first pass
 * only.
 */
#ifndef HALFOPEN_SOURCE_KERNEL_HOLDERS_H
#define HALFOPEN_SOURCE_KERNEL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cookies {
	uint64_t *places;
	size_t size, used;
};

struct holders {
	struct cookies now, before;	/* met by this pass, by the last one */
};

/* Was this socket met neither in another process before, nor by the last pass? False where memory
 * is short: then its owner stays unknown until the next pass. */
bool holders__is_first(struct holders *h, uint64_t cookie);

/* The pass is over. */
void holders__end_pass(struct holders *h);

void holders__free(struct holders *h);

#endif
