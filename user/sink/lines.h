/* SPDX-License-Identifier: GPL-2.0 */
/* JSON Lines: halfopen.meta/1, .timeline/1, .event/1 and .loss/1 (docs/schema). */
#ifndef HALFOPEN_SINK_LINES_H
#define HALFOPEN_SINK_LINES_H

#include "file/output.h"
#include "timeline/sink.h"
#include "value/json.h"

struct lines {
	struct output *output;
	struct json json;	/* lines not yet written */
	uint64_t seq;		/* of the next line */
};

/* The sink that writes into `l`. */
struct sink lines__sink(struct lines *l);

/* Writes what is buffered. Returns 0 or -errno of the output. */
int lines__flush(struct lines *l);

void lines__free(struct lines *l);

#endif
