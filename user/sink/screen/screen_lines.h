/* SPDX-License-Identifier: GPL-2.0 */
/* Lines with styles (value/text_style.h) within the columns of a screen. */
#ifndef HALFOPEN_SINK_SCREEN_SCREEN_LINES_H
#define HALFOPEN_SINK_SCREEN_SCREEN_LINES_H

#include "value/words.h"

/* Columns of one line, which ends with the text or with '\n'. */
unsigned int screen_lines__columns(const char *line);

/* Appends the lines of `text`; those that are too wide are broken at blanks, in the style that they have
 * there, and what follows is indented. */
void screen_lines__wrap(struct words *w, const char *text, unsigned int columns);

/* Appends the lines of `text`; those that are too wide end in "...". */
void screen_lines__cut(struct words *w, const char *text, unsigned int columns);

#endif
