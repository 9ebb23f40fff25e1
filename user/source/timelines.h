/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the output of `watch --json`: JSON Lines, plain or compressed by zstd. */
#ifndef HALFOPEN_SOURCE_TIMELINES_H
#define HALFOPEN_SOURCE_TIMELINES_H

#include "timeline/sink.h"

struct timelines_problem {
	char text[240];		/* "" = none; else where and what was expected */
	bool is_cut;		/* the last line ends too early: all before it was taken */
};

/*
 * Gives the sink every timeline, meta and loss of the file; other kinds of ours are skipped.
 * Returns 0, -EBADMSG with `*problem` set, -ENOMEM, the errno of a failed read, or the sink's
 * error.
 */
int timelines__read(int fd, const struct sink *sink, struct timelines_problem *problem);

#endif
