/* SPDX-License-Identifier: GPL-2.0 */
/* Lines that fit a terminal. Their text is plain (plain_text.h). */
#ifndef HALFOPEN_SINK_TEXT_FIT_H
#define HALFOPEN_SINK_TEXT_FIT_H

#include "value/words.h"

/* Adds `text`, cut to `columns`, and filled up to them where `filled`. */
void fit__add(struct words *w, const char *text, int columns, bool filled);

/* Adds `text`, which begins in column `at`, broken at blanks so that no line is wider than `width`
 * (0: any); those after the first are indented by `indent`. */
void fit__add_broken(struct words *w, const char *text, int at, int width, int indent);

#endif
