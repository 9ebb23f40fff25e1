/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a peer can hear a command now (halfopen.reach/1), as a value. Members, units and strings
 * as in timeline.h.
 */
#ifndef HALFOPEN_TIMELINE_REACH_RESULT_H
#define HALFOPEN_TIMELINE_REACH_RESULT_H

#include "timeline.h"

enum reach_answer { REACH_REACHABLE, REACH_SILENT, REACH_UNKNOWN };

/* "reachable", "silent", "unknown". */
const char *reach_answer__name(enum reach_answer a);

struct reach_result {
	struct timeline_origin origin;
	const char *target;		/* as it was asked for */
	bool has_socket;		/* else there is none, and only answer and why */
	struct timeline_socket socket;
	enum reach_answer answer;
	const char *why;		/* of an unknown one */
	int64_t last_heard_at;		/* before it was asked, ... */
	bool last_heard_is_lower_bound;
	double heard_s;			/* ... and for how long it was silent, by what was seen */
	bool was_asked;
	uint32_t asks;			/* segments; 0: data under way were its ask */
	double within_s;		/* for how long it was waited for an answer */
	uint32_t rtt_us;		/* of an answer; 0: not known (null) */
	bool window_closed;		/* the peer's, before it was asked: a command would wait, ... */
	uint32_t unsent_bytes;		/* ... as these do */
	bool answer_dropped;		/* silent: this host dropped what came from the peer */
	bool reset;			/* silent: the peer reset it, as it had forgotten it */
	/* Of being there: by all that is known, and by what was known before it was asked. NAN:
	 * nothing is (null), and why. */
	double probability, probability_before;
	const char *probability_why;
	const char *const *left_changed;	/* names of socket options */
	unsigned int left_changed_count;
};

#endif
