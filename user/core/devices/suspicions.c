// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "devices/candidates.h"
#include "devices/suspicions.h"
#include "devices/wanted_keys.h"
#include "value/array.h"

/* Pairs of an old connection and a new one of one address in one judgement. Where more come at
 * once, all of a gateway's peers behind a proxy's, nothing is said of that address: that bounds the
 * time. */
#define PAIRS_MAX (1U << 18)

/* Ports so near each other are one device's, which holds several connections. */
#define SIBLING_PORTS 2
/* Less likely ones are not looked at for that. */
#define SIBLING_WORTH 0.1

static bool has_ended(const struct connection *c)
{
	return c && connection__ended_ns(c);
}

struct member {
	const struct slot *slot;
	const struct connection *connection;
	uint32_t group;	 /* the first of its key among those wanted */
	uint32_t oldest; /* index of the oldest arrival of that key: none has two keys */
	uint32_t order;
	double taken; /* chance that its device is back on another connection already */
	/* against the arrival that is looked at */
	bool competes;
	enum link_state state;
	double weight, port; /* of its state, and what its port makes of that */
};

struct members {
	struct member *all;
	size_t count, size;
};

struct claim {
	uint64_t old;
	const struct arrival *by;
	double confidence;
};

struct claims {
	struct claim *all;
	size_t count, size;
};

static void add_member(struct members *m, struct member member)
{
	struct member *all = array__with_room(m->all, m->count, &m->size, sizeof(*all));

	if (!all)
		return;
	m->all = all;
	member.order = m->count;
	all[m->count++] = member;
}

static void add_claim(struct claims *c, struct claim claim)
{
	struct claim *all = array__with_room(c->all, c->count, &c->size, sizeof(*all));

	if (!all)
		return;
	c->all = all;
	all[c->count++] = claim;
}

/* Keys are others in each run, and what one address teaches is believed of the next: they are
 * judged in the order of arrival. */
static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->oldest != y->oldest)
		return x->oldest > y->oldest ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static uint32_t oldest_of(const struct wanted_keys *w, uint32_t first)
{
	return w->all[wanted_keys__end(w, first) - 1].index;
}

/* The open connections of all keys that are wanted, each key's together. */
static void gather(struct table *t, const struct wanted_keys *wanted, struct members *m)
{
	struct slot *s = NULL;

	while ((s = table__next(t, s))) {
		const struct connection *c = table__history(t, s);
		const struct successor *by = c ? incidents__successor(c) : NULL;
		uint32_t group = wanted_keys__find(wanted, s->peer_key);

		if (group < wanted->count && !s->ignored && !has_ended(c))
			add_member(m, (struct member){ .slot = s,
						       .connection = c,
						       .group = group,
						       .oldest = oldest_of(wanted, group),
						       .taken = by ? by->confidence : 0 });
	}
	if (m->count)
		qsort(m->all, m->count, sizeof(*m->all), by_group);
}

/* One arrival against the connections of its address. */
struct comparison {
	const struct supersession *s;
	const struct arrival *by;
	struct member *members;
	size_t count;
	uint64_t now_ns;
	struct link_view view;
	double sum, prior;	    /* of weights, with and without what the ports say */
	double by_step[LINK_STEPS]; /* of the latter */
	double arrivals_per_ns;	    /* of this address */
	unsigned int in_state[LINK_STATES], silent;
};

static bool competes(const struct comparison *k, const struct member *m)
{
	return candidates__was_there(m->slot, k->by) &&
	       candidates__heard_ns(m->slot, m->connection) <= k->by->at_ns &&
	       candidates__may_be_of_peer(m->connection, k->by) &&
	       !k->s->is_another(k->s->context, k->by, m->slot->peer_port);
}

/* The device of a connection that is silent while others arrive may be among those, or away. */
static double still_to_come(const struct comparison *k, const struct member *m)
{
	uint64_t heard = candidates__heard_ns(m->slot, m->connection)
				 ?: (uint64_t)m->slot->first_seen_us * 1000;

	return linkage__still_to_come(&k->view, (k->by->at_ns - heard) * k->arrivals_per_ns,
				      k->silent);
}

static void count_members(struct comparison *k)
{
	struct link_crowd crowd = { 0 };
	size_t i;

	for (i = 0; i < k->count; i++) {
		struct member *m = &k->members[i];

		linkage__count_port(&crowd, m->slot->peer_port, k->by->peer.port);
		m->competes = competes(k, m);
		if (!m->competes)
			continue;
		m->state = candidates__state(m->slot, m->connection, k->by->at_ns, k->now_ns);
		k->in_state[m->state]++;
	}
	linkage__see_crowd(&k->view, &crowd);
	for (i = LINK_OVERDUE; i < LINK_STATES; i++)
		k->silent += k->in_state[i];
}

static void sum_up(struct comparison *k)
{
	size_t i;

	count_members(k);
	for (i = 0; i < k->count; i++) {
		struct member *m = &k->members[i];

		if (!m->competes)
			continue;
		m->weight = k->view.weight[m->state] * (1 - m->taken);
		if (m->state >= LINK_OVERDUE)
			m->weight *= still_to_come(k, m);
		m->port = linkage__port_weight(&k->view, m->slot->peer_port, k->by->peer.port);
		k->prior += m->weight;
		k->by_step[linkage__step(m->slot->peer_port, k->by->peer.port)] += m->weight;
		k->sum += m->weight * m->port;
	}
}

/* Of a pair that the ports show more are right than the present weights say, which were learned of
 * earlier pairs, when less was known: by so much, in simulated pools. */
#define LEARNED_LATE 2.0

static double confidence_of(const struct comparison *k, const struct member *m, double belief)
{
	double sure = linkage__port_shows(m->port)
			      ? LEARNED_LATE * belief / (1 + (LEARNED_LATE - 1) * belief)
			      : belief;

	return sure * (1 - k->view.twin[m->state]);
}

/* Beliefs in other connections whose ports are next to this one's, where ports show anything: those
 * of the same device, so that it is the one as well that came back. */
static double belief_in_siblings(const struct comparison *k, const struct member *m, double all)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < k->count; i++) {
		const struct member *other = &k->members[i];
		int16_t apart = other->slot->peer_port - m->slot->peer_port;

		if (other != m && apart >= -SIBLING_PORTS && apart <= SIBLING_PORTS &&
		    other->competes && linkage__port_shows(other->port))
			sum += other->weight * other->port / all;
	}
	return sum;
}

/* A member that competes: says and learns how likely it is to be the one. Returns that chance. */
static double weigh(struct comparison *k, struct member *m, double all, struct linkage *l,
		    struct link_pool *pool, struct claims *claims)
{
	double belief = m->weight * m->port / all, confidence = confidence_of(k, m, belief);

	if (confidence > SIBLING_WORTH && linkage__port_shows(m->port))
		confidence = confidence_of(k, m, belief + belief_in_siblings(k, m, all));
	linkage__count_pair(
		l, pool,
		&(struct link_pair){ .old = m->slot->cookie,
				     .at_ns = k->by->at_ns,
				     .belief = belief,
				     .state = m->state,
				     .step = linkage__step(m->slot->peer_port, k->by->peer.port),
				     .near = linkage__port_shows(m->port) });
	if (confidence < SUPERSESSION_WORTH)
		return belief;
	m->taken = fmax(m->taken, fmin(confidence, 0.999));
	add_claim(claims, (struct claim){ m->slot->cookie, k->by, confidence });
	return belief;
}

/* Where no arrival was seen before: a NAT that numbers its mappings gave this one last. */
static uint16_t port_below(const struct comparison *k)
{
	uint16_t port = k->by->peer.port, least = UINT16_MAX;
	size_t i;

	for (i = 0; i < k->count; i++) {
		uint16_t ahead = port - k->members[i].slot->peer_port;

		if (ahead && ahead < least)
			least = ahead;
	}
	return port - least;
}

static void judge_arrival(struct supersession *s, struct comparison k, struct claims *claims)
{
	struct link_pool *pool = linkage__pool(&s->linkage, k.by->key, k.by->at_ns);
	double links = 0, all;
	unsigned int i;

	if (!pool)
		return;
	k.view = linkage__view(&s->linkage, pool);
	linkage__see_previous(&k.view, pool,
			      pool->counts.arrivals ? pool->last_port : port_below(&k),
			      k.by->peer.port);
	k.arrivals_per_ns = linkage__arrivals_per_ns(pool, k.by->at_ns);
	sum_up(&k);
	all = k.sum + linkage__none(&k.view, k.prior);
	if (!k.prior) /* no candidate: nothing is learned about links */
		return;
	for (i = 0; i < LINK_STATES; i++)
		linkage__count_state(&s->linkage, pool, i, k.in_state[i],
				     k.prior + linkage__none(&k.view, k.prior));
	for (i = 0; i < k.count; i++)
		if (k.members[i].competes)
			links += weigh(&k, &k.members[i], all, &s->linkage, pool, claims);
	linkage__count_steps(&s->linkage, pool, &k.view, k.by_step,
			     linkage__none(&k.view, k.prior));
	linkage__count_arrival(&s->linkage, pool, k.by->at_ns, k.by->peer.port, links);
}

/* The arrivals of one key, from the oldest, and the connections that were there. */
static void judge_group(struct supersession *s, const struct wanted_keys *wanted, uint32_t first,
			const struct comparison *of, struct claims *claims)
{
	uint32_t end = wanted_keys__end(wanted, first);

	if ((uint64_t)(end - first) * of->count > PAIRS_MAX)
		return;
	while (end-- > first) { /* the oldest has the highest index */
		struct comparison k = *of;

		k.by = arrivals__at(&s->arrivals, s->arrivals.count - wanted->all[end].index);
		judge_arrival(s, k, claims);
	}
}

static bool want_arrivals(const struct supersession *s, struct wanted_keys *wanted, uint32_t count)
{
	uint32_t i;

	if (!wanted_keys__init(wanted, count))
		return false;
	for (i = 0; i < count; i++)
		wanted_keys__add(wanted, arrivals__at(&s->arrivals, s->arrivals.count - i)->key, i);
	wanted_keys__sort(wanted);
	return true;
}

void suspicions__judge_arrivals(struct supersession *s, struct table *t, uint64_t now_ns,
				suspect_fn fn, void *context)
{
	uint32_t count = s->arrivals.count - s->judged;
	struct wanted_keys wanted;
	struct members members = { 0 };
	struct claims claims = { 0 };
	size_t i, n;

	if (count > s->arrivals.size)
		count = s->arrivals.size;
	if (!count || !want_arrivals(s, &wanted, count))
		return;
	gather(t, &wanted, &members);
	for (i = 0; i < members.count; i += n) {
		struct comparison of = { .s = s, .members = &members.all[i], .now_ns = now_ns };

		for (n = 0;
		     i + n < members.count && members.all[i + n].group == members.all[i].group; n++)
			;
		of.count = n;
		judge_group(s, &wanted, members.all[i].group, &of, &claims);
	}
	s->judged = s->arrivals.count;
	for (i = 0; i < claims.count; i++)
		fn(context, claims.all[i].old, claims.all[i].by, claims.all[i].confidence);
	wanted_keys__free(&wanted);
	free(members.all);
	free(claims.all);
}
