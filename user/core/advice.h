/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to change in a namespace, or for a group of peers, why, and what it would do: values that
 * meet stated goals, from evidence alone. Where there is not enough of it, there is no advice.
 */
#ifndef HALFOPEN_CORE_ADVICE_H
#define HALFOPEN_CORE_ADVICE_H

#include "evidence.h"
#include "remedies.h"

/* 0 or false: not asked for. */
struct goals {
	double detect_within_s;
	bool hold_open;			/* keep mappings on the path alive */
	double budget_bytes_day;	/* a socket */
	double max_probes_per_s;	/* of all sockets of a scope */
	struct tariff tariff;
	bool evaluate;			/* `fixed` is to be predicted, whatever the goals */
	struct setting fixed;
};

enum advice_verdict {
	ADVICE_CHANGE,
	ADVICE_KEEP,		/* what there is meets the goals */
	ADVICE_NONE,		/* see `why` */
	ADVICE_CONFLICT,	/* the goals exclude each other: see `why` */
};

struct advice {
	const struct scope *scope;
	const struct evidence *evidence;
	char id[24];			/* the same for the same advice */
	enum advice_verdict verdict;
	char why[320];			/* one sentence */
	bool current_known;
	struct setting current, proposed;
	struct prediction predicted_current, predicted_proposed;
	bool proposal_known;		/* the two above hold */
	struct device_heartbeat heartbeat;
	struct data_timeout data;
};

const char *advice_verdict__name(enum advice_verdict v);

/* The evidence must outlive the advice. `current`: the namespace's sysctls, NULL if unknown. False
 * when memory is short. */
bool advice__make(const struct lives *l, const struct scope *scope, const struct evidence *e,
		  const struct setting *current, const struct goals *goals, struct advice *a);

/* The sysctls of the scope as its latest watch read them; false if none said. */
bool advice__current(const struct lives *l, const struct scope *scope, struct setting *current);

#endif
