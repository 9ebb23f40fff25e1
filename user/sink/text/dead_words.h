/* SPDX-License-Identifier: GPL-2.0 */
/* How many are dead by estimate, in a sentence. */
#ifndef HALFOPEN_SINK_TEXT_DEAD_WORDS_H
#define HALFOPEN_SINK_TEXT_DEAD_WORDS_H

#include "timeline/socket_now.h"
#include "value/words.h"

/* "about 64 dead by the history, between 51 and 77 (95 %), of 110"; in brief "about 64 dead by the
 * history (51 to 77), of 110"; or that nothing is known, and why. */
void dead_words__add_by_history(struct words *w, const struct sockets_dead *d, bool brief);

#endif
