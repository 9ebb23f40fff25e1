/* SPDX-License-Identifier: GPL-2.0 */
/* Events that were lost: what the kernel counted, what passes and counts of the kernel's show
 * beyond that, and records that were skipped. */
#ifndef HALFOPEN_CORE_LOSSES_H
#define HALFOPEN_CORE_LOSSES_H

#include <stdint.h>

struct losses {
	uint64_t counted;		/* by the kernel, so far ... */
	uint64_t counted_at_last_pass, counted_at_pass_before;
	uint64_t unseen;	/* without a count of the kernel's ... */
	uint64_t senseless;	/* ... and records that were skipped, ... */
	uint64_t untold_from_ns;	/* ... since that was last told */
};

/* Events that a program was run for, and that did not reach us. */
void losses__count(struct losses *l, uint64_t count);
void losses__count_senseless(struct losses *l, uint64_t count);

/* Probes that the kernel counted and no event told of. */
void losses__count_probes(struct losses *l, uint64_t count);

/* So many events were missed that no program was run for, found by what a pass tells: unless the
 * kernel counted losses in between, as then these are among them. */
void losses__count_unseen(struct losses *l, uint64_t count);

/* A complete pass has ended. */
void losses__end_pass(struct losses *l);

/* From now on they are told: with those that were found before. */
void losses__begin(struct losses *l, uint64_t now_ns);

/* All were told up to now. */
void losses__begin_anew(struct losses *l, uint64_t now_ns);

#endif
