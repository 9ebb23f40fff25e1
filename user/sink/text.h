/* SPDX-License-Identifier: GPL-2.0 */
/* Lines for people: one for each thing that happens, and what is there at the start. */
#ifndef HALFOPEN_SINK_TEXT_H
#define HALFOPEN_SINK_TEXT_H

#include "core.h"
#include "disguise.h"
#include "output.h"

struct text {
	struct core *core;
	struct output *output;
	const struct disguise *disguise;
	const struct run *run;
	bool utc;	/* else local time with its offset */
};

struct core_sink text__sink(struct text *t);

/* What was seen in all; the last line of a run. */
void text__summary(struct text *t, const struct core_totals *totals);

#endif
