/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is one story is one line: happenings of one kind to sockets of one program and port, close
 * to each other in time. Few of them are told one by one. What goes on after its story was told is
 * told in growing intervals. Good news (heartbeats of devices) is told once a group, and again when
 * there is twice as much. Which are joined depends on the times of the
 * happenings alone, so that a replay tells the same; what waits is told when time passes, and all
 * of it at the end.
 */
#ifndef HALFOPEN_SINK_TEXT_STORIES_H
#define HALFOPEN_SINK_TEXT_STORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "timeline/timeline.h"
#include "value/words.h"

/* A story is over after this long without another of its kind, and at the latest this long after it
 * began. */
#define STORY_QUIET_NS 1000000000ULL
#define STORY_LONGEST_NS 2000000000ULL
/* Up to so many are told one by one. */
#define STORY_FEW 3
/* More of a story that was told waits so long, then three times as long each time; or until so long
 * nothing was added. What comes after such a time without any is another story. */
#define STORY_MORE_NS 10000000000ULL
#define STORY_MORE_LONGEST_NS 60000000000ULL
/* Heartbeats wait so long for others of their group. */
#define STORY_GOOD_NEWS_NS 10000000000ULL

enum story_kind {
	STORY_NONE,	/* joined with nothing */
	STORY_ENDED, STORY_SUSPECT, STORY_RECOVERED, STORY_SUPERSEDED, STORY_HEARTBEAT,
};

/* What those of one story have in common: compared as bytes. */
struct story_key {
	char comm[16];
	uint64_t net_cookie;
	uint32_t netns;		/* inode */
	uint16_t port;		/* ours; of connections from here, the peer's */
	uint8_t outbound;
	uint8_t kind;		/* enum story_kind */
	/* Of endings: */
	uint8_t outcome, found_by;
	uint8_t circumstances;	/* bits of the caller's */
	uint8_t detail;		/* the caller's */
	uint32_t reason;	/* hash of outcome_detail */
};

_Static_assert(sizeof(struct story_key) == 40, "no padding");

/* Seconds: for how long the peer was gone unnoticed, or silent; or a heartbeat's period. */
struct story_range {
	bool known;
	bool least_known;	/* else it may be 0 */
	double least, most;
};

/* Something that happened to one socket. */
struct happening {
	uint64_t at_ns;		/* by CLOCK_MONOTONIC */
	int64_t at;
	struct story_key key;
	struct story_range range;
	/* Its line alone; of a story, whom and how all of it happened. Without the time. */
	struct words line, who, how;
};

struct story {
	struct story_key key;
	struct words who, how;	/* of the first */
	uint64_t first_ns, last_ns;
	uint64_t count;
	struct story_range range;
	bool goes_on;	/* it was told, and these are more */
	/* what follows is of stories.c */
	unsigned int waiting;
	bool used, over, told;
};

#define STORIES_MAX 64
#define STORY_LINES_MAX 256
#define STORY_GROUPS_MAX 64
#define STORY_WAVES_MAX 32

struct story_line {
	int64_t at;
	struct words words;
	struct story *story;	/* NULL: told by itself */
};

/* More of a story that was told. */
struct wave {
	struct story more;	/* `used`: this is one; its count may be 0 */
	uint64_t wait_ns, latest_ns;
	uint64_t due_ns;	/* more is told, or without any it is forgotten */
};

struct good_news {
	struct story_key key;
	struct story all;
	uint64_t told, pending;
	uint64_t since_ns;	/* the first pending one came */
	uint64_t due_ns;	/* UINT64_MAX: there are too few */
	struct words few[STORY_FEW];	/* of the pending ones */
};

struct stories {
	void *context;
	/* Tells one line, which is freed afterwards. */
	void (*tell)(void *context, int64_t at, const struct words *line);
	/* A story of several in words, as in `line` above. */
	void (*compose)(void *context, const struct story *s, struct words *line);
	struct story stories[STORIES_MAX];
	struct story_line lines[STORY_LINES_MAX];	/* a ring, in order of time */
	unsigned int first, count;
	struct good_news news[STORY_GROUPS_MAX];
	unsigned int news_count;
	struct wave waves[STORY_WAVES_MAX];
	uint64_t now_ns;	/* the latest time so far */
	int64_t wall_ns;	/* wall clock minus CLOCK_MONOTONIC, of the last happening */
};

/* Takes a happening, its words too; they come in order of time. */
void stories__add(struct stories *s, struct happening *h);

/* Everything before `until_ns` was added. */
void stories__pass_time(struct stories *s, uint64_t until_ns);

/* Tells all that waits. */
void stories__end(struct stories *s);

void happening__free(struct happening *h);

#endif
