/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How likely is it that the peer of an open connection is there, by the history of its group and by
 * its own? The groups are those of advice (scopes.h). Each is estimated when it is first asked for.
 */
#ifndef HALFOPEN_TUNING_PRESENCE_H
#define HALFOPEN_TUNING_PRESENCE_H

#include "tuning/scopes.h"
#include "tuning/survival.h"

/* What one of them shows. */
struct presence_group {
	struct survival survival;
	double path_s;	/* of silence, after which the path has forgotten; 0: not known */
};

struct presence {
	struct lives lives;
	struct scopes scopes;
	const struct named_network *networks;	/* the caller's (--groups) */
	unsigned int network_count;
	struct presence_group **of_scope;	/* NULL: not asked for yet */
	const struct scope **order;	/* the groups, for a search */
	size_t order_count;
};

/* An open connection at present. */
struct presence_subject {
	const char *boot_id, *device;	/* device "": not known */
	uint64_t cookie;
	uint8_t family;
	struct endpoint local, peer;	/* as the socket has them */
	double silent_s;
	uint32_t unanswered;		/* asks since the peer was heard, ... */
	double mute_s;			/* ... and the time since the first of them */
};

/* All of p->lives are there (lives__sink()): makes the groups. False when memory is short. */
bool presence__begin(struct presence *p, const struct named_network *networks,
		     unsigned int network_count);
void presence__free(struct presence *p);

enum presence_unknown {
	PRESENCE_KNOWN,
	PRESENCE_NO_GROUP,		/* no peer of its network and port is in the history */
	PRESENCE_NO_MEMORY,
	PRESENCE_FEW_CONNECTIONS,	/* ... of its group */
	PRESENCE_FEW_SILENCES,		/* after which one of its group was heard again */
	PRESENCE_SILENT_TOO_LONG,	/* nobody of its group was found after that, dead or alive */
};

/* The chance, 0 to 1. NAN: it is not known, and `*unknown` says why. */
struct survival_chance presence__of(struct presence *p, const struct presence_subject *s,
				    enum presence_unknown *unknown);

/* After so many seconds of silence the path of its group has forgotten a connection, as advice
 * estimates it, at the latest (95 %), whichever device it is of; 0: not known, or this
 * connection has outlived it before. */
double presence__path_s(struct presence *p, const struct presence_subject *s);

#endif
