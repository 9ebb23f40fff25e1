/* SPDX-License-Identifier: GPL-2.0 */
/* A connection as timeline.h's values: wall-clock times, names, addresses as they may be shown. */
#ifndef HALFOPEN_CORE_TIMELINE_OF_H
#define HALFOPEN_CORE_TIMELINE_OF_H

#include "connection/connection.h"
#include "core/wallclock.h"
#include "timeline/names.h"
#include "timeline/privacy.h"

#define RESET_REASONS_MAX 128

/* Rules for turning history into values. */
struct value_rules {
	uint32_t hz;
	const struct wallclock *clock;
	const struct privacy *privacy;
	char *const *reset_reasons;	/* RESET_REASONS_MAX names of this kernel, NULL: none */
};

/* The arrays of one timeline. */
struct timeline_arrays {
	struct timeline_gap gaps[GAPS_KEPT];
	struct timeline_episode episodes[EPISODES_KEPT + 1];
	struct event events[JOURNAL_MAX];
	char error[ERRNO_NUMBER_SIZE];	/* without a name */
};

/* Sets its family and ends; the rest of `*s` stays. */
void timeline_of__ends(const struct value_rules *rules, const struct connection *c,
		       struct timeline_socket *s);

struct event timeline_of__entry(const struct value_rules *rules, const struct entry *e);

/* Its heartbeat; bytes 0: it has none. */
struct timeline_heartbeat timeline_of__heartbeat(const struct heartbeat *h);

/*
 * Sets all of `*t` from its keepalive options on, except the socket. `outcome` is its outcome, or
 * the present state of an open one; `verified_ns`: an open one was found by a pass, or had an
 * event, no earlier than this. The run of answered probes must be in the journal. The timeline
 * points into `*arrays`.
 */
void timeline_of__connection(const struct value_rules *rules, const struct connection *c,
			     enum outcome outcome, uint64_t verified_ns,
			     struct timeline_arrays *arrays, struct timeline *t);

#endif
