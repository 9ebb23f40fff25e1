/* SPDX-License-Identifier: GPL-2.0 */
/* The view for people: the open sockets at the start, a line for each event, and on a terminal a
 * status line at the bottom. */
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
	bool all;	/* report open sockets without trouble, too */

	struct text_line *lines;	/* waiting for earlier ones, in order of time */
	size_t line_count, line_size;
	bool status_shown;
	int widths[3];	/* of the columns: the widest so far */
};

/* The sink that writes into `t`, as configured now. */
struct sink text__sink(struct text *t);

/* Writes the waiting lines; to be called at the end. */
void text__flush(struct text *t);

#endif
