/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILE... of the verbs: output of `watch --json`, or a recording, plain or compressed, "-" for
 * standard input. Both give a sink the same timelines: those of a file are read, a recording goes
 * through the core, as it does for `watch --all -r`.
 */
#ifndef HALFOPEN_PIPELINE_FILE_FEED_H
#define HALFOPEN_PIPELINE_FILE_FEED_H

#include "timeline/sink.h"

/* Gives the sink the whole content. Returns 0, 1 if it is cut off or damaged and was read up to
 * there, -EBADMSG for another kind of file, -errno, or the sink's error; errors have been reported,
 * with the name. */
int file_feed__read(const char *name, const struct sink *sink);

#endif
