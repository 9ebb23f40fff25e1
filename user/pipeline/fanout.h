/* SPDX-License-Identifier: GPL-2.0 */
/* One sink that passes everything on to several. */
#ifndef HALFOPEN_PIPELINE_FANOUT_H
#define HALFOPEN_PIPELINE_FANOUT_H

#include "timeline/sink.h"

#define FANOUT_MAX 4

struct fanout {
	struct fanout_branch {
		struct sink sink;
		uint64_t next_summary_ns;
		int error;	/* its first: it is called no more */
	} branches[FANOUT_MAX];
	unsigned int count;
	/* A reader that goes away (-EPIPE) ends its own sink alone while something else is written:
	 * another sink or, if this is set, an output that the fan-out does not know of. */
	bool outlives_readers;
};

/* Adds a sink: before fanout__sink(). False: there are FANOUT_MAX. */
bool fanout__add(struct fanout *f, const struct sink *sink);

/* A sink with those functions that any of its sinks has. They return the first error of a sink that
 * ends the whole. */
struct sink fanout__sink(struct fanout *f);

#endif
