// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "devices/linkage.h"
#include "value/hash.h"

/* Ports that a NAT or a device may choose from. */
#define PORTS 64512.0
/* First guesses, where nothing is known of any address, and how many pairs or arrivals they count
 * as: of all addresses together, and of one address against all. */
#define SHARE 0.65
#define PRIOR_OF_ALL 6.0
#define PRIOR 3.0
/* The weight of a lone idle connection, so that "none of the known" is never 0. */
#define NONE_LEAST 0.15
/* A port that makes a link so much likelier shows it. */
#define PORT_SHOWS 10.0
/* Of an address all of whose arrivals were taken for links, or none: it may yet be otherwise. */
#define SHARE_LEAST 0.02
#define SHARE_MOST 0.95
/* A program or device that replaces a connection closes the old one this soon after. */
#define REPLACES_NS 3000000000ULL
/* Of devices whose connections died, this share comes back. */
#define RETURNS 0.7
/* NATs that number their mappings, and how often the next connection has the next number there. */
#define NUMBERED 0.5
#define NEXT_NUMBER 0.3
/* Less is not remembered. */
#define BELIEF_LEAST 0.02f
/* Addresses without an arrival for so long are dropped first. */
#define POOL_LIFE_NS 3600000000000ULL

static const double weights[LINK_STATES] = {
	[LINK_TWIN] = 0.01, [LINK_FRESH] = 0.1,	 [LINK_RECENT] = 1,	 [LINK_IDLE] = 1,
	[LINK_UNKNOWN] = 1, [LINK_OVERDUE] = 10, [LINK_ASKED_ONCE] = 20, [LINK_ASKED] = 40
};
static const double twins[LINK_STATES] = {
	[LINK_TWIN] = 0.98,    [LINK_FRESH] = 0.5,    [LINK_RECENT] = 0.15,	[LINK_IDLE] = 0.05,
	[LINK_UNKNOWN] = 0.05, [LINK_OVERDUE] = 0.03, [LINK_ASKED_ONCE] = 0.03, [LINK_ASKED] = 0.005
};

/* Old connections whose device is not back turn out dead in this share. */
static const double deaths[LINK_STATES] = {
	[LINK_TWIN] = 0.05,   [LINK_FRESH] = 0.05,  [LINK_RECENT] = 0.1,     [LINK_IDLE] = 0.1,
	[LINK_UNKNOWN] = 0.1, [LINK_OVERDUE] = 0.5, [LINK_ASKED_ONCE] = 0.5, [LINK_ASKED] = 0.9
};

/* Steps ahead up to these, then back: lwIP and its like count up by one, Linux by a few (RFC 6056),
 * carriers give blocks (RFC 7422). */
static const struct step {
	uint16_t ports; /* up to so many */
	uint16_t from;
	/* of links: where devices count, where they have blocks, and what is guessed at first */
	double counted, of_block, guess;
} steps[LINK_STEPS] = {
	{ 1, 0, 0.65, 0.002, 0.24 },	{ 2, 1, 0.14, 0.002, 0.05 },
	{ 4, 2, 0.06, 0.004, 0.03 },	{ 8, 4, 0.03, 0.007, 0.03 },
	{ 16, 8, 0.02, 0.014, 0.03 },	{ 64, 16, 0.01, 0.085, 0.03 },
	{ 256, 64, 0.01, 0.24, 0.03 },	{ 1024, 256, 0.01, 0.12, 0.03 },
	{ 16, 0, 0.005, 0.029, 0.02 },	{ 64, 16, 0.005, 0.085, 0.02 },
	{ 256, 64, 0.005, 0.24, 0.02 }, { 1024, 256, 0.005, 0.12, 0.02 },
	{ 0, 0, 0.05, 0.052, 0.45 },
};
/* Ways in which addresses give ports: first guess, and how many addresses it counts as. */
static const double ports_guess[LINK_PORTS] = {
	[PORTS_UNLINKED] = 0.4,
	[PORTS_COUNTED] = 0.25,
	[PORTS_OF_BLOCK] = 0.15,
	[PORTS_LEARNED] = 0.2,
};
#define PRIOR_OF_PORTS 4.0
/* A NAT may change its ways: none is ever less likely than e to the minus this against the best. */
#define EVIDENCE_MOST 7.0
#define STEPS_AHEAD 8
#define STEP_MOST 1024
#define FAR (LINK_STEPS - 1)

static double width(unsigned int step)
{
	double near = 2 * STEP_MOST;

	return step == FAR ? (PORTS - near) / PORTS
			   : (steps[step].ports - steps[step].from) / PORTS;
}

unsigned int linkage__step(uint16_t old_port, uint16_t new_port)
{
	uint16_t ahead = new_port - old_port, back = old_port - new_port;
	unsigned int i;

	if (ahead > STEP_MOST && back > STEP_MOST)
		return FAR;
	for (i = 0; i < STEPS_AHEAD; i++)
		if (ahead && ahead <= steps[i].ports)
			return i;
	for (; i < FAR; i++)
		if (back && back <= steps[i].ports)
			return i;
	return FAR;
}

static unsigned int magnitude(uint16_t last_port, uint16_t port)
{
	uint16_t ahead = port - last_port;
	unsigned int i;

	for (i = 0; i < LINK_MAGNITUDES - 1 && 1U << i < ahead; i++)
		;
	return ahead ? i : LINK_MAGNITUDES - 1;
}

static double width_of_magnitude(unsigned int i)
{
	return i ? (1U << (i - 1)) / 65536.0 : 1 / 65536.0;
}

/* ---- pools ---- */

static struct link_pool *place(struct link_pool *pools, size_t size, uint64_t key)
{
	size_t i = hash__number(0, key) & (size - 1);

	while (pools[i].key && pools[i].key != key)
		i = (i + 1) & (size - 1);
	return &pools[i];
}

/* Moves those that `keep_ns` lets stay into a table of this size. */
static bool rebuild(struct linkage *l, size_t size, uint64_t keep_ns)
{
	struct link_pool *pools = calloc(size, sizeof(*pools));
	size_t i;

	if (!pools)
		return false;
	l->used = 0;
	for (i = 0; i < l->size; i++) {
		if (!l->pools[i].key)
			continue;
		if (l->pools[i].last_ns < keep_ns) {
			l->pairs -= l->pools[i].pair_size;
			free(l->pools[i].pairs);
			continue;
		}
		*place(pools, size, l->pools[i].key) = l->pools[i];
		l->used++;
	}
	free(l->pools);
	l->pools = pools;
	l->size = size;
	return true;
}

static bool make_room(struct linkage *l, uint64_t now_ns)
{
	if (l->used < l->size - l->size / 4)
		return true;
	if (l->size < 2 * LINKAGE_POOLS_MAX)
		return rebuild(l, l->size ? l->size * 2 : 64, 0);
	if (!rebuild(l, l->size, now_ns > POOL_LIFE_NS ? now_ns - POOL_LIFE_NS : 0))
		return false;
	/* all of them busy: nothing is kept, so that the output depends on no order */
	return l->used < l->size / 2 || rebuild(l, l->size, UINT64_MAX);
}

struct link_pool *linkage__find(const struct linkage *l, uint64_t key)
{
	struct link_pool *pool = l->size ? place(l->pools, l->size, key ?: 1) : NULL;

	return pool && pool->key ? pool : NULL;
}

struct link_pool *linkage__pool(struct linkage *l, uint64_t key, uint64_t now_ns)
{
	struct link_pool *pool = linkage__find(l, key);

	if (pool)
		return pool;
	if (!make_room(l, now_ns))
		return NULL;
	pool = place(l->pools, l->size, key ?: 1);
	*pool = (struct link_pool){ .key = key ?: 1, .first_ns = now_ns, .last_ns = now_ns };
	l->used++;
	return pool;
}

/* ---- what is believed ---- */

static double blend(double own, double of, double rate, double prior)
{
	return (own + prior * rate) / (of + prior);
}

/* A rate as that of one address, where all of them together, and a first guess, are where it
 * begins. */
static double rate(double own, double own_of, double all, double all_of, double guess)
{
	return blend(own, own_of, blend(all, all_of, guess, PRIOR_OF_ALL), PRIOR);
}

static void view_states(struct link_view *v, const struct link_counts *own,
			const struct link_counts *all)
{
	unsigned int i;

	for (i = 0; i < LINK_STATES; i++) {
		v->weight[i] = weights[i] * rate(own->observed[i], own->expected[i],
						 all->observed[i], all->expected[i], 1);
		v->twin[i] =
			rate(own->twins[i], own->near[i], all->twins[i], all->near[i], twins[i]);
	}
}

/* How much likelier than chance a step is in links of an address that gives ports so. */
static double step_ratio(const struct link_view *v, enum link_ports ports, unsigned int i)
{
	switch (ports) {
	case PORTS_COUNTED:
		return steps[i].counted / width(i);
	case PORTS_OF_BLOCK:
		return steps[i].of_block / width(i);
	case PORTS_LEARNED:
		return v->learned[i];
	default:
		return 1;
	}
}

static void view_ports(struct link_view *v, const struct linkage *l, const struct link_pool *pool)
{
	double of = 0, addresses = 0;
	unsigned int i;

	for (i = 0; i < LINK_PORTS; i++)
		addresses += l->ports[i] - (pool ? pool->chances[i] : 0);
	for (i = 0; i < LINK_PORTS; i++) {
		double others = l->ports[i] - (pool ? pool->chances[i] : 0);

		v->chance[i] = blend(others, addresses, ports_guess[i], PRIOR_OF_PORTS) *
			       exp(pool ? pool->ports[i] : 0);
		of += v->chance[i];
	}
	for (i = 0; i < LINK_PORTS; i++)
		v->chance[i] /= of;
}

static double sum_of(const float *n, unsigned int count)
{
	double sum = 0;

	while (count--)
		sum += n[count];
	return sum;
}

static void view_steps(struct link_view *v, const struct link_counts *own,
		       const struct link_counts *all)
{
	double of_own = sum_of(own->steps, LINK_STEPS), of_all = sum_of(all->steps, LINK_STEPS);
	unsigned int i, ports;

	for (i = 0; i < LINK_STEPS; i++)
		v->learned[i] = rate(own->steps[i], of_own, all->steps[i], of_all, steps[i].guess) /
				width(i);
	for (ports = 0; ports < LINK_PORTS; ports++)
		v->any_port += v->chance[ports] * step_ratio(v, ports, FAR);
	for (i = 0; i < FAR; i++)
		for (ports = 0; ports < LINK_PORTS; ports++)
			v->step[i] += v->chance[ports] *
				      fmax(0, step_ratio(v, ports, i) - step_ratio(v, ports, FAR));
}

/* How much likelier than chance a step of this magnitude from the arrival before is: a NAT that
 * numbers its mappings takes small ones, whoever dials. */
static double ordinary_step(const struct link_pool *pool, unsigned int i)
{
	double guess = width_of_magnitude(i) * (1 - NUMBERED) +
		       NUMBERED * (i ? (1 - NEXT_NUMBER) / (LINK_MAGNITUDES - 1) : NEXT_NUMBER);
	double of = 0;
	unsigned int j;

	for (j = 0; j < LINK_MAGNITUDES; j++)
		of += pool->magnitudes[j];
	return blend(pool->magnitudes[i], of, guess, PRIOR) / width_of_magnitude(i);
}

struct link_view linkage__view(const struct linkage *l, const struct link_pool *pool)
{
	static const struct link_counts none;
	const struct link_counts *own = pool ? &pool->counts : &none;
	struct link_view v = { .ordinary = 1 };

	v.share = rate(own->links, own->arrivals, l->all.links, l->all.arrivals, SHARE);
	v.share = fmin(SHARE_MOST, fmax(SHARE_LEAST, v.share));
	view_states(&v, own, &l->all);
	view_ports(&v, l, pool);
	view_steps(&v, own, &l->all);
	return v;
}

void linkage__see_previous(struct link_view *v, const struct link_pool *pool, uint16_t last_port,
			   uint16_t port)
{
	v->ordinary = fmax(v->ordinary, ordinary_step(pool, magnitude(last_port, port)));
}

/* Ports of a crowd: within so many of the new one's. */
static const uint16_t crowds[LINK_CROWDS] = { 16, 64, 1024 };

void linkage__count_port(struct link_crowd *crowd, uint16_t old_port, uint16_t new_port)
{
	uint16_t ahead = new_port - old_port, back = old_port - new_port;
	unsigned int i;

	crowd->members++;
	for (i = 0; i < LINK_CROWDS; i++)
		crowd->near[i] += (ahead < back ? ahead : back) <= crowds[i];
}

static double crowding(unsigned int members, unsigned int near, unsigned int within)
{
	double chance = members * (2 * within + 1) / PORTS;

	return (near + chance) / (chance + 0.5);
}

/* `near` counts the old connection itself, if that is near. */
void linkage__see_crowd(struct link_view *v, const struct link_crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < LINK_CROWDS; i++)
		if (crowd->near[i] > 1)
			v->ordinary = fmax(v->ordinary,
					   crowding(crowd->members, crowd->near[i] - 1, crowds[i]));
}

double linkage__port_weight(const struct link_view *v, uint16_t old_port, uint16_t new_port)
{
	unsigned int step = linkage__step(old_port, new_port);

	return v->any_port + (step == FAR ? 0 : v->step[step] / v->ordinary);
}

bool linkage__port_shows(double port_weight)
{
	return port_weight >= PORT_SHOWS;
}

double linkage__arrivals_by_chance_per_ns(const struct link_pool *pool)
{
	return pool ? (pool->counts.arrivals + 1) / (pool->last_ns - pool->first_ns + 60e9)
		    : 1 / 60e9;
}

double linkage__arrivals_per_ns(const struct link_pool *pool, uint64_t now_ns)
{
	return pool->counts.arrivals / (now_ns - pool->first_ns + 60e9);
}

double linkage__still_to_come(const struct link_view *v, double arrivals, unsigned int silent)
{
	double not_yet = RETURNS * exp(-arrivals * v->share / (silent ?: 1));

	return not_yet / (not_yet + 1 - RETURNS);
}

double linkage__none(const struct link_view *v, double sum)
{
	return (sum * (1 - v->share) + NONE_LEAST) / v->share;
}

/* ---- what is learned ---- */

static void add(float *own, float *all, double n)
{
	*own = fmax(0, *own + n);
	*all = fmax(0, *all + n);
}

void linkage__count_arrival(struct linkage *l, struct link_pool *pool, uint64_t at_ns,
			    uint16_t port, double links)
{
	if (pool->counts.arrivals)
		pool->magnitudes[magnitude(pool->last_port, port)] += 1;
	add(&pool->counts.arrivals, &l->all.arrivals, 1);
	add(&pool->counts.links, &l->all.links, links);
	pool->last_port = port;
	pool->last_ns = at_ns;
}

/* How likely the new port is if ports are given so, against what it is by chance. */
static double ports_ratio(const struct link_view *v, enum link_ports ports,
			  const double weights[LINK_STEPS], double none)
{
	double far = step_ratio(v, ports, FAR), sum = none, of = none;
	unsigned int i;

	for (i = 0; i < LINK_STEPS; i++) {
		double near = fmax(0, step_ratio(v, ports, i) - far) / v->ordinary;

		sum += weights[i] * (far + near);
		of += weights[i];
	}
	return sum / of;
}

static void believe_ports(struct linkage *l, struct link_pool *pool)
{
	struct link_view after = { 0 };
	double most = pool->ports[0];
	unsigned int i;

	/* no fmax(): GCC 12 for aarch64 breaks down over it here */
	for (i = 1; i < LINK_PORTS; i++)
		if (pool->ports[i] > most)
			most = pool->ports[i];
	for (i = 0; i < LINK_PORTS; i++)
		pool->ports[i] = fmax(pool->ports[i] - most, -EVIDENCE_MOST);
	view_ports(&after, l, pool);
	for (i = 0; i < LINK_PORTS; i++)
		add(&pool->chances[i], &l->ports[i], after.chance[i] - pool->chances[i]);
}

void linkage__count_steps(struct linkage *l, struct link_pool *pool, const struct link_view *v,
			  const double weights[LINK_STEPS], double none)
{
	unsigned int i;

	for (i = 0; i < LINK_PORTS; i++)
		pool->ports[i] += log(ports_ratio(v, i, weights, none));
	believe_ports(l, pool);
}

void linkage__teach_step(struct linkage *l, struct link_pool *pool, const struct link_view *v,
			 unsigned int step, double belief)
{
	double link[LINK_STEPS] = { 0 };
	unsigned int i;

	link[step] = belief;
	for (i = 0; i < LINK_PORTS; i++)
		pool->ports[i] += log(ports_ratio(v, i, link, 1 - belief));
	believe_ports(l, pool);
	add(&pool->counts.steps[step], &l->all.steps[step], belief);
}

void linkage__count_state(struct linkage *l, struct link_pool *pool, enum link_state state,
			  unsigned int members, double sum)
{
	add(&pool->counts.expected[state], &l->all.expected[state], weights[state] * members / sum);
}

static void count_belief(struct linkage *l, struct link_pool *pool, const struct link_pair *p,
			 double belief)
{
	add(&pool->counts.observed[p->state], &l->all.observed[p->state], belief);
	add(&pool->counts.steps[p->step], &l->all.steps[p->step], belief);
	if (p->near)
		add(&pool->counts.near[p->state], &l->all.near[p->state], belief);
}

static struct link_pair *new_pair(struct linkage *l, struct link_pool *pool)
{
	struct link_pair *more;
	uint32_t size = pool->pair_size ? pool->pair_size * 2 : 8;

	if (pool->pair_count < pool->pair_size)
		return &pool->pairs[pool->pair_count++];
	if (size > LINKAGE_PAIRS_MAX || l->pairs + size > LINKAGE_ALL_PAIRS_MAX)
		return pool->pair_size ? &pool->pairs[pool->next_pair++ % pool->pair_size] : NULL;
	more = realloc(pool->pairs, size * sizeof(*more));
	if (!more)
		return NULL;
	l->pairs += size - pool->pair_size;
	pool->pairs = more;
	pool->pair_size = size;
	return &pool->pairs[pool->pair_count++];
}

void linkage__count_pair(struct linkage *l, struct link_pool *pool, const struct link_pair *pair)
{
	struct link_pair *kept;

	count_belief(l, pool, pair, pair->belief);
	kept = pair->belief >= BELIEF_LEAST ? new_pair(l, pool) : NULL;
	if (kept)
		*kept = *pair;
}

/* ---- fates ---- */

static void believe(struct linkage *l, struct link_pool *pool, struct link_pair *p, double belief)
{
	count_belief(l, pool, p, belief - p->belief);
	add(&pool->counts.links, &l->all.links, belief - p->belief);
}

static void count_fate(struct linkage *l, struct link_pool *pool, const struct link_pair *p,
		       bool dead)
{
	add(&pool->counts.fates[p->state], &l->all.fates[p->state], 1 - p->belief);
	if (dead)
		add(&pool->counts.deaths[p->state], &l->all.deaths[p->state], 1 - p->belief);
}

/* The old connection lives. If the ports show that it is the same device, that holds two. */
static void refute(struct linkage *l, struct link_pool *pool, struct link_pair *p)
{
	count_fate(l, pool, p, false);
	believe(l, pool, p, 0);
	if (!p->near)
		return;
	add(&pool->counts.near[p->state], &l->all.near[p->state], p->belief);
	add(&pool->counts.twins[p->state], &l->all.twins[p->state], p->belief);
}

/* How likely was its death without the pair? */
static double death_anyway(const struct linkage *l, const struct link_pool *pool,
			   enum link_state state)
{
	return rate(pool->counts.deaths[state], pool->counts.fates[state], l->all.deaths[state],
		    l->all.fates[state], deaths[state]);
}

static double odds(const struct link_pair *p)
{
	return p->belief / (1 - fmin(p->belief, 0.999));
}

/* Its peer is gone. One of its pairs is true, or none: each becomes likelier at the expense of
 * chance. */
static void confirm(struct linkage *l, struct link_pool *pool, struct link_pair *p, double of_all)
{
	double belief = odds(p) / (of_all + death_anyway(l, pool, p->state));

	count_fate(l, pool, p, true);
	believe(l, pool, p, fmin(belief, 1));
}

static bool speaks_of(const struct link_pair *p, uint64_t cookie, uint64_t at_ns)
{
	return p->old == cookie && p->at_ns < at_ns;
}

static bool is_gone(const struct link_pair *p, enum link_fate fate, uint64_t at_ns)
{
	return fate == LINK_DEAD || (fate == LINK_CLOSED && at_ns < p->at_ns + REPLACES_NS);
}

void linkage__resolve(struct linkage *l, uint64_t key, uint64_t cookie, enum link_fate fate,
		      uint64_t at_ns)
{
	struct link_pool *pool = linkage__find(l, key);
	double of_all = 0;
	uint32_t i;

	if (!pool)
		return;
	for (i = 0; i < pool->pair_count; i++)
		if (speaks_of(&pool->pairs[i], cookie, at_ns))
			of_all += odds(&pool->pairs[i]);
	for (i = 0; i < pool->pair_count; i++) {
		struct link_pair *p = &pool->pairs[i];

		if (!speaks_of(p, cookie, at_ns))
			continue;
		if (is_gone(p, fate, at_ns))
			confirm(l, pool, p, of_all);
		else
			refute(l, pool, p);
		*p = pool->pairs[--pool->pair_count];
		i--;
	}
}

void linkage__free(struct linkage *l)
{
	size_t i;

	for (i = 0; i < l->size; i++)
		free(l->pools[i].pairs);
	free(l->pools);
	*l = (struct linkage){ 0 };
}
