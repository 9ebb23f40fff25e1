/* SPDX-License-Identifier: GPL-2.0 */
/* The view for people: what is there at the start, a line for each thing that happens, and on a
 * terminal a status line at the bottom. */
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
	bool colours;
	bool status;	/* a status line every ten seconds, in its place on a terminal */
	bool brief;	/* no summaries */
	bool all;	/* tell of open sockets that are well, too */

	struct text_line *lines;	/* that wait for earlier ones, in order of time */
	size_t line_count, line_size;
	bool status_shown;
	uint64_t next_status_ns;
	int widths[3];	/* of the columns, as far as anything was that wide */
};

struct core_sink text__sink(struct text *t);

/* Shows what still waits; to be called at the end. */
void text__flush(struct text *t);

/* What was seen in all; the last lines of a run that lasted until `now_ns`. */
void text__summary(struct text *t, uint64_t now_ns);

#endif
