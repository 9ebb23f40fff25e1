// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection/journal.h"

/* Of each episode this many first and as many last events are kept. */
#define KEPT_AT_EACH_END 8

void rtt__add(struct rtt *r, uint32_t us)
{
	if (!r->count || us < r->min_us)
		r->min_us = us;
	if (us > r->max_us)
		r->max_us = us;
	r->sum_us += us;
	r->count++;
}

struct rtt rtt__sum(struct rtt a, struct rtt b)
{
	if (!a.count || !b.count)
		return a.count ? a : b;
	return (struct rtt){ .sum_us = a.sum_us + b.sum_us, .count = a.count + b.count,
			     .min_us = a.min_us < b.min_us ? a.min_us : b.min_us,
			     .max_us = a.max_us > b.max_us ? a.max_us : b.max_us };
}

static void leave_out(struct journal *j, unsigned int i)
{
	memmove(&j->entries[i], &j->entries[i + 1], (j->used - i - 1) * sizeof(j->entries[0]));
	j->used--;
	j->omitted++;
}

static bool make_room(struct journal *j)
{
	struct entry *bigger;
	uint16_t size;

	if (j->used < j->size)
		return true;
	size = j->size ? j->size * 2 : 2;
	bigger = realloc(j->entries, size * sizeof(*bigger));
	if (!bigger)
		return false;
	j->entries = bigger;
	j->size = size;
	return true;
}

/* Signs of life that may recur for years: of a run the first and the last are kept. */
static bool prolongs_run(const struct journal *j, const struct entry *e)
{
	return (e->kind == EVENT_HEARTBEAT || e->kind == EVENT_PEER_PROBE) && j->used >= 2 &&
	       j->entries[j->used - 1].kind == e->kind &&
	       j->entries[j->used - 2].kind == e->kind;
}

bool journal__add(struct journal *j, const struct entry *e)
{
	unsigned int same = 0;

	if (prolongs_run(j, e)) {
		j->entries[j->used - 1] = *e;
		j->omitted++;
		return true;
	}
	while (same < j->used && j->entries[j->used - 1 - same].episode == e->episode)
		same++;
	if (same >= 2 * KEPT_AT_EACH_END)
		leave_out(j, j->used - KEPT_AT_EACH_END);
	else if (j->used >= JOURNAL_MAX)
		leave_out(j, JOURNAL_MAX / 2);
	if (!make_room(j))
		return false;
	j->entries[j->used++] = *e;
	return true;
}

void journal__free(struct journal *j)
{
	free(j->entries);
	*j = (struct journal){ 0 };
}
