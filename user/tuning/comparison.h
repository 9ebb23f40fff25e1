/* SPDX-License-Identifier: GPL-2.0 */
/* Before and after: did detection get quicker, and is the difference more than chance? */
#ifndef HALFOPEN_TUNING_COMPARISON_H
#define HALFOPEN_TUNING_COMPARISON_H

#include "tuning/scopes.h"
#include "tuning/setting.h"

enum change_verdict {
	CHANGE_TOO_FEW,		/* cases on one of both sides */
	CHANGE_NOT_COMPARABLE,	/* watched at other times of the day */
	CHANGE_NOISE,
	CHANGE_LOWER,
	CHANGE_HIGHER,
};

struct change_of {
	const char *what, *unit;
	double before, after;
	double low, high;	/* of the difference after - before, with 95 % */
	size_t cases_before, cases_after;
	enum change_verdict verdict;
};

enum compared { DETECTION_P50, DETECTION_P95, RETRANSMISSION_P50, HALF_OPEN_RATE, PROBE_RATE,
		COMPARED };

struct side_of_comparison {
	size_t sockets;
	size_t unfollowing;	/* with options of their own: the change does not reach them */
	size_t dead_before;	/* silent since before the watch began: evidence of neither */
	double first_s, last_s;	/* since 1970 */
};

struct comparison {
	const char *group;	/* an operator's name of networks; NULL: all peers */
	struct side_of_comparison before, after;
	/* The sysctls of before and after: known if a namespace is told of in both, changed if they
	 * differ in one; what they were in the first such, and whether others differ otherwise. */
	bool values_known, values_changed, other_values_changed;
	struct setting values_before, values_after;
	bool wrong_order;	/* "before" was watched after "after" */
	/* Deaths lie in few hours: sockets were taken as independent, and nothing can be said about
	 * the number of deaths. */
	bool few_clusters;
	struct change_of changes[COMPARED];
};

/*
 * Quantiles of the detection latency (upper bounds) by what found it, half-open connections and
 * probes a socket-day; of hours of the day that both sides have, approximately. Intervals by
 * resampling a network's hours, in which peers die together; a figure has changed if it has at a
 * level of 5 % for all figures together (Holm). Deterministic. `group`: a name among the networks,
 * NULL for all. False when memory is short.
 */
bool comparison__make(const struct lives *before, const struct lives *after,
		      const struct named_network *networks, unsigned int network_count,
		      const char *group, struct comparison *c);

const char *change_verdict__name(enum change_verdict v);

#endif
