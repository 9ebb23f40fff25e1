// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "comeback.h"
#include "namespaces.h"
#include "outcome.h"
#include "sockets.h"
#include "stamps.h"
#include "state.h"
#include "tcp_states.h"
#include "telling.h"

/* So long a reset connection waits for the next one from its peer's address and port. */
#define REDIAL_NS 4000000000ULL

void sockets__free_history(struct connection *c)
{
	if (!c)
		return;
	connection__release(c);
	free(c);
}

static struct connection *new_history(struct core *core, struct slot *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cookie = s->cookie;
	c->first_seen_ns = (uint64_t)s->first_seen_us * 1000;
	c->partial = s->partial;
	if (!table__give_history(&core->table, s, c)) {
		free(c);
		return NULL;
	}
	c->owner = owners__share(&core->owners, s->owner);
	return c;
}

struct connection *sockets__history(struct core *core, struct slot *s)
{
	return s->has_history ? table__history(&core->table, s) : new_history(core, s);
}

void sockets__forget(struct core *core, uint64_t cookie)
{
	struct slot *s = table__find(&core->table, cookie);
	struct connection *c;

	if (!s)
		return;
	owners__drop(&core->owners, s->owner);
	undecided__take(&core->undecided, cookie);
	c = table__take_history(&core->table, s);
	if (c) {
		owners__drop(&core->owners, c->owner);
		sockets__free_history(c);
	}
	table__remove(&core->table, cookie);
}

void sockets__end(struct core *core, struct connection *c)
{
	c->incidents->next_ended = NULL;
	if (core->last_ended)
		core->last_ended->incidents->next_ended = c;
	else
		core->first_ended = c;
	core->last_ended = c;
	core->totals.endings += telling__is_wanted(core, c) == TRUTH_YES;
}

static void count_half_open(struct core *core, const struct connection *c)
{
	enum found_by found_by = c->incidents->found_by;
	uint64_t blind_ns;

	if (found_by == FOUND_BY_NOTHING || telling__is_wanted(core, c) != TRUTH_YES)
		return;
	core->totals.half_open++;
	core->totals.half_open_by[found_by]++;
	blind_ns = outcome__declared_ns(c) - c->last_heard_ns;
	if (c->last_heard_ns && outcome__declared_ns(c) > c->last_heard_ns &&
	    blind_ns > core->totals.longest_blind_ns)
		core->totals.longest_blind_ns = blind_ns;
}

/* What came of it counts as soon as the filter wants it. */
static void count_undecided(struct core *core, const struct connection *c)
{
	if (undecided__of(&core->undecided, c->cookie) && telling__is_wanted(core, c) == TRUTH_YES)
		core->totals.events += undecided__take(&core->undecided, c->cookie);
}

/* `c` is NULL where there is nothing to be known of the socket but this event. */
static void count_event(struct core *core, const struct connection *c, const struct ho_event *e,
			bool stranger)
{
	if (!core->config.filter ||
	    (c ? telling__is_wanted(core, c)
	       : telling__event_is_wanted(core, e, stranger)) == TRUTH_YES)
		core->totals.events += 1 + undecided__take(&core->undecided, e->cookie);
	else if (c)
		undecided__add(&core->undecided, e->cookie);
}

/* Told, and forgotten. */
static void tell_last(struct core *core, struct connection *c)
{
	count_undecided(core, c);
	count_half_open(core, c);
	if (telling__is_worth(core, c))
		telling__timeline(core, c);
	sockets__forget(core, c->cookie);
}

/* The device dials again from the same port: a second after its first SYN, as most do, or later. */
static bool waits_for_successor(const struct connection *c, uint64_t until_ns)
{
	return comeback__has_redialed(c) && !c->incidents->successor &&
	       until_ns < c->incidents->ended_ns + REDIAL_NS;
}

static void tell_redialed(struct core *core, uint64_t until_ns)
{
	struct connection **at = &core->redialed, *c;

	while ((c = *at)) {
		if (waits_for_successor(c, until_ns)) {
			at = &c->incidents->next_ended;
			continue;
		}
		*at = c->incidents->next_ended;
		tell_last(core, c);
	}
}

void sockets__tell_ended(struct core *core, uint64_t until_ns)
{
	struct connection *c;
	unsigned int due = 0;

	for (c = core->first_ended; c && connection__ended_ns(c) <= until_ns;
	     c = c->incidents->next_ended)
		due++;
	if (due)
		comeback__judge_ended(core, due);
	while ((c = core->first_ended) && connection__ended_ns(c) <= until_ns) {
		core->first_ended = c->incidents->next_ended;
		if (!core->first_ended)
			core->last_ended = NULL;
		if (!waits_for_successor(c, until_ns)) {
			tell_last(core, c);
			continue;
		}
		c->incidents->next_ended = core->redialed;
		core->redialed = c;
	}
	tell_redialed(core, until_ns);
}

/* A silence of a day that goes on for seven weeks looks young again where jiffies are milliseconds:
 * its beginning is remembered. */
static bool may_wrap_unseen(const struct core *core, const struct ho_event *e)
{
	const uint64_t day_ns = 86400000000000ULL;

	return core->rules.hz >= 1000 &&
	       e->mono_ns - stamps__heard_ns(e, core->rules.hz) > day_ns;
}

/* An opening, an orderly ending or a healthy socket in a snapshot needs no history: the table
 * knows the socket and its namespace, and that is all there is to know. */
static bool needs_history(const struct core *core, const struct slot *s, const struct ho_event *e)
{
	if (core->config.all || core->config.events)
		return true;
	if (telling__event_is_wanted(core, e, s->partial) == TRUTH_UNKNOWN)
		return true;	/* to be decided when more is known */
	if (e->kind == HO_SEEN && may_wrap_unseen(core, e))
		return true;
	if (e->kind == HO_SEEN)
		return e->probes_out || e->retransmits ||
		       (e->state != TCP_ESTABLISHED && (e->flags & HO_F_FIN_QUEUED));
	return !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);
}

static bool is_orderly_ending(const struct ho_event *e)
{
	return e->kind == HO_STATE && e->state == TCP_CLOSE && !e->error && !e->probes_out &&
	       e->old_state != TCP_ESTABLISHED && e->old_state != TCP_CLOSE_WAIT &&
	       !e->packets_out && !e->retransmits;
}

/* The first that can be told of a socket: its opening, or the end of one that was accepted (TCP
 * Fast Open) and never opened. */
static bool begins(const struct ho_event *e)
{
	return e->kind == HO_STATE &&
	       (e->state == TCP_ESTABLISHED || e->old_state == TCP_SYN_RECV);
}

/* Its namespace is not known yet; or an earlier event, which told no cookie, let it look like
 * another. */
static bool is_elsewhere(const struct core *core, const struct slot *s, const struct ho_event *e)
{
	const struct namespace_sysctl *ns = namespaces__at(core, s->netns);

	return !ns || ns->awaited || (e->net_cookie && ns->net_cookie != e->net_cookie);
}

static void touch(struct core *core, struct slot *s, const struct ho_event *e, bool added)
{
	if (is_elsewhere(core, s, e))
		s->netns =
			namespaces__index(core, e, added || s->partial,
					  added ? e->mono_ns : (uint64_t)s->first_seen_us * 1000);
	if (added) {
		struct endpoint local = endpoint__of(e->local, e->local_port);
		struct endpoint peer = endpoint__of(e->peer, e->peer_port);

		s->peer_key = arrivals__key(e->netns, &local, &peer);
		s->peer_port = e->peer_port;
		s->first_seen_us = e->mono_ns / 1000;
		s->partial = !begins(e);
	}
	slot__touch(s, e->mono_ns);
	/* Of a FIN the retransmission timer takes care, and of who nobody holds, a timeout. */
	s->would_notice = (e->flags & HO_F_KEEPALIVE) ||
			  ((e->flags & HO_F_FIN_QUEUED) &&
			   ((e->flags & HO_F_ORPHAN) || !(e->flags & HO_F_ALL_ACKED)));
}

/* A socket that no later knowledge can make wanted is not stored at all, or, where it had to
 * be until its owner was known, remembered as such. */
static bool is_kept_out(struct core *core, struct slot *s, const struct ho_event *e)
{
	if (!s)
		return telling__event_is_wanted(core, e, true) == TRUTH_NO;
	if (!s->ignored)
		return false;
	slot__touch(s, e->mono_ns);
	if (e->kind == HO_GONE || (e->kind == HO_STATE && e->state == TCP_CLOSE))
		sockets__forget(core, e->cookie);
	return true;
}

static bool has_something_to_tell(const struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return c && (core->config.filter || c->told || connection__ended_ns(c) || c->silence.asks);
}

/* A pass has found it again, and nothing has befallen it: there may be a million of those, and of
 * none of them is more to be kept. */
static bool is_as_it_was(const struct core *core, const struct connection *c,
			 const struct ho_event *e)
{
	struct keepalive now = keepalive__of(e);

	return e->kind == HO_SEEN && c->identified && !c->incidents && !c->told &&
	       !core->config.all && !core->config.events && keepalive__equal(&now, &c->keepalive);
}

int sockets__take_event(struct core *core, const struct ho_event *e)
{
	struct connection *c;
	struct told told;
	struct slot *s;
	bool added, ended, named;
	struct glimpse before;

	s = table__find(&core->table, e->cookie);
	if (is_kept_out(core, s, e))
		return CORE_UNWANTED;
	/* What follows an ending that was told and forgotten. */
	if (!s && (e->kind == HO_GONE ||
		   (e->state == TCP_CLOSE && (e->kind == HO_RESET_SENT || e->kind == HO_ERROR)))) {
		count_event(core, NULL, e, true);
		return 0;
	}
	if (s && !core->config.all && !core->config.events && is_orderly_ending(e) &&
	    !has_something_to_tell(core, s)) {
		count_event(core, NULL, e, s->partial);
		core->totals.endings++;
		sockets__forget(core, e->cookie);
		return 0;
	}
	s = table__get(&core->table, e->cookie, &added);
	if (!s)
		return -ENOMEM;
	touch(core, s, e, added);
	named = added && comeback__notice_newcomer(core, s, e);
	c = table__history(&core->table, s);
	if (!c) {
		if (!named && s->netns && !needs_history(core, s, e)) {
			if (added || e->kind != HO_SEEN)
				count_event(core, NULL, e, s->partial);
			return 0;
		}
		c = new_history(core, s);
		if (!c)
			return -ENOMEM;
	}
	if (is_as_it_was(core, c, e))
		return 0;
	ended = connection__ended_ns(c) != 0;
	before = telling__glimpse(core, c);
	if (!connection__apply(c, e, &core->rules, &told))
		return -ENOMEM;
	if (added || e->kind != HO_SEEN)	/* a pass that finds it again is no event */
		count_event(core, c, e, s->partial);
	core->syns_heard += e->kind == HO_HEARD && (e->tcp_flags & HO_TCP_SYN);
	core->unseen += told.untold_probes;
	if (!connection__ended_ns(c) && !incidents__successor(c) &&
	    incidents__of(c)->found_by == FOUND_BY_SUPERSEDED)
		c->incidents->found_by = FOUND_BY_NOTHING; /* it was heard again: two at once */
	telling__events(core, c, &told);
	telling__change(core, c, &before, e->mono_ns);
	if (!ended && connection__ended_ns(c))
		sockets__end(core, c);
	return 0;
}

/* All is known of it now but its state. */
static void ignore_if_unwanted(struct core *core, struct slot *s)
{
	struct connection *c = table__history(&core->table, s);
	uint8_t state = c->state;
	enum truth wanted;

	if (connection__ended_ns(c) || !c->addressed)
		return;
	c->state = 0;
	wanted = telling__is_wanted(core, c);
	c->state = state;
	if (wanted != TRUTH_NO)
		return;
	owners__drop(&core->owners, s->owner);
	owners__drop(&core->owners, c->owner);
	undecided__take(&core->undecided, s->cookie);
	s->owner = 0;
	s->ignored = true;
	sockets__free_history(table__take_history(&core->table, s));
}

int sockets__take_owner(struct core *core, const struct record *r)
{
	struct slot *s = table__find(&core->table, r->owner.cookie);
	struct connection *c;
	uint32_t owner;

	if (!s || s->ignored)
		return core->config.filter ? CORE_UNWANTED : 0;
	owner = owners__take(&core->owners, r->owner.pid, r->owner.comm, r->owner.cgroup,
			     r->owner.container_id);
	if (!owner)
		return -ENOMEM;
	if (owner > SLOT_OWNER_MAX) {	/* more processes than a slot can tell apart */
		owners__drop(&core->owners, owner);
		return 0;
	}
	owners__drop(&core->owners, s->owner);
	s->owner = owner;
	c = table__history(&core->table, s);
	if (c) {
		owners__drop(&core->owners, c->owner);
		c->owner = owners__share(&core->owners, owner);
		count_undecided(core, c);
		ignore_if_unwanted(core, s);
	}
	return 0;
}

void core__begin_holders(struct core *core)
{
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s)))
		s->held = false;
}

enum holder core__found_holder(struct core *core, uint64_t cookie, uint32_t pid, const char *comm)
{
	struct slot *s = table__find(&core->table, cookie);
	const struct owner *owner;

	if (!s || s->ignored)
		return s ? HOLDER_IS_TOLD : HOLDER_OF_STRANGER;
	if (s->held)
		return HOLDER_IS_SECOND;
	s->held = true;
	owner = owners__at(&core->owners, s->owner);
	return owner && owner->pid == pid && !strncmp(owner->comm, comm, sizeof(owner->comm) - 1)
		       ? HOLDER_IS_TOLD : HOLDER_IS_NEWS;
}

void sockets__take_loss(struct core *core, const struct record *r)
{
	struct loss loss = { .reason = r->loss.reason, .count = r->loss.count,
			     .from_ns = r->loss.from_ns, .to_ns = r->mono_ns };
	struct told told = { 0 };
	struct connection *c;
	struct slot *s;

	if (r->loss.cookie) {	/* whose: counted already in the sum */
		s = table__find(&core->table, r->loss.cookie);
		c = s && !s->ignored ? sockets__history(core, s) : NULL;
		if (!c)
			return;
		incidents__note_loss(c, r->mono_ns, r->loss.count, &told);
		telling__events(core, c, &told);
		return;
	}
	core->counted += loss.count;
	telling__loss(core, &loss);
}
