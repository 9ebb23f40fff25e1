// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "connection/outcome.h"
#include "core/devices.h"
#include "core/emit.h"
#include "core/namespaces.h"
#include "core/state.h"
#include "core/summary.h"
#include "core/wanted.h"

/* Gives `value` to this function of the sink, if it has one; the first error is kept. */
#define GIVE(core, function, value)                                                              \
	do {                                                                                     \
		if ((core)->sink.function && !(core)->error)                                     \
			(core)->error = (core)->sink.function((core)->sink.context, value);      \
	} while (0)

/* ---- the beginning of every value ---- */

static struct timeline_origin origin_of(const struct core *core)
{
	return (struct timeline_origin){ .gateway = core->run.gateway,
					 .boot_id = core->run.boot_id,
					 .run_id = core->run.run_id };
}

/* An ending waits for what follows it. */
static uint64_t complete_ns(const struct core *core)
{
	uint64_t until_ns = core->first_ended ? connection__ended_ns(core->first_ended)
					      : core->now_ns;

	return core->redialed && core->redialed_from_ns < until_ns ? core->redialed_from_ns
								    : until_ns;
}

static struct timeline_progress progress_of(const struct core *core)
{
	return (struct timeline_progress){ .now_at = wallclock__at(&core->clock, core->now_ns),
					   .now_ns = core->now_ns,
					   .complete_ns = complete_ns(core) };
}

static struct value_rules rules_of(const struct core *core)
{
	static const struct privacy none;

	return (struct value_rules){ .hz = core->run.hz, .clock = &core->clock,
				     .privacy = core->config.privacy ? core->config.privacy
								       : &none,
				     .reset_reasons = core->reset_reasons };
}

static struct timeline_owner owner_of(const struct core *core, uint32_t index)
{
	const struct owner *o = owners__at(&core->owners, index);

	if (!o)
		return (struct timeline_owner){ .comm = "", .cgroup = "", .container_id = "" };
	return (struct timeline_owner){ .known = true, .pid = o->pid, .comm = o->comm,
					.cgroup = o->cgroup, .container_id = o->container_id };
}

static struct timeline_netns netns_of(uint32_t inode, const char *name,
				      const struct namespace_sysctl *ns)
{
	return (struct timeline_netns){ .inode = inode, .cookie = namespace__cookie(ns),
					.name = name, .host_name = ns ? ns->host_name : "" };
}

static struct timeline_socket socket_of(struct core *core, const struct connection *c)
{
	const struct namespace_sysctl *ns = namespaces__of_connection(core, c);
	const char *device = devices__of_connection(core, c);
	struct value_rules rules = rules_of(core);
	struct timeline_socket s = {
		.cookie = c->cookie, .connection = 1 + tally__of(&core->connections, c->cookie),
		.netns = netns_of(c->netns, ns ? namespaces__name_for(ns, c) : "", ns),
		.owner = owner_of(core, c->owner), .device = device ? device : "",
		.mptcp = c->mptcp };

	timeline_of__ends(&rules, c, &s);
	return s;
}

/* ---- the run ---- */

static int by_age(const void *a, const void *b)
{
	const struct meta_namespace *x = a, *y = b;

	if (x->netns.cookie != y->netns.cookie)
		return x->netns.cookie < y->netns.cookie ? -1 : 1;
	return x->netns.inode < y->netns.inode ? -1 : x->netns.inode > y->netns.inode;
}

/* In the order of their creation, by cookie: the core learns of them in another order in a replay
 * of a filtered watch, which lacks the namespaces of rejected sockets. The caller frees it. */
static struct meta_namespace *list_namespaces(const struct core *core, unsigned int *count)
{
	struct meta_namespace *all = calloc(core->namespace_count + 1, sizeof(*all));
	unsigned int i;

	*count = 0;
	for (i = 0; all && i < core->namespace_count; i++) {
		const struct namespace_sysctl *ns = &core->namespaces[i];

		if (!ns->netns || !ns->read_ns)
			continue;
		all[(*count)++] = (struct meta_namespace){
			.netns = netns_of(ns->netns, ns->name, ns), .idle_s = ns->idle_s,
			.interval_s = ns->interval_s, .probes = ns->probes };
	}
	if (all)
		qsort(all, *count, sizeof(*all), by_age);
	return all;
}

void emit__meta(struct core *core)
{
	const struct run *run = &core->run;
	struct meta m = { .origin = origin_of(core), .version = run->version,
			  .kernel = run->kernel, .hz = run->hz, .all = core->config.all,
			  .attached = run->attached, .waiting_for_data = run->waiting,
			  .started_at = wallclock__at(&core->clock, run->started_ns) };
	struct meta_namespace *all = list_namespaces(core, &m.namespace_count);

	m.namespaces = all;
	if (all)
		GIVE(core, meta, &m);
	else
		core->error = -ENOMEM;
	free(all);
}

struct summary emit__summary(struct core *core)
{
	struct summary s = summary__now(core);

	s.origin = origin_of(core);
	s.progress = progress_of(core);
	return s;
}

#define GROUPS_IN_SUMMARY 64

/* Their strings are those of `groups`; returns how many. */
static unsigned int list_groups(struct core *core, const struct exposure_groups *groups,
				struct summary_group *list)
{
	unsigned int i;

	for (i = 0; i < groups->count && i < GROUPS_IN_SUMMARY; i++) {
		const struct exposure_group *g = &groups->all[i];
		const struct namespace_sysctl *ns = namespaces__at(core, g->key.netns);

		list[i] = (struct summary_group){
			.program = g->key.comm, .port = g->key.port,
			.netns = netns_of(ns ? ns->netns : 0, ns ? ns->name : "", ns),
			.sockets = g->counts.sockets, .never_notice = g->counts.never_notice,
			.suspect = g->counts.suspect };
	}
	return i;
}

static void give_summary(struct core *core, enum summary_kind kind)
{
	struct program_count without[PROGRAMS_IN_SUMMARY];
	struct summary_program programs[PROGRAMS_IN_SUMMARY];
	struct summary_group list[GROUPS_IN_SUMMARY];
	struct exposure_groups groups = { 0 };
	struct summary s;
	unsigned int i;

	if (!core->sink.summary)
		return;
	s = emit__summary(core);
	s.kind = kind;
	if (kind == SUMMARY_FIRST)
		s.without_keepalive_count =
			summary__without_keepalive(core, without, PROGRAMS_IN_SUMMARY);
	for (i = 0; i < s.without_keepalive_count; i++)
		programs[i] = (struct summary_program){ without[i].comm, without[i].sockets };
	s.without_keepalive = programs;
	if (kind != SUMMARY_INTERIM && summary__groups(core, &groups))
		s.group_count = list_groups(core, &groups, list);
	s.groups = list;
	s.groups_omitted = groups.count - s.group_count;
	GIVE(core, summary, &s);
	exposure_groups__free(&groups);
}

void emit__start(struct core *core)
{
	core->next_summary_ns = core->run.started_ns + core->sink.summary_every_ns;
	emit__meta(core);
	give_summary(core, SUMMARY_FIRST);
}

void emit__last_summary(struct core *core)
{
	give_summary(core, SUMMARY_LAST);
}

void emit__tick(struct core *core)
{
	struct timeline_progress p = progress_of(core);

	GIVE(core, tick, &p);
	if (!core->sink.summary_every_ns || core->now_ns < core->next_summary_ns)
		return;
	core->next_summary_ns = core->now_ns + core->sink.summary_every_ns;
	give_summary(core, SUMMARY_INTERIM);
}

void emit__clock_step(struct core *core, uint64_t mono_ns, int64_t step_ns)
{
	struct clock_step s = { .origin = origin_of(core), .progress = progress_of(core),
				.at = wallclock__at(&core->clock, mono_ns), .mono_ns = mono_ns,
				.step_ns = step_ns };

	GIVE(core, clock_step, &s);
}

/* ---- sockets ---- */

static enum outcome outcome_of(const struct core *core, const struct connection *c)
{
	return outcome__now(c, core->config.suspect_after);
}

/* All of it but the revision. */
static void make_timeline(struct core *core, const struct connection *c, struct timeline *t)
{
	struct value_rules rules = rules_of(core);
	uint64_t verified_ns = 0;

	t->origin = origin_of(core);
	t->progress = progress_of(core);
	t->socket = socket_of(core, c);
	if (!connection__ended_ns(c))
		verified_ns = slot__touched_ns(table__find(&core->table, c->cookie));
	timeline_of__connection(&rules, c, outcome_of(core, c), verified_ns, &core->arrays, t);
}

void emit__timeline(struct core *core, struct connection *c)
{
	struct timeline t = { .revision = incidents__revise(c) };

	incidents__flush_run(c);
	if (c->failed)
		core->error = -ENOMEM;
	if (!core->sink.timeline)
		return;
	make_timeline(core, c, &t);
	GIVE(core, timeline, &t);
}

void emit__show(struct core *core, struct connection *c,
		void (*fn)(void *context, const struct timeline *t), void *context)
{
	struct timeline t = { .revision = 0 };
	struct value_rules rules = rules_of(core);
	struct entry run;

	make_timeline(core, c, &t);
	if (incidents__run(c, &run) && t.event_count < JOURNAL_MAX)
		core->arrays.events[t.event_count++] = timeline_of__entry(&rules, &run);
	fn(context, &t);
}

bool emit__is_worth(struct core *core, const struct connection *c)
{
	return (c->told || core->config.all) && wanted__is(core, c);
}

void emit__if_open(struct core *core, struct slot *s)
{
	struct connection *c = table__history(&core->table, s);

	if (c && c->addressed && !connection__ended_ns(c) && emit__is_worth(core, c))
		emit__timeline(core, c);
}

void emit__open_sockets(struct core *core)
{
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s)))
		emit__if_open(core, s);
}

/* The peer's return on another connection, if suspected, is an event of the past; the change is
 * reported when the suspicion arises. */
static void give_suspicion(struct core *core, const struct timeline_socket *socket,
			   const struct event *e)
{
	struct change change = { .origin = origin_of(core), .progress = progress_of(core),
				 .socket = socket, .kind = CHANGE_SUPERSEDED,
				 .by_cookie = e->by_cookie, .confidence = e->confidence };

	change.at = change.progress.now_at;
	change.mono_ns = change.progress.now_ns;
	GIVE(core, change, &change);
}

void emit__events(struct core *core, const struct connection *c, const struct told *told)
{
	bool all = core->config.events && core->sink.event;
	struct value_rules rules = rules_of(core);
	struct timeline_socket socket;
	struct socket_event e;
	unsigned int i;

	if (!core->started || !c->addressed || !told->count ||
	    !(all || (told->entries[0].kind == EVENT_SUPERSEDED && core->sink.change)) ||
	    !wanted__is(core, c))
		return;
	socket = socket_of(core, c);
	e = (struct socket_event){ .origin = origin_of(core), .progress = progress_of(core),
				   .socket = &socket };
	for (i = 0; i < told->count; i++) {
		e.event = timeline_of__entry(&rules, &told->entries[i]);
		if (all)
			GIVE(core, event, &e);
		if (e.event.kind == EVENT_SUPERSEDED)
			give_suspicion(core, &socket, &e.event);
	}
}

struct glimpse emit__glimpse(const struct core *core, const struct connection *c)
{
	return (struct glimpse){ .suspect = outcome_of(core, c) == OUTCOME_SUSPECT,
				 .has_period = heartbeat__period_ms(&incidents__of(c)->heartbeat),
				 .last_heard_ns = c->last_heard_ns };
}

/* Finds what has changed since `before`, if it is to be reported at once. */
static bool find_change(const struct glimpse *before, const struct glimpse *now,
			enum change_kind *kind)
{
	if (now->suspect != before->suspect)
		*kind = now->suspect ? CHANGE_SUSPECT : CHANGE_RECOVERED;
	else if (now->has_period && !before->has_period)
		*kind = CHANGE_HEARTBEAT;
	else
		return false;
	return true;
}

void emit__change(struct core *core, const struct connection *c, const struct glimpse *before,
		     uint64_t at_ns)
{
	struct glimpse now = emit__glimpse(core, c);
	uint64_t since = now.suspect ? now.last_heard_ns : before->last_heard_ns;
	struct timeline_socket socket;
	struct change change;
	enum change_kind kind;

	if (!core->sink.change || !core->started || connection__ended_ns(c) || !c->identified ||
	    !find_change(before, &now, &kind) || !wanted__is(core, c))
		return;
	socket = socket_of(core, c);
	change = (struct change){
		.origin = origin_of(core), .progress = progress_of(core), .socket = &socket,
		.kind = kind, .at = wallclock__at(&core->clock, at_ns), .mono_ns = at_ns,
		.asks = silence__unanswered(c),
		.silent_s = since && at_ns > since ? (at_ns - since) / 1e9 : 0,
		.heartbeat = timeline_of__heartbeat(&incidents__of(c)->heartbeat) };
	GIVE(core, change, &change);
}

/* ---- losses ---- */

void emit__loss(struct core *core, enum loss_reason reason, uint64_t count, uint64_t from_ns,
		   uint64_t to_ns)
{
	struct loss loss = { .origin = origin_of(core), .progress = progress_of(core),
			     .reason = reason, .count = count,
			     .from_at = wallclock__at(&core->clock, from_ns),
			     .to_at = wallclock__at(&core->clock, to_ns), .to_ns = to_ns };

	totals__count_lost(&core->totals, count);
	if (core->started)
		GIVE(core, loss, &loss);
}

void emit__losses(struct core *core)
{
	const struct losses *l = &core->losses;

	if (l->unseen)
		emit__loss(core, LOSS_UNSEEN, l->unseen, l->unemitted_from_ns, core->now_ns);
	if (l->senseless)
		emit__loss(core, LOSS_SENSELESS, l->senseless, l->unemitted_from_ns, core->now_ns);
	losses__begin_anew(&core->losses, core->now_ns);
}
