/* SPDX-License-Identifier: GPL-2.0 */
/* What `watch --json` told, read back: JSON Lines, plain or compressed by zstd. */
#ifndef HALFOPEN_SOURCE_TIMELINES_H
#define HALFOPEN_SOURCE_TIMELINES_H

#include "life.h"

struct timelines_problem {
	char text[240];		/* "" = nothing; else where and what was expected */
	bool is_cut;		/* the last line ends too early: all before it was taken */
};

/*
 * Takes every life that the file tells, and what its runs say of themselves; events and other kinds
 * of ours are passed over. Returns 0, -EBADMSG with `*problem` set, -ENOMEM, or the errno of a
 * failed read.
 */
int timelines__read(int fd, struct lives *lives, struct timelines_problem *problem);

/* An RFC 3339 time of ours ("...Z"), in seconds since 1970; false if it is none. */
bool timelines__time(const char *text, double *seconds);

#endif
