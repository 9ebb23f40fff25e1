/* SPDX-License-Identifier: GPL-2.0 */
/* What happened to a socket, or to several of a story, in words; `brief` is for narrow
 * terminals. */
#ifndef HALFOPEN_SINK_TEXT_HAPPENINGS_H
#define HALFOPEN_SINK_TEXT_HAPPENINGS_H

#include "text/stories.h"
#include "timeline/timeline.h"
#include "value/words.h"

void happenings__add_change(struct words *w, const struct change *c, bool brief);

/* Of an ending, or of the present state of an open socket. */
void happenings__add_timeline(struct words *w, const struct timeline *tl, bool brief);

/* "150 keepalive_timeout in 1s, gone 1m1s to 2m2s". */
void happenings__add_story(struct words *w, const struct story *s);

/* What a change's story is told apart by; the socket's part of `key` is the caller's. */
void happenings__classify_change(const struct change *c, struct story_key *key,
				 struct story_range *range);

/* The same of an ending; `how` gets its circumstances. */
void happenings__classify_timeline(const struct timeline *tl, struct story_key *key,
				   struct story_range *range, struct words *how);

#endif
