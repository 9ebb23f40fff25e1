// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exposure/census.h"

struct census_entry {
	uint32_t netns;		/* first, so that a namespace's entries lie together when sorted */
	uint16_t port;
	uint8_t family;
	uint8_t peer[16];
};

void census__add(struct census *c, const struct ho_event *e, uint32_t hz)
{
	const struct exposure_rules rules = { .hz = hz };
	struct exposure x = exposure__of(e, &rules);
	struct census_entry *entry;

	exposure_counts__add(&c->counts, &x);
	if (c->used == c->capacity) {
		uint32_t capacity = c->capacity ? c->capacity * 2 : 1024;
		struct census_entry *bigger = realloc(c->entries, capacity * sizeof(*bigger));

		if (!bigger) {
			c->failed = true;
			return;
		}
		c->entries = bigger;
		c->capacity = capacity;
	}
	entry = &c->entries[c->used++];
	memset(entry, 0, sizeof(*entry));	/* compared as bytes */
	entry->netns = e->netns;
	entry->port = e->local_port;
	entry->family = e->family;
	memcpy(entry->peer, e->peer, sizeof(entry->peer));
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct census_entry));
}

static bool same_port(const struct census_entry *a, const struct census_entry *b)
{
	return a->netns == b->netns && a->port == b->port;
}

/* The run of one port's entries, which begins at `from`. */
static struct census_port count_port(const struct census *c, uint32_t from)
{
	const struct census_entry *all = c->entries;
	struct census_port port = { .netns = all[from].netns, .port = all[from].port };
	uint32_t i;

	for (i = from; i < c->used && same_port(&all[i], &all[from]); i++) {
		port.peers += i == from || compare(&all[i], &all[i - 1]);
		port.sockets++;
	}
	return port;
}

static int by_sockets(const void *a, const void *b)
{
	const struct census_port *x = a, *y = b;

	return x->sockets < y->sockets ? 1 : x->sockets > y->sockets ? -1 : 0;
}

static void sort_entries(struct census *c)
{
	if (c->used)
		qsort(c->entries, c->used, sizeof(*c->entries), compare);
}

uint32_t census__namespaces(struct census *c)
{
	uint32_t count = 0, i;

	sort_entries(c);
	for (i = 0; i < c->used; i++)
		count += !i || c->entries[i].netns != c->entries[i - 1].netns;
	return count;
}

uint32_t census__crowded_ports(struct census *c, struct census_port *ports, uint32_t size)
{
	uint32_t from = 0, found = 0;

	sort_entries(c);
	while (from < c->used) {
		struct census_port port = count_port(c, from);

		from += port.sockets;
		if (port.sockets >= CENSUS_PORT_SOCKETS &&
		    port.sockets / port.peers >= CENSUS_PEER_SOCKETS && found < size)
			ports[found++] = port;
	}
	if (found)
		qsort(ports, found, sizeof(*ports), by_sockets);
	return found;
}

void census__free(struct census *c)
{
	free(c->entries);
	*c = (struct census){ 0 };
}
