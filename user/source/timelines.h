/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the output of `watch --json`: JSON Lines, plain or compressed by zstd. */
#ifndef HALFOPEN_SOURCE_TIMELINES_H
#define HALFOPEN_SOURCE_TIMELINES_H

#include "timeline/sink.h"

struct timelines_problem {
	char text[240];		/* "" = nothing; else where and what was expected */
	bool is_cut;		/* the last line ends too early: all before it was taken */
};

/*
 * Gives the sink every timeline that the file tells, what its runs say of themselves, and losses;
 * other kinds of ours are passed over. Returns 0, -EBADMSG with `*problem` set, -ENOMEM, the errno of a
 * failed read, or what the sink returned.
 */
int timelines__read(int fd, const struct sink *sink, struct timelines_problem *problem);

#endif
