/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Advice for many places as one page of text, without repetition. A place with the same advice as
 * an earlier one of its kind is only named there, and lines that stood before are not repeated.
 */
#ifndef HALFOPEN_SINK_TEXT_ADVICE_PAGE_H
#define HALFOPEN_SINK_TEXT_ADVICE_PAGE_H

#include "tuning/advice.h"
#include "value/words.h"

struct advice_page {
	struct advice_block *all;
	size_t count;
	bool failed;	/* memory was short */
};

/* Writes it into words of its own: the advice may be freed. */
void advice_page__add(struct advice_page *p, const struct lives *l, const struct advice *a);

void advice_page__write(struct advice_page *p, struct words *w);
void advice_page__free(struct advice_page *p);

#endif
