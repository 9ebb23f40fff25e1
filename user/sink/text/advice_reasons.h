/* SPDX-License-Identifier: GPL-2.0 */
/* The reasons of advice in words: one sentence, the same in text and in JSON (`why`). */
#ifndef HALFOPEN_SINK_TEXT_ADVICE_REASONS_H
#define HALFOPEN_SINK_TEXT_ADVICE_REASONS_H

#include "tuning/advice.h"
#include "value/words.h"

void advice_reasons__add(struct words *w, const struct advice *a);

/* Why these values, or why there are none. `e`: what they were made from. */
void advice_reasons__add_proposal(struct words *w, const struct proposal *p,
				  const struct evidence *e);

/* What a setting misses, with both figures, separated by commas. */
void advice_reasons__add_missed(struct words *w, const struct missed_needs *m);

#endif
