/* SPDX-License-Identifier: GPL-2.0 */
/* What apply was asked to do, once everything is said and answered. Nobody else is at work meanwhile,
 * but while sockets are armed anew. Exit codes; what failed was logged. */
#ifndef HALFOPEN_CMD_CARRYING_OUT_H
#define HALFOPEN_CMD_CARRYING_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "act/change.h"
#include "cmd/rearming.h"

struct order {
	const char *state;	/* a directory, from the root on */
	const struct netns *ns;	/* that this thread is in */
	const char *address;	/* by which it was addressed; NULL: our own */
	int home;		/* descriptor of the one that this process is of */
	uint64_t trial_s;	/* 0: no trial */
	bool persist, rearm;
	struct rearming_config rearming;
};

/* What an apply that died before its trial began left there is removed, and `c` read anew. */
int carrying_out__clear(const struct order *o, struct change *c);

/* The change, or where a trial is on its new end, `trial_s` from now; and the arming. */
int carrying_out__change(const struct order *o, struct change *c);

/* The trial that is on was good. */
int carrying_out__keep(const struct order *o, struct change *c);

#endif
