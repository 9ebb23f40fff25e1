// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "identities.h"
#include "outcome.h"
#include "supersession.h"
#include "table.h"
#include "tcp_states.h"

/* An ended socket waits this long for what follows its ending: the reset that it sent, the
 * error report of kernels that send it afterwards. */
#define LAST_EVENTS_NS 250000000ULL
/* Arrivals are judged this often: that walks over all sockets. */
#define ARRIVALS_NS 1000000000ULL
#define RESET_REASONS_MAX 128
#define NETNS_INDEX_MAX 4095	/* of struct slot */
/* A device that holds two connections at once may take this long to be heard on the older one. */
#define SURE_AFTER_NS 5000000000ULL

struct core {
	struct core_config config;
	struct core_sink sink;
	struct connection_rules rules;

	struct table table;
	struct owners owners;
	struct identities identities;
	struct supersession supersession;
	struct wallclock clock;
	struct run run;
	struct namespace_sysctl *namespaces;
	unsigned int namespace_count;
	char *reset_reasons[RESET_REASONS_MAX];

	struct connection *first_ended, *last_ended;
	uint64_t now_ns, next_every_ns, next_arrivals_ns;
	uint64_t last_pass_ns;		/* when the last complete pass began */
	uint64_t counted;		/* losses that the kernel counted ... */
	uint64_t counted_at_last_pass, counted_at_pass_before;
	uint64_t unseen, unseen_from_ns;	/* lost without a count of the kernel's */
	bool started;
	struct core_totals totals;
};

/* Both ends of the comparison are named, and differently. */
static bool is_another_device(void *context, const struct arrival *by, uint16_t old_port)
{
	struct endpoint new = endpoint__mapped(&by->peer, by->family), old = new;
	struct core *core = context;
	uint32_t device, old_device;

	old.port = old_port;
	device = identities__device_of(&core->identities, &new, by->at_ns, false);
	old_device = identities__device_of(&core->identities, &old, 0, true);
	return device && old_device && device != old_device;
}

struct core *core__new(const struct core_config *config, const struct core_sink *sink)
{
	struct core *core = calloc(1, sizeof(*core));

	if (!core)
		return NULL;
	core->config = *config;
	core->sink = *sink;
	core->rules.suspect_after = config->suspect_after;
	core->rules.fold = !config->events;
	core->supersession.is_another = is_another_device;
	core->supersession.context = core;
	return core;
}

static void free_connection(struct connection *c)
{
	if (!c)
		return;
	connection__release(c);
	free(c);
}

void core__free(struct core *core)
{
	struct slot *s = NULL;
	unsigned int i;

	if (!core)
		return;
	while ((s = table__next(&core->table, s)))
		free_connection(s->history);
	table__free(&core->table);
	owners__free(&core->owners);
	identities__free(&core->identities);
	supersession__free(&core->supersession);
	free(core->namespaces);
	for (i = 0; i < RESET_REASONS_MAX; i++)
		free(core->reset_reasons[i]);
	free(core->run.version);
	free(core->run.gateway);
	free(core->run.boot_id);
	free(core->run.run_id);
	free(core->run.kernel);
	free(core->run.peers);
	free(core->run.attached);
	free(core);
}

const struct run *core__run(const struct core *core)
{
	return &core->run;
}

const char *core__reset_reason(const struct core *core, uint32_t number)
{
	return number < RESET_REASONS_MAX ? core->reset_reasons[number] : NULL;
}

/* ---- the filter ---- */

/* The one that had this inode at `mono_ns`; NULL if nothing is known of it. */
static struct namespace_sysctl *find_namespace(const struct core *core, uint32_t netns,
					       uint64_t mono_ns)
{
	struct namespace_sysctl *found = NULL;
	unsigned int i;

	for (i = 0; i < core->namespace_count; i++) {
		struct namespace_sysctl *ns = &core->namespaces[i];

		if (ns->netns != netns || (ns->gone_ns && ns->gone_ns <= mono_ns))
			continue;
		if (!found || (ns->gone_ns && (!found->gone_ns || ns->gone_ns < found->gone_ns)))
			found = ns;
	}
	return found;
}

/* By its slot, which remembers where it was born; NULL if that is not known. */
static const char *netns_name(struct core *core, const struct connection *c)
{
	const struct slot *s = table__find(&core->table, c->cookie);
	const struct namespace_sysctl *ns;

	if (s && s->netns)
		return core->namespaces[s->netns - 1].name;
	ns = find_namespace(core, c->netns, c->first_seen_ns);	/* it became known later */
	return ns ? ns->name : NULL;
}

static uint32_t device_of(struct core *core, const struct connection *c)
{
	struct endpoint peer = endpoint__mapped(&c->peer, c->family);

	return identities__device_of(&core->identities, &peer, c->first_seen_ns, c->partial);
}

/* Does the filter want a socket of which this much is known? */
static enum truth is_wanted(const struct core *core, struct filter_subject s, uint32_t owner)
{
	s.owner = owners__at(&core->owners, owner);
	return filter__matches(core->config.filter, &s);
}

/* Its state changes, and its owner may not be known yet: those decide when it is told. */
static enum truth event_is_wanted(const struct core *core, const struct ho_event *e)
{
	const struct namespace_sysctl *ns = core->config.filter ? find_namespace(core, e->netns,
									      e->mono_ns)
							     : NULL;
	/* What has no name yet may get one. */
	struct filter_subject s = { .netns_name = ns && *ns->name ? ns->name : NULL,
				    .family = e->family, .netns = e->netns,
				    .local.port = e->local_port, .peer.port = e->peer_port };

	if (!core->config.filter)
		return TRUTH_YES;
	memcpy(s.local.address, e->local, sizeof(e->local));
	memcpy(s.peer.address, e->peer, sizeof(e->peer));
	return is_wanted(core, s, 0);
}

static enum truth connection_is_wanted(struct core *core, const struct connection *c)
{
	if (!core->config.filter)
		return TRUTH_YES;
	return is_wanted(core, (struct filter_subject){
		.netns_name = netns_name(core, c), .family = c->family, .local = c->local, .peer = c->peer, .netns = c->netns,
		.state = c->ended_ns ? c->ended_from : c->state,
		.device = identities__name(&core->identities, device_of(core, c)) }, c->owner);
}

/* ---- telling ---- */

static struct subject subject_of(struct core *core, const struct connection *c)
{
	return (struct subject){ .connection = c, .owner = owners__at(&core->owners, c->owner),
				 .netns_name = netns_name(core, c) ?: "",
				 .device = identities__name(&core->identities, device_of(core, c)) };
}

static enum outcome present_outcome(const struct core *core, const struct connection *c)
{
	if (c->ended_ns)
		return c->outcome;
	return connection__unanswered(c) >= core->config.suspect_after ? OUTCOME_SUSPECT
								       : OUTCOME_OPEN;
}

static void tell_timeline(struct core *core, struct connection *c)
{
	struct timeline t = {
		.subject = subject_of(core, c),
		.outcome = present_outcome(core, c),
		.final = c->ended_ns != 0,
		.revision = ++c->revision,
		.half_open = c->found_by != FOUND_BY_NOTHING,
	};

	if (t.half_open) {
		t.declared_ns = outcome__declared_ns(c);
		t.evidence = connection__evidence(c, t.declared_ns);
		t.latency = latency__between(&t.evidence);
		/* It was gone when it came again, if not before. */
		t.latency.lower_bounds_known |= c->found_by == FOUND_BY_SUPERSEDED;
	}
	connection__flush_run(c);
	if (core->sink.timeline)
		core->sink.timeline(core->sink.context, &t);
}

static bool is_worth_telling(struct core *core, const struct connection *c)
{
	return (c->told || core->config.all) && connection_is_wanted(core, c) == TRUTH_YES;
}

static void tell_open_sockets(struct core *core)
{
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s)))
		if (s->history && s->history->addressed && !s->history->ended_ns &&
		    is_worth_telling(core, s->history))
			tell_timeline(core, s->history);
}

static void tell_events(struct core *core, const struct connection *c, const struct told *told)
{
	struct subject subject;
	unsigned int i;

	if (!core->started || !core->sink.event || !c->addressed || !told->count ||
	    !(core->config.events || told->entries[0].kind == ENTRY_SUPERSEDED) ||
	    (!core->config.events && !core->sink.change) || connection_is_wanted(core, c) != TRUTH_YES)
		return;
	subject = subject_of(core, c);
	for (i = 0; i < told->count; i++)
		core->sink.event(core->sink.context, &subject, &told->entries[i]);
}

/* ---- sockets ---- */

static struct connection *new_history(struct core *core, struct slot *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cookie = s->cookie;
	c->first_seen_ns = s->first_seen_us * 1000;
	c->partial = s->partial;
	c->owner = owners__share(&core->owners, s->owner);
	s->history = c;
	return c;
}

static void forget(struct core *core, uint64_t cookie)
{
	struct slot *s = table__find(&core->table, cookie);

	if (!s)
		return;
	owners__drop(&core->owners, s->owner);
	if (s->history) {
		owners__drop(&core->owners, s->history->owner);
		free_connection(s->history);
	}
	table__remove(&core->table, cookie);
}

static void wait_for_last_events(struct core *core, struct connection *c)
{
	c->next_ended = NULL;
	if (core->last_ended)
		core->last_ended->next_ended = c;
	else
		core->first_ended = c;
	core->last_ended = c;
	if (connection_is_wanted(core, c) != TRUTH_YES)
		return;
	core->totals.endings++;
}

/* ---- devices that come back ---- */

static struct connection *history_of(struct core *core, struct slot *s)
{
	return s->history ? s->history : new_history(core, s);
}

static void suspect_successor(struct core *core, struct slot *old, const struct arrival *by,
			      const struct endpoint *peer, double confidence)
{
	struct connection *c = history_of(core, old);
	struct successor successor = { .cookie = by->cookie, .at_ns = by->at_ns, .peer = by->peer,
				       .family = by->family, .confidence = confidence };
	struct told told;

	if (!c || c->ended_ns)
		return;
	if (!c->addressed)
		connection__address(c, by->netns, by->family, &by->local, peer);
	connection__suspect_successor(c, &successor, &told);
	tell_events(core, c, &told);
}

/* The same address came to the same port again. */
static void on_suspicion(void *context, uint64_t cookie, const struct arrival *by,
			 double confidence)
{
	struct core *core = context;
	struct slot *old = table__find(&core->table, cookie);
	struct endpoint peer = by->peer;

	if (!old)
		return;
	peer.port = old->peer_port;
	suspect_successor(core, old, by, &peer, confidence);
}

/* A connection is this device's, the operator says: one that it held to the same port before is
 * superseded, as long as nothing more is heard on it. */
static void seat_device(struct core *core, struct slot *s, uint32_t device)
{
	uint64_t cookie = s->cookie, before;
	const struct arrival *by;
	struct slot *old;

	before = identities__take_seat(&core->identities, device, s->netns, s->local_port, cookie);
	old = before && before != cookie ? table__find(&core->table, before) : NULL;
	if (!old)
		return;
	if (old->first_seen_us > s->first_seen_us) {	/* the older one was named last */
		identities__take_seat(&core->identities, device, s->netns, s->local_port, before);
		cookie = before;
		old = s;
	}
	by = arrivals__with_cookie(&core->supersession.arrivals, cookie);
	if (by && old->history && old->history->addressed)
		suspect_successor(core, old, by, &old->history->peer, 1);
}

/* Told of for the first time: did it come to us? True if somebody has said who it is. */
static bool notice_newcomer(struct core *core, struct slot *s, const struct ho_event *e)
{
	struct endpoint peer = { .port = e->peer_port };
	uint32_t device;

	if (e->kind == HO_STATE && e->state == TCP_ESTABLISHED && e->old_state == TCP_SYN_RECV)
		arrivals__add(&core->supersession.arrivals, e);
	memcpy(peer.address, e->peer, sizeof(peer.address));
	peer = endpoint__mapped(&peer, e->family);
	device = identities__device_of(&core->identities, &peer, e->mono_ns, s->partial);
	if (device)
		seat_device(core, s, device);
	return device;
}

static int feed_identity(struct core *core, const struct record *r)
{
	struct endpoint peer = { .port = r->identity.port };
	const struct arrival *arrival;
	struct slot *s = NULL;
	uint32_t device;

	memcpy(peer.address, r->identity.peer, sizeof(peer.address));
	device = identities__learn(&core->identities, &peer, r->identity.device,
				   r->identity.at_ns);
	if (!device)
		return -ENOMEM;
	arrival = arrivals__from(&core->supersession.arrivals, &peer);
	if (arrival)
		s = table__find(&core->table, arrival->cookie);
	if (s && !s->ignored) {
		struct connection *c = history_of(core, s);

		if (!c)
			return -ENOMEM;
		if (!c->addressed)
			connection__address(c, arrival->netns, arrival->family, &arrival->local,
					    &arrival->peer);
		seat_device(core, s, device);
	}
	return 0;
}

/* Nobody was heard on it since the device came back, as of `mono_ns`: no doubt is left. */
static void find_superseded(struct core *core, struct connection *c, uint64_t mono_ns)
{
	const struct successor *by = connection__successor(c);
	bool sure = by && by->confidence >= 1 && mono_ns > by->at_ns + SURE_AFTER_NS;

	if (c->ended_ns || sure == (c->found_by == FOUND_BY_SUPERSEDED))
		return;
	c->found_by = sure ? FOUND_BY_SUPERSEDED : FOUND_BY_NOTHING;
	if (is_worth_telling(core, c))
		tell_timeline(core, c);
}

/* An ending that an ask brought about, or that we made while the device was elsewhere. */
static bool may_be_superseded(const struct connection *c)
{
	const struct successor *by = connection__successor(c);

	return c->found_by != FOUND_BY_NOTHING ||
	       (by && by->confidence >= 1 && (c->outcome == OUTCOME_CLOSED_LOCALLY ||
					      c->outcome == OUTCOME_ABORTED_LOCALLY));
}

/* Which of the connections that have ended, the first `count` of them, were superseded. */
static void find_successors(struct core *core, unsigned int count)
{
	struct finding_of_dead *dead = calloc(count + 1, sizeof(*dead));
	struct connection *c = core->first_ended;
	unsigned int unsure = 0, i;

	for (i = 0; dead && i < count; i++, c = c->next_ended) {
		const struct successor *by = connection__successor(c);

		if (!may_be_superseded(c))
			continue;
		if (by && by->confidence >= 1)
			c->found_by = FOUND_BY_SUPERSEDED;
		else
			dead[unsure++].connection = c;
	}
	if (unsure)
		supersession__judge_dead(&core->supersession, &core->table, dead, unsure);
	for (i = 0; i < unsure; i++) {
		const struct arrival *by = dead[i].by;
		struct told told;

		if (!by || dead[i].confidence < SUPERSESSION_SURE)
			continue;
		c = dead[i].connection;
		connection__suspect_successor(c, &(struct successor){
			.cookie = by->cookie, .at_ns = by->at_ns, .peer = by->peer,
			.family = by->family, .confidence = dead[i].confidence }, &told);
		if (connection__successor(c)) {
			c->found_by = FOUND_BY_SUPERSEDED;
			tell_events(core, c, &told);
		}
	}
	free(dead);
}

static void count_half_open(struct core *core, const struct connection *c)
{
	uint64_t blind_ns;

	if (c->found_by == FOUND_BY_NOTHING || connection_is_wanted(core, c) != TRUTH_YES)
		return;
	core->totals.half_open++;
	core->totals.half_open_by[c->found_by]++;
	blind_ns = outcome__declared_ns(c) - c->last_heard_ns;
	if (c->last_heard_ns && outcome__declared_ns(c) > c->last_heard_ns &&
	    blind_ns > core->totals.longest_blind_ns)
		core->totals.longest_blind_ns = blind_ns;
}

static void tell_ended_sockets(struct core *core, uint64_t until_ns)
{
	struct connection *c;
	unsigned int due = 0;

	for (c = core->first_ended; c && c->ended_ns <= until_ns; c = c->next_ended)
		due++;
	if (due)
		find_successors(core, due);
	while ((c = core->first_ended) && c->ended_ns <= until_ns) {
		count_half_open(core, c);
		core->first_ended = c->next_ended;
		if (!core->first_ended)
			core->last_ended = NULL;
		if (is_worth_telling(core, c))
			tell_timeline(core, c);
		forget(core, c->cookie);
	}
}

/* An opening, an orderly ending or a healthy socket in a snapshot needs no history: the table
 * knows the socket, and that is all there is to know. */
static bool needs_history(const struct core *core, const struct ho_event *e)
{
	if (core->config.all || core->config.events)
		return true;
	if (event_is_wanted(core, e) == TRUTH_UNKNOWN)
		return true;	/* to be decided when more is known */
	if (e->kind == HO_SEEN)
		return e->probes_out || e->retransmits;
	return !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);
}

static bool is_orderly_ending(const struct ho_event *e)
{
	return e->kind == HO_STATE && e->state == TCP_CLOSE && !e->error && !e->probes_out &&
	       e->old_state != TCP_ESTABLISHED && e->old_state != TCP_CLOSE_WAIT &&
	       !e->packets_out && !e->retransmits;
}

/* As slots keep it; 0 if it is not known, or there are too many. */
static unsigned int netns_index(const struct core *core, uint32_t netns, uint64_t mono_ns)
{
	const struct namespace_sysctl *ns = find_namespace(core, netns, mono_ns);
	size_t index = ns ? ns - core->namespaces + 1 : 0;

	return index <= NETNS_INDEX_MAX ? index : 0;
}

static void touch(struct core *core, struct slot *s, const struct ho_event *e, bool added)
{
	if (!s->netns)
		s->netns = netns_index(core, e->netns,
				       added ? e->mono_ns : s->first_seen_us * 1000);
	if (added) {
		struct endpoint local = { .port = e->local_port }, peer = { .port = e->peer_port };

		memcpy(local.address, e->local, sizeof(local.address));
		memcpy(peer.address, e->peer, sizeof(peer.address));
		s->peer_key = arrivals__key(e->netns, &local, &peer);
		s->peer_port = e->peer_port;
		s->local_port = e->local_port;
		s->first_seen_us = e->mono_ns / 1000;
		s->partial = !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);
	}
	s->touched = e->mono_ns >> TABLE_TOUCH_SHIFT;
	s->keepalive = (e->flags & HO_F_KEEPALIVE) != 0;
}

/* A socket that no later knowledge can make wanted is not stored at all, or, where it had to
 * be until its owner was known, remembered as such. */
static bool is_kept_out(struct core *core, struct slot *s, const struct ho_event *e)
{
	if (!s)
		return event_is_wanted(core, e) == TRUTH_NO;
	if (!s->ignored)
		return false;
	s->touched = e->mono_ns >> TABLE_TOUCH_SHIFT;
	if (e->kind == HO_GONE || (e->kind == HO_STATE && e->state == TCP_CLOSE))
		forget(core, e->cookie);
	return true;
}

/* What of a connection may change in a way that is told at once. */
struct glimpse {
	bool suspect, has_period;
	uint64_t last_heard_ns;
};

static struct glimpse watch_for_change(const struct core *core, const struct connection *c)
{
	return (struct glimpse){ .suspect = present_outcome(core, c) == OUTCOME_SUSPECT,
				 .has_period = heartbeat__period_ms(&c->heartbeat),
				 .last_heard_ns = c->last_heard_ns };
}

static void tell_change(struct core *core, const struct connection *c,
			const struct glimpse *before, uint64_t at_ns)
{
	struct glimpse now = watch_for_change(core, c);
	uint64_t since = now.suspect ? now.last_heard_ns : before->last_heard_ns;
	struct change change = { .at_ns = at_ns, .asks = connection__unanswered(c),
				 .silent_ns = since && at_ns > since ? at_ns - since : 0 };
	struct subject subject;

	if (!core->sink.change || !core->started || c->ended_ns || !c->identified)
		return;
	if (now.suspect != before->suspect)
		change.kind = now.suspect ? CHANGE_SUSPECT : CHANGE_RECOVERED;
	else if (now.has_period && !before->has_period)
		change.kind = CHANGE_HEARTBEAT;
	else
		return;
	if (connection_is_wanted(core, c) != TRUTH_YES)
		return;
	subject = subject_of(core, c);
	core->sink.change(core->sink.context, &subject, &change);
}

static int feed_event(struct core *core, const struct ho_event *e)
{
	struct connection *c;
	struct told told;
	struct slot *s;
	bool added, ended, named;
	struct glimpse before;

	s = table__find(&core->table, e->cookie);
	if (is_kept_out(core, s, e))
		return CORE_UNWANTED;
	core->totals.events++;
	/* What follows an ending that was told and forgotten. */
	if (!s && (e->kind == HO_GONE ||
		   (e->state == TCP_CLOSE && (e->kind == HO_RESET_SENT || e->kind == HO_ERROR))))
		return 0;
	if (s && !s->history && !core->config.all && !core->config.events &&
	    is_orderly_ending(e)) {
		core->totals.endings++;
		forget(core, e->cookie);
		return 0;
	}
	s = table__get(&core->table, e->cookie, &added);
	if (!s)
		return -ENOMEM;
	touch(core, s, e, added);
	named = added && notice_newcomer(core, s, e);
	c = s->history;
	if (!c) {
		if (!named && !needs_history(core, e))
			return 0;
		c = new_history(core, s);
		if (!c)
			return -ENOMEM;
	}
	ended = c->ended_ns != 0;
	before = watch_for_change(core, c);
	connection__apply(c, e, &core->rules, &told);
	core->unseen += told.untold_probes;
	if (!c->ended_ns && c->found_by == FOUND_BY_SUPERSEDED && !connection__successor(c))
		c->found_by = FOUND_BY_NOTHING;	/* it was heard again: two at once */
	tell_events(core, c, &told);
	tell_change(core, c, &before, e->mono_ns);
	if (!ended && c->ended_ns)
		wait_for_last_events(core, c);
	return 0;
}

/* All is known of it now but its state. */
static void ignore_if_unwanted(struct core *core, struct slot *s)
{
	struct connection *c = s->history;
	uint8_t state = c->state;
	enum truth wanted;

	if (c->ended_ns || !c->addressed)
		return;
	c->state = 0;
	wanted = connection_is_wanted(core, c);
	c->state = state;
	if (wanted != TRUTH_NO)
		return;
	owners__drop(&core->owners, s->owner);
	owners__drop(&core->owners, c->owner);
	s->owner = 0;
	s->history = NULL;
	s->ignored = true;
	free_connection(c);
}

static int feed_owner(struct core *core, const struct record *r)
{
	struct slot *s = table__find(&core->table, r->owner.cookie);
	uint32_t owner;

	if (!s || s->ignored)
		return core->config.filter ? CORE_UNWANTED : 0;
	owner = owners__take(&core->owners, r->owner.pid, r->owner.comm, r->owner.cgroup,
			     r->owner.container_id);
	if (!owner)
		return -ENOMEM;
	owners__drop(&core->owners, s->owner);
	s->owner = owner;
	if (s->history) {
		owners__drop(&core->owners, s->history->owner);
		s->history->owner = owners__share(&core->owners, owner);
		ignore_if_unwanted(core, s);
	}
	return 0;
}

/* Sockets that say nothing would learn of it late. */
static void tell_changed_sysctl(struct core *core, const struct namespace_sysctl *ns,
				uint64_t mono_ns)
{
	struct slot *s = NULL;
	struct told told;

	while ((s = table__next(&core->table, s))) {
		struct connection *c = s->history;

		if (!c || !c->identified || c->ended_ns || c->netns != ns->netns)
			continue;
		connection__follow_sysctl(c, mono_ns, ns->idle_s, ns->interval_s, ns->probes,
					  &core->rules, &told);
		tell_events(core, c, &told);
	}
}

/* A free place, or one more. */
static struct namespace_sysctl *new_namespace(struct core *core)
{
	struct namespace_sysctl *ns = find_namespace(core, 0, 0), *bigger;

	if (!ns) {
		bigger = realloc(core->namespaces, (core->namespace_count + 1) * sizeof(*bigger));
		if (!bigger)
			return NULL;
		core->run.namespaces = core->namespaces = bigger;
		ns = &bigger[core->namespace_count++];
		core->run.namespace_count = core->namespace_count;
	}
	*ns = (struct namespace_sysctl){ 0 };
	return ns;
}

/* A namespace that two passes did not find, and that no socket of ours lives in, has ended. */
static void forget_namespaces(struct core *core, uint64_t before_ns)
{
	unsigned char *lived_in = calloc(core->namespace_count + 1, 1);
	struct slot *s = NULL;
	unsigned int i;

	if (!lived_in)
		return;
	while ((s = table__next(&core->table, s)))
		lived_in[s->netns] = 1;
	for (i = 0; i < core->namespace_count; i++)
		if (core->namespaces[i].read_ns < before_ns && !lived_in[i + 1])
			core->namespaces[i] = (struct namespace_sysctl){ 0 };
	free(lived_in);
}

static int feed_sysctl(struct core *core, const struct record *r)
{
	struct namespace_sysctl *ns = find_namespace(core, r->sysctl.netns, r->mono_ns);
	bool changed = ns && (ns->idle_s != r->sysctl.idle_s || ns->probes != r->sysctl.probes ||
			      ns->interval_s != r->sysctl.interval_s);

	if (!ns)
		ns = new_namespace(core);
	if (!ns)
		return -ENOMEM;
	ns->netns = r->sysctl.netns;
	ns->idle_s = r->sysctl.idle_s;
	ns->interval_s = r->sysctl.interval_s;
	ns->probes = r->sysctl.probes;
	ns->read_before_ns = ns->read_ns;
	ns->read_ns = r->mono_ns;
	snprintf(ns->name, sizeof(ns->name), "%s", r->sysctl.name);
	if (changed)
		tell_changed_sysctl(core, ns, r->mono_ns);
	return 0;
}

/* Its sockets keep its name to their end. */
static void feed_netns_gone(struct core *core, const struct record *r)
{
	struct namespace_sysctl *ns = find_namespace(core, r->netns_gone.netns, r->mono_ns);

	if (ns && ns->netns)
		ns->gone_ns = r->mono_ns;
}

static void feed_present(struct core *core, const struct record *r)
{
	uint32_t i;

	for (i = 0; i < r->present.count; i++) {
		struct slot *s = table__find(&core->table, r->present.cookies[i]);

		if (s)
			s->touched = r->mono_ns >> TABLE_TOUCH_SHIFT;
	}
}

/* The kernel's own clock of the peer, for those on whom it decides something. */
static void feed_silent(struct core *core, const struct record *r)
{
	uint32_t i;

	for (i = 0; i < r->present.count; i++) {
		uint64_t word = r->present.cookies[i], silent_ns = (word >> 48) * 1000000000;
		struct slot *s = table__find(&core->table, word & RECORD_COOKIE_MASK);

		if (!s)
			continue;
		s->touched = r->mono_ns >> TABLE_TOUCH_SHIFT;
		if (!s->history || !s->history->successor || r->mono_ns < silent_ns + 1000000000)
			continue;
		connection__note_life(s->history, r->mono_ns - silent_ns - 1000000000);
		find_superseded(core, s->history, r->mono_ns);
	}
}

static void end_without_witness(struct core *core, uint64_t cookie, uint64_t mono_ns)
{
	struct connection *c = table__find(&core->table, cookie)->history;

	if (!c || !c->addressed) {
		core->totals.endings += !table__find(&core->table, cookie)->ignored;
		forget(core, cookie);
		return;
	}
	connection__lose_ending(c, mono_ns);
	wait_for_last_events(core, c);
}

/* Was the socket's namespace entered by this pass and by the one before? One that no process
 * lives in any more may still hold orphans, and nobody can look into it. */
static bool was_looked_for(const struct core *core, const struct slot *s, const struct record *r)
{
	const struct namespace_sysctl *ns = s->netns ? &core->namespaces[s->netns - 1] : NULL;

	if (ns && ns->gone_ns)	/* and with it all that lived there */
		return core->last_pass_ns;
	return ns && core->last_pass_ns && ns->read_ns >= r->snapshot.begun_ns &&
	       ns->read_before_ns >= core->last_pass_ns;
}

/* Whoever was found by neither of the last two complete passes and was not heard of since the
 * first of them began has ended, and what should have told it was lost. Two, because a walk
 * over a table that changes meanwhile may miss somebody once. */
static int feed_snapshot(struct core *core, const struct record *r)
{
	uint32_t since = core->last_pass_ns >> TABLE_TOUCH_SHIFT;
	struct slot *s = NULL;
	size_t count = 0, unseen = 0, i;
	uint64_t *gone;

	if (!r->snapshot.complete)
		return 0;
	gone = malloc(core->table.used * sizeof(*gone) + 1);
	if (!gone)
		return -ENOMEM;
	while ((s = table__next(&core->table, s)))
		if (s->touched < since && was_looked_for(core, s, r) &&
		    !(s->history && s->history->ended_ns)) {
			gone[count++] = s->cookie;
			unseen += !s->ignored;
		}
	for (i = 0; i < count; i++)
		end_without_witness(core, gone[i], r->mono_ns);
	free(gone);
	/* Where the kernel counted losses in between, these are among them. */
	if (core->counted == core->counted_at_pass_before)
		core->unseen += unseen;
	core->counted_at_pass_before = core->counted_at_last_pass;
	core->counted_at_last_pass = core->counted;
	forget_namespaces(core, core->last_pass_ns);
	core->last_pass_ns = r->snapshot.begun_ns;
	return 0;
}

static void tell_loss(struct core *core, const struct loss *loss)
{
	core->totals.events_lost += loss->count;
	if (core->started && core->sink.loss)
		core->sink.loss(core->sink.context, loss);
}

static void tell_unseen(struct core *core)
{
	struct loss loss = { .reason = LOSS_UNSEEN, .count = core->unseen,
			     .from_ns = core->unseen_from_ns, .to_ns = core->now_ns };

	if (core->unseen)
		tell_loss(core, &loss);
	core->unseen = 0;
	core->unseen_from_ns = core->now_ns;
}

static void feed_loss(struct core *core, const struct record *r)
{
	struct loss loss = { .reason = r->loss.reason, .count = r->loss.count,
			     .from_ns = r->loss.from_ns, .to_ns = r->mono_ns };
	struct told told = { 0 };
	struct slot *s;

	if (r->loss.cookie) {	/* whose: counted already in the sum */
		s = table__find(&core->table, r->loss.cookie);
		if (!s || s->ignored || (!s->history && !new_history(core, s)))
			return;
		connection__note_loss(s->history, r->mono_ns, r->loss.count, &told);
		tell_events(core, s->history, &told);
		return;
	}
	core->counted += loss.count;
	tell_loss(core, &loss);
}

/* ---- the run ---- */

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

static int feed_meta(struct core *core, const struct record *r)
{
	struct run *run = &core->run;

	if (run->hz)
		return 0;
	run->hz = core->rules.hz = r->meta.hz;
	run->version = copy(r->meta.version);
	run->gateway = copy(r->meta.gateway);
	run->boot_id = copy(r->meta.boot_id);
	run->run_id = copy(r->meta.run_id);
	run->kernel = copy(r->meta.kernel);
	run->peers = copy(r->meta.peers);
	if (!run->version || !run->gateway || !run->boot_id || !run->run_id || !run->kernel ||
	    !run->peers)
		return -ENOMEM;
	return 0;
}

static int feed_start(struct core *core, const struct record *r)
{
	if (core->run.attached)	/* a stream starts once, whatever a file says */
		return 0;
	core->started = true;
	core->run.attached = copy(r->start.attached);
	core->rules.probes_unseen = !strstr(r->start.attached, "timer_expire_exit");
	core->run.started_ns = r->mono_ns;
	core->run.clock = &core->clock;
	core->next_every_ns = r->mono_ns + core->config.every_ns;
	core->unseen_from_ns = core->supersession.since_ns = r->mono_ns;
	if (!core->run.attached)
		return -ENOMEM;
	if (core->sink.start)
		core->sink.start(core->sink.context, &core->run);
	return 0;
}

static void feed_clock(struct core *core, const struct record *r)
{
	int64_t step = wallclock__set(&core->clock, r->mono_ns, r->clock.realtime_offset_ns);

	if (step && core->started && core->sink.clock_step)
		core->sink.clock_step(core->sink.context, r->mono_ns, step);
}

static void pass_time(struct core *core)
{
	if (!core->started)
		return;
	tell_unseen(core);
	if (core->now_ns >= core->next_arrivals_ns) {
		supersession__judge_arrivals(&core->supersession, &core->table, on_suspicion, core);
		core->next_arrivals_ns = core->now_ns + ARRIVALS_NS;
	}
	tell_ended_sockets(core, core->now_ns > LAST_EVENTS_NS ? core->now_ns - LAST_EVENTS_NS : 0);
	if (core->config.every_ns && core->now_ns >= core->next_every_ns) {
		tell_open_sockets(core);
		core->next_every_ns = core->now_ns + core->config.every_ns;
	}
	if (core->sink.tick)
		core->sink.tick(core->sink.context, core->now_ns);
}

static void stop(struct core *core)
{
	if (!core->started)
		return;
	tell_unseen(core);
	tell_ended_sockets(core, UINT64_MAX);
	tell_open_sockets(core);
	if (core->sink.tick)
		core->sink.tick(core->sink.context, core->now_ns);
	core->started = false;
}

int core__feed(struct core *core, const struct record *r, const char **why)
{
	*why = "out of memory";
	if (!core->run.hz && r->type != RECORD_META) {
		*why = "the stream does not begin with a description of its run";
		return -EBADMSG;
	}
	if (r->mono_ns > core->now_ns)
		core->now_ns = r->mono_ns;
	switch (r->type) {
	case RECORD_META:
		return feed_meta(core, r);
	case RECORD_START:
		return feed_start(core, r);
	case RECORD_EVENT:
		return feed_event(core, &r->event);
	case RECORD_OWNER:
		return feed_owner(core, r);
	case RECORD_SYSCTL:
		return feed_sysctl(core, r);
	case RECORD_NETNS_GONE:
		feed_netns_gone(core, r);
		return 0;
	case RECORD_PRESENT:
		feed_present(core, r);
		return 0;
	case RECORD_SILENT:
		feed_silent(core, r);
		return 0;
	case RECORD_IDENTITY:
		return feed_identity(core, r);
	case RECORD_SNAPSHOT:
		return feed_snapshot(core, r);
	case RECORD_LOSS:
		feed_loss(core, r);
		return 0;
	case RECORD_CLOCK:
		feed_clock(core, r);
		return 0;
	case RECORD_TICK:
		pass_time(core);
		return 0;
	case RECORD_STOP:
		stop(core);
		return 0;
	case RECORD_RESET_REASON:
		if (r->reset_reason.number < RESET_REASONS_MAX &&
		    !core->reset_reasons[r->reset_reason.number])
			core->reset_reasons[r->reset_reason.number] = copy(r->reset_reason.name);
		return 0;
	case RECORD_TYPE_MAX:
		break;
	}
	return 0;
}

/* Is it open, and of those that are told? */
static bool counts(struct core *core, const struct slot *s)
{
	return !s->ignored && !(s->history && (s->history->ended_ns ||
			connection_is_wanted(core, s->history) != TRUTH_YES));
}

struct core_totals core__totals(struct core *core)
{
	struct core_totals totals = core->totals;
	bool lived_in[NETNS_INDEX_MAX + 1] = { false };
	struct slot *s = NULL;

	while ((s = table__next(&core->table, s))) {
		if (!counts(core, s))
			continue;
		totals.namespaces += !lived_in[s->netns];
		lived_in[s->netns] = true;
		totals.open++;
		totals.open_without_keepalive += !s->keepalive;
		totals.suspect += s->history &&
				  present_outcome(core, s->history) == OUTCOME_SUSPECT;
	}
	return totals;
}

static int by_sockets(const void *a, const void *b)
{
	const struct program_count *x = a, *y = b;

	if (x->sockets != y->sockets)
		return x->sockets < y->sockets ? 1 : -1;
	return strcmp(x->comm, y->comm);
}

static int by_comm(const void *a, const void *b)
{
	const struct program_count *x = a, *y = b;

	return strcmp(x->comm, y->comm);
}

/* Adds up the processes of each program; returns how many programs there are. */
static unsigned int join_programs(struct program_count *all, unsigned int count)
{
	unsigned int i, programs = 0;

	qsort(all, count, sizeof(*all), by_comm);
	for (i = 0; i < count; i++) {
		if (programs && !strcmp(all[programs - 1].comm, all[i].comm))
			all[programs - 1].sockets += all[i].sockets;
		else
			all[programs++] = all[i];
	}
	return programs;
}

unsigned int core__blind_programs(struct core *core, struct program_count *programs,
				  unsigned int size)
{
	struct program_count *all = calloc(core->owners.used + 1, sizeof(*all));
	unsigned int count = 0, i;
	struct slot *s = NULL;

	if (!all)
		return 0;
	while ((s = table__next(&core->table, s)))
		if (s->owner && !s->keepalive && counts(core, s))
			all[s->owner - 1].sockets++;
	for (i = 1; i <= core->owners.used; i++) {
		if (!all[i - 1].sockets)
			continue;
		all[count] = all[i - 1];
		memcpy(all[count++].comm, owners__at(&core->owners, i)->comm,
		       sizeof(all->comm));
	}
	count = join_programs(all, count);
	qsort(all, count, sizeof(*all), by_sockets);
	if (count > size)
		count = size;
	memcpy(programs, all, count * sizeof(*all));
	free(all);
	return count;
}
