/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a peer said when it was asked now (halfopen.probe/1), and all of them together
 * (halfopen.probe_summary/1), as values. Members, units and strings as in timeline.h.
 */
#ifndef HALFOPEN_TIMELINE_PROBE_RESULT_H
#define HALFOPEN_TIMELINE_PROBE_RESULT_H

#include "timeline.h"

enum probe_answer { PROBE_ANSWERED, PROBE_UNANSWERED, PROBE_UNKNOWN };

/* "answered", "unanswered", "unknown". */
const char *probe_answer__name(enum probe_answer a);

struct probe_result {
	struct timeline_origin origin;
	struct timeline_socket socket;
	enum probe_answer result;
	int64_t asked_at;		/* first; 0: it was not (absent) */
	int64_t at;			/* of the result, ... */
	uint64_t mono_ns;		/* ... and by CLOCK_MONOTONIC, which nobody sets */
	bool reset;			/* unanswered: the peer reset it, as it had forgotten it */
	bool answer_dropped;		/* unanswered: this host dropped what came from the peer */
	const char *why;		/* of an unknown one */
	uint32_t rtt_us;		/* of an answer; 0: not known (null) */
	double silent_s;		/* before it was asked */
	uint32_t asks;			/* 0: data under way were its ask */
	const char *const *left_changed;	/* names of socket options */
	unsigned int left_changed_count;
};

struct probe_reason {
	const char *why;
	uint64_t count;
};

struct probe_summary {
	struct timeline_origin origin;
	int64_t at;			/* of its end, ... */
	uint64_t mono_ns;
	int64_t drawn_at;		/* ... and before whom to ask was drawn: each as above */
	uint64_t drawn_mono_ns;
	const char *filter;		/* FILTER; NULL: none (absent) */
	uint64_t matched;		/* sockets that pass FILTER, ... */
	uint64_t drawn;			/* ... and of these, whom to ask was decided of */
	uint64_t asked, answered, unanswered, unknown;
	uint64_t answers_dropped;	/* of the unanswered, who may live: low counts none of them */
	uint64_t reset;			/* of the unanswered; ... */
	uint64_t heard_later;		/* ... of those, too: the peer spoke before the probe ended */
	bool dead_known;
	uint64_t dead, dead_low, dead_high;	/* of all that match */
	uint64_t judged;		/* of the drawn, by whom the estimate is: of an interrupted
					 * probe, whose whole time was over */
	double within_s;		/* that time, ... */
	uint32_t asks_each;		/* ... and how often one is asked in it, at most */
	bool asks_are_close;		/* so that one lost answer costs several (ratelimits) */
	uint64_t asks;			/* segments: a peer that sleeps wakes up for each */
	uint64_t bytes;
	double seconds;
	bool interrupted;
	const struct probe_reason *reasons;	/* of the unknown, most first */
	unsigned int reason_count;
};

#endif
