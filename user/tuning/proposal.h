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

/* What a setting may miss of the goals, and of what live peers need. */
enum need {
	NEED_PROBES,		/* so many that chance alone does not lose them all */
	NEED_SILENCE,		/* seconds of probes, for live peers that came back */
	NEED_DETECTION,		/* seconds at most until a dead peer is noticed */
	NEED_HELD_PATH,		/* a probe within so many seconds, after which the path forgets */
	NEED_KNOWN_PATH,	/* ... after which nothing shows that it remembers */
	NEED_BUDGET,		/* seconds from probe to probe, at least */
	NEED_RATE,		/* probes a second of all sockets, at most */
	NEEDS,
};

struct missed_needs {
	struct missed_need {
		enum need need;
		double has, needs;	/* the setting's figure, and what it should be */
	} all[NEEDS];
	unsigned int count;
};

/* Those that `s`, whose interval is not 0, misses. Where goals say nothing of holding, the path may
 * forget. */
struct missed_needs goals__missed(const struct goals *g, const struct evidence *e,
				  const struct setting *s);

/* Does it miss none? */
bool goals__are_met(const struct goals *g, const struct evidence *e, const struct setting *s);

/* What keeps the idle time from being shorter, or longer. */
struct idle_bound {
	enum idle_bound_by {
		BOUND_INTERVAL,		/* `of`: seconds from probe to probe */
		BOUND_BUDGET,		/* bytes a socket and day */
		BOUND_RATE,		/* probes a second, of `sockets` */
		BOUND_PATH,		/* seconds, the low end of its idle timeout */
		BOUND_DETECTION,	/* seconds within which a dead peer is to be noticed */
		BOUND_KERNEL,		/* takes no longer one */
	} by;
	double of;
	double sockets;
	double s;	/* the idle time that follows */
};

enum proposal_reason {
	PROPOSAL_ALLOWED,	/* a probe as often as `low` allows */
	PROPOSAL_HOLDS_PATH,	/* ... though `may_lose` probes in a row are lost */
	PROPOSAL_DETECTS,	/* within_s */
	/* Not possible: */
	PROPOSAL_NO_ROOM,	/* `high` leaves no idle time before probes_s of probes */
	PROPOSAL_CONFLICT,	/* `low` is above `high`, at which probes cost bytes_day a socket */
};

struct proposal {
	bool possible;		/* else the goals exclude each other */
	struct setting setting;
	enum proposal_reason reason;
	/* Set as the reason says; of seconds, bytes a day, probes, sockets. */
	struct idle_bound low, high;
	double within_s, probes_s, bytes_day;
	uint32_t may_lose;
	size_t given_up;	/* PROPOSAL_HOLDS_PATH: lost sooner, not held if by a timer */
};

/* Starts from the present values, of which nothing is changed without a need. A path whose timeout
 * is known is held open whatever the goals. */
void proposal__make(const struct goals *g, const struct evidence *e, const struct setting *current,
		    struct proposal *p);

#endif
