/* SPDX-License-Identifier: GPL-2.0 */
/* The status line: the last row of a terminal, kept below what is printed. */
#ifndef HALFOPEN_SINK_TEXT_BOTTOM_LINE_H
#define HALFOPEN_SINK_TEXT_BOTTOM_LINE_H

#include "file/output.h"
#include "value/words.h"

struct bottom_line {
	struct words words;	/* plain text; empty: there is none */
	unsigned int columns;	/* that are shown now; 0: it is not shown */
};

/* Removes it before other lines are written; bottom_line__show() brings it back. `width` is the
 * terminal's now: one that became narrower shows it in several rows. */
void bottom_line__clear(struct bottom_line *b, struct output *output, unsigned int width);

/* Shows it, unless it is there. */
void bottom_line__show(struct bottom_line *b, struct output *output, unsigned int width,
		       bool dim);

/* Another text from now on, which is taken. */
void bottom_line__set(struct bottom_line *b, struct words *words);

void bottom_line__free(struct bottom_line *b);

#endif
