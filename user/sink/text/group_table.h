/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets and half-open endings by program and port, as a table at the start and at the end. */
#ifndef HALFOPEN_SINK_TEXT_GROUP_TABLE_H
#define HALFOPEN_SINK_TEXT_GROUP_TABLE_H

#include "text/stories.h"
#include "timeline/timeline.h"
#include "value/words.h"

/* Groups whose endings are counted apart, and rows that are shown. */
#define GROUP_TABLE_MAX 64
#define GROUP_TABLE_ROWS 10

struct group_deaths {
	char comm[16];
	uint64_t net_cookie;
	uint32_t netns;
	uint16_t port;		/* ours; 0: of connections from here */
	uint64_t half_open;
	double longest_s;	/* for which one was gone unnoticed */
};

struct group_table {
	struct group_deaths deaths[GROUP_TABLE_MAX];
	unsigned int count;
	struct group_deaths other;	/* of all further groups */
};

/* A socket of this group ended half-open. */
void group_table__count(struct group_table *t, const struct story_key *key, double unnoticed_s);

/* Adds the lines of the table, none where there is only one group and nothing to add to the
 * sentence on all; within `width` columns (0: any). */
void group_table__add(struct words *w, const struct group_table *t, const struct summary *s,
		      int width);

#endif
