/* SPDX-License-Identifier: GPL-2.0 */
/* Open sockets, a line each, in columns as wide as their content, and on a terminal within its
 * width. */
#ifndef HALFOPEN_SINK_TEXT_SOCKETS_TEXT_H
#define HALFOPEN_SINK_TEXT_SOCKETS_TEXT_H

#include "file/output.h"
#include "timeline/socket_now.h"
#include "value/words.h"

#define SOCKETS_TEXT_COLUMNS 14

struct sockets_text {
	unsigned int width;	/* of the terminal; 0: any */
	bool colours;

	char *cells;	/* of all lines, each ended by a zero; a line's first byte is its colour */
	size_t used, size, lines;
	unsigned int widths[SOCKETS_TEXT_COLUMNS];
	bool failed;	/* memory was short */
};

/* One line more. */
void sockets_text__add(struct sockets_text *t, const struct socket_now *s);

/* The head and all lines, as words: for few of them. */
void sockets_text__compose(struct sockets_text *t, struct words *w);

/* Writes the head and all lines. Returns 0 or -errno. */
int sockets_text__write(struct sockets_text *t, struct output *o);

void sockets_text__free(struct sockets_text *t);

#endif
