/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of timeline.h as lines of JSON (docs/schema), both ways: a written line gives the same
 * value again when it is read, except for members without a key.
 */
#ifndef HALFOPEN_TIMELINE_TIMELINE_JSON_H
#define HALFOPEN_TIMELINE_TIMELINE_JSON_H

#include "timeline/probe_result.h"
#include "timeline/reach_result.h"
#include "timeline/sink.h"
#include "timeline/socket_now.h"
#include "value/json.h"

/* ---- json_write.c: each one line; `seq` counts the lines of a run ---- */

void timeline_json__write_meta(struct json *j, uint64_t seq, const struct meta *m);
void timeline_json__write_timeline(struct json *j, uint64_t seq, const struct timeline *t);
void timeline_json__write_event(struct json *j, uint64_t seq, const struct socket_event *e);
void timeline_json__write_loss(struct json *j, uint64_t seq, const struct loss *l);
void timeline_json__write_clock_step(struct json *j, uint64_t seq, const struct clock_step *s);

/* ---- json_now.c: the same, of what is there now ---- */

void timeline_json__write_socket_now(struct json *j, uint64_t seq, const struct socket_now *s);
void timeline_json__write_sockets_summary(struct json *j, uint64_t seq,
					  const struct sockets_summary *s);
void timeline_json__write_probe_result(struct json *j, uint64_t seq, const struct probe_result *p);
void timeline_json__write_probe_summary(struct json *j, uint64_t seq,
					const struct probe_summary *p);
void timeline_json__write_reach_result(struct json *j, uint64_t seq, const struct reach_result *r);

/* ---- json_read.c ---- */

struct timeline_json_problem {
	char text[200];	/* the error, and what was expected */
	int column;	/* where it ceased to be JSON; 0: it is */
};

/*
 * Gives the sink the value of one line: halfopen.meta/1, .timeline/1, .event/1, .loss/1. Other
 * kinds of ours are skipped, and so are unknown keys, events and ways of detection. Numbers out of
 * range become the nearest one within. Returns 0, -EBADMSG with `*problem` set, -ENOMEM, or the
 * sink's error.
 */
int timeline_json__read(const char *line, size_t length, const struct sink *sink,
			struct timeline_json_problem *problem);

#endif
