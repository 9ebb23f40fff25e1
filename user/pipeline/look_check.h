/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of a monitoring check (--check): "suspect>0,never>1000". */
#ifndef HALFOPEN_PIPELINE_LOOK_CHECK_H
#define HALFOPEN_PIPELINE_LOOK_CHECK_H

#include "exposure/counts.h"
#include "value/words.h"

#define LOOK_CHECK_TERMS 16

/* The quantity that a term counts. */
enum look_subject {
	LOOK_SOCKETS, LOOK_SUSPECT, LOOK_NEVER, LOOK_SILENT, LOOK_DEAD, LOOK_CLOSE_WAIT,
	LOOK_WINDOW_CLOSED, LOOK_PROBES_OFF, LOOK_ADDRESS_GONE, LOOK_CONNTRACK, LOOK_ENDED,
};

struct look_term {
	enum look_subject subject;
	bool below;		/* it holds below the limit; else above it */
	bool inclusive;		/* ... and at it */
	uint64_t limit;
};

struct look_check {
	struct look_term terms[LOOK_CHECK_TERMS];
	unsigned int count;	/* 0: there is no check */
};

/* Reads "NAME>N,...": sockets, suspect, never, silent, dead, close_wait, window_closed, probes_off,
 * address_gone, conntrack, ended; >, >=, < or <=, with blanks
 * or without. False if that is not what it says. */
bool look_check__parse(const char *text, struct look_check *check);

/* Does one of its terms count this? */
bool look_check__asks_for(const struct look_check *check, enum look_subject subject);

/* Terms, as bits. */
struct look_check_result {
	unsigned int held;
	unsigned int unknown;	/* it depends on sockets of which it cannot be known */
};

/* What holds, and each term as words: "suspect 3 > 0". */
struct look_check_result look_check__result(const struct look_check *check,
					    const struct exposure_counts *counts,
					    struct words *words);

/* Is a socket one of those that the terms of these bits count? */
bool look_check__concerns(const struct look_check *check, unsigned int held,
			  const struct exposure *x);

#endif
