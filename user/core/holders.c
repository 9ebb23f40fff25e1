// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "core/admission.h"
#include "core/holders.h"
#include "core/state.h"
#include "core/taken.h"

/* Clears the marks of the last pass. */
static void begin_pass(struct core *core, uint32_t pass)
{
	struct slot *s = NULL;

	if (!pass || pass == core->holders_pass)
		return;
	core->holders_pass = pass;
	while ((s = table__next(&core->table, s)))
		s->held = false;
}

static bool is_owner(const struct core *core, const struct slot *s, const struct record_process *by)
{
	const struct owner *o = owners__at(&core->owners, s->owner);

	return o && o->pid == by->pid && !strncmp(o->comm, by->comm, sizeof(o->comm) - 1);
}

static bool has_ended(const struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return c && connection__ended_ns(c);
}

/* Is this the first holder that the pass has met, and not yet known? */
static bool is_news(const struct core *core, struct slot *s, const struct record *r)
{
	if (!r->holder.pass)
		return true;
	if (s->held)
		return false;
	s->held = true;
	return core->describing || !is_owner(core, s, &r->holder.by);
}

static int take_shown(struct core *core, const struct ho_event *e)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = e->mono_ns };

	r.event = *e;
	return admission__take_event(core, &r);
}

/* The i-th: 1 where the process is another owner than was known, 0 where it is not, or nothing is
 * known of the socket; -ENOMEM. Where more is known than the pass saw, the next one tells how it is
 * then. */
static int take_socket(struct core *core, const struct record *r, uint32_t i)
{
	const struct ho_event *e = r->holder.events ? &r->holder.events[i] : NULL;
	struct slot *s = table__find(&core->table, r->holder.cookies[i]);
	bool outdated;
	int err = 0;

	if (s && !is_news(core, s, r))
		return 0;
	outdated = e && recent_events__outdate(&core->recent, e);
	if (outdated && !(s && has_ended(core, s)))
		return 0;
	if (e && !outdated)
		err = take_shown(core, e);
	s = err ? NULL : table__find(&core->table, r->holder.cookies[i]);
	if (!s)
		return err;
	s->held = r->holder.pass != 0;
	return admission__take_owner(core, s, &r->holder.by);
}

int holders__take(struct core *core, const struct record *r)
{
	uint64_t news[RECORD_HELD_MAX];
	uint32_t i, count = 0;
	int err = 0;

	begin_pass(core, r->holder.pass);
	for (i = 0; i < r->holder.count && err >= 0; i++) {
		err = take_socket(core, r, i);
		if (err > 0)
			news[count++] = r->holder.cookies[i];
		if (!r->holder.events)
			continue;
		taken__pass_on_holder(core, &r->holder.by, news, count); /* behind its event */
		count = 0;
	}
	taken__pass_on_holder(core, &r->holder.by, news, count);
	return err < 0 ? err : 0;
}

int holders__take_owner(struct core *core, const struct record *r)
{
	struct record h = { .type = RECORD_HOLDER, .mono_ns = r->mono_ns };

	h.holder.by = (struct record_process){ r->owner.pid, r->owner.comm, r->owner.cgroup,
					       r->owner.container_id };
	h.holder.cookies = &r->owner.cookie;
	h.holder.count = 1;
	return holders__take(core, &h);
}
