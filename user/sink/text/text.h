/* SPDX-License-Identifier: GPL-2.0 */
/* The view for people: what is there at the start, a line for each thing that happens, and on a
 * terminal a status line at the bottom. */
#ifndef HALFOPEN_SINK_TEXT_TEXT_H
#define HALFOPEN_SINK_TEXT_TEXT_H

#include "file/output.h"
#include "timeline/sink.h"

struct text {
	struct output *output;
	bool utc;	/* else local time with its offset */
	bool colours;
	bool status;	/* a status line every ten seconds, in its place on a terminal */
	bool brief;	/* no summary at the end */
	bool all;	/* tell of open sockets that are well, too */

	struct text_line *lines;	/* that wait for earlier ones, in order of time */
	size_t line_count, line_size;
	bool status_shown;
	int widths[3];	/* of the columns, as far as anything was that wide */
};

/* The sink that writes into `t`, as that is configured by now. */
struct sink text__sink(struct text *t);

/* Shows what still waits; to be called at the end. */
void text__flush(struct text *t);

#endif
