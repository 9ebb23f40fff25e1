// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "text/bottom_line.h"
#include "text/fit.h"
#include "value/plain_text.h"

/* Of a terminal that does not tell its width. */
#define COLUMNS 80

static void write_text(struct output *output, const char *text)
{
	output__write(output, text, strlen(text));
}

void bottom_line__clear(struct bottom_line *b, struct output *output, unsigned int width)
{
	unsigned int row;

	if (!b->columns)
		return;
	for (row = width ? (b->columns - 1) / width : 0; row; row--)
		write_text(output, "\r\033[K\033[A");
	write_text(output, "\r\033[K");
	b->columns = 0;
}

/* The last column stays free: many terminals wrap there. */
void bottom_line__show(struct bottom_line *b, struct output *output, unsigned int width,
		       bool dim)
{
	struct words line = { 0 };

	if (b->columns || !b->words.length)
		return;
	if (!width)
		width = COLUMNS;
	fit__add(&line, b->words.text, (int)width - 1, false);
	if (line.failed) {
		words__free(&line);
		return;
	}
	b->columns = plain_text__columns(line.text);
	if (dim)
		write_text(output, "\033[2m");
	output__write(output, line.text, line.length);
	if (dim)
		write_text(output, "\033[0m");
	words__free(&line);
}

void bottom_line__set(struct bottom_line *b, struct words *words)
{
	words__free(&b->words);
	if (words->failed)
		words__free(words);
	b->words = *words;
	*words = (struct words){ 0 };
}

void bottom_line__free(struct bottom_line *b)
{
	words__free(&b->words);
}
