/* SPDX-License-Identifier: GPL-2.0 */
/* One event of a connection in words. */
#ifndef HALFOPEN_SINK_TEXT_EVENT_WORDS_H
#define HALFOPEN_SINK_TEXT_EVENT_WORDS_H

#include "timeline/timeline.h"
#include "value/words.h"

/* "probe sent #2", "answered after 40.211 ms". */
void event_words__add(struct words *w, const struct event *e);

#endif
