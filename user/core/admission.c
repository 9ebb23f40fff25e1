// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "core/admission.h"
#include "core/histories.h"
#include "core/sockets.h"
#include "core/state.h"
#include "core/taken.h"
#include "core/wanted.h"
#include "tcp/tcp_states.h"

/* Records of an ended socket are kept this long for a late decision: the name of a namespace that
 * was just created. */
#define ENDED_WAITS_NS 5000000000ULL

static bool is_ending(const struct ho_event *e)
{
	return e->kind == HO_GONE ||
	       ((e->kind == HO_STATE || e->kind == HO_SEEN) && e->state == TCP_CLOSE);
}

/* With any possible owner: TRUTH_NO if none would do. */
static enum truth verdict(struct core *core, const struct slot *s, const struct ho_event *e,
			  uint32_t owner)
{
	uint64_t first_seen_ns = s ? (uint64_t)s->first_seen_us * 1000 : e->mono_ns;
	bool opening_unseen = s ? s->partial : !sockets__begins(e);

	return wanted__by_event(core, e, first_seen_ns, opening_unseen, owner);
}

/* Completes the former connection of a socket that is connected again: `*s` is NULL then. */
static int end_former(struct core *core, struct slot **s, const struct record *r)
{
	if (!*s || (*s)->ignored || !sockets__is_connected_again(core, *s, &r->event))
		return 0;
	if (!sockets__end_former(core, *s, r->mono_ns))
		return -ENOMEM;
	*s = NULL;
	return 0;
}

/* Passes find a socket that has died behind its file again and again: that is told once. */
static bool is_known_to_be_dead(const struct core *core, const struct ho_event *e)
{
	return e->kind == HO_SEEN && e->state == TCP_CLOSE && !table__find(&core->table, e->cookie);
}

static int take_fact(struct core *core, const struct record *r)
{
	int err;

	if (is_known_to_be_dead(core, &r->event))
		return 0;
	err = sockets__take_fact(core, &r->event);
	if (!err)
		taken__pass_on(core, r);
	return err;
}

static int take_event(struct core *core, const struct record *r)
{
	struct slot *s = table__find(&core->table, r->event.cookie);

	return end_former(core, &s, r) ?: take_fact(core, r);
}

static void take_loss(struct core *core, const struct record *r)
{
	sockets__take_loss(core, r);
	taken__pass_on(core, r);
}

/* As if the owner were first reported now: earlier reports are not in the stream. */
static int take_owner_anew(struct core *core, uint64_t cookie, uint32_t *index)
{
	const struct owner *owner = owners__at(&core->owners, *index);
	struct slot *s = table__find(&core->table, cookie);
	int err = 0;

	if (owner && s) {
		struct record_process by = { owner->pid, owner->comm, owner->cgroup,
					     owner->container_id };

		err = sockets__take_owner(core, s, &by);
		if (!err)
			taken__pass_on_holder(core, &by, &cookie, 1);
	}
	owners__drop(&core->owners, *index);
	*index = 0;
	return err;
}

static int take_withheld(struct core *core, const struct withheld_record *kept)
{
	struct record r;
	const char *why;
	int err = record__decode(kept->encoded, record__size(kept->encoded, RECORD_HEADER_SIZE), &r,
				 &why);

	if (!err && r.type == RECORD_EVENT)
		return take_event(core, &r);
	if (!err)
		take_loss(core, &r);
	return err;
}

/* The socket begins anew, with its withheld records and then with `now`, if that is not NULL. */
static int let_in(struct core *core, uint64_t cookie, const struct record *now)
{
	struct withheld_record *kept = withheld__take(&core->withheld, cookie), *next;
	const struct slot *before = table__find(&core->table, cookie);
	uint32_t owner = before ? owners__share(&core->owners, before->owner) : 0;
	bool held = before && before->held;
	struct slot *s;
	int err = 0;

	histories__forget(core, cookie);
	for (; kept; kept = next) {
		next = kept->next;
		if (!err)
			err = take_withheld(core, kept) ?: take_owner_anew(core, cookie, &owner);
		free(kept);
	}
	if (!err && now)
		err = take_event(core, now) ?: take_owner_anew(core, cookie, &owner);
	owners__drop(&core->owners, owner);
	s = table__find(&core->table, cookie);
	if (s)
		s->held = held;
	return err;
}

/* Remembers a socket that another owner could make wanted; nothing is kept of others. */
static int keep_out(struct core *core, struct slot *s, const struct ho_event *e)
{
	if (!s)
		return 0;
	withheld__drop(&core->withheld, e->cookie);
	if (is_ending(e) || verdict(core, s, e, 0) == TRUTH_NO) {
		histories__forget(core, e->cookie);
		return 0;
	}
	if (e->kind == HO_SEEN)
		core->shown = *e;
	slot__touch(s, core->now_ns);
	return 0;
}

static int withhold(struct core *core, struct slot *s, const struct record *r)
{
	const struct ho_event *e = &r->event;
	bool added;

	s = table__get(&core->table, e->cookie, &added);
	if (!s)
		return -ENOMEM;
	sockets__touch(core, s, e, added);
	s->ignored = true;
	s->peer_key = 0;	/* any socket that is searched by it was let in */
	withheld__add(&core->withheld, e->cookie, r, is_ending(e));
	return 0;
}

static int meet_outsider(struct core *core, struct slot *s, const struct record *r)
{
	if (!s && sockets__is_aftermath(&r->event)) {	/* never let in, or already reported */
		sockets__forget_connections(core, &r->event);
		return 0;
	}
	switch (verdict(core, s, &r->event, s ? s->owner : 0)) {
	case TRUTH_NO:
		return keep_out(core, s, &r->event);
	case TRUTH_UNKNOWN:
		return withhold(core, s, r);
	case TRUTH_YES:
		break;
	}
	return let_in(core, r->event.cookie, r);
}

int admission__take_event(struct core *core, const struct record *r)
{
	struct slot *s = table__find(&core->table, r->event.cookie);
	int err = end_former(core, &s, r);

	if (err)
		return err;
	if (!core->config.filter)
		return take_fact(core, r);
	if (!s || s->ignored)
		return meet_outsider(core, s, r);
	if (r->event.kind == HO_SEEN)
		core->shown = r->event;
	return take_fact(core, r);
}

/* Decides by what is known now. */
static int decide_again(struct core *core, struct slot *s)
{
	const struct withheld_socket *kept = withheld__find(&core->withheld, s->cookie);
	struct record r = { .type = RECORD_EVENT };

	if (!kept && core->shown.cookie != s->cookie)
		return 0;	/* its next event will decide */
	r.event = kept ? withheld__latest(kept) : core->shown;
	r.mono_ns = r.event.mono_ns;
	switch (verdict(core, s, &r.event, s->owner)) {
	case TRUTH_NO:
		return keep_out(core, s, &r.event);
	case TRUTH_UNKNOWN:
		return 0;
	case TRUTH_YES:
		break;
	}
	return let_in(core, s->cookie, kept ? NULL : &r);
}

int admission__take_owner(struct core *core, struct slot *s, const struct record_process *by)
{
	int err = sockets__take_owner(core, s, by);

	if (err)
		return err;
	return s->ignored ? decide_again(core, s) : 1;
}

void admission__take_loss(struct core *core, const struct record *r)
{
	const struct slot *s = table__find(&core->table, r->loss.cookie);

	if (!core->config.filter || !r->loss.cookie || (s && !s->ignored))
		take_loss(core, r);
	else if (withheld__find(&core->withheld, r->loss.cookie))
		withheld__add(&core->withheld, r->loss.cookie, r, false);
}

void admission__note_names(struct core *core)
{
	core->may_be_decided = true;
}

int admission__decide(struct core *core)
{
	struct withheld_socket *at = core->withheld.oldest, *next;
	int err = 0;

	for (; at && !err; at = next) {
		next = at->younger;
		if (at->ended_ns && at->ended_ns + ENDED_WAITS_NS < core->now_ns)
			histories__forget(core, at->cookie);
		else if (core->may_be_decided)
			err = decide_again(core, table__find(&core->table, at->cookie));
	}
	core->may_be_decided = false;
	return err;
}
