/* SPDX-License-Identifier: GPL-2.0 */
/* All sockets in a sentence: at the start, meanwhile, at the end. */
#ifndef HALFOPEN_SINK_TEXT_TOTALS_WORDS_H
#define HALFOPEN_SINK_TEXT_TOTALS_WORDS_H

#include "timeline/timeline.h"
#include "value/words.h"

/* "48,112 sockets in 3 namespaces; 31,900 would never notice a dead peer (mosquitto 31,871)". */
void totals_words__add_first(struct words *w, const struct summary *n);

/* "48,110 open, 0 suspect; so far 2 ended, 2 half-open; 31,900 never notice". */
void totals_words__add_status(struct words *w, const struct summary *n);

/* "watched for 16.9s: 48,110 sockets open, 0 suspect; 2 ended, none half-open; ...". */
void totals_words__add_last(struct words *w, const struct summary *n);

#endif
