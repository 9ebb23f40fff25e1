// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "kernel/held_sockets.h"

void held_sockets__begin(struct held_sockets *h, bool shown)
{
	h->pass = h->pass + 1 ?: 1;
	h->shown = shown;
	h->pid = h->count = 0;
}

int held_sockets__end(struct held_sockets *h)
{
	struct record r = { .type = RECORD_HOLDER, .mono_ns = h->mono_ns };

	if (!h->count)
		return 0;
	r.holder.pass = h->pass;
	r.holder.by =
		(struct record_process){ h->pid, h->comm, h->place.cgroup, h->place.container_id };
	r.holder.count = h->count;
	r.holder.cookies = h->cookies;
	r.holder.events = h->shown ? h->events : NULL;
	h->count = 0;
	return h->push(h->context, &r);
}

static bool is_of_the_same(const struct held_sockets *h, const struct ho_row *row)
{
	return h->pid == row->pid && !memcmp(h->comm, row->comm, sizeof(h->comm));
}

/* Reads its cgroup now: it may end soon. */
static void begin_process(struct held_sockets *h, const struct ho_row *row)
{
	h->pid = row->pid;
	memcpy(h->comm, row->comm, sizeof(h->comm));
	process__find_place(h->pid, h->comm, &h->place);
}

int held_sockets__add(struct held_sockets *h, const struct ho_row *row)
{
	bool same = is_of_the_same(h, row);
	int err = 0;

	if (!same || h->count == (h->shown ? RECORD_SHOWN_MAX : RECORD_HELD_MAX))
		err = held_sockets__end(h);
	if (!same)
		begin_process(h, row);
	if (h->shown)
		h->events[h->count] = row->event;
	h->cookies[h->count++] = row->event.cookie;
	h->mono_ns = row->event.mono_ns;
	return err;
}
