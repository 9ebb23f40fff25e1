/* SPDX-License-Identifier: GPL-2.0 */
/* The result of advise --compare as text. */
#ifndef HALFOPEN_SINK_TEXT_COMPARISON_TEXT_H
#define HALFOPEN_SINK_TEXT_COMPARISON_TEXT_H

#include "tuning/comparison.h"
#include "value/words.h"

void comparison_text__write(struct words *w, const struct comparison *c);

#endif
