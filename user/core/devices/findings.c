// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "devices/candidates.h"
#include "devices/findings.h"
#include "devices/wanted_keys.h"

/* An arrival so soon after the old connection was heard is hardly its device. */
#define FRESH_NS 2000000000ULL
/* Evidence against an arrival, as far as it counts: other arrivals; other connections that were
 * not heard for a while, or were asked in vain; and none of those known, by linkage__none(). A
 * suspicion is to be as sure as it is right: fitted to pools of devices (docs/LINKAGE.md). A
 * finding is to be right: all counts in full. */
static const struct doubts {
	double others, silent, asked, none;
} suspected = { 0.35, 0.02, 0.5, 0.1 }, found = { 1, 0.05, 1, 1 };
/* While a peer is dead, at least this share of arrivals are links. */
#define DEAD_SHARE_LEAST 0.25
/* Limit of steps along the arrivals of one address: beyond it, a flood is no longer
 * distinguished. */
#define STEPS_MAX 512
/* More may come by chance than do on average: as in the last seconds before a closing. */
#define BURST_NS 30000000000ULL
/* However many arrivals take something over, some do not. */
#define TAKING_MOST 0.9

/* A dead connection and the arrivals that may be its device's. Weights are how much likelier what
 * is seen is than by chance. */
struct weighing {
	struct finding_of_dead *dead;
	const struct link_pool *pool; /* of its address, or NULL */
	struct link_view address;     /* whoever comes from there */
	struct takeover_view takeover;
	double chance_per_ns; /* of arrivals that are another's */
	double taking;	      /* share of arrivals for which a connection is closed in time */
	unsigned int arrivals;
	bool too_many; /* to be compared: only the takeover is judged */

	struct link_view view; /* of the address before the likeliest arrival */
	double own,
		others; /* weights by port and silence: of that one, and of the other arrivals */
	double own_takeover;		 /* weight of that one if the program closed for it */
	double takeovers;		 /* of all */
	double in_time[TAKEOVER_DELAYS]; /* by their time alone, those that explain no other closing
					  */

	const struct doubts *doubts;
	double rivals, dying; /* of other connections: weight, and how many may be dead */
	struct link_crowd crowd;
};

static uint64_t over_ns(const struct connection *c)
{
	return connection__ended_ns(c) ?: c->silence.last_ask_ns + 1;
}

static uint64_t closed_ns(const struct weighing *w)
{
	return incidents__of(w->dead->connection)->closed_ns;
}

static uint64_t service_key(const struct supersession *s, const struct connection *c)
{
	return arrivals__service_key(&s->arrivals, c->netns, connection__family(c), &c->local);
}

/* ---- arrivals ---- */

static bool may_be_its_device(const struct supersession *s, const struct connection *c,
			      const struct arrival *a)
{
	return candidates__may_be_of_peer(c, a) && a->at_ns <= over_ns(c) &&
	       a->cookie != c->cookie && !a->claimed && !s->is_another(s->context, a, c->peer.port);
}

/* Counts those while the dead connection was silent, and before it was known to be dead. */
static void count_arrivals(const struct supersession *s, struct weighing *w,
			   const struct arrival *newest)
{
	const struct connection *c = w->dead->connection;
	const struct arrival *a;
	double lately = 0;
	unsigned int steps = 0;

	for (a = newest; a && a->at_ns > c->last_heard_ns && steps < STEPS_MAX;
	     a = arrivals__older_of_key(&s->arrivals, a), steps++) {
		w->arrivals += may_be_its_device(s, c, a);
		lately += a->at_ns + BURST_NS > closed_ns(w);
	}
	w->too_many = steps == STEPS_MAX;
	/* its own device's aside, and what that varies by */
	lately = lately > 1 ? lately - 1 - sqrt(lately - 1) : 0;
	w->chance_per_ns = fmax(w->chance_per_ns, lately / BURST_NS);
}

static unsigned int delay_of(const struct weighing *w, const struct arrival *a)
{
	return closed_ns(w) ? takeovers__delay(a->at_ns, closed_ns(w)) : TAKEOVER_DELAYS;
}

/* How much likelier a takeover makes an arrival at this time than chance does. */
static double weight_in_time(const struct weighing *w, const struct arrival *a)
{
	unsigned int delay = delay_of(w, a);

	return delay == TAKEOVER_DELAYS ? 0 : w->takeover.per_ns[delay] / w->chance_per_ns;
}

/* Some of those by chance compete no more: they were taken for other closings, sooner than this
 * one. That is believed of who came, but does not teach how often the program takes over: it would
 * confirm itself. */
static double competing(const struct weighing *w, const struct arrival *a)
{
	unsigned int delay = delay_of(w, a);

	return delay == TAKEOVER_DELAYS ? 1 : 1 - w->taking * w->takeover.sooner[delay];
}

/* Chance that another connection was closed for it. */
static double taken(const struct weighing *w, const struct arrival *a)
{
	return a->taker == w->dead->connection->cookie
		       ? (a->taken - a->by_taker) / (1 - a->by_taker)
		       : a->taken;
}

static double by_itself(const struct weighing *w)
{
	return (1 - w->takeover.share) / (w->arrivals + 1);
}

/* The address before this arrival. */
static struct link_view view_of(const struct supersession *s, const struct weighing *w,
				const struct arrival *a)
{
	const struct arrival *last = arrivals__older_of_key(&s->arrivals, a);
	struct link_view v = w->address;

	if (w->pool && last && last->cookie != w->dead->connection->cookie)
		linkage__see_previous(&v, w->pool, last->peer.port, a->peer.port);
	return v;
}

/* That the program closed the dead connection for this arrival. */
static double takeover_weight(const struct weighing *w, const struct arrival *a, double port)
{
	return w->takeover.share * weight_in_time(w, a) * (1 - taken(w, a)) / competing(w, a) *
	       port;
}

static void weigh_one_arrival(const struct supersession *s, struct weighing *w, struct arrival *a)
{
	const struct connection *c = w->dead->connection;
	struct link_view v = view_of(s, w, a);
	double weight = linkage__port_weight(&v, c->peer.port, a->peer.port);
	double takeover = takeover_weight(w, a, weight);
	unsigned int delay = delay_of(w, a);

	if (delay < TAKEOVER_DELAYS)
		w->in_time[delay] += weight_in_time(w, a) * (1 - a->explains);
	if (a->at_ns - c->last_heard_ns < FRESH_NS)
		weight *= v.weight[LINK_FRESH];
	w->takeovers += takeover;
	w->others += weight;
	/* of equals the oldest, against which most rivals spoke */
	if (w->dead->by &&
	    takeover + by_itself(w) * weight < w->own_takeover + by_itself(w) * w->own)
		return;
	w->own = weight;
	w->own_takeover = takeover;
	w->view = v;
	w->dead->by = a;
}

static void look_for_arrivals(const struct supersession *s, struct weighing *w, uint64_t key)
{
	const struct connection *c = w->dead->connection;
	struct arrival *a = arrivals__of_key(&s->arrivals, key);
	const struct link_pool *service = linkage__find(&s->linkage, service_key(s, c));
	unsigned int steps = 0;

	w->pool = linkage__find(&s->linkage, key);
	w->address = linkage__view(&s->linkage, w->pool);
	w->takeover = takeovers__view(w->pool ? &w->pool->takeovers : NULL,
				      service ? &service->takeovers : NULL);
	if (!closed_ns(w))
		w->takeover.share = 0;
	w->chance_per_ns = linkage__arrivals_by_chance_per_ns(w->pool);
	if (w->pool)
		w->taking =
			fmin(TAKING_MOST, w->takeover.believed / (w->pool->counts.arrivals + 10));
	count_arrivals(s, w, a);
	for (; a && a->at_ns > c->last_heard_ns && steps < STEPS_MAX;
	     a = arrivals__older_of_key(&s->arrivals, a), steps++)
		if (may_be_its_device(s, c, a))
			weigh_one_arrival(s, w, a);
	w->others -= w->own;
	if (w->too_many && !w->own_takeover)
		w->dead->by = NULL;
}

/* ---- rivals ---- */

static void weigh_rival(const struct supersession *s, struct weighing *w, const struct slot *old,
			const struct connection *c)
{
	const struct arrival *by = w->dead->by;
	double dead;

	linkage__count_port(&w->crowd, old->peer_port, by->peer.port);
	if (old->cookie == w->dead->connection->cookie || !candidates__was_there(old, by) ||
	    !candidates__may_be_of_peer(c, by) || candidates__heard_ns(old, c) > by->at_ns ||
	    s->is_another(s->context, by, old->peer_port))
		return;
	dead = c && silence__unanswered(c) ? w->doubts->asked : w->doubts->silent;
	w->dying += dead;
	w->rivals += dead * linkage__port_weight(&w->view, old->peer_port, by->peer.port);
}

/* Other silent connections that the same arrivals may have superseded, including dead ones not yet
 * reported. */
static void weigh_rivals(const struct supersession *s, struct table *t,
			 const struct wanted_keys *wanted, struct weighing *all)
{
	struct slot *old = NULL;
	uint32_t i;

	while ((old = table__next(t, old)))
		for (i = wanted_keys__find(wanted, old->peer_key);
		     i < wanted->count && wanted->all[i].key == old->peer_key; i++) {
			struct weighing *w = &all[wanted->all[i].index];

			if (w->dead)
				weigh_rival(s, w, old, table__history(t, old));
		}
}

/* ---- judgement ---- */

static double ratio_in_time(const struct weighing *w)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < TAKEOVER_DELAYS; i++)
		sum += w->in_time[i];
	return sum;
}

/* Many ports near the arrival's say less. */
static void see_crowd(struct weighing *w)
{
	const struct finding_of_dead *d = w->dead;
	double alone = linkage__port_weight(&w->view, d->connection->peer.port, d->by->peer.port);
	double seen;

	linkage__see_crowd(&w->view, &w->crowd);
	seen = linkage__port_weight(&w->view, d->connection->peer.port, d->by->peer.port) / alone;
	w->own *= seen;
	w->takeovers -= w->own_takeover * (1 - seen);
	w->own_takeover *= seen;
}

/* That the program closed for its own reasons: how likely it is, and the share of it in which the
 * likeliest arrival is the device. */
static double weigh_no_takeover(const struct weighing *w, double *its_share)
{
	double none = w->doubts->none * linkage__none(&w->view, 1 + w->dying);
	double arrivals = w->own + w->doubts->others * w->others;

	*its_share =
		w->too_many ? 0 : w->own / (arrivals + w->rivals + w->dead->by->dead_rivals + none);
	return (1 - w->takeover.share) *
	       (w->too_many
			? 1
			: (arrivals + none) / (1 + w->doubts->others * (w->arrivals - 1) + none));
}

/* What the program did is known of its closings, this one among them. */
static void learn_takeovers(struct supersession *s, const struct weighing *w)
{
	const struct connection *c = w->dead->connection;
	uint64_t keys[] = { w->dead->by->key, service_key(s, c) };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct link_pool *pool = linkage__pool(&s->linkage, keys[i], closed_ns(w));

		if (!pool)
			continue;
		pool->last_ns = fmax(pool->last_ns, closed_ns(w));
		takeovers__count_closing(&pool->takeovers, ratio_in_time(w));
		takeovers__count_delays(&pool->takeovers, w->in_time);
	}
}

/* So is the port that its client's next connection has. */
static void learn_step(struct supersession *s, const struct weighing *w, double of)
{
	const struct finding_of_dead *d = w->dead;
	struct link_pool *pool = linkage__find(&s->linkage, d->by->key);

	if (pool)
		linkage__teach_step(&s->linkage, pool, &w->view,
				    linkage__step(d->connection->peer.port, d->by->peer.port),
				    w->own_takeover / of);
}

/* An arrival for which one connection was closed is taken for the next that is; and what one
 * closing teaches of takeovers by it, no other does: many are closed at once by a program that
 * looks for silent ones now and then. */
static void take(const struct supersession *s, const struct weighing *w, double of)
{
	const struct connection *c = w->dead->connection;
	struct arrival *a = arrivals__of_key(&s->arrivals, w->dead->by->key);
	double ratio = ratio_in_time(w);

	for (; a && a->at_ns + TAKEOVER_LATEST_NS > closed_ns(w) && a->at_ns > c->last_heard_ns;
	     a = arrivals__older_of_key(&s->arrivals, a)) {
		struct link_view v = view_of(s, w, a);
		double port = linkage__port_weight(&v, c->peer.port, a->peer.port), chance;

		if (!may_be_its_device(s, c, a))
			continue;
		chance = fmin(0.999, takeover_weight(w, a, port) / of);
		a->explains +=
			weight_in_time(w, a) * (1 - a->explains) / (1 + ratio) * (1 - a->explains);
		a->taken += chance * (1 - a->taken);
		if (chance <= a->by_taker)
			continue;
		a->by_taker = chance;
		a->taker = c->cookie;
	}
}

static void decide(struct supersession *s, struct weighing *w)
{
	struct finding_of_dead *d = w->dead;
	double no_takeover, its_share, of;

	see_crowd(w);
	/* a fleet that arrived as a whole says little about arrivals after a death */
	w->view.share = fmax(w->view.share, DEAD_SHARE_LEAST);
	no_takeover = weigh_no_takeover(w, &its_share);
	of = w->takeovers + no_takeover;
	d->confidence = (w->own_takeover + no_takeover * its_share) / of;
	if (closed_ns(w) && !d->proven) {
		learn_takeovers(s, w);
		learn_step(s, w, of);
		take(s, w, of);
	}
	if (!d->proven)
		return;
	if (d->confidence >= SUPERSESSION_SURE)
		d->by->claimed = true;
	else
		d->by->dead_rivals += w->own;
}

static void look_for_device(struct supersession *s, struct weighing *w, struct wanted_keys *wanted,
			    uint32_t index)
{
	const struct connection *c = w->dead->connection;
	uint64_t key =
		arrivals__key(&s->arrivals, c->netns, connection__family(c), &c->local, &c->peer);

	w->dead->by = NULL;
	w->dead->confidence = 0;
	if (c->last_heard_ns)
		look_for_arrivals(s, w, key);
	if (w->dead->by)
		wanted_keys__add(wanted, key, index);
}

void findings__judge(struct supersession *s, struct table *t, struct finding_of_dead *dead,
		     unsigned int count)
{
	struct weighing *all = calloc(count + 1, sizeof(*all));
	struct wanted_keys wanted;
	unsigned int i;

	if (!wanted_keys__init(&wanted, count) || !all)
		count = 0;
	for (i = 0; i < count; i++) {
		all[i].dead = &dead[i];
		all[i].doubts = dead[i].proven ? &found : &suspected;
		look_for_device(s, &all[i], &wanted, i);
	}
	if (all && wanted.count) {
		wanted_keys__sort(&wanted);
		weigh_rivals(s, t, &wanted, all);
	}
	for (i = 0; i < count; i++)
		if (dead[i].by)
			decide(s, &all[i]);
	wanted_keys__free(&wanted);
	free(all);
}
