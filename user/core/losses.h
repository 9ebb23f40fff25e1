/* SPDX-License-Identifier: GPL-2.0 */
/* Lost events: those that the kernel counted, those that passes and the kernel's counts of probes
 * show beyond that, and records that were skipped. */
#ifndef HALFOPEN_CORE_LOSSES_H
#define HALFOPEN_CORE_LOSSES_H

#include <stdint.h>

struct losses {
	uint64_t counted;		/* by the kernel, so far ... */
	uint64_t counted_at_last_pass, counted_at_pass_before;
	uint64_t found;		/* of the counted: up to here, passes found what was lost */
	uint64_t unseen;	/* without a count of the kernel ... */
	uint64_t senseless;	/* ... and records that were skipped, ... */
	uint64_t unemitted_from_ns;	/* ... since these were last emitted */
};

/* Events that a program ran for, and that were lost on the way. */
void losses__count(struct losses *l, uint64_t count);
void losses__count_senseless(struct losses *l, uint64_t count);

/* Probes that the kernel counted and no event reported. */
void losses__count_probes(struct losses *l, uint64_t count);

/* Events that did not reach us, found by a pass: no program ran for them, unless the kernel counted
 * as many losses since the pass before the last one, which include these. */
void losses__count_unseen(struct losses *l, uint64_t count);

/* A complete pass has ended. */
void losses__end_pass(struct losses *l);

/* From now on they are emitted: with those that were found before. */
void losses__begin(struct losses *l, uint64_t now_ns);

/* All were emitted up to now. */
void losses__begin_anew(struct losses *l, uint64_t now_ns);

#endif
