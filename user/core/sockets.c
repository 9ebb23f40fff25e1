// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection/outcome.h"
#include "core/emit.h"
#include "core/histories.h"
#include "core/losses.h"
#include "core/namespaces.h"
#include "core/recent_events.h"
#include "core/reconnects.h"
#include "core/sockets.h"
#include "core/state.h"
#include "core/totals.h"
#include "core/wanted.h"
#include "exposure/exposure.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

/* A reset connection waits this long for the next one from its peer's address and port. */
#define REDIAL_WAIT_NS 4000000000ULL

void sockets__end(struct core *core, struct connection *c)
{
	c->incidents->next_ended = NULL;
	if (core->last_ended)
		core->last_ended->incidents->next_ended = c;
	else
		core->first_ended = c;
	core->last_ended = c;
	totals__count_ending(&core->totals, wanted__is(core, c));
}

static void count_half_open(struct core *core, const struct connection *c)
{
	uint64_t declared_ns = outcome__declared_ns(c);

	if (c->incidents->found_by == FOUND_BY_NOTHING || !wanted__is(core, c))
		return;
	totals__count_half_open(&core->totals, c->incidents->found_by,
				c->last_heard_ns && declared_ns > c->last_heard_ns
					? declared_ns - c->last_heard_ns : 0);
}

/* `c` is NULL where the socket has no history, `s` where it has no slot, either. */
static void count_event(struct core *core, const struct connection *c, const struct ho_event *e,
			const struct slot *s)
{
	totals__count_event(&core->totals,
			    c ? wanted__is(core, c) : wanted__event_counts(core, e, s));
}

/* Limit of remembered connections of sockets that may be connected again: lost events leave
 * more. */
#define CONNECTIONS_MAX (1U << 18)

/* The connection has ended. If the socket is not destroyed, its program may connect it again
 * (connect() with AF_UNSPEC, and once more), under the same cookie. */
static void forget_connection(struct core *core, uint64_t cookie, bool destroyed)
{
	histories__forget(core, cookie);
	if (destroyed) {
		tally__take(&core->connections, cookie);
		return;
	}
	if (core->connections.used >= CONNECTIONS_MAX)
		tally__free(&core->connections);
	if (!tally__add(&core->connections, cookie))
		core->error = -ENOMEM;
}

/* Its ending shows whether the suspected successor was right. */
static void learn_fate(struct core *core, const struct connection *c)
{
	const struct slot *s = table__find(&core->table, c->cookie);
	const struct incidents *i = c->incidents;

	if (!s)
		return;
	if (i->found_by != FOUND_BY_NOTHING)
		linkage__resolve(&core->supersession.linkage, s->peer_key, c->cookie, LINK_DEAD,
				 i->ended_ns);
	else if (i->outcome == OUTCOME_CLOSED_BY_PEER || i->outcome == OUTCOME_CLOSED_LOCALLY)
		linkage__resolve(&core->supersession.linkage, s->peer_key, c->cookie, LINK_CLOSED,
				 i->ended_ns);
}

/* Emits the last timeline, and removes the socket. */
static void emit_last(struct core *core, struct connection *c)
{
	learn_fate(core, c);
	count_half_open(core, c);
	if (emit__is_worth(core, c))
		emit__timeline(core, c);
	forget_connection(core, c->cookie, c->incidents->destroyed);
}

/* May the device connect again from the same port: a second after its first SYN, as most do, or
 * later? */
static bool waits_for_successor(const struct connection *c, uint64_t until_ns)
{
	return reconnects__has_redialed(c) && !c->incidents->successor &&
	       until_ns < c->incidents->ended_ns + REDIAL_WAIT_NS;
}

static void emit_redialed(struct core *core, uint64_t until_ns)
{
	struct connection **at = &core->redialed, *c;
	uint64_t from_ns = UINT64_MAX;

	while ((c = *at)) {
		if (waits_for_successor(c, until_ns)) {
			if (connection__ended_ns(c) < from_ns)
				from_ns = connection__ended_ns(c);
			at = &c->incidents->next_ended;
			continue;
		}
		*at = c->incidents->next_ended;
		emit_last(core, c);
	}
	core->redialed_from_ns = from_ns;
}

void sockets__emit_ended(struct core *core, uint64_t until_ns)
{
	struct connection *c;
	unsigned int due = 0;

	for (c = core->first_ended; c && connection__ended_ns(c) <= until_ns;
	     c = c->incidents->next_ended)
		due++;
	if (due)
		reconnects__judge_ended(core, due);
	while ((c = core->first_ended) && connection__ended_ns(c) <= until_ns) {
		core->first_ended = c->incidents->next_ended;
		if (!core->first_ended)
			core->last_ended = NULL;
		if (!waits_for_successor(c, until_ns)) {
			emit_last(core, c);
			continue;
		}
		if (!core->redialed || connection__ended_ns(c) < core->redialed_from_ns)
			core->redialed_from_ns = connection__ended_ns(c);
		c->incidents->next_ended = core->redialed;
		core->redialed = c;
	}
	emit_redialed(core, until_ns);
}

/* Removes it from a list of ended ones, and returns the one before it, if it is there. */
static bool take_out(struct connection **list, const struct connection *c,
		     struct connection **before)
{
	struct connection **at = list;

	*before = NULL;
	for (; *at && *at != c; at = &(*at)->incidents->next_ended)
		*before = *at;
	if (!*at)
		return false;
	*at = c->incidents->next_ended;
	return true;
}

/* Nothing more can follow its ending: it is emitted before its turn. */
static void emit_at_once(struct core *core, struct connection *c)
{
	struct connection *before;

	if (take_out(&core->first_ended, c, &before)) {
		if (core->last_ended == c)
			core->last_ended = before;
		c->incidents->next_ended = core->first_ended;
		core->first_ended = c;
		reconnects__judge_ended(core, 1);
		core->first_ended = c->incidents->next_ended;
	} else {
		take_out(&core->redialed, c, &before);
	}
	emit_last(core, c);
}

static uint64_t key_of(const struct core *core, const struct ho_event *e)
{
	struct endpoint local = endpoint__of(e->local, e->local_port);
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);

	return arrivals__key(&core->supersession.arrivals, e->netns, e->family, &local, &peer);
}

/* The last connection waits for its last events, or its ending was lost, and the next one has other
 * ends. */
bool sockets__is_connected_again(const struct core *core, const struct slot *s,
			       const struct ho_event *e)
{
	const struct connection *c = table__history(&core->table, s);
	bool dialled = e->kind == HO_STATE && e->state == TCP_ESTABLISHED &&
		       e->old_state == TCP_SYN_SENT;

	if (!dialled && !(e->kind == HO_SEEN && e->state != TCP_CLOSE))
		return false;
	if (c && connection__ended_ns(c))
		return !c->incidents->destroyed &&
		       e->mono_ns > connection__ended_ns(c) + (dialled ? 0 : WALK_BEHIND_NS);
	return e->mono_ns / 1000 > s->first_seen_us &&
	       (s->peer_port != e->peer_port || s->peer_key != key_of(core, e));
}

bool sockets__end_former(struct core *core, struct slot *s, uint64_t mono_ns)
{
	struct connection *c = table__history(&core->table, s);
	bool ended = c && connection__ended_ns(c);

	if (!ended)
		losses__count_unseen(&core->losses, 1);
	if (!c || (!ended && !c->addressed)) {
		totals__count_ending(&core->totals, true);
		forget_connection(core, s->cookie, false);
		return true;
	}
	if (!ended && !connection__lose_ending(c, mono_ns))
		return false;
	if (!ended)
		sockets__end(core, c);
	emit_at_once(core, c);
	return true;
}

/* A silence of a day that continues for seven weeks looks young again where jiffies are
 * milliseconds: its beginning is kept. */
static bool may_wrap_unseen(const struct core *core, const struct ho_event *e)
{
	const uint64_t day_ns = 86400000000000ULL;

	return core->rules.hz >= 1000 &&
	       e->mono_ns - stamps__heard_ns(e, core->rules.hz) > day_ns;
}

/* An opening, an orderly ending or a healthy socket in a snapshot needs no history: its slot has
 * all that is known. */
static bool is_eventful(const struct core *core, const struct ho_event *e)
{
	if (e->kind == HO_SEEN && may_wrap_unseen(core, e))
		return true;
	if (e->kind == HO_SEEN)
		return e->state == TCP_CLOSE || e->probes_out || e->retransmits ||
		       (e->state != TCP_ESTABLISHED && (e->flags & HO_F_FIN_QUEUED));
	return !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);
}

static bool is_orderly_ending(const struct ho_event *e)
{
	return e->kind == HO_STATE && e->state == TCP_CLOSE && !e->error && !e->probes_out &&
	       e->old_state != TCP_ESTABLISHED && e->old_state != TCP_CLOSE_WAIT &&
	       !e->packets_out && !e->retransmits;
}

/* The first event of a socket: its opening, or the end of one that was accepted (TCP Fast Open) and
 * never opened. */
bool sockets__begins(const struct ho_event *e)
{
	return e->kind == HO_STATE &&
	       (e->state == TCP_ESTABLISHED || e->old_state == TCP_SYN_RECV);
}

/* Its namespace was not known yet; or an earlier event, without a cookie, was assigned to
 * another. */
static bool is_elsewhere(const struct core *core, const struct slot *s, const struct ho_event *e)
{
	const struct namespace_sysctl *ns = namespaces__at(core, s->netns);
	const struct namespace_key key = namespaces__key_of(e);

	return !ns || ns->awaited ||
	       (key.cookie && (!ns->cookie || namespaces__is_another(ns, &key)));
}

void sockets__touch(struct core *core, struct slot *s, const struct ho_event *e, bool added)
{
	if (is_elsewhere(core, s, e))
		s->netns =
			namespaces__index(core, e, added || s->partial,
					  added ? e->mono_ns : (uint64_t)s->first_seen_us * 1000);
	if (added) {
		s->peer_key = key_of(core, e);
		s->peer_port = e->peer_port;
		s->local_port = e->local_port;
		s->first_seen_us = e->mono_ns / 1000;
		s->partial = !sockets__begins(e);
	}
	/* As of now: it may have been withheld meanwhile, and passes have found it. */
	slot__touch(s, core->now_ns);
	s->would_notice = !exposure__never_notices(e);
}

static bool has_output(const struct core *core, const struct slot *s)
{
	const struct connection *c = table__history(&core->table, s);

	return c && (core->config.filter || c->told || connection__ended_ns(c) || c->silence.asks);
}

/* A pass has found it again, and it had no event: there may be a million of those, and nothing more
 * is kept of them. */
static bool is_as_it_was(const struct core *core, const struct connection *c,
			 const struct ho_event *e)
{
	struct keepalive now = keepalive__of(e);

	return e->kind == HO_SEEN && e->state != TCP_CLOSE && c->identified && !c->incidents &&
	       !c->told &&
	       !core->config.all && !core->config.events && keepalive__equal(&now, &c->keepalive);
}

/* Does it follow an ending that was emitted, whose socket was removed? */
bool sockets__is_aftermath(const struct ho_event *e)
{
	return e->kind == HO_GONE ||
	       (e->state == TCP_CLOSE &&
		(e->kind == HO_RESET_SENT || e->kind == HO_ERROR || e->kind == HO_SEEN));
}

/* Adds it to the history; `added`: the first event of the socket. */
static int add_to_history(struct core *core, const struct slot *s, struct connection *c,
			  const struct ho_event *e, bool added)
{
	bool ended = connection__ended_ns(c) != 0;
	struct glimpse before;
	struct told told;

	if (is_as_it_was(core, c, e))
		return 0;
	before = emit__glimpse(core, c);
	if (!connection__apply(c, e, &core->rules, &told))
		return -ENOMEM;
	if (added || e->kind != HO_SEEN)	/* a pass that finds it again is no event */
		count_event(core, c, e, s);
	if (!ended && incidents__of(c)->ending_lost)
		losses__count_unseen(&core->losses, 1);
	core->syns_heard += e->kind == HO_HEARD && (e->tcp_flags & HO_TCP_SYN);
	losses__count_probes(&core->losses, told.untold_probes);
	if (c->last_heard_ns > before.last_heard_ns)
		linkage__resolve(&core->supersession.linkage, s->peer_key, s->cookie, LINK_HEARD,
				 c->last_heard_ns);
	emit__events(core, c, &told);
	emit__change(core, c, &before, e->mono_ns);
	if (e->kind == HO_RETRANSMIT && (e->flags & HO_F_FIN_QUEUED) &&
	    !c->incidents->closing_noted) {
		c->incidents->closing_noted = true;
		reconnects__note_closing(core, c->cookie);
	}
	if (incidents__of(c)->successor)
		reconnects__find_superseded(core, c, c->last_heard_ns, e->mono_ns);
	if (!ended && connection__ended_ns(c))
		sockets__end(core, c);
	return 0;
}

void sockets__forget_connections(struct core *core, const struct ho_event *e)
{
	if (e->kind == HO_GONE)
		tally__take(&core->connections, e->cookie);
}

/* Is it the end of a socket that is not known, or of one that has nothing to tell? Then it was
 * taken. */
static bool take_end(struct core *core, const struct ho_event *e)
{
	bool orderly = is_orderly_ending(e), aftermath = sockets__is_aftermath(e);
	const struct slot *s = orderly || aftermath ? table__find(&core->table, e->cookie) : NULL;

	if (!s && aftermath) {
		sockets__forget_connections(core, e);
		if (e->kind != HO_SEEN)
			count_event(core, NULL, e, NULL);
		return true;
	}
	if (!s || !orderly || core->config.all || core->config.events || has_output(core, s))
		return false;
	count_event(core, NULL, e, s);
	totals__count_ending(&core->totals, wanted__event_counts(core, e, s));
	linkage__resolve(&core->supersession.linkage, s->peer_key, s->cookie, LINK_CLOSED,
			 e->mono_ns);
	forget_connection(core, e->cookie, e->flags & HO_F_ORPHAN);
	return true;
}

int sockets__take_fact(struct core *core, const struct ho_event *e)
{
	struct connection *c;
	struct slot *s;
	bool added, named;

	if (take_end(core, e))
		return 0;
	s = table__get(&core->table, e->cookie, &added);
	if (!s)
		return -ENOMEM;
	sockets__touch(core, s, e, added);
	named = added && reconnects__notice_newcomer(core, s, e);
	c = table__history(&core->table, s);
	if (!c) {
		if (!named && s->netns && !core->config.all && !core->config.events &&
		    !is_eventful(core, e)) {
			if (added || e->kind != HO_SEEN)
				count_event(core, NULL, e, s);
			return 0;
		}
		c = histories__of(core, s);
		if (!c)
			return -ENOMEM;
	}
	c->eventful |= is_eventful(core, e);
	return add_to_history(core, s, c, e, added);
}

/* Its owner differs from the one that the filter accepted, and it stays: that is kept, also where
 * it has no other history. */
static struct connection *keep_handed_on(struct core *core, struct slot *s)
{
	const struct ho_event *e = &core->shown;
	struct connection *c = table__history(&core->table, s);

	if (!c && core->config.filter && !s->ignored) {
		c = histories__of(core, s);
		if (c && e->cookie == s->cookie) {	/* else its next event has its ends */
			struct endpoint local = endpoint__of(e->local, e->local_port);
			struct endpoint peer = endpoint__of(e->peer, e->peer_port);

			connection__address(c, e->netns, e->family, &local, &peer);
		}
	}
	if (c)
		c->handed_on = true;
	return c;
}

int sockets__take_owner(struct core *core, struct slot *s, const struct record_process *by)
{
	uint32_t owner =
		owners__take(&core->owners, by->pid, by->comm, by->cgroup, by->container_id);
	struct connection *c;

	if (!owner)
		return -ENOMEM;
	if (owner > SLOT_OWNER_MAX) {	/* more processes than a slot has room for */
		owners__drop(&core->owners, owner);
		return 0;
	}
	c = s->owner && s->owner != owner ? keep_handed_on(core, s)
					  : table__history(&core->table, s);
	if (c) {
		owners__drop(&core->owners, c->owner);
		c->owner = owners__share(&core->owners, owner);
	}
	owners__drop(&core->owners, s->owner);
	s->owner = owner;
	return 0;
}

void sockets__take_loss(struct core *core, const struct record *r)
{
	struct told told = { 0 };
	struct connection *c;
	struct slot *s;

	if (r->loss.cookie) {	/* of a socket: counted already in the sum */
		s = table__find(&core->table, r->loss.cookie);
		c = s ? histories__of(core, s) : NULL;
		if (!c)
			return;
		incidents__note_loss(c, r->mono_ns, r->loss.count, &told);
		emit__events(core, c, &told);
		return;
	}
	if (r->loss.reason == LOSS_SENSELESS) {
		losses__count_senseless(&core->losses, r->loss.count);
		return;
	}
	losses__count(&core->losses, r->loss.count);
	emit__loss(core, r->loss.reason, r->loss.count, r->loss.from_ns, r->mono_ns);
}

/* Sockets without events would learn of it late. */
void sockets__follow_sysctl(struct core *core, const struct namespace_sysctl *ns,
			    uint64_t mono_ns)
{
	struct slot *s = NULL;
	struct told told;

	while ((s = table__next(&core->table, s))) {
		struct connection *c = table__history(&core->table, s);

		if (!c || !c->identified || connection__ended_ns(c) ||
		    (s->netns ? namespaces__at(core, s->netns) != ns : c->netns != ns->netns))
			continue;
		connection__follow_sysctl(c, mono_ns, ns->idle_s, ns->interval_s, ns->probes,
					  &core->rules, &told);
		emit__events(core, c, &told);
	}
}
