// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "kernel/every_netns.h"
#include "pipeline/look_readers.h"

#define SAMPLES 5
/* Places are made for this many at a time. */
#define ROOM 64

bool look_readers__is_doubtful(const struct ho_event *e, uint32_t hz)
{
	return e->flags & HO_F_OWN_WINDOW_ZERO &&
	       e->jiffies - e->lrcvtime_jiffies < LOOK_READERS_STOPPED_S * hz;
}

bool look_readers__add(struct look_readers *r, uint64_t cookie, size_t of)
{
	struct look_reader *bigger;

	if (r->count == LOOK_READERS_MAX)
		return true;
	if (r->count % ROOM == 0) {
		bigger = realloc(r->all, (r->count + ROOM) * sizeof(*bigger));
		if (!bigger)
			return false;
		r->all = bigger;
	}
	r->all[r->count++] = (struct look_reader){ cookie, of, UINT64_MAX, false };
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct look_reader *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static int on_socket(void *context, const struct ho_row *row)
{
	const struct look_reader key = { .cookie = row->event.cookie };
	struct look_readers *r = context;
	struct look_reader *reader = bsearch(&key, r->all, r->count, sizeof(key), compare);

	if (!reader)
		return 0;
	if (reader->received == UINT64_MAX)
		reader->received = row->event.bytes_received;
	reader->reads |= row->event.bytes_received != reader->received ||
			 !(row->event.flags & HO_F_OWN_WINDOW_ZERO);
	return 0;
}

static bool all_read(const struct look_readers *r)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (!r->all[i].reads)
			return false;
	return true;
}

int look_readers__watch(struct look_readers *r, struct snapshot *snapshot)
{
	const struct every_netns every = { .snapshot = snapshot, .row = on_socket, .context = r };
	unsigned int sample;
	bool complete;
	int err = 0;

	if (r->count)
		qsort(r->all, r->count, sizeof(*r->all), compare);
	for (sample = 0; !err && sample < SAMPLES && !all_read(r); sample++) {
		if (sample)
			poll(NULL, 0, LOOK_READERS_WATCHED_MS / (SAMPLES - 1));
		err = every_netns__sockets(&every, EVERY_KNOWN, &complete);
	}
	return err;
}

void look_readers__free(struct look_readers *r)
{
	free(r->all);
	*r = (struct look_readers){ 0 };
}
