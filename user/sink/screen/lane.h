/* SPDX-License-Identifier: GPL-2.0 */
/* One connection over time: a lane from its beginning to now or its end, then its present state,
 * its episodes and its events as text. */
#ifndef HALFOPEN_SINK_SCREEN_LANE_H
#define HALFOPEN_SINK_SCREEN_LANE_H

#include "timeline/socket_now.h"
#include "value/words.h"

/* Lines of at most so many columns, but for names. Either may be NULL: `t`, where nothing has
 * happened on the connection since the watch began, and `s`, where it is not open any more.
 * `now_at` in nanoseconds since 1970. */
void lane__add(struct words *w, unsigned int columns, const struct timeline *t,
	       const struct socket_now *s, int64_t now_at);

#endif
