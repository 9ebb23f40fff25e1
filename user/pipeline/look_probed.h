/* SPDX-License-Identifier: GPL-2.0 */
/* A look's sockets, counted by what `halfopen probe` found before (tuning/probed_dead.h has the sum).
 * Times are compared by CLOCK_MONOTONIC: the wall clock may have been set in between. */
#ifndef HALFOPEN_PIPELINE_LOOK_PROBED_H
#define HALFOPEN_PIPELINE_LOOK_PROBED_H

#include "exposure/counts.h"
#include "pipeline/look.h"
#include "source/probe_file.h"

struct look_probed {
	const struct probed *probed;	/* the caller's */
	const struct filter *filter;	/* of that probe, the caller's; NULL: none */
};

/* Counts one open socket; `x` is its exposure. */
void look_probed__count(const struct look_probed *p, const struct look *l,
			const struct look_socket *s, const struct exposure *x,
			struct probed_counts *c);

/* When the probe had ended, in nanoseconds since 1970 by the clock of the look. */
int64_t look_probed__at(const struct look_probed *p, const struct look *l);

#endif
