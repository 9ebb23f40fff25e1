/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILE... as the verbs take it: what `watch --json` told, or a recording, plain or compressed, "-"
 * for standard input. Both give a sink the same timelines: those of a file are read, a recording goes
 * through the core, as it does for `watch --all -r`.
 */
#ifndef HALFOPEN_PIPELINE_FILE_FEED_H
#define HALFOPEN_PIPELINE_FILE_FEED_H

#include "timeline/sink.h"

/* Gives the sink all that is in there. Returns 0, 1 if it is cut off or damaged and was given up to
 * there, -EBADMSG for what is no such file, -errno, or what the sink returned; what was wrong has been
 * said, with the name. */
int file_feed__read(const char *name, const struct sink *sink);

#endif
