/* SPDX-License-Identifier: GPL-2.0 */
/* A watch on a full screen: its engine counts what happens, looks at intervals list the sockets. */
#ifndef HALFOPEN_PIPELINE_TOP_H
#define HALFOPEN_PIPELINE_TOP_H

#include "filter/filter.h"
#include "pipeline/look.h"
#include "pipeline/watch.h"

struct top_options {
	enum colour colour;
	uint64_t delay_ns; /* between looks, at least */
	uint64_t for_ns;   /* 0: until it is quit */
	struct exposure_rules rules;
	const char *order; /* as `halfopen sockets --sort` names it */
	const char *identities;
	struct history *history;	/* NULL: none */
	char *filter_text; /* NULL: none */
	struct filter *filter;
};

/* Returns an exit code; what failed was logged. Requires a terminal (full_screen__refused()). */
int top__run(const struct top_options *options);

#endif
