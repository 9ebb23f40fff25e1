/* SPDX-License-Identifier: GPL-2.0 */
/* Whose peers answered when they were asked, by program and port, and how many are dead. */
#ifndef HALFOPEN_SINK_TEXT_PROBE_TEXT_H
#define HALFOPEN_SINK_TEXT_PROBE_TEXT_H

#include "timeline/probe_result.h"
#include "value/words.h"

struct probe_text_group {
	char program[16];
	uint16_t port;		/* 0: of connections from here, or ... */
	bool port_unknown;	/* ... it is not known whether they are */
	uint64_t results[PROBE_UNKNOWN + 1];
};

struct probe_text {
	struct probe_text_group *groups;
	size_t count, size;
	bool failed;		/* memory was short */
};

/* Counts one more result, of a socket with this listening port of ours (0: made from here; NULL: not
 * known). */
void probe_text__add(struct probe_text *t, const struct probe_result *r, const uint16_t *port);

/* Sentences on all of them, broken to fit `width` columns (0: any); a line for each program and
 * port, most unanswered first, if there are results. */
void probe_text__write(struct probe_text *t, struct words *w, const struct probe_summary *s,
		       int width);

void probe_text__free(struct probe_text *t);

#endif
