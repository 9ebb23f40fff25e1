// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "kernel/deferred.h"
#include "tcp/tcp_states.h"

static void add_listener(struct deferred *d, const struct ho_event *row)
{
	struct deferred_listener *bigger =
		realloc(d->listeners, (d->listener_count + 1) * sizeof(*bigger));

	if (!bigger)
		return;
	d->listeners = bigger;
	bigger[d->listener_count++] = (struct deferred_listener){ row->netns, row->local_port };
}

static bool is_deferred(const struct deferred *d, const struct ho_event *row)
{
	size_t i;

	for (i = 0; i < d->listener_count; i++)
		if (d->listeners[i].port == row->local_port && d->listeners[i].netns == row->netns)
			return true;
	return false;
}

static bool is_of(const struct record *group, const struct ho_event *row)
{
	return group->waiting.port == row->local_port && group->waiting.netns == row->netns &&
	       group->waiting.family == row->family &&
	       !memcmp(group->waiting.local, row->local, sizeof(row->local));
}

static void count(struct deferred *d, const struct ho_event *row)
{
	struct record *bigger;
	size_t i;

	for (i = 0; i < d->group_count; i++)
		if (is_of(&d->groups[i], row)) {
			d->groups[i].waiting.count++;
			return;
		}
	bigger = realloc(d->groups, (d->group_count + 1) * sizeof(*bigger));
	if (!bigger)
		return;
	d->groups = bigger;
	bigger = &d->groups[d->group_count++];
	*bigger = (struct record){ .type = RECORD_WAITING, .waiting = {
		.netns = row->netns, .cookie = row->net_cookie, .port = row->local_port,
		.family = row->family, .count = 1 } };
	memcpy(bigger->waiting.local, row->local, sizeof(row->local));
}

bool deferred__take(struct deferred *d, const struct ho_event *row)
{
	if (row->state == TCP_LISTEN)
		add_listener(d, row);
	else if (row->state != TCP_NEW_SYN_RECV)
		return false;
	else if (is_deferred(d, row))
		count(d, row);
	return true;
}

void deferred__free(struct deferred *d)
{
	free(d->listeners);
	free(d->groups);
	*d = (struct deferred){ 0 };
}
