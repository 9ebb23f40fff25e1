/* SPDX-License-Identifier: GPL-2.0 */
/* JSON Lines: halfopen.meta/1, .timeline/1, .event/1 and .loss/1 (docs/schema). */
#ifndef HALFOPEN_SINK_LINES_H
#define HALFOPEN_SINK_LINES_H

#include "core.h"
#include "disguise.h"
#include "json.h"
#include "output.h"

struct lines {
	struct core *core;	/* names of reset reasons; set it when the core is there */
	struct output *output;
	const struct disguise *disguise;
	struct json json;	/* lines not yet written */
	const struct run *run;
	uint64_t seq;
};

/* The core_sink that writes into `l`. */
struct core_sink lines__sink(struct lines *l);

/* The output is another file from now on: it begins with a halfopen.meta/1 of its own. */
void lines__begin_file(struct lines *l);

/* Writes what is buffered. Returns 0 or -errno of the output. */
int lines__flush(struct lines *l);

void lines__free(struct lines *l);

#endif
