/* SPDX-License-Identifier: GPL-2.0 */
/* Asks the peers of open sockets, all or a random sample, at a bounded rate, and counts who
 * answers. */
#ifndef HALFOPEN_PIPELINE_PROBING_H
#define HALFOPEN_PIPELINE_PROBING_H

#include "pipeline/look.h"
#include "timeline/probe_result.h"

struct probing_config {
	const struct filter *filter;	/* NULL: all */
	const char *filter_text;	/* the same, as it is told */
	struct identities *devices;	/* the caller's; NULL: none */
	uint64_t rate;			/* sockets a second */
	double share;			/* of those that match, above 0; 1: all */
	uint64_t within_ns;		/* for the answer, from a socket's first ask on */
	unsigned int asks;		/* of one socket, at most */
	int end;			/* readable: asks nobody any more, and ends */
	/* Takes each result, but for its origin; s: its socket, in the look. A negative return
	 * ends. */
	int (*take)(void *context, struct look *l, const struct look_socket *s,
		    const struct probe_result *r);
	void *context;
};

#define PROBING_REASONS 16

struct probing {
	struct look look;
	struct probe_summary summary;	/* but for its origin */
	struct probe_reason reasons[PROBING_REASONS];
	bool *heard_later;	/* for each socket of the look; NULL: none was */
};

/* Says on standard error what is going to be done, and what cannot be put back; then does it.
 * Returns 0 or -errno, logged, or what `take` returned. To be freed in any case. */
int probing__run(struct probing *p, const struct probing_config *config);
void probing__free(struct probing *p);

/* Did it leave its asks unanswered, and was heard before the probe ended? s: of its look. */
bool probing__heard_later(const struct probing *p, const struct look_socket *s);

#endif
