/* SPDX-License-Identifier: GPL-2.0 */
/* Does the program of a socket whose receive window is closed read at all? A slow one opens the window
 * now and then, and takes more; one that has stopped does not. */
#ifndef HALFOPEN_PIPELINE_LOOK_READERS_H
#define HALFOPEN_PIPELINE_LOOK_READERS_H

#include "kernel/snapshot.h"

/* Data came last so long ago: the program has stopped. Else it is watched. */
#define LOOK_READERS_STOPPED_S 5
/* ... for so long, ... */
#define LOOK_READERS_WATCHED_MS 1000
/* ... and so many at most. */
#define LOOK_READERS_MAX 4096

struct look_reader {
	uint64_t cookie;
	size_t of;		/* the caller's */
	uint64_t received;	/* bytes, at the first sample; UINT64_MAX: there was none */
	bool reads;
};

struct look_readers {
	struct look_reader *all;
	size_t count;
};

/* Is its window closed, and can that be told by a longer look alone? `hz` of its kernel. */
bool look_readers__is_doubtful(const struct ho_event *e, uint32_t hz);

/* One more, unless they are too many. False: memory is short. */
bool look_readers__add(struct look_readers *r, uint64_t cookie, size_t of);

/* Watches all of them, until each has been seen to read, or the time is over. Returns 0 or -errno. */
int look_readers__watch(struct look_readers *r, struct snapshot *snapshot);

void look_readers__free(struct look_readers *r);

#endif
