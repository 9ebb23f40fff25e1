// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/devices.h"
#include "core/emit.h"
#include "core/histories.h"
#include "core/reconnects.h"
#include "core/state.h"
#include "devices/findings.h"
#include "devices/suspicions.h"
#include "tcp/tcp_states.h"

/* A device that holds two connections at once may take this long to answer on the older one. */
#define SURE_AFTER_NS 5000000000ULL
/* A device that had forgotten a connection dials again this soon after its first SYN. */
#define REDIAL_NS 5000000000ULL

/* Those of open sockets stay. */
static void begin_generation(struct core *core)
{
	struct slot *s = NULL;

	identities__forget_older(&core->identities);
	while ((s = table__next(&core->table, s))) {
		const struct connection *c = table__history(&core->table, s);

		if (c && c->addressed)
			devices__of_connection(core, c);
	}
	identities__begin_generation(&core->identities);
}

/* Both ends of the comparison are named, and differently. */
bool reconnects__is_another_device(void *context, const struct arrival *by, uint16_t old_port)
{
	struct endpoint old = by->peer;
	struct core *core = context;
	uint32_t device, old_device;

	if (!core->identities.count)
		return false;
	old.port = old_port;
	device = devices__number_of(core, by->family, by->local.port, &by->peer, by->at_ns, false);
	old_device = devices__number_of(core, by->family, by->local.port, &old, 0, true);
	return device && old_device && device != old_device;
}

/* ---- suspicions ---- */

static void suspect_successor(struct core *core, struct slot *old, const struct arrival *by,
			      const struct endpoint *peer, double confidence)
{
	struct connection *c = histories__of(core, old);
	struct successor successor = { .cookie = by->cookie, .at_ns = by->at_ns, .peer = by->peer,
				       .family = by->family, .confidence = confidence };
	struct told told;

	if (!c || connection__ended_ns(c))
		return;
	if (!c->addressed)
		connection__address(c, by->netns, by->family, &by->local, peer);
	incidents__suspect_successor(c, &successor, &told);
	emit__events(core, c, &told);
}

/* The peer of a socket that `by` seems to supersede. False: it is another one's, or its address
 * within its network is not known. */
static bool find_peer(const struct core *core, const struct slot *old, const struct arrival *by,
		      struct endpoint *peer)
{
	const struct connection *c = table__history(&core->table, old);
	const struct arrival *came;

	if (c && c->addressed) {	/* compared already */
		*peer = c->peer;
		return true;
	}
	came = arrivals__with_cookie(&core->supersession.arrivals, old->peer_key, old->cookie);
	if (came) {
		*peer = came->peer;
		return arrivals__are_alike(by, came->netns, came->family, &came->local, peer);
	}
	*peer = endpoint__of(by->peer.address, old->peer_port);
	return arrivals__is_exact(by->family, &by->peer);
}

/* The same address came to the same port again. */
static void on_suspicion(void *context, uint64_t cookie, const struct arrival *by,
			 double confidence)
{
	struct core *core = context;
	struct slot *old = table__find(&core->table, cookie);
	struct endpoint peer;

	if (old && find_peer(core, old, by, &peer))
		suspect_successor(core, old, by, &peer, confidence);
}

void reconnects__judge_arrivals(struct core *core)
{
	suspicions__judge_arrivals(&core->supersession, &core->table, core->now_ns, on_suspicion,
				   core);
}

/* A connection is this device's, the operator says: one that it held to the same port before is
 * superseded, as long as nothing more is heard on it. */
static void seat_device(struct core *core, struct slot *s, uint16_t local_port, uint32_t device)
{
	uint64_t cookie = s->cookie, before;
	const struct arrival *by;
	struct connection *c;
	struct slot *old, *new = s;

	before = identities__take_seat(&core->identities, device, s->netns, local_port, cookie);
	old = before && before != cookie ? table__find(&core->table, before) : NULL;
	if (!old)
		return;
	if (old->first_seen_us > s->first_seen_us) {	/* the older one was named last */
		identities__take_seat(&core->identities, device, s->netns, local_port, before);
		new = old;
		old = s;
	}
	by = arrivals__with_cookie(&core->supersession.arrivals, new->peer_key, new->cookie);
	c = table__history(&core->table, old);
	if (by && c && c->addressed)
		suspect_successor(core, old, by, &c->peer, 1);
}

bool reconnects__has_redialed(const struct connection *c)
{
	const struct incidents *i = incidents__of(c);

	return i->found_by == FOUND_BY_RESET && i->syn_heard_ns &&
	       i->ended_ns < i->syn_heard_ns + REDIAL_NS;
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->address, b->address, sizeof(a->address));
}

static void link_redial(struct connection *c, const struct ho_event *e)
{
	struct endpoint local = endpoint__of(e->local, e->local_port);
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	struct successor by = { .cookie = e->cookie, .at_ns = e->mono_ns, .peer = peer,
				.family = e->family, .confidence = 1 };
	struct told told;

	if (reconnects__has_redialed(c) && c->netns == e->netns &&
	    connection__family(c) == e->family && is_same(&c->local, &local) &&
	    is_same(&c->peer, &peer))
		incidents__suspect_successor(c, &by, &told);
}

/* Those that wait are few: a SYN on an open connection and the reset after it came before. */
static void find_redialed(struct core *core, const struct ho_event *e)
{
	struct connection *c;

	for (c = core->redialed; c; c = c->incidents->next_ended)
		link_redial(c, e);
	for (c = core->syns_heard ? core->first_ended : NULL; c; c = c->incidents->next_ended)
		link_redial(c, e);
}

/* A new socket: remembers a passive open; true if its peer has a device name. */
bool reconnects__notice_newcomer(struct core *core, struct slot *s, const struct ho_event *e)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	uint32_t device;

	if (e->kind == HO_STATE && e->state == TCP_ESTABLISHED && e->old_state == TCP_SYN_RECV) {
		arrivals__add(&core->supersession.arrivals, e);
		find_redialed(core, e);
	}
	device = devices__number_of(core, e->family, e->local_port, &peer, e->mono_ns, s->partial);
	if (device)
		seat_device(core, s, e->local_port, device);
	return device;
}

/* The connection that it names has come lately: it is known by its device from now on. */
static int name_arrival(struct core *core, const struct arrival *arrival)
{
	struct slot *s = table__find(&core->table, arrival->cookie);
	struct connection *c;
	uint32_t device;

	if (!s || s->ignored)
		return 0;
	device = devices__number_of(core, arrival->family, arrival->local.port, &arrival->peer,
			   (uint64_t)s->first_seen_us * 1000, s->partial);
	if (!device)
		return 0;
	c = histories__of(core, s);
	if (!c)
		return -ENOMEM;
	if (!c->addressed)
		connection__address(c, arrival->netns, arrival->family, &arrival->local,
				    &arrival->peer);
	seat_device(core, s, arrival->local.port, device);
	return 0;
}

int reconnects__take_identity(struct core *core, const struct record *r)
{
	struct endpoint peer = endpoint__of(r->identity.peer, r->identity.port);
	const struct arrival *arrival;
	struct known_peer *known;

	if (identities__are_full(&core->identities))
		begin_generation(core);
	known = identities__learn(&core->identities, &peer, r->identity.local, r->identity.device,
				  r->identity.at_ns);
	if (!known)
		return -ENOMEM;
	/* Under a filter it is recorded once a socket that was let in bears the name. */
	if (!core->config.filter)
		devices__record(core, &peer, known);
	arrival = arrivals__from(&core->supersession.arrivals, &peer, r->identity.local);
	return arrival ? name_arrival(core, arrival) : 0;
}

/* Was the old connection asked since the device came back, and left that unanswered for so long?
 * Its silence alone says nothing: an idle one is silent, and its device may hold both. */
static bool was_asked_in_vain(const struct connection *c, const struct successor *by,
			      uint64_t heard_ns, uint64_t mono_ns)
{
	const struct silence *s = &c->silence;
	uint64_t asked_ns = s->first_ask_ns > by->at_ns ? s->first_ask_ns : s->last_ask_ns;

	return s->asks && asked_ns > by->at_ns && heard_ns < asked_ns &&
	       mono_ns > asked_ns + SURE_AFTER_NS;
}

void reconnects__find_superseded(struct core *core, struct connection *c, uint64_t heard_ns,
			       uint64_t mono_ns)
{
	const struct successor *by = incidents__successor(c);
	bool said = incidents__of(c)->found_by == FOUND_BY_SUPERSEDED;
	bool found = by && (said || (by->confidence >= 1 &&
				     was_asked_in_vain(c, by, heard_ns, mono_ns)));

	if (connection__ended_ns(c) || found == said ||
	    !incidents__set_found_by(c, found ? FOUND_BY_SUPERSEDED : FOUND_BY_NOTHING))
		return;
	if (emit__is_worth(core, c))
		emit__timeline(core, c);
}

/* An ask, or a reset, showed that the peer was gone. (In the states of a close a reset alone does
 * not show whether it answers our FIN; from a device that is elsewhere it does.) */
static bool may_be_superseded(const struct connection *c)
{
	const struct successor *by = incidents__successor(c);
	const struct incidents *i = c->incidents;

	if (i->found_by != FOUND_BY_NOTHING)
		return true;
	return by && by->confidence >= 1 &&
	       ((i->reset_ns && i->outcome == OUTCOME_CLOSED_LOCALLY) ||
		was_asked_in_vain(c, by, c->last_heard_ns, i->ended_ns));
}

/* Records its likeliest successor, and emits it. False: none is likely enough. */
static bool take_successor(struct core *core, const struct finding_of_dead *dead, double least)
{
	const struct arrival *by = dead->by;
	struct told told;

	if (!by || dead->confidence < least)
		return false;
	incidents__suspect_successor(dead->connection, &(struct successor){
		.cookie = by->cookie, .at_ns = by->at_ns, .peer = by->peer, .family = by->family,
		.confidence = dead->confidence }, &told);
	emit__events(core, dead->connection, &told);
	return incidents__successor(dead->connection);
}

void reconnects__note_closing(struct core *core, uint64_t cookie)
{
	if (core->closing_count == core->closings_size) {
		uint32_t size = core->closings_size ? core->closings_size * 2 : 64;
		uint64_t *all = realloc(core->closings, size * sizeof(*all));

		if (!all) {
			core->error = -ENOMEM;
			return;
		}
		core->closings = all;
		core->closings_size = size;
	}
	core->closings[core->closing_count++] = cookie;
}

/* The connection that was noted, unless its socket has another by now. */
static struct connection *noted_closing(const struct core *core, uint64_t cookie)
{
	const struct slot *s = table__find(&core->table, cookie);
	struct connection *c = s ? table__history(&core->table, s) : NULL;

	return c && incidents__of(c)->closing_noted ? c : NULL;
}

void reconnects__judge_closings(struct core *core)
{
	struct finding_of_dead *closed;
	unsigned int count = 0, i;

	if (!core->closing_count)
		return;
	closed = calloc(core->closing_count, sizeof(*closed));
	if (!closed)
		core->error = -ENOMEM;
	for (i = 0; closed && i < core->closing_count; i++) {
		struct connection *c = noted_closing(core, core->closings[i]);

		if (c)
			closed[count++] = (struct finding_of_dead){ .connection = c };
	}
	core->closing_count = 0;
	if (count)
		findings__judge(&core->supersession, &core->table, closed, count);
	for (i = 0; i < count; i++)
		take_successor(core, &closed[i], SUPERSESSION_WORTH);
	free(closed);
}

/* Which of the connections that have ended, the first `count` of them, were superseded. */
void reconnects__judge_ended(struct core *core, unsigned int count)
{
	struct finding_of_dead *dead = calloc(count + 1, sizeof(*dead));
	struct connection *c = core->first_ended;
	unsigned int unsure = 0, i;

	if (!dead)
		core->error = -ENOMEM;
	for (i = 0; dead && i < count; i++, c = c->incidents->next_ended) {
		const struct successor *by = incidents__successor(c);

		/* a device that reconnects from the same port is found by its reset */
		if (!may_be_superseded(c) || reconnects__has_redialed(c))
			continue;
		if (by && by->confidence >= 1)
			incidents__set_found_by(c, FOUND_BY_SUPERSEDED);
		else
			dead[unsure++] = (struct finding_of_dead){ c, .proven = true };
	}
	if (unsure)
		findings__judge(&core->supersession, &core->table, dead, unsure);
	for (i = 0; i < unsure; i++)
		if (take_successor(core, &dead[i], SUPERSESSION_SURE))
			incidents__set_found_by(dead[i].connection, FOUND_BY_SUPERSEDED);
	free(dead);
}
