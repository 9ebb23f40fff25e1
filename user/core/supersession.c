// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "supersession.h"

/* A stack counts its ports up, by one (lwIP and other small ones) or a few (RFC 6056, algorithms 3
 * and 4; Linux within ten seconds), and many NATs keep them or give each subscriber a block. Half
 * of all devices are taken to do so; a stranger's port is one of 28,000. */
#define PORTS_NEXT 2
#define PORT_NEXT_WEIGHT 5000.0
#define PORTS_NEAR 16
#define PORT_NEAR_WEIGHT 500.0
#define PORT_BLOCK 1024
#define PORT_BLOCK_WEIGHT 8.0
/* Of devices that died, this share comes back while we look. */
#define COMES_BACK 0.8
/* Who opens a connection within this time of having been heard on another wants both. */
#define BOTH_NS 2000000000ULL
#define BOTH_WEIGHT 0.1
#define ASKED_IN_VAIN_WEIGHT 20.0
#define OVERDUE_WEIGHT 10.0
/* Of connections that were just not heard for a while, this share is dead at most. */
#define SILENT_IS_DEAD 0.05
/* Steps along the arrivals of one address: who floods from one is not told apart any more. */
#define STEPS_MAX 512
/* Nor is a crowd behind one address, all of a gateway's peers behind a proxy's: among so many pairs
 * of an old connection and a new one, no pair would stand out. */
#define PAIRS_MAX (1U << 16)

static double port_weight(uint16_t old, uint16_t new)
{
	uint16_t ahead = new - old;

	if (ahead >= 1 && ahead <= PORTS_NEXT)
		return PORT_NEXT_WEIGHT;
	if (ahead >= 1 && ahead <= PORTS_NEAR)
		return PORT_NEAR_WEIGHT;
	return old / PORT_BLOCK == new / PORT_BLOCK ? PORT_BLOCK_WEIGHT : 1;
}

/* ---- suspicions ---- */

/* Was it silent for longer than its own heartbeat allows? */
static bool is_overdue(const struct connection *c, uint64_t at_ns)
{
	uint64_t period_ns = heartbeat__period_ms(&incidents__of(c)->heartbeat) * 1000000;

	return period_ns && at_ns - c->last_heard_ns > period_ns + period_ns / 2;
}

/* How much likelier than an unknown silent connection is this one to be the device's old one? */
static double silence_weight(const struct connection *c, uint64_t at_ns)
{
	if (!c || !c->last_heard_ns)
		return 1;
	if (silence__unanswered(c))
		return ASKED_IN_VAIN_WEIGHT;
	if (is_overdue(c, at_ns))
		return OVERDUE_WEIGHT;
	return at_ns - c->last_heard_ns < BOTH_NS ? BOTH_WEIGHT : 1;
}

struct candidate {
	uint64_t cookie;
	uint32_t arrival;	/* index into the judged ones */
	double weight;
};

struct candidates {
	struct candidate *all;
	size_t count, size;
};

static void add_candidate(struct candidates *c, struct candidate candidate)
{
	if (c->count == c->size) {
		size_t size = c->size ? c->size * 2 : 64;
		struct candidate *bigger = realloc(c->all, size * sizeof(*bigger));

		if (!bigger)
			return;
		c->all = bigger;
		c->size = size;
	}
	c->all[c->count++] = candidate;
}

/* Keys that are looked for, sorted, behind a bitmap that lets nearly all others pass at once. */
struct wanted_key {
	uint64_t key;
	uint32_t index;
	uint32_t pairs;		/* of the first of each key: those looked at so far */
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

/* One more of this key is looked at, against all who are wanted. False: they are a crowd. */
static bool take_pairs(struct wanted_keys *w, uint32_t first)
{
	struct wanted_key *group = &w->all[first];
	uint32_t i;

	if (group->pairs > PAIRS_MAX)
		return false;
	for (i = first; i < w->count && w->all[i].key == group->key; i++)
		group->pairs++;
	return group->pairs <= PAIRS_MAX;
}

/* Weights of a crowd are beyond all comparison. */
static void outweigh_crowds(const struct wanted_keys *w, double *sums)
{
	uint32_t i, first = 0;

	for (i = 0; i < w->count; i++) {
		if (w->all[i].key != w->all[first].key)
			first = i;
		if (w->all[first].pairs > PAIRS_MAX)
			sums[w->all[i].index] = HUGE_VAL;
	}
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

/* Of one that has nothing to tell it is not known. */
static bool was_heard_since(const struct connection *c, uint64_t at_ns)
{
	return c && c->last_heard_ns > at_ns;
}

static void tell_suspicions(const struct candidates *c, struct arrival **by, const double *sums,
			    suspect_fn fn, void *context)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		const struct candidate *old = &c->all[i];
		double sum = sums[old->arrival];
		double confidence = isinf(sum) ? 0 : old->weight / sum * (1 - 1 / (1 + sum / 2));

		if (confidence >= SUPERSESSION_WORTH)
			fn(context, old->cookie, by[old->arrival], confidence);
	}
}

void supersession__judge_arrivals(struct supersession *s, struct table *t, suspect_fn fn,
				  void *context)
{
	uint32_t count = s->arrivals.count - s->judged, i;
	struct candidates candidates = { 0 };
	struct wanted_keys wanted = { 0 };
	struct arrival **by = NULL;
	struct slot *old = NULL;
	double *sums = NULL;

	if (count > s->arrivals.size)
		count = s->arrivals.size;
	if (!count)
		return;
	wanted.all = malloc(count * sizeof(*wanted.all));
	by = malloc(count * sizeof(struct arrival *));
	sums = calloc(count, sizeof(*sums));
	if (!wanted.all || !by || !sums)
		goto out;
	for (i = 0; i < count; i++) {
		by[i] = arrivals__at(&s->arrivals, s->arrivals.count - i);
		want_key(&wanted, by[i]->key, i);
	}
	qsort(wanted.all, count, sizeof(*wanted.all), by_key);
	while ((old = table__next(t, old))) {
		const struct connection *c = table__history(t, old);

		i = find_key(&wanted, old->peer_key);
		if (i == count || !take_pairs(&wanted, i))
			continue;
		for (; i < count && wanted.all[i].key == old->peer_key; i++) {
			uint32_t a = wanted.all[i].index;
			double weight;

			if (has_ended(c) || !was_there_before(old, by[a]) ||
			    !may_be_of_its_peer(c, by[a]) || was_heard_since(c, by[a]->at_ns) ||
			    s->is_another(s->context, by[a], old->peer_port))
				continue;
			weight = port_weight(old->peer_port, by[a]->peer.port) > 1 ? 30 : 1;
			weight *= silence_weight(c, by[a]->at_ns);
			sums[a] += weight;
			add_candidate(&candidates, (struct candidate){ old->cookie, a, weight });
		}
	}
	outweigh_crowds(&wanted, sums);
	tell_suspicions(&candidates, by, sums, fn, context);
	s->judged = s->arrivals.count;
out:
	free(candidates.all);
	free(wanted.all);
	free(by);
	free(sums);
}

/* ---- findings ---- */

struct window {
	double weights;		/* of all arrivals in it */
	double best;
	uint32_t before, steps;	/* arrivals from there before it */
};

/* The arrivals while the dead connection was silent and before it was known to be dead. */
static struct window look_for_arrivals(const struct supersession *s, struct finding_of_dead *d,
				       uint64_t key)
{
	const struct connection *c = d->connection;
	struct window w = { 0 };
	struct arrival *a;

	for (a = arrivals__of_key(&s->arrivals, key); a && w.steps < STEPS_MAX;
	     a = arrivals__older_of_key(&s->arrivals, a), w.steps++) {
		double weight = port_weight(c->peer.port, a->peer.port);

		if (!may_be_of_its_peer(c, a))
			continue;
		if (a->at_ns <= c->last_heard_ns) {
			w.before++;
			continue;
		}
		if (a->at_ns > connection__ended_ns(c) || a->cookie == c->cookie || a->claimed ||
		    s->is_another(s->context, a, c->peer.port))
			continue;
		if (a->at_ns - c->last_heard_ns < BOTH_NS)
			weight *= BOTH_WEIGHT;
		w.weights += weight;
		if (weight >= w.best) {	/* of equals the oldest, against which most rivals spoke */
			w.best = weight;
			d->by = a;
		}
	}
	if (w.steps == STEPS_MAX)
		d->by = NULL;
	return w;
}

/* How many strangers may be expected in the window, as a weight. */
static double strangers(const struct supersession *s, const struct connection *c,
			const struct window *w)
{
	double window = connection__ended_ns(c) - c->last_heard_ns;
	double watched = c->last_heard_ns > s->since_ns ? c->last_heard_ns - s->since_ns : 0;

	return (w->before + 0.5) * window / (watched + window) * (1 - COMES_BACK) / COMES_BACK;
}

/* A rival counts as far as it may be dead, too. */
static double likely_dead(const struct connection *c)
{
	return c && silence__unanswered(c) ? 1 : SILENT_IS_DEAD;
}

/* Weights of other silent connections that the same arrivals may have superseded, dead ones that
 * were not told yet among them. */
static void weigh_rivals(const struct supersession *s, struct table *t,
			 const struct finding_of_dead *dead, struct wanted_keys *wanted,
			 double *rivals)
{
	struct slot *old = NULL;
	uint32_t i;

	while ((old = table__next(t, old))) {
		const struct connection *c = table__history(t, old);

		i = find_key(wanted, old->peer_key);
		if (i == wanted->count || !take_pairs(wanted, i))
			continue;
		for (; i < wanted->count && wanted->all[i].key == old->peer_key; i++) {
			const struct finding_of_dead *d = &dead[wanted->all[i].index];

			if (old->cookie != d->connection->cookie &&
			    was_there_before(old, d->by) && may_be_of_its_peer(c, d->by) &&
			    !was_heard_since(c, d->by->at_ns) &&
			    !s->is_another(s->context, d->by, old->peer_port))
				rivals[wanted->all[i].index] +=
					port_weight(old->peer_port, d->by->peer.port) *
					likely_dead(c);
		}
	}
}

static void decide(struct finding_of_dead *d, double sum)
{
	double own = port_weight(d->connection->peer.port, d->by->peer.port);

	if (d->by->at_ns - d->connection->last_heard_ns < BOTH_NS)
		own *= BOTH_WEIGHT;
	d->confidence = own / (sum + d->by->dead_rivals);
	if (d->confidence >= SUPERSESSION_SURE)
		d->by->claimed = true;
	else
		d->by->dead_rivals += own;
}

void supersession__judge_dead(struct supersession *s, struct table *t,
			      struct finding_of_dead *dead, unsigned int count)
{
	struct wanted_keys wanted = { .all = malloc((count + 1) * sizeof(*wanted.all)) };
	double *sums = calloc(count + 1, sizeof(*sums));
	unsigned int i;

	for (i = 0; i < count && wanted.all && sums; i++) {
		const struct connection *c = dead[i].connection;
		uint64_t key = arrivals__key(&s->arrivals, c->netns, connection__family(c),
					     &c->local, &c->peer);
		struct window w;

		dead[i].by = NULL;
		dead[i].confidence = 0;
		if (!c->last_heard_ns)
			continue;
		w = look_for_arrivals(s, &dead[i], key);
		if (!dead[i].by)
			continue;
		sums[i] = w.weights + strangers(s, c, &w);
		want_key(&wanted, key, i);
	}
	if (wanted.count) {
		qsort(wanted.all, wanted.count, sizeof(*wanted.all), by_key);
		weigh_rivals(s, t, dead, &wanted, sums);
		outweigh_crowds(&wanted, sums);
	}
	for (i = 0; i < count && sums; i++)
		if (dead[i].by)
			decide(&dead[i], sums[i]);
	free(wanted.all);
	free(sums);
}

void supersession__free(struct supersession *s)
{
	arrivals__free(&s->arrivals);
}
