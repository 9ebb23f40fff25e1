/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks peers of idle sockets now, and follows their answers. A socket is asked by leaving
 * TCP_REPAIR without having entered it, through a descriptor of ours that lives for some
 * microseconds: the kernel sends a window probe, changes no timer and no count by which it could
 * end the socket, and clears SO_REUSEADDR, which is put back at once, or by a guard if this process
 * dies in between.
 *
 * Usage: open; ask as many as wanted (each once); then poll asker__fd() and take results until none
 * is outstanding. One thread.
 */
#ifndef HALFOPEN_ACT_ASKER_H
#define HALFOPEN_ACT_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "act/askable.h"

struct asker;

struct asker_config {
	uint64_t within_ns;	/* for the answer, from the first ask of a socket on */
	unsigned int asks;	/* of one socket, evenly over that time, until it answers; 1 or
				 * more. Less than half a second apart a live Linux peer may be
				 * silent: tcp_invalid_ratelimit */
};

enum asker_outcome {
	ASKER_ANSWERED,		/* acknowledged, or sent something new */
	ASKER_UNANSWERED,	/* nothing within the time, the kernel's own clocks agree */
	ASKER_RESET,		/* by a reset, which ended it: the peer had forgotten it */
	ASKER_ENDED,		/* otherwise, meanwhile: by its program, or its peer's FIN */
	ASKER_NOT_ASKED,	/* `why` not */
	ASKER_NOT_SEEN,		/* it was asked; `why` no answer could be seen */
	ASKER_INTERRUPTED,	/* asked, and given up before its time was over */
};

struct asker_result {
	uint64_t cookie, tag;	/* as given to asker__ask() */
	enum asker_outcome outcome;
	enum askable why;
	uint32_t rtt_us;	/* from the last ask to the answer or the reset; 0: not known */
	uint32_t asks;		/* that left */
	uint32_t bytes;		/* of all segments of ours and of the answer, IP headers included */
	bool answer_dropped;	/* unanswered: this host dropped what came for it (a filter on input) */
	bool lost_reuseaddr;	/* SO_REUSEADDR was set and could not be put back */
};

/* Loads the programs and starts the guard. Returns 0, -EPERM where a capability lacks, or -errno;
 * logged. */
int asker__open(const struct asker_config *config, struct asker **asker);

/* Asks the socket with this cookie, in whatever namespace, the first time now. Returns 0: its
 * result will come from asker__take(), with this tag, also where it cannot be asked. -errno:
 * nobody can be asked any more; logged. */
int asker__ask(struct asker *a, uint64_t cookie, uint64_t tag);

/* Readable when answers have arrived. Other results come when asker__due_ns() (CLOCK_MONOTONIC;
 * UINT64_MAX: none is outstanding) is over. */
int asker__fd(const struct asker *a);
uint64_t asker__due_ns(const struct asker *a);

/* Asks again who has to be, and takes one result that is there by now. False: none. */
bool asker__take(struct asker *a, struct asker_result *result);

/* Asked, and without a result that was taken. */
unsigned int asker__outstanding(const struct asker *a);

/* Ends the wait: whoever is outstanding has its result now, ASKER_INTERRUPTED unless its answer is
 * there. */
void asker__give_up(struct asker *a);

void asker__close(struct asker *a);

#endif
