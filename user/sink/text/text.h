/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The view for people: the open sockets at the start, a line for each story (stories.h), and on a
 * terminal a status line at the bottom; at the end the suspects, and what happened to whom. Lines
 * fit a terminal, and are whole in a file.
 */
#ifndef HALFOPEN_SINK_TEXT_TEXT_H
#define HALFOPEN_SINK_TEXT_TEXT_H

#include "file/output.h"
#include "text/bottom_line.h"
#include "text/group_table.h"
#include "text/layout.h"
#include "text/service.h"
#include "text/stories.h"
#include "text/suspects.h"
#include "timeline/sink.h"

struct text {
	struct output *output;
	bool status;	/* a status line, in its place on a terminal */
	bool brief;	/* no summary at the end */
	bool all;	/* report open sockets without trouble, too */
	bool every;	/* ... and suspects as they come, at an interval */
	bool each;	/* each happening in a line of its own, and all suspects at the end */
	struct layout layout;

	struct happening *waiting;	/* for earlier ones, in order of time */
	size_t waiting_count, waiting_size;
	struct stories stories;
	struct service_ports ports;
	struct suspects suspects;
	struct group_table groups;
	struct bottom_line bottom;
};

/* The sink that writes into `t`, as configured now. */
struct sink text__sink(struct text *t);

/* Removes the status line before something else is written on the same terminal; it is back at the
 * next tick. */
void text__make_way(struct text *t);

/* Writes what waits, and the suspects; to be called at the end. */
void text__flush(struct text *t);

/* After the last summary. */
void text__free(struct text *t);

#endif
