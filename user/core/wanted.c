// SPDX-License-Identifier: GPL-2.0
#include "core/devices.h"
#include "core/namespaces.h"
#include "core/state.h"
#include "core/wanted.h"
#include "tcp/tcp_states.h"

static uint8_t state_of(const struct ho_event *e)
{
	return e->state == TCP_CLOSE && e->kind == HO_STATE ? e->old_state : e->state;
}

static struct filter_subject subject_of_event(struct core *core, const struct ho_event *e,
					      uint64_t first_seen_ns, bool opening_unseen,
					      uint32_t owner)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	struct endpoint mapped = endpoint__mapped(&peer, e->family);
	const struct namespace_sysctl *ns =
		namespaces__of_event(core, e, opening_unseen, e->mono_ns);
	const struct known_peer *known = identities__find(
		&core->identities, &mapped, e->local_port, first_seen_ns, opening_unseen);

	return (struct filter_subject){
		.netns_name = namespaces__settled_name(ns, opening_unseen ? 0 : first_seen_ns),
		.netns = e->netns, .netns_cookie = namespace__cookie(ns), .family = e->family,
		.local = endpoint__of(e->local, e->local_port), .peer = peer,
		.state = state_of(e), .owner = owners__at(&core->owners, owner),
		.device = known ? identities__name(&core->identities, known->device) : NULL };
}

enum truth wanted__by_event(struct core *core, const struct ho_event *e, uint64_t first_seen_ns,
			    bool opening_unseen, uint32_t owner)
{
	struct filter_subject s = subject_of_event(core, e, first_seen_ns, opening_unseen, owner);

	if (filter__matches(core->config.filter, &s) == TRUTH_YES)
		return TRUTH_YES;
	s.state = 0;	/* any is possible later */
	return filter__matches(core->config.filter, &s) == TRUTH_NO ? TRUTH_NO : TRUTH_UNKNOWN;
}

bool wanted__event_counts(struct core *core, const struct ho_event *e, const struct slot *slot)
{
	struct filter_subject s;

	if (!core->config.filter)
		return true;
	s = subject_of_event(core, e, slot ? (uint64_t)slot->first_seen_us * 1000 : e->mono_ns,
			     !slot || slot->partial, slot ? slot->owner : 0);
	return filter__matches(core->config.filter, &s) != TRUTH_NO;
}

bool wanted__is(struct core *core, const struct connection *c)
{
	const struct namespace_sysctl *ns;
	struct filter_subject s;

	if (!core->config.filter || !c->addressed)	/* it was let in */
		return true;
	ns = namespaces__of_connection(core, c);
	s = (struct filter_subject){
		.netns_name = ns ? namespaces__name_for(ns, c) : NULL, .netns = c->netns,
		.netns_cookie = namespace__cookie(ns),
		.family = connection__family(c), .local = c->local, .peer = c->peer,
		.state = connection__ended_ns(c) ? incidents__of(c)->ended_from : c->state,
		.owner = owners__at(&core->owners, c->owner),
		.device = devices__of_connection(core, c),
	};
	if (filter__matches(core->config.filter, &s) != TRUTH_NO)
		return true;
	s.owner = NULL;	/* independent of its owner when it was let in */
	return c->handed_on && filter__matches(core->config.filter, &s) != TRUTH_NO;
}

bool wanted__listener(const struct core *core, const struct record *r)
{
	const struct namespace_key key = namespaces__key(r->waiting.netns, r->waiting.cookie,
							 r->waiting.half_cookie);
	const struct namespace_sysctl *ns;
	struct filter_subject s;

	if (!core->config.filter)
		return true;
	ns = namespaces__find(core, &key, r->mono_ns);
	s = (struct filter_subject){
		.netns_name = ns ? ns->name : NULL, .netns = r->waiting.netns,
		.netns_cookie = namespace__cookie(ns),
		.family = r->waiting.family, .state = TCP_SYN_RECV, .of_many_peers = true,
		.local = endpoint__of(r->waiting.local, r->waiting.port) };
	return filter__matches(core->config.filter, &s) == TRUTH_YES;
}
