/* SPDX-License-Identifier: GPL-2.0 */
/* Whether the peer of a socket can be asked now without leaving anything behind, and if not,
 * why. */
#ifndef HALFOPEN_ACT_ASKABLE_H
#define HALFOPEN_ACT_ASKABLE_H

#include "event.h"

/* Part of what is printed (askable__why()): append. */
enum askable {
	ASKABLE = 0,		/* yes */
	/* By its facts: */
	ASKABLE_NOT_ESTABLISHED,/* closing, or its peer said goodbye: the kernel sends no probe */
	ASKABLE_NO_PROGRAM,	/* closed by its program, which the kernel still waits for */
	ASKABLE_MPTCP,		/* a subflow: it is in no program's descriptors */
	ASKABLE_IN_REPAIR,	/* TCP_REPAIR is on: it is being moved elsewhere */
	/* Found when it is tried: */
	ASKABLE_NO_DESCRIPTOR,	/* no process that we can see has it open */
	ASKABLE_NOT_PERMITTED,	/* its process may not be looked into (yama, another LSM) */
	ASKABLE_MOVED,		/* its program closed it, or passed it on, a moment ago */
	ASKABLE_NET_CLASS,	/* a descriptor of ours would change its net_cls, net_prio class */
	ASKABLE_ASKED_BY_OTHER,	/* another process asks it at this moment */
	ASKABLE_NOT_SENT,	/* it was asked, and this host dropped that: a filter, no route */
	ASKABLE_LOCKED,		/* its program holds a POSIX lock on it */
	ASKABLE_PASSED_ON,	/* its descriptor is in nobody's hands: under way to another process */
	ASKABLE_NOT_ACCEPTED,	/* no process has it open yet: it waits in its listener's queue */
	ASKABLE_KINDS,
};

/* By the facts of its row alone. Data under way do not matter: it is asked beside them. */
enum askable askable__of(const struct ho_event *e);

/* Of a socket that could not be asked when it was tried, what its row adds to `why`. */
enum askable askable__by_row(enum askable why, const struct ho_row *row);

/* Why not, for people and for `why` of the JSON: without a capital and a full stop. "" for
 * ASKABLE. */
const char *askable__why(enum askable a);

#endif
