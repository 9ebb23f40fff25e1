/* SPDX-License-Identifier: GPL-2.0 */
/* Open sockets, a line each, in columns as wide as their content, and on a terminal within its
 * width. */
#ifndef HALFOPEN_SINK_TEXT_SOCKETS_TEXT_H
#define HALFOPEN_SINK_TEXT_SOCKETS_TEXT_H

#include "file/output.h"
#include "text/socket_cells.h"
#include "value/words.h"

struct sockets_text {
	unsigned int width;	/* of the terminal; 0: any */
	bool colours;

	char *cells;	/* of all lines; a line's first byte is its colour */
	size_t used, size;
	size_t *begins;	/* of the lines within it */
	size_t lines, lines_size;
	struct sockets_text_pair {
		size_t line, begin;
	} *pairs;	/* cells of their own, in the order of lines */
	size_t pair_count, pairs_size;
	unsigned int widths[SOCKET_COLUMNS];
	struct socket_cells_owner owner;
	bool failed;	/* memory was short */
};

/* One line more. */
void sockets_text__add(struct sockets_text *t, const struct socket_now *s);

/* The pair of a line that was added without, by its number from 0; lines in ascending order. */
void sockets_text__set_pair(struct sockets_text *t, size_t line, const struct timeline_pair *p);

/* The head and all lines, as words: for few of them. */
void sockets_text__compose(struct sockets_text *t, struct words *w);

/* Writes the head and all lines, in this order (their numbers), or (NULL) as they came. Returns 0 or
 * -errno. */
int sockets_text__write(struct sockets_text *t, const uint32_t *order, struct output *o);

void sockets_text__free(struct sockets_text *t);

#endif
