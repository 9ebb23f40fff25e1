/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILE... as the verbs take it: what `watch --json` told, or a recording, plain or compressed, "-"
 * for standard input. A recording is replayed by this program's own `watch -r`, and a live look at
 * this host is its own `watch`, so there is one way only from events to timelines.
 */
#ifndef HALFOPEN_SOURCE_LIFE_FEED_H
#define HALFOPEN_SOURCE_LIFE_FEED_H

#include "life.h"

/* Takes all that is in there. Returns 0, 1 if it is cut off or damaged and was taken up to there,
 * -EBADMSG for what is no such file, or -errno; what was wrong has been said, with the name. */
int life_feed__read(const char *name, struct lives *lives);

/* Watches this host for so long ("10m"); exit code of the watch, 0 if all is well, -errno. */
int life_feed__watch(const char *duration, struct lives *lives);

#endif
