// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "devices/supersession.h"

/* A program that wants two connections opens both within this time. */
#define BREATH_NS 100000000ULL
/* Heard so lately before another connection came, the old one is fresh, or recent. */
#define FRESH_NS 2000000000ULL
#define RECENT_NS 10000000000ULL
/* A peer that is there answers an ask within this time. */
#define ANSWERS_NS 1000000000ULL
/* A program that lets a client's next connection replace the last one closes that this soon. */
#define TAKEOVER_NS 2000000000ULL
#define TAKEOVER_SOON_NS 700000000ULL
/* When it closed is known by its RTO, where data left with the FIN: up to this much too early. */
#define CLOSED_EARLY_NS 300000000ULL
/* Of connections that were just not heard for a while, this share is dead at most. */
#define SILENT_IS_DEAD 0.05
/* While somebody is dead, at least this share of arrivals are links. */
#define DEAD_SHARE_LEAST 0.25
/* Steps along the arrivals of one address: who floods from one is not told apart any more. */
#define STEPS_MAX 512
/* Pairs of an old connection and a new one of one address in one judgement. Where more come at
 * once, all of a gateway's peers behind a proxy's, nothing is said of that address: that bounds the
 * time. */
#define PAIRS_MAX (1U << 18)

/* Ports so near each other are one device's, which holds several connections. */
#define SIBLING_PORTS 2
/* Less likely ones are not looked at for that. */
#define SIBLING_WORTH 0.1

/* ---- what is known of an old connection ---- */

/* When it was last heard, as far as events told; 0: not known. A history that is kept for its own
 * sake
 * (--all) says no more: what is thought of a peer does not depend on what is told of it. */
static uint64_t heard_ns(const struct slot *s, const struct connection *c)
{
	if (c && c->eventful)
		return c->last_heard_ns;
	return s->partial ? 0 : (uint64_t)s->first_seen_us * 1000;
}

/* Was it silent for longer than ever before, or than its own heartbeat allows? */
static bool is_overdue(const struct connection *c, uint64_t silent_ns)
{
	uint64_t usual_ms = heartbeat__period_ms(&incidents__of(c)->heartbeat);

	if (!usual_ms)
		usual_ms = gaps__longest_ms(&c->gaps);
	return usual_ms && silent_ns / 1000000 > usual_ms + usual_ms / 4;
}

/* Asks that a living peer would have answered by now. */
static enum link_state asked_state(const struct connection *c, uint64_t now_ns)
{
	if (silence__unanswered(c))
		return LINK_ASKED;
	return c->silence.asks && c->silence.last_ask_ns + ANSWERS_NS < now_ns ? LINK_ASKED_ONCE
									       : LINK_UNKNOWN;
}

static enum link_state state_of(const struct slot *s, const struct connection *c, uint64_t at_ns,
				uint64_t now_ns)
{
	uint64_t heard = heard_ns(s, c), silent_ns = at_ns > heard ? at_ns - heard : 0;
	enum link_state asked = c && c->eventful ? asked_state(c, now_ns) : LINK_UNKNOWN;

	if (asked != LINK_UNKNOWN)
		return asked;
	if (!s->partial && at_ns - (uint64_t)s->first_seen_us * 1000 < BREATH_NS)
		return LINK_TWIN;
	if (heard && silent_ns < FRESH_NS)
		return LINK_FRESH;
	if (c && c->eventful && heard && is_overdue(c, silent_ns))
		return LINK_OVERDUE;
	if (heard && silent_ns < RECENT_NS)
		return LINK_RECENT;
	return c && c->eventful ? LINK_IDLE : LINK_UNKNOWN;
}

/* ---- keys ---- */

/* Keys that are looked for, sorted, behind a bitmap that lets nearly all others pass at once. */
struct wanted_key {
	uint64_t key;
	uint32_t index;
};

struct wanted_keys {
	struct wanted_key *all;
	uint32_t count;
	uint64_t bits[1024];
};

static int by_key(const void *a, const void *b)
{
	const struct wanted_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key ? 1 : x->index < y->index ? -1 : 1;
}

static void want_key(struct wanted_keys *w, uint64_t key, uint32_t index)
{
	w->all[w->count++] = (struct wanted_key){ .key = key, .index = index };
	w->bits[key >> 6 & 1023] |= 1ULL << (key & 63);
}

/* The first of those with this key; `w->count` if there is none. */
static uint32_t find_key(const struct wanted_keys *w, uint64_t key)
{
	uint32_t low = 0, high = w->count;

	if (!(w->bits[key >> 6 & 1023] & 1ULL << (key & 63)))
		return w->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (w->all[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count && w->all[low].key == key ? low : w->count;
}

static bool was_there_before(const struct slot *old, const struct arrival *by)
{
	return old->cookie != by->cookie && !old->ignored &&
	       (uint64_t)old->first_seen_us * 1000 < by->at_ns;
}

/* Keys may agree by chance: where the ends of the old one are known, they decide. */
static bool may_be_of_its_peer(const struct connection *old, const struct arrival *by)
{
	return !old || !old->addressed ||
	       arrivals__are_alike(by, old->netns, connection__family(old), &old->local,
				   &old->peer);
}

static bool has_ended(const struct connection *c)
{
	return c && connection__ended_ns(c);
}

/* ---- suspicions ---- */

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

/* Room for one more in an array of `count`; NULL when memory is short. */
static void *with_room(void *all, size_t count, size_t *size, size_t each)
{
	void *bigger;

	if (count < *size)
		return all;
	bigger = realloc(all, (*size ? *size * 2 : 64) * each);
	if (bigger)
		*size = *size ? *size * 2 : 64;
	return bigger;
}

static void add_member(struct members *m, struct member member)
{
	struct member *all = with_room(m->all, m->count, &m->size, sizeof(*all));

	if (!all)
		return;
	m->all = all;
	member.order = m->count;
	all[m->count++] = member;
}

static void add_claim(struct claims *c, struct claim claim)
{
	struct claim *all = with_room(c->all, c->count, &c->size, sizeof(*all));

	if (!all)
		return;
	c->all = all;
	all[c->count++] = claim;
}

/* Keys are others in each run, and what one address teaches is believed of the next: they are looked
 * at in the order in which somebody came. */
static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->oldest != y->oldest)
		return x->oldest > y->oldest ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Of the key that begins at `first`. */
static uint32_t end_of_key(const struct wanted_keys *w, uint32_t first)
{
	uint32_t end = first;

	while (end < w->count && w->all[end].key == w->all[first].key)
		end++;
	return end;
}

static uint32_t oldest_of(const struct wanted_keys *w, uint32_t first)
{
	return w->all[end_of_key(w, first) - 1].index;
}

/* The open connections of all keys that are wanted, each key's together. */
static void gather(struct table *t, const struct wanted_keys *wanted, struct members *m)
{
	struct slot *s = NULL;

	while ((s = table__next(t, s))) {
		const struct connection *c = table__history(t, s);
		const struct successor *by = c ? incidents__successor(c) : NULL;
		uint32_t group = find_key(wanted, s->peer_key);

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
	double sum, prior;	/* of weights, with and without what the ports say */
	double arrivals_per_ns; /* of this address */
	unsigned int in_state[LINK_STATES], silent;
};

static bool competes(const struct comparison *k, const struct member *m)
{
	return was_there_before(m->slot, k->by) &&
	       heard_ns(m->slot, m->connection) <= k->by->at_ns &&
	       may_be_of_its_peer(m->connection, k->by) &&
	       !k->s->is_another(k->s->context, k->by, m->slot->peer_port);
}

/* Whoever is silent while others come may have been among those, or stay away. */
static double still_to_come(const struct comparison *k, const struct member *m)
{
	uint64_t heard =
		heard_ns(m->slot, m->connection) ?: (uint64_t)m->slot->first_seen_us * 1000;

	return linkage__still_to_come(&k->view, (k->by->at_ns - heard) * k->arrivals_per_ns,
				      k->silent);
}

/* Ports of a crowd: within so many of the new one's. */
static const uint16_t crowds[] = { 16, 64, 1024 };
#define CROWDS (sizeof(crowds) / sizeof(crowds[0]))

static void count_near(unsigned int *near, uint16_t old_port, uint16_t new_port)
{
	uint16_t ahead = new_port - old_port, back = old_port - new_port;
	unsigned int i;

	for (i = 0; i < CROWDS; i++)
		near[i] += (ahead < back ? ahead : back) <= crowds[i];
}

/* `near` counts the old connection itself, if that is near. */
static void see_crowds(struct link_view *v, unsigned int members, const unsigned int *near)
{
	unsigned int i;

	for (i = 0; i < CROWDS; i++)
		if (near[i] > 1)
			linkage__see_crowding(v, members, near[i] - 1, crowds[i]);
}

static void count_members(struct comparison *k)
{
	unsigned int near[CROWDS] = { 0 };
	size_t i;

	for (i = 0; i < k->count; i++) {
		struct member *m = &k->members[i];

		count_near(near, m->slot->peer_port, k->by->peer.port);
		m->competes = competes(k, m);
		if (!m->competes)
			continue;
		m->state = state_of(m->slot, m->connection, k->by->at_ns, k->now_ns);
		k->in_state[m->state]++;
	}
	see_crowds(&k->view, k->count, near);
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
	k.view = linkage__view(&s->linkage, pool, true,
			       pool->counts.arrivals ? pool->last_port : port_below(&k),
			       k.by->peer.port);
	k.arrivals_per_ns = linkage__arrivals_per_ns(pool, k.by->at_ns);
	sum_up(&k);
	all = k.sum + linkage__none(&k.view, k.prior);
	if (!k.prior) /* nobody that it could be: nothing is learned of links */
		return;
	for (i = 0; i < LINK_STATES; i++)
		linkage__count_state(&s->linkage, pool, i, k.in_state[i],
				     k.prior + linkage__none(&k.view, k.prior));
	for (i = 0; i < k.count; i++)
		if (k.members[i].competes)
			links += weigh(&k, &k.members[i], all, &s->linkage, pool, claims);
	linkage__count_arrival(&s->linkage, pool, k.by->at_ns, k.by->peer.port, links);
}

/* The arrivals of one key, from the oldest, and the connections that were there. */
static void judge_group(struct supersession *s, const struct wanted_keys *wanted, uint32_t first,
			const struct comparison *of, struct claims *claims)
{
	uint32_t end = end_of_key(wanted, first);

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

	wanted->all = malloc(count * sizeof(*wanted->all));
	for (i = 0; i < count && wanted->all; i++)
		want_key(wanted, arrivals__at(&s->arrivals, s->arrivals.count - i)->key, i);
	if (wanted->all)
		qsort(wanted->all, count, sizeof(*wanted->all), by_key);
	return wanted->all;
}

void supersession__judge_arrivals(struct supersession *s, struct table *t, uint64_t now_ns,
				  suspect_fn fn, void *context)
{
	uint32_t count = s->arrivals.count - s->judged;
	struct wanted_keys wanted = { 0 };
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
	free(wanted.all);
	free(members.all);
	free(claims.all);
}

/* ---- findings ---- */

/* A dead connection and the arrivals that may be its device's. */
struct weighing {
	struct finding_of_dead *dead;
	struct link_view view; /* of the likeliest arrival */
	double own, others;    /* weights: of that one, and of the other arrivals */
	bool taken_over;       /* our program closed it as that one came */
	double by_itself;      /* chance that the program looked at no arrival */
	double rivals, dying;  /* of other connections: weight, and how many may be dead */
	unsigned int members, near[CROWDS];
};

static uint64_t over_ns(const struct connection *c)
{
	return connection__ended_ns(c) ?: c->silence.last_ask_ns + 1;
}

static bool is_taken_over(const struct connection *c, const struct arrival *by)
{
	uint64_t closed = incidents__of(c)->closed_ns;

	return closed + CLOSED_EARLY_NS > by->at_ns && closed < by->at_ns + TAKEOVER_NS;
}

void supersession__note_closing(struct supersession *s, const struct connection *c)
{
	uint64_t key =
		arrivals__key(&s->arrivals, c->netns, connection__family(c), &c->local, &c->peer);
	struct link_pool *pool = linkage__find(&s->linkage, key);
	const struct arrival *a = arrivals__of_key(&s->arrivals, key);
	unsigned int steps;

	for (steps = 0;
	     a && !is_taken_over(c, a) && a->at_ns > c->last_heard_ns && steps < STEPS_MAX; steps++)
		a = arrivals__older_of_key(&s->arrivals, a);
	if (pool)
		linkage__count_closing(pool, a && is_taken_over(c, a),
				       TAKEOVER_NS + CLOSED_EARLY_NS);
}

/* Three of four takeovers come within 700 ms: as though all were even over this time. */
static uint64_t takeover_window_ns(const struct connection *c, const struct arrival *by)
{
	return incidents__of(c)->closed_ns < by->at_ns + TAKEOVER_SOON_NS
		       ? TAKEOVER_SOON_NS * 4 / 3
		       : (TAKEOVER_NS - TAKEOVER_SOON_NS) * 4;
}

static double weight_in_time(const struct link_view *v, const struct link_pool *pool,
			     const struct connection *c, const struct arrival *a)
{
	if (is_taken_over(c, a))
		return linkage__takeover_weight(pool, takeover_window_ns(c, a)) / v->any_port;
	return a->at_ns - c->last_heard_ns < FRESH_NS ? v->weight[LINK_FRESH] : 1;
}

static void weigh_one_arrival(const struct supersession *s, struct weighing *w, struct arrival *a)
{
	const struct arrival *last = arrivals__older_of_key(&s->arrivals, a);
	const struct link_pool *pool = linkage__find(&s->linkage, a->key);
	const struct connection *c = w->dead->connection;
	bool other = last && last->cookie != c->cookie;
	struct link_view v =
		linkage__view(&s->linkage, pool, other, other ? last->peer.port : 0, a->peer.port);
	double weight = linkage__port_weight(&v, c->peer.port, a->peer.port) *
			weight_in_time(&v, pool, c, a);

	if (weight < w->own) {
		w->others += weight;
		return;
	}
	w->others += w->own; /* of equals the oldest, against which most rivals spoke */
	w->own = weight;
	w->taken_over = is_taken_over(c, a);
	w->by_itself = 1 - linkage__takeovers(pool);
	w->view = v;
	w->dead->by = a;
}

/* The arrivals while the dead connection was silent and before it was known to be dead. */
static void look_for_arrivals(const struct supersession *s, struct weighing *w, uint64_t key)
{
	const struct connection *c = w->dead->connection;
	struct arrival *a;
	unsigned int steps = 0;

	for (a = arrivals__of_key(&s->arrivals, key);
	     a && a->at_ns > c->last_heard_ns && steps < STEPS_MAX;
	     a = arrivals__older_of_key(&s->arrivals, a), steps++)
		if (may_be_of_its_peer(c, a) && a->at_ns <= over_ns(c) && a->cookie != c->cookie &&
		    !a->claimed && !s->is_another(s->context, a, c->peer.port))
			weigh_one_arrival(s, w, a);
	if (steps == STEPS_MAX)
		w->dead->by = NULL;
}

/* A rival counts as far as it may be dead, too. */
static double likely_dead(const struct connection *c)
{
	return c && silence__unanswered(c) ? 1 : SILENT_IS_DEAD;
}

static void weigh_rival(const struct supersession *s, struct weighing *w, const struct slot *old,
			const struct connection *c)
{
	const struct arrival *by = w->dead->by;
	double dead;

	w->members++;
	count_near(w->near, old->peer_port, by->peer.port);
	if (old->cookie == w->dead->connection->cookie || !was_there_before(old, by) ||
	    !may_be_of_its_peer(c, by) || heard_ns(old, c) > by->at_ns ||
	    s->is_another(s->context, by, old->peer_port))
		return;
	/* a program that closed this one would have closed that one */
	if (w->taken_over && !(c && is_taken_over(c, by)))
		return;
	dead = likely_dead(c);
	w->dying += dead;
	w->rivals += dead * linkage__port_weight(&w->view, old->peer_port, by->peer.port);
}

/* Other silent connections that the same arrivals may have superseded, dead ones that were not told
 * yet among them. */
static void weigh_rivals(const struct supersession *s, struct table *t,
			 const struct wanted_keys *wanted, struct weighing *all)
{
	struct slot *old = NULL;
	uint32_t i;

	while ((old = table__next(t, old)))
		for (i = find_key(wanted, old->peer_key);
		     i < wanted->count && wanted->all[i].key == old->peer_key; i++)
			weigh_rival(s, &all[wanted->all[i].index], old, table__history(t, old));
}

static void decide(struct weighing *w)
{
	struct finding_of_dead *d = w->dead;
	double alone = linkage__port_weight(&w->view, d->connection->peer.port, d->by->peer.port);
	double own;

	see_crowds(&w->view, w->members, w->near);
	/* a fleet that arrived as a whole says little of who comes when somebody is dead */
	w->view.share = fmax(w->view.share, DEAD_SHARE_LEAST);
	own = w->own * linkage__port_weight(&w->view, d->connection->peer.port, d->by->peer.port) /
	      alone;
	d->confidence =
		own / (own + w->others + w->rivals + d->by->dead_rivals +
		       (w->taken_over ? w->by_itself : linkage__none(&w->view, 1 + w->dying)));
	if (!d->proven)
		return;
	if (d->confidence >= SUPERSESSION_SURE)
		d->by->claimed = true;
	else
		d->by->dead_rivals += own;
}

void supersession__judge_dead(struct supersession *s, struct table *t, struct finding_of_dead *dead,
			      unsigned int count)
{
	struct wanted_keys wanted = { .all = malloc((count + 1) * sizeof(*wanted.all)) };
	struct weighing *all = calloc(count + 1, sizeof(*all));
	unsigned int i;

	for (i = 0; i < count && wanted.all && all; i++) {
		const struct connection *c = dead[i].connection;
		uint64_t key = arrivals__key(&s->arrivals, c->netns, connection__family(c),
					     &c->local, &c->peer);

		dead[i].by = NULL;
		dead[i].confidence = 0;
		all[i].dead = &dead[i];
		if (c->last_heard_ns)
			look_for_arrivals(s, &all[i], key);
		if (dead[i].by)
			want_key(&wanted, key, i);
	}
	if (wanted.count) {
		qsort(wanted.all, wanted.count, sizeof(*wanted.all), by_key);
		weigh_rivals(s, t, &wanted, all);
	}
	for (i = 0; i < count && wanted.all && all; i++)
		if (dead[i].by)
			decide(&all[i]);
	free(wanted.all);
	free(all);
}

void supersession__free(struct supersession *s)
{
	arrivals__free(&s->arrivals);
	linkage__free(&s->linkage);
}
