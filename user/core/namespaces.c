// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/namespaces.h"
#include "core/state.h"
#include "tcp/tcp_states.h"

struct namespace_key namespaces__key(uint32_t netns, uint64_t cookie, uint32_t half_cookie)
{
	return (struct namespace_key){ .netns = netns, .cookie = cookie ?: half_cookie,
				       .is_half = !cookie && half_cookie };
}

struct namespace_key namespaces__key_of(const struct ho_event *e)
{
	return (struct namespace_key){ .netns = e->netns, .cookie = e->net_cookie,
				       .is_half = e->flags & HO_F_HALF_COOKIE };
}

/* No two of a boot have a half in common, as cookies count up from 1. */
static bool has_cookie(const struct namespace_sysctl *ns, const struct namespace_key *key)
{
	bool halves = ns->is_half || key->is_half;

	return halves ? (uint32_t)ns->cookie == (uint32_t)key->cookie : ns->cookie == key->cookie;
}

bool namespaces__is_another(const struct namespace_sysctl *ns, const struct namespace_key *key)
{
	return ns->netns != key->netns || (key->cookie && ns->cookie && !has_cookie(ns, key));
}

struct namespace_sysctl *namespaces__find(const struct core *core, const struct namespace_key *key,
					  uint64_t mono_ns)
{
	struct namespace_sysctl *found = NULL;
	unsigned int i;

	for (i = 0; core->namespaces && i < core->namespace_count; i++) {
		struct namespace_sysctl *ns = &core->namespaces[i];

		if (namespaces__is_another(ns, key))
			continue;
		if (key->cookie && ns->cookie)
			return ns;
		if ((key->netns && !ns->read_ns) ||
		    (ns->gone_ns && ns->gone_ns <= mono_ns))
			continue;
		if (!found || (ns->gone_ns && (!found->gone_ns || ns->gone_ns < found->gone_ns)))
			found = ns;
	}
	return found;
}

/* A free place, or one more. */
static struct namespace_sysctl *new_namespace(struct core *core)
{
	const struct namespace_key nobody = { 0 };
	struct namespace_sysctl *ns = namespaces__find(core, &nobody, 0), *bigger;

	if (!ns) {
		bigger = realloc(core->namespaces, (core->namespace_count + 1) * sizeof(*bigger));
		if (!bigger)
			return NULL;
		core->namespaces = bigger;
		ns = &bigger[core->namespace_count++];
		}
	*ns = (struct namespace_sysctl){ 0 };
	return ns;
}

struct namespace_sysctl *namespaces__of_event(const struct core *core, const struct ho_event *e,
					      bool opening_unseen, uint64_t at_ns)
{
	struct namespace_key key = namespaces__key_of(e);
	struct namespace_sysctl *ns = namespaces__find(core, &key, at_ns);
	bool midlife = opening_unseen && e->kind != HO_SEEN &&
		       !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);

	return ns && ns->created_during_watch && midlife && !e->net_cookie ? NULL : ns;
}

/* A namespace of which only this is known; `awaited` if no other is known to have the inode now. */
static struct namespace_sysctl *nameless(struct core *core, const struct namespace_key *key,
					 bool awaited)
{
	struct namespace_sysctl *ns;
	unsigned int i;

	for (i = 0; i < core->namespace_count; i++) {
		ns = &core->namespaces[i];
		if (ns->netns == key->netns && ns->cookie == key->cookie &&
		    ns->is_half == key->is_half && !ns->read_ns && ns->awaited == awaited)
			return ns;
	}
	ns = new_namespace(core);
	if (ns) {
		ns->netns = key->netns;
		ns->cookie = key->cookie;
		ns->is_half = key->is_half;
		ns->awaited = awaited;
	}
	return ns;
}

static unsigned int slot_index(size_t index)
{
	return index <= NETNS_INDEX_MAX ? index : 0;
}

/* Has no known namespace its inode, or only one that is older by its cookie, as cookies count
 * up? */
static bool is_to_come(const struct core *core, const struct namespace_key *key, uint64_t at_ns)
{
	const struct namespace_key any = { .netns = key->netns };
	const struct namespace_sysctl *holder = namespaces__find(core, &any, at_ns);

	return !holder || (holder->cookie && key->cookie > holder->cookie);
}

unsigned int namespaces__index(struct core *core, const struct ho_event *e, bool opening_unseen,
			       uint64_t at_ns)
{
	struct namespace_sysctl *ns = namespaces__of_event(core, e, opening_unseen, at_ns);

	if (!ns) {
		const struct namespace_key key = namespaces__key_of(e);

		ns = nameless(core, &key, is_to_come(core, &key, at_ns));
	}
	return slot_index(ns ? ns - core->namespaces + 1 : 0);
}

const struct namespace_sysctl *namespaces__at(const struct core *core, unsigned int index)
{
	return index ? &core->namespaces[index - 1] : NULL;
}

const char *namespaces__name(const struct namespace_sysctl *ns, uint64_t at_ns)
{
	return ns->unnamed_ns && ns->unnamed_ns <= at_ns ? "" : ns->name;
}

const char *namespaces__settled_name(const struct namespace_sysctl *ns, uint64_t at_ns)
{
	if (!ns || !ns->read_ns)
		return NULL;
	if (!*ns->name && ns->created_during_watch && !ns->read_before_ns)
		return NULL;
	return namespaces__name(ns, at_ns);
}

const struct namespace_sysctl *namespaces__to_look_in(const struct core *core, const struct slot *s)
{
	const struct namespace_sysctl *ns = namespaces__at(core, s->netns), *last = NULL;
	const struct connection *c = table__history(&core->table, s);
	unsigned int i;

	if (ns && ns->read_ns >= core->last_pass_ns)
		return ns;
	if (!ns && !(c && c->addressed))
		return NULL;
	for (i = 0; core->namespaces && i < core->namespace_count; i++)
		if (core->namespaces[i].netns == (ns ? ns->netns : c->netns) &&
		    (!last || core->namespaces[i].read_ns > last->read_ns))
			last = &core->namespaces[i];
	return last;
}

/* A namespace that two passes did not find, and that has no known socket, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns)
{
	unsigned char *lived_in = calloc(core->namespace_count + 1, 1);
	struct slot *s = NULL;
	unsigned int i;

	if (!lived_in) {
		core->error = -ENOMEM;
		return;
	}
	while ((s = table__next(&core->table, s)))
		lived_in[s->netns] = 1;
	for (i = 0; i < core->namespace_count; i++)
		if (core->namespaces[i].read_ns < before_ns && !lived_in[i + 1])
			core->namespaces[i] = (struct namespace_sysctl){ 0 };
	free(lived_in);
}

/* Sockets of the namespace at `from` that are younger than its last reading, and whose own cookie
 * is unknown, belong to the one at `to`; but if that was created during the watch, a socket without
 * a known opening has an unknown namespace. */
static void move_younger(struct core *core, unsigned int from, unsigned int to)
{
	uint64_t read_ns = core->namespaces[from].read_ns;
	const struct namespace_key key = { .netns = core->namespaces[from].netns };
	struct namespace_sysctl *nowhere = nameless(core, &key, false);
	unsigned int elsewhere = nowhere ? nowhere - core->namespaces + 1 : 0;
	bool unknown = core->namespaces[to].created_during_watch;
	struct slot *s;

	for (s = table__next(&core->table, NULL); s; s = table__next(&core->table, s))
		if (s->netns == from + 1 && (uint64_t)s->first_seen_us * 1000 > read_ns)
			s->netns = slot_index(unknown && s->partial ? elsewhere : to + 1);
}

/* It was entered: adopts sockets that were seen before. */
static void end_awaited(struct core *core, unsigned int now)
{
	unsigned int i;

	for (i = 0; i < core->namespace_count; i++) {
		struct namespace_sysctl *ns = &core->namespaces[i];

		if (!ns->awaited || ns->netns != core->namespaces[now].netns)
			continue;
		if (ns->cookie)	/* another one, which will not be entered any more */
			ns->awaited = false;
		if (ns->cookie || !slot_index(now + 1))
			continue;
		move_younger(core, i, now);
		core->namespaces[i] = (struct namespace_sysctl){ 0 };
	}
}

/* `now` has the inode. The former one certainly existed when it was last entered. */
static void end_former(struct core *core, unsigned int now)
{
	unsigned int i;

	for (i = 0; i < core->namespace_count; i++) {
		struct namespace_sysctl *ns = &core->namespaces[i];

		if (i == now || ns->netns != core->namespaces[now].netns || !ns->read_ns ||
		    ns->gone_ns)
			continue;
		ns->gone_ns = ns->read_ns + 1;
		move_younger(core, i, now);
	}
}

/* A name that was removed stays with the sockets that have it. */
static void take_names(struct namespace_sysctl *ns, const struct record *r)
{
	snprintf(ns->host_name, sizeof(ns->host_name), "%s", r->sysctl.host_name ?: "");
	if (*ns->name && !*r->sysctl.name) {
		ns->unnamed_ns = ns->unnamed_ns ?: r->mono_ns;
		return;
	}
	snprintf(ns->name, sizeof(ns->name), "%s", r->sysctl.name);
	ns->unnamed_ns = 0;
}

int namespaces__take(struct core *core, const struct record *r, struct namespace_sysctl **taken,
		     bool *has_changed)
{
	const struct namespace_key key =
		namespaces__key(r->sysctl.netns, r->sysctl.cookie, r->sysctl.half_cookie);
	struct namespace_sysctl *ns = namespaces__find(core, &key, r->mono_ns);

	*has_changed = ns && ns->read_ns &&
		       (ns->idle_s != r->sysctl.idle_s || ns->probes != r->sysctl.probes ||
			ns->interval_s != r->sysctl.interval_s);
	if (!ns)
		ns = new_namespace(core);
	if (!ns)
		return -ENOMEM;
	if (!ns->read_ns)
		ns->created_during_watch = core->last_pass_ns != 0;
	ns->netns = r->sysctl.netns;
	ns->cookie = key.cookie;
	ns->is_half = key.is_half;
	ns->idle_s = r->sysctl.idle_s;
	ns->interval_s = r->sysctl.interval_s;
	ns->probes = r->sysctl.probes;
	ns->read_before_ns = ns->read_ns;
	ns->read_ns = r->mono_ns;
	ns->gone_ns = 0;
	ns->awaited = false;
	take_names(ns, r);
	*taken = ns;
	return 0;
}

void namespaces__settle(struct core *core, struct namespace_sysctl *ns)
{
	unsigned int now = ns - core->namespaces;

	end_awaited(core, now);
	if (core->namespaces[now].cookie)
		end_former(core, now);
}

void namespaces__lose_name(struct core *core, const struct record *r)
{
	const struct namespace_key key =
		namespaces__key(r->netns_gone.netns, r->netns_gone.cookie, r->netns_gone.half_cookie);
	struct namespace_sysctl *ns = namespaces__find(core, &key, r->mono_ns);

	if (ns && ns->netns)
		ns->gone_ns = ns->unnamed_ns = r->mono_ns;
}

const struct namespace_sysctl *namespaces__of_connection(const struct core *core,
							 const struct connection *c)
{
	const struct slot *s = table__find(&core->table, c->cookie);
	const struct namespace_sysctl *ns = s ? namespaces__at(core, s->netns) : NULL;
	const struct namespace_key key = { .netns = c->netns };

	if (ns && !ns->awaited)
		return ns;
	if (ns && ns->cookie)	/* not entered yet */
		return NULL;
	ns = namespaces__find(core, &key, c->first_seen_ns);	/* it became known later */
	return ns && !(ns->created_during_watch && c->partial) ? ns : NULL;
}

const char *namespaces__name_for(const struct namespace_sysctl *ns, const struct connection *c)
{
	return namespaces__name(ns, c->partial ? 0 : c->first_seen_ns);
}
