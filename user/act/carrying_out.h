/* SPDX-License-Identifier: GPL-2.0 */
/* The work of apply, once it was announced and confirmed: under the lock, except while sockets
 * are re-armed. Exit codes; failures are logged. */
#ifndef HALFOPEN_ACT_CARRYING_OUT_H
#define HALFOPEN_ACT_CARRYING_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "act/change.h"
#include "act/rearming.h"

struct order {
	const char *state;	/* a directory, from the root on */
	const struct netns *ns;	/* that this thread is in */
	const char *address;	/* by which it was addressed; NULL: our own */
	int home;		/* descriptor of this process's own namespace */
	uint64_t trial_s;	/* 0: no trial */
	bool persist, rearm;
	struct rearming_config rearming;
};

/* Removes what an apply that died before its trial began left there, and reads `c` again. */
int carrying_out__clear(const struct order *o, struct change *c);

/* Makes the change, or moves the end of a running trial to `trial_s` from now; and re-arms. */
int carrying_out__change(const struct order *o, struct change *c);

/* Keeps the values of the running trial. */
int carrying_out__keep(const struct order *o, struct change *c);

#endif
