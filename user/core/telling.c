// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "comeback.h"
#include "namespaces.h"
#include "outcome.h"
#include "state.h"
#include "tcp_states.h"
#include "telling.h"

/* By its slot, which remembers where it was born; NULL if that is not known. */
static const struct namespace_sysctl *netns_of(struct core *core, const struct connection *c)
{
	const struct slot *s = table__find(&core->table, c->cookie);
	const struct namespace_sysctl *ns = s ? namespaces__at(core, s->netns) : NULL;

	if (ns && !ns->awaited)
		return ns;
	if (ns && ns->net_cookie)	/* not entered yet */
		return NULL;
	ns = namespaces__find(core, c->netns, 0, c->first_seen_ns);	/* it became known later */
	return ns && !(ns->newborn && c->partial) ? ns : NULL;
}

static const char *device_of(struct core *core, const struct connection *c)
{
	return comeback__device_of(core, connection__family(c), c->local.port, &c->peer,
				   c->first_seen_ns, c->partial);
}

/* ---- what the filter wants ---- */

static uint8_t state_of(const struct ho_event *e)
{
	return e->state == TCP_CLOSE && e->kind == HO_STATE ? e->old_state : e->state;
}

/* Who was open before the watch, or was not heard of at first, was there while that had its name. */
static const char *netns_name(const struct namespace_sysctl *ns, const struct connection *c)
{
	return namespaces__name(ns, c->partial ? 0 : c->first_seen_ns);
}

static struct filter_subject subject_of_event(struct core *core, const struct ho_event *e,
					      uint64_t first_seen_ns, bool stranger,
					      uint32_t owner)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	struct endpoint mapped = endpoint__mapped(&peer, e->family);
	const struct namespace_sysctl *ns =
		namespaces__of_event(core, e, stranger, e->mono_ns);
	const struct known_peer *known = identities__find(&core->identities, &mapped,
							  e->local_port, first_seen_ns, stranger);

	return (struct filter_subject){
		.netns_name = namespaces__settled_name(ns, stranger ? 0 : first_seen_ns),
		.netns = e->netns, .netns_cookie = ns ? ns->cookie : 0, .family = e->family,
		.local = endpoint__of(e->local, e->local_port), .peer = peer,
		.state = state_of(e), .owner = owners__at(&core->owners, owner),
		.device = known ? identities__name(&core->identities, known->device) : NULL };
}

enum truth telling__event_is_wanted(struct core *core, const struct ho_event *e,
				    uint64_t first_seen_ns, bool stranger, uint32_t owner)
{
	struct filter_subject s =
		subject_of_event(core, e, first_seen_ns, stranger, owner);

	if (filter__matches(core->config.filter, &s) == TRUTH_YES)
		return TRUTH_YES;
	s.state = 0;	/* it may come into any */
	return filter__matches(core->config.filter, &s) == TRUTH_NO ? TRUTH_NO : TRUTH_UNKNOWN;
}

bool telling__event_counts(struct core *core, const struct ho_event *e, const struct slot *slot)
{
	struct filter_subject s;

	if (!core->config.filter)
		return true;
	s = subject_of_event(core, e, slot ? (uint64_t)slot->first_seen_us * 1000 : e->mono_ns,
			     !slot || slot->partial, slot ? slot->owner : 0);
	return filter__matches(core->config.filter, &s) != TRUTH_NO;
}

bool telling__is_wanted(struct core *core, const struct connection *c)
{
	const struct namespace_sysctl *ns;
	struct filter_subject s;

	if (!core->config.filter || !c->addressed)	/* it was let in */
		return true;
	ns = netns_of(core, c);
	s = (struct filter_subject){
		.netns_name = ns ? netns_name(ns, c) : NULL, .netns = c->netns,
		.netns_cookie = ns ? ns->cookie : 0,
		.family = connection__family(c), .local = c->local, .peer = c->peer,
		.state = connection__ended_ns(c) ? incidents__of(c)->ended_from : c->state,
		.owner = owners__at(&core->owners, c->owner), .device = device_of(core, c),
	};
	if (filter__matches(core->config.filter, &s) != TRUTH_NO)
		return true;
	s.owner = NULL;	/* whoever held it when it was let in */
	return c->handed_on && filter__matches(core->config.filter, &s) != TRUTH_NO;
}

bool telling__listener_is_wanted(const struct core *core, const struct record *r)
{
	const struct namespace_sysctl *ns;
	struct filter_subject s;

	if (!core->config.filter)
		return true;
	ns = namespaces__find(core, r->waiting.netns, r->waiting.net_cookie, r->mono_ns);
	s = (struct filter_subject){
		.netns_name = ns ? ns->name : NULL, .netns = r->waiting.netns,
		.netns_cookie = ns ? ns->cookie : 0,
		.family = r->waiting.family, .state = TCP_SYN_RECV, .of_many_peers = true,
		.local = endpoint__of(r->waiting.local, r->waiting.port) };
	return filter__matches(core->config.filter, &s) == TRUTH_YES;
}

void telling__taken(struct core *core, const struct record *r)
{
	if (core->config.taken)
		core->config.taken(core->config.taken_context, r);
}

/* ---- what is told ---- */

static struct subject subject_of(struct core *core, const struct connection *c)
{
	const struct namespace_sysctl *ns = netns_of(core, c);

	return (struct subject){ .connection = c,
				 .number = 1 + tally__of(&core->connections, c->cookie),
				 .owner = owners__at(&core->owners, c->owner),
				 .netns_name = ns ? netns_name(ns, c) : "", .netns = ns,
				 .device = device_of(core, c) };
}

enum outcome telling__outcome(const struct core *core, const struct connection *c)
{
	if (connection__ended_ns(c))
		return incidents__of(c)->outcome;
	return silence__unanswered(c) >= core->config.suspect_after ? OUTCOME_SUSPECT
								       : OUTCOME_OPEN;
}

void telling__timeline(struct core *core, struct connection *c)
{
	struct timeline t = {
		.subject = subject_of(core, c),
		.outcome = telling__outcome(core, c),
		.final = connection__ended_ns(c) != 0,
		.revision = incidents__revise(c),
		.half_open = incidents__of(c)->found_by != FOUND_BY_NOTHING,
	};

	if (!t.final)
		t.verified_ns = slot__touched_ns(table__find(&core->table, c->cookie));
	if (t.half_open) {
		t.declared_ns = outcome__declared_ns(c);
		t.evidence = connection__evidence(c, t.declared_ns);
		t.latency = latency__between(&t.evidence);
		/* It was gone when it came again, if not before. */
		t.latency.lower_bounds_known |= incidents__of(c)->found_by == FOUND_BY_SUPERSEDED;
	}
	incidents__flush_run(c);
	if (core->sink.timeline)
		core->sink.timeline(core->sink.context, &t);
}

bool telling__is_worth(struct core *core, const struct connection *c)
{
	return (c->told || core->config.all) && telling__is_wanted(core, c);
}

void telling__if_open(struct core *core, struct slot *s)
{
	struct connection *c = table__history(&core->table, s);

	if (c && c->addressed && !connection__ended_ns(c) && telling__is_worth(core, c))
		telling__timeline(core, c);
}

void telling__open_sockets(struct core *core)
{
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s)))
		telling__if_open(core, s);
}

void telling__events(struct core *core, const struct connection *c, const struct told *told)
{
	struct subject subject;
	unsigned int i;

	if (!core->started || !core->sink.event || !c->addressed || !told->count ||
	    !(core->config.events || told->entries[0].kind == ENTRY_SUPERSEDED) ||
	    (!core->config.events && !core->sink.change) ||
	    !telling__is_wanted(core, c))
		return;
	subject = subject_of(core, c);
	for (i = 0; i < told->count; i++)
		core->sink.event(core->sink.context, &subject, &told->entries[i]);
}

struct glimpse telling__glimpse(const struct core *core, const struct connection *c)
{
	return (struct glimpse){ .suspect = telling__outcome(core, c) == OUTCOME_SUSPECT,
				 .has_period = heartbeat__period_ms(&incidents__of(c)->heartbeat),
				 .last_heard_ns = c->last_heard_ns };
}

void telling__change(struct core *core, const struct connection *c, const struct glimpse *before,
		     uint64_t at_ns)
{
	struct glimpse now = telling__glimpse(core, c);
	uint64_t since = now.suspect ? now.last_heard_ns : before->last_heard_ns;
	struct change change = { .at_ns = at_ns, .asks = silence__unanswered(c),
				 .silent_ns = since && at_ns > since ? at_ns - since : 0 };
	struct subject subject;

	if (!core->sink.change || !core->started || connection__ended_ns(c) || !c->identified)
		return;
	if (now.suspect != before->suspect)
		change.kind = now.suspect ? CHANGE_SUSPECT : CHANGE_RECOVERED;
	else if (now.has_period && !before->has_period)
		change.kind = CHANGE_HEARTBEAT;
	else
		return;
	if (!telling__is_wanted(core, c))
		return;
	subject = subject_of(core, c);
	core->sink.change(core->sink.context, &subject, &change);
}

void telling__loss(struct core *core, const struct loss *loss)
{
	core->totals.events_lost += loss->count;
	if (core->started && core->sink.loss)
		core->sink.loss(core->sink.context, loss);
}

static void tell_counted(struct core *core, enum loss_reason reason, uint64_t *count)
{
	struct loss loss = { .reason = reason, .count = *count, .from_ns = core->untold_from_ns,
			     .to_ns = core->now_ns };

	if (*count)
		telling__loss(core, &loss);
	*count = 0;
}

void telling__losses(struct core *core)
{
	tell_counted(core, LOSS_UNSEEN, &core->unseen);
	tell_counted(core, LOSS_SENSELESS, &core->senseless);
	core->untold_from_ns = core->now_ns;
}
