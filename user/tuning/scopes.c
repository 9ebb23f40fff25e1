// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/idle_timeout.h"
#include "tuning/scopes.h"
#include "value/netns_address.h"

/* Networks that are distinguished, in bits of the mapped form, narrow ones first: carriers give
 * their NAT pools in such pieces. 0: all peers of a port. */
static const unsigned int bits_v4[] = { 96 + 24, 96 + 16, 0 };
static const unsigned int bits_v6[] = { 48, 32, 0 };

/* The default of net.ipv4.ip_local_port_range. */
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_LAST 60999
/* A service has so many connections on a port, or more; a port chosen by the kernel, one for each
 * peer's. */
#define SERVICE_MIN 3

/* `bits`: whole bytes. */
static void mask(const struct endpoint *peer, unsigned int bits, uint8_t network[16])
{
	memset(network, 0, 16);
	memcpy(network, peer->address, bits / 8);
}

static unsigned int bits_at(uint8_t family, unsigned int level)
{
	return family == AF_INET ? bits_v4[level] : bits_v6[level];
}

void scope__set_network(struct scope *s, const struct endpoint *peer, uint8_t family,
			unsigned int level)
{
	s->bits = bits_at(family, level);
	mask(peer, s->bits, s->network);
}

/* Takes its histories. */
static bool add_scope(struct scopes *s, struct scope scope)
{
	struct scope *bigger = realloc(s->all, (s->count + 1) * sizeof(*bigger));

	if (!bigger) {
		free(scope.lives);
		return false;
	}
	s->all = bigger;
	bigger[s->count++] = scope;
	return true;
}

/* ---- namespaces ---- */

static int by_place(const void *a, const void *b, void *context)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;
	int order = life_place__order(context, &x->place, &y->place);

	if (!order)
		order = x->seen_s < y->seen_s ? -1 : x->seen_s > y->seen_s;
	return order ? order : life__order(x, y);
}

/* Histories of one namespace; the last reported one has its names. */
static bool add_namespace(struct lives *l, struct life **lives, size_t count, struct scopes *s)
{
	struct scope scope = { .kind = SCOPE_NAMESPACE, .place = lives[0]->place, .count = count,
			       .first_seen_s = lives[0]->seen_s };
	size_t i;

	scope.lives = malloc(count * sizeof(*scope.lives));
	if (!scope.lives)
		return false;
	for (i = 0; i < count; i++) {
		scope.lives[i] = lives[i];
		if (lives[i]->netns_name)
			scope.netns_name = lives[i]->netns_name;
		if (lives[i]->ended_s > scope.last_seen_s)
			scope.last_seen_s = lives[i]->ended_s;
	}
	scope.host_name = lives[count - 1]->host_name;
	if (!netns_address__is_name(texts__at(&l->texts, scope.netns_name)))
		scope.address = scope.place.cookie ? ADDRESS_COOKIE : ADDRESS_INODE_ALONE;
	return add_scope(s, scope);
}

/* Namespaces without cookies in several runs of a boot: their order puts them side by side. */
static void tell_runs_apart(struct scopes *s)
{
	size_t i;

	for (i = 1; i < s->count; i++) {
		struct scope *a = &s->all[i - 1], *b = &s->all[i];

		if (a->place.gateway != b->place.gateway || a->place.boot != b->place.boot ||
		    a->place.inode != b->place.inode || a->place.run == b->place.run ||
		    a->place.cookie || b->place.cookie)
			continue;
		a->one_of_several = true;
		b->one_of_several = true;
	}
}

static bool add_namespaces(struct lives *l, struct scopes *s)
{
	struct life **placed = malloc((l->count + 1) * sizeof(*placed));
	size_t i, from;
	bool ok = placed;

	if (ok && l->count) {
		memcpy(placed, l->all, l->count * sizeof(*placed));
		qsort_r(placed, l->count, sizeof(*placed), by_place, &l->texts);
	}
	for (i = from = 0; ok && i < l->count; i++) {
		if (i + 1 < l->count && life_place__is(&placed[i + 1]->place, &placed[i]->place))
			continue;
		ok = add_namespace(l, placed + from, i + 1 - from, s);
		from = i + 1;
	}
	free(placed);
	tell_runs_apart(s);
	return ok;
}

/* ---- how they are addressed ---- */

/* Did the gateway begin another boot after everything known of this one? Two gateways of one name
 * are seen at the same time. */
static bool boot_is_over(const struct scopes *all, const struct scope *s)
{
	double ended = 0, begun = 0;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct scope *other = &all->all[i];

		if (other->place.gateway != s->place.gateway)
			continue;
		if (other->place.boot == s->place.boot)
			ended = other->last_seen_s > ended ? other->last_seen_s : ended;
		else if (other->first_seen_s > begun)
			begun = other->first_seen_s;
	}
	return begun > ended;
}

/* Without a cookie a name may have been a host name (old timelines had no other names), and so two
 * namespaces' at once. */
static bool shares_its_name(const struct lives *l, const struct scope *s)
{
	unsigned int i;

	for (i = 0; i < l->namespace_count; i++)
		if (l->namespaces[i].name == s->netns_name &&
		    l->namespaces[i].place.gateway == s->place.gateway &&
		    l->namespaces[i].place.inode != s->place.inode)
			return true;
	return false;
}

/* The namespace, reported later, that has the name now. */
static const struct scope *successor(const struct scopes *all, const struct scope *s)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (&all->all[i] != s && all->all[i].netns_name == s->netns_name &&
		    all->all[i].place.gateway == s->place.gateway &&
		    all->all[i].last_seen_s >= s->last_seen_s)
			return &all->all[i];
	return NULL;
}

/* Where the kernel has cookies, a timeline with a name has a cookie, too: except old timelines,
 * whose names may be host names, which anybody may take. */
static bool may_be_host_name(const struct lives *l, const struct scope *s)
{
	unsigned int i;

	for (i = 0; i < l->run_count; i++)
		if (l->runs[i].run_id == s->place.run)
			return l->runs[i].cookies_known;
	return false;
}

static enum scope_address address_of(const struct lives *l, const struct scopes *all,
				     const struct scope *s)
{
	if (boot_is_over(all, s))
		return ADDRESS_BOOT_IS_OVER;
	if (s->address != ADDRESS_NAME)
		return s->address;
	if (!s->place.cookie && may_be_host_name(l, s))
		return ADDRESS_HOST_NAME;
	if (!s->place.cookie)
		return successor(all, s) || shares_its_name(l, s) ? ADDRESS_SHARED_NAME
								   : ADDRESS_NAME;
	return successor(all, s) ? ADDRESS_COOKIE : ADDRESS_NAME;
}

static void address_namespaces(const struct lives *l, struct scopes *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		s->all[i].address = address_of(l, s, &s->all[i]);
}

const char *scope__address(const struct lives *l, const struct scope *s)
{
	static char address[NETNS_ADDRESS_OF_COOKIE_SIZE];

	if (s->address == ADDRESS_NAME)
		return texts__at(&l->texts, s->netns_name);
	if (s->place.cookie)
		return netns_address__of_cookie(s->place.inode, s->place.cookie, address);
	snprintf(address, sizeof(address), "%u", s->place.inode);
	return address;
}

/* ---- services ---- */

/* The number of connections of each port at our end, and at the peers'. */
struct port_use {
	uint32_t ours[65536], theirs[65536];
};

static void count_ports(const struct lives *l, struct port_use *u)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		u->ours[l->all[i]->local.port]++;
		u->theirs[l->all[i]->peer.port]++;
	}
}

static bool is_usually_ephemeral(uint16_t port)
{
	return port >= EPHEMERAL_FIRST && port <= EPHEMERAL_LAST;
}

/*
 * Did we connect? The timeline does not say, nor from which range a namespace chooses ports, but
 * the ports show it: a listener's is that of all its connections, one that was chosen is almost
 * unique. Where both ends look alike, the usual range decides.
 */
static bool is_outgoing(const struct port_use *u, const struct life *life)
{
	uint32_t ours = u->ours[life->local.port], theirs = u->theirs[life->peer.port];
	bool ours_is_chosen = is_usually_ephemeral(life->local.port);

	if (ours >= SERVICE_MIN && ours > theirs)
		return false;
	if (theirs >= SERVICE_MIN && theirs > ours)
		return true;
	return ours_is_chosen && !is_usually_ephemeral(life->peer.port);
}

/* ---- groups ---- */

struct member {
	struct life *life;
	const char *name;	/* of its network, NULL: none */
	uint8_t network[16];
	unsigned int bits;
	uint16_t port;
	bool outgoing;
};

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->name ? x->name : "", y->name ? y->name : "");

	if (!order)
		order = x->port - y->port;
	if (!order)
		order = (int)x->outgoing - (int)y->outgoing;
	if (!order)
		order = memcmp(x->network, y->network, sizeof(x->network));
	if (!order)
		order = (int)y->bits - (int)x->bits;
	if (!order)
		order = x->life->seen_s < y->life->seen_s ? -1 : x->life->seen_s > y->life->seen_s;
	return order ? order : life__order(x->life, y->life);
}

static bool are_together(const struct member *a, const struct member *b)
{
	return a->port == b->port && a->outgoing == b->outgoing && a->bits == b->bits &&
	       !strcmp(a->name ? a->name : "", b->name ? b->name : "") &&
	       !memcmp(a->network, b->network, sizeof(a->network));
}

/* Members are sorted: the end of the group that begins at `from`. */
static size_t end_of(const struct member *all, size_t count, size_t from)
{
	size_t to = from + 1;

	while (to < count && are_together(&all[from], &all[to]))
		to++;
	return to;
}

static bool is_thin(const struct member *all, size_t from, size_t to)
{
	return to - from < IDLE_DEVICES_MIN && !all[from].name && all[from].bits;
}

static void widen(struct member *m, unsigned int level)
{
	struct endpoint peer = endpoint__mapped(&m->life->peer, m->life->family);

	m->bits = bits_at(m->life->family, level);
	mask(&peer, m->bits, m->network);
}

static bool add_group(struct scopes *s, const struct member *all, size_t from, size_t to,
		      const struct named_network *networks, unsigned int network_count)
{
	struct scope scope = { .kind = SCOPE_GROUP, .name = all[from].name, .bits = all[from].bits,
			       .port = all[from].port, .outgoing = all[from].outgoing,
			       .count = to - from, .networks = networks,
			       .network_count = network_count };
	size_t i;

	memcpy(scope.network, all[from].network, sizeof(scope.network));
	scope.lives = malloc(scope.count * sizeof(*scope.lives));
	if (!scope.lives)
		return false;
	for (i = from; i < to; i++)
		scope.lives[i - from] = all[i].life;
	return add_scope(s, scope);
}

/* Returns how many there are; `all` has room for each history. */
static size_t list_members(const struct lives *l, const struct named_network *networks,
			   unsigned int network_count, const struct port_use *ports,
			   struct member *all)
{
	size_t count = 0, i;

	for (i = 0; i < l->count; i++) {
		struct life *life = l->all[i];
		struct endpoint peer = endpoint__mapped(&life->peer, life->family);
		struct member m = { .life = life, .outgoing = is_outgoing(ports, life) };

		if (!life->has_peer)
			continue;
		m.port = m.outgoing ? life->peer.port : life->local.port;
		m.name = named_network__of(peer.address, networks, network_count);
		if (!m.name)
			widen(&m, 0);
		all[count++] = m;
	}
	return count;
}

static bool add_groups(struct lives *l, const struct named_network *networks,
		       unsigned int network_count, struct scopes *s)
{
	struct member *all = malloc((l->count + 1) * sizeof(*all));
	struct port_use *ports = calloc(1, sizeof(*ports));
	unsigned int level;
	size_t count = 0, i, to;
	bool ok = all && ports;

	if (ok) {
		count_ports(l, ports);
		count = list_members(l, networks, network_count, ports, all);
	}
	for (level = 1; ok && level < SCOPE_LEVELS; level++) {
		qsort(all, count, sizeof(*all), by_group);
		for (i = 0; i < count; i = to) {
			to = end_of(all, count, i);
			if (!is_thin(all, i, to))
				continue;
			for (; i < to; i++)
				if (all[i].bits == bits_at(all[i].life->family, level - 1))
					widen(&all[i], level);
		}
	}
	if (ok)
		qsort(all, count, sizeof(*all), by_group);
	for (i = 0; ok && i < count; i = to) {
		to = end_of(all, count, i);
		ok = add_group(s, all, i, to, networks, network_count);
	}
	free(all);
	free(ports);
	return ok;
}

bool scopes__make(struct lives *l, const struct named_network *networks, unsigned int network_count,
		  struct scopes *s)
{
	*s = (struct scopes){ 0 };
	lives__sort(l);
	if (!add_namespaces(l, s))
		return false;
	address_namespaces(l, s);
	return add_groups(l, networks, network_count, s);
}

void scopes__free(struct scopes *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		free(s->all[i].lives);
	free(s->all);
	*s = (struct scopes){ 0 };
}
