// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/look_summary.h"
#include "pipeline/look_value.h"
#include "sys/clock.h"
#include "tuning/probed_dead.h"

/* The number of the carrier whose network holds the peer, from 1; 0: none does. */
static uint16_t carrier_of(const struct look_summary *m, const struct ho_event *e)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	const char *name;
	unsigned int i;

	if (!m->carrier_count)
		return 0;
	peer = endpoint__mapped(&peer, e->family);
	name = named_network__of(peer.address, m->carriers, m->carrier_count);
	for (i = 0; name && i < m->carrier_count; i++)
		if (!strcmp(m->carriers[i].name, name))
			return i + 1;
	return 0;
}

void look_summary__add_chance(const struct look *l, const struct look_socket *s,
			      const struct exposure *x, struct exposure_counts *counts)
{
	const char *why;
	const struct history_dead dead = look__dead(l, s, &why);

	if (!isnan(dead.likely))
		exposure_counts__add_chance(counts, dead.likely, dead.low, dead.high);
	else if (!x->peer_is_here && !x->said_goodbye)
		exposure_counts__add_unjudged(counts, why, 1);
}

bool look_summary__add(void *context, struct look *l, const struct look_socket *s)
{
	const struct owner *owner = owners__at(&l->owners, s->owner);
	const struct ho_event *e = &s->row.event;
	struct exposure x = look__exposure(l, s);
	struct exposure_key key = { .netns = e->netns, .net_cookie = e->net_cookie };
	struct look_summary *m = context;
	struct exposure_counts *counts;

	key.port_unknown = !look__knows_listeners(l, s);
	key.port = key.port_unknown ? 0 : look__listening_port(l, e);
	key.carrier = carrier_of(m, e);
	if (owner)
		exposure_key__set_program(&key, owner->comm);
	counts = exposure_groups__of(&m->groups, &key);
	if (!counts)
		return false;
	exposure_counts__add(counts, &x);
	if (owner)
		exposure_counts__add_holder(counts, look__faults(&x), owner->pid);
	exposure_counts__add(&m->total, &x);
	if (x.ended)	/* nobody asks how likely its peer is dead */
		return true;
	if (m->probed.probed) {
		look_probed__count(&m->probed, l, s, &x, &counts->probed);
		look_probed__count(&m->probed, l, s, &x, &m->total.probed);
	}
	if (l->config.history) {
		look_summary__add_chance(l, s, &x, counts);
		look_summary__add_chance(l, s, &x, &m->total);
	}
	return true;
}

_Static_assert((int)SOCKETS_STATES == (int)EXPOSURE_STATES, "in the same order");

static struct timeline_netns value_of(const struct netns *ns)
{
	return (struct timeline_netns){ ns->inode, ns->cookie, ns->name, ns->host_name };
}

static double known(bool is_known, double value)
{
	return is_known ? value : INFINITY;
}

/* What the history leaves open, and beyond it what chance does with so many. No fewer than 0, no more
 * than there are. */
static struct sockets_dead dead_by_history(const struct exposure_counts *c)
{
	double low = c->dead_low - 1.96 * sqrt(c->dead_low_variance);
	double high = c->dead_high + 1.96 * sqrt(c->dead_high_variance);
	bool judged = c->judged;

	return (struct sockets_dead){ .estimate = known(judged, c->dead_sum),
				      .low = known(judged, fmax(0, low)),
				      .high = known(judged, fmin(c->judged, high)),
				      .of = c->judged, .unknown = c->unjudged,
				      .why = exposure_counts__why_unjudged(c) };
}

struct sockets_counts look_summary__counts(const struct look *l, const struct exposure_counts *c)
{
	struct sockets_counts counts = {
		.sockets = c->sockets, .local = c->with_peer_here, .with_keepalive = c->with_keepalive,
		.suspect = c->suspect, .never_notice = c->never_notice,
		.silent = c->long_silent, .oldest_silence_s = c->oldest_silence_ns / 1e9,
		.path_known = c->path_known, .surely_dead = c->surely_dead,
		.dead = l->config.history ? dead_by_history(c) : probed_dead__of(&c->probed),
		.to_mend = { [FAULT_CLOSE_WAIT] = c->leaked,
			     [FAULT_WINDOW_CLOSED] = c->window_closed,
			     [FAULT_PROBES_OFF] = c->probes_off,
			     [FAULT_ADDRESS_GONE] = c->address_gone,
			     [FAULT_CONNTRACK] = c->forgotten, [FAULT_ENDED] = c->ended },
		.to_mend_unknown = { [FAULT_ADDRESS_GONE] = c->address_unknown,
				     [FAULT_CONNTRACK] = c->forgotten_unknown },
		.ended_longest_s = c->ended_longest_ns / 1e9,
		.forgotten_after_s = c->forgotten_after_s };
	unsigned int i;

	memcpy(counts.held_by, c->holders, sizeof(counts.held_by));
	if (c->forgotten_by)
		counts.forgotten_by = value_of(&l->namespaces[c->forgotten_by - 1].netns);
	for (i = 0; i < SOCKETS_STATES; i++) {
		counts.by_state[i].with_keepalive = c->with_keepalive_by_state[i];
		counts.by_state[i].without = c->by_state[i] - c->with_keepalive_by_state[i];
	}
	return counts;
}

/* With the part that it has in the total. */
static struct sockets_counts group_counts(const struct look_summary *m, const struct look *l,
					  const struct exposure_counts *c)
{
	struct sockets_counts counts = look_summary__counts(l, c);

	counts.dead.share = m->probed.probed
				    ? probed_dead__share(&c->probed, &m->total.probed)
				    : counts.dead.estimate;
	return counts;
}

static struct timeline_netns netns_of(const struct look *l, const struct exposure_key *key)
{
	unsigned int i;

	for (i = 0; i < l->namespace_count; i++) {
		const struct netns *ns = &l->namespaces[i].netns;

		if (ns->inode == key->netns && (!key->net_cookie || !ns->cookie ||
						key->net_cookie == ns->cookie))
			return value_of(ns);
	}
	return (struct timeline_netns){ .inode = key->netns, .name = "", .host_name = "" };
}

static int by_sockets(const void *a, const void *b)
{
	const struct sockets_group *x = a, *y = b;

	if (x->counts.sockets != y->counts.sockets)
		return x->counts.sockets < y->counts.sockets ? 1 : -1;
	return strcmp(x->program, y->program) ?: (int)x->port - (int)y->port;
}

static uint32_t count_namespaces(const struct exposure_groups *g)
{
	struct exposure_groups namespaces = { 0 };
	uint32_t count;
	size_t i;

	for (i = 0; i < g->count; i++) {
		struct exposure_key key = { .netns = g->all[i].key.netns,
					    .net_cookie = g->all[i].key.net_cookie };

		if (g->all[i].counts.sockets)	/* else it has ended ones alone */
			exposure_groups__of(&namespaces, &key);
	}
	count = namespaces.count;
	exposure_groups__free(&namespaces);
	return count;
}

static bool is_to_be_folded(const struct look *l, const struct exposure_key *key)
{
	return !*key->comm && !key->port && !*netns_of(l, key).name;
}

/* `folded` has the same sockets in fewer groups; that of several namespaces has none. */
static bool fold(const struct look *l, const struct exposure_groups *g,
		 struct exposure_groups *folded)
{
	struct exposure_counts *counts;
	size_t i;

	for (i = 0; i < g->count; i++) {
		struct exposure_key key = g->all[i].key;

		if (is_to_be_folded(l, &key))
			key.netns = key.net_cookie = 0;
		counts = exposure_groups__of(folded, &key);
		if (!counts)
			return false;
		exposure_counts__merge(counts, &g->all[i].counts);
	}
	return true;
}

/* The namespace of a group, or of how many a folded one is. */
static void set_netns(struct sockets_group *value, const struct look_summary *m,
		      const struct look *l, const struct exposure_key *key)
{
	uint32_t count = 0;
	size_t i;

	value->netns = netns_of(l, key);
	if (!m->folds || key->netns || !is_to_be_folded(l, key))
		return;
	for (i = 0; i < m->groups.count; i++) {
		const struct exposure_key *from = &m->groups.all[i].key;

		if (from->carrier != key->carrier || !is_to_be_folded(l, from))
			continue;
		value->netns = netns_of(l, from);
		count++;
	}
	value->namespaces = count > 1 ? count : 0;
}

bool look_summary__value(struct look_summary *m, const struct look *l,
			 struct sockets_summary *value)
{
	const struct exposure_groups *g = m->folds ? &m->folded : &m->groups;
	size_t i;

	if (m->folds && !fold(l, &m->groups, &m->folded))
		return false;
	m->values = calloc(g->count + 1, sizeof(*m->values));
	if (!m->values)
		return false;
	for (i = 0; i < g->count; i++) {
		const struct exposure_key *key = &g->all[i].key;

		m->values[i] = (struct sockets_group){
			.program = key->comm, .port = key->port, .port_unknown = key->port_unknown,
			.carrier = key->carrier ? m->carriers[key->carrier - 1].name : "",
			.counts = group_counts(m, l, &g->all[i].counts) };
		set_netns(&m->values[i], m, l, key);
	}
	qsort(m->values, g->count, sizeof(*m->values), by_sockets);
	*value = (struct sockets_summary){
		.at = clock__mono_ns() + l->wall_ns,
		.dead_by = l->config.history ? DEAD_BY_HISTORY
			   : m->probed.probed ? DEAD_BY_PROBE : DEAD_BY_NOTHING,
		.silent_over_s = l->rules.long_ns / 1e9, .path_forgets_s = l->rules.path_ns / 1e9,
		.because = l->rules.path_ns
				   ? "silent for longer than the path remembers a connection"
				   : "when the path forgets idle connections is not known",
		.probed_at = m->probed.probed ? look_probed__at(&m->probed, l) : 0,
		.total = look_summary__counts(l, &m->total), .namespaces = count_namespaces(&m->groups),
		.groups = m->values, .group_count = g->count };
	return true;
}

void look_summary__free(struct look_summary *m)
{
	exposure_groups__free(&m->groups);
	exposure_groups__free(&m->folded);
	free(m->values);
	m->values = NULL;
}
