/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Advice for a namespace, or for a group of peers: what to change, why, and the effect. Values that
 * meet stated goals, from evidence alone. Where there is not enough of it, there is no advice.
 */
#ifndef HALFOPEN_TUNING_ADVICE_H
#define HALFOPEN_TUNING_ADVICE_H

#include "tuning/proposal.h"
#include "tuning/remedies.h"

enum advice_verdict {
	ADVICE_CHANGE,
	ADVICE_KEEP,		/* the present values meet the goals */
	ADVICE_NONE,
	ADVICE_CONFLICT,	/* the goals exclude each other */
};

enum advice_why {
	/* ADVICE_NONE: */
	WHY_SYSCTLS_UNKNOWN,	/* the input has no halfopen.meta line */
	WHY_FEW_SOCKETS,
	WHY_KEEPALIVE_OFF,	/* of all sockets */
	WHY_OWN_VALUES,		/* all sockets with keepalive have them */
	WHY_PATH_UNKNOWN,	/* evidence->path.reason */
	/* ADVICE_KEEP: */
	WHY_GOALS_MET,
	/* ADVICE_CHANGE, ADVICE_KEEP where that would change nothing, ADVICE_CONFLICT: */
	WHY_PROPOSED,		/* `proposal` */
	/* ADVICE_CHANGE, ADVICE_KEEP: */
	WHY_EVALUATED,		/* `missed`, if there are goals */
};

struct advice {
	const struct scope *scope;
	const struct evidence *evidence;
	char id[24];			/* the same for the same advice */
	enum advice_verdict verdict;
	enum advice_why why;
	struct proposal proposal;	/* WHY_PROPOSED */
	bool as_some_now;		/* ... but as often as some are probed now */
	bool has_goals;			/* WHY_EVALUATED */
	struct missed_needs missed;
	/* WHY_PATH_UNKNOWN, where there are too few losses: at today's rate there are enough in
	 * more_days; 0: not known. Connections of few addresses may be more devices than counted. */
	double more_days;
	bool may_be_more_devices;
	bool current_known;
	/* For a group: the setting of most of its sockets, whatever its origin. */
	struct setting current, proposed;
	struct prediction predicted_current, predicted_proposed;
	bool proposal_known;		/* the two above are set */
	/* ADVICE_KEEP: other values would meet the goals, too, and save so many bytes a socket and
	 * day; 0: none would. `may_forget`: there is no evidence that the path remembers for so
	 * long. */
	struct setting cheaper;
	double spared_bytes_day;
	bool may_forget;
	/* The proposal misses `--detect-within` by its reach, in seconds: for sockets with options
	 * of their own, for data that waits for an acknowledgement; 0: it does not. */
	double missed_within_s;
	bool missed_by_own, missed_by_data;
	size_t suspects;		/* open, with unanswered asks in their last timeline */
	double killed_by_one_loss;	/* sockets at a time that one lost probe would end */
	/* The proposal wakes a device's radio more often than carriers want it to. */
	bool below_carriers_floor;
	struct device_heartbeat heartbeat;
	struct data_timeout data;
};

const char *advice_verdict__name(enum advice_verdict v);

/* The evidence must outlive the advice. `current`: the namespace's sysctls, NULL if unknown. False
 * when memory is short. */
bool advice__make(const struct lives *l, const struct scope *scope, const struct evidence *e,
		  const struct setting *current, const struct goals *goals, struct advice *a);

/* The sysctls of the group as its latest watch read them; false if none has them. */
bool advice__current(const struct lives *l, const struct scope *scope, struct setting *current);

#endif
