/* SPDX-License-Identifier: GPL-2.0 */
/* Values that meet stated goals, and whether given ones do. */
#ifndef HALFOPEN_TUNING_PROPOSAL_H
#define HALFOPEN_TUNING_PROPOSAL_H

#include "tuning/hold_open.h"

/* 0 or false: no goal. */
struct goals {
	double detect_within_s;
	bool hold_open;			/* keep mappings on the path alive */
	double budget_bytes_day;	/* a socket */
	double max_probes_per_s;	/* of all sockets of a scope */
	struct tariff tariff;
	bool evaluate;			/* `fixed` is to be predicted, whatever the goals */
	struct setting fixed;
};

bool goals__any(const struct goals *g);

/* Are mappings to be held open: requested, or, with no goal for the time of detection, known to be
 * forgotten? */
bool goals__hold_open(const struct goals *g, const struct evidence *e);

/* Does it meet all goals, and what live peers need? Where goals say nothing of holding, the path
 * may forget. */
bool goals__are_met(const struct goals *g, const struct evidence *e, const struct setting *s);

#define PROPOSAL_WHY_SIZE 400

/* Names the goals that it misses, and the needs of live peers, with both figures; "" where it meets
 * them all. */
void goals__say_missed(const struct goals *g, const struct evidence *e, const struct setting *s,
		       char *text, size_t size);

struct proposal {
	bool possible;		/* else the goals exclude each other: see `why` */
	struct setting setting;
	char why[PROPOSAL_WHY_SIZE];	/* one sentence */
};

/* Starts from the present values, of which nothing is changed without a need. A path whose timeout
 * is known is held open whatever the goals. */
void proposal__make(const struct goals *g, const struct evidence *e, const struct setting *current,
		    struct proposal *p);

#endif
