// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "identities.h"

/* An identity may be told a little before the kernel's own news of the connection. */
#define EARLY_NS 5000000000ULL
#define PEERS_MAX (1U << 20)

struct identity_entry {
	uint64_t key;	/* 0: free */
	uint64_t at_ns;	/* of a peer */
	uint64_t value;	/* a device, or a cookie */
};

/* ---- a map from keyed hashes: chance gives two of a million the same once in 30,000 runs ---- */

static struct identity_entry *find(const struct identity_map *m, uint64_t key)
{
	size_t i;

	if (!m->size)
		return NULL;
	for (i = key & (m->size - 1); m->entries[i].key; i = (i + 1) & (m->size - 1))
		if (m->entries[i].key == key)
			return &m->entries[i];
	return NULL;
}

static struct identity_entry *place(struct identity_map *m, uint64_t key)
{
	size_t i = key & (m->size - 1);

	while (m->entries[i].key && m->entries[i].key != key)
		i = (i + 1) & (m->size - 1);
	return &m->entries[i];
}

static bool grow(struct identity_map *m)
{
	struct identity_map bigger = { .size = m->size ? m->size * 2 : 256, .used = m->used };
	size_t i;

	bigger.entries = calloc(bigger.size, sizeof(*bigger.entries));
	if (!bigger.entries)
		return false;
	for (i = 0; i < m->size; i++)
		if (m->entries[i].key)
			*place(&bigger, m->entries[i].key) = m->entries[i];
	free(m->entries);
	*m = bigger;
	return true;
}

static struct identity_entry *put(struct identity_map *m, uint64_t key)
{
	struct identity_entry *e;

	if (m->used >= m->size - m->size / 4 && !grow(m))
		return NULL;
	e = place(m, key);
	m->used += !e->key;
	e->key = key;
	return e;
}

static uint64_t never_zero(uint64_t key)
{
	return key ?: 1;
}

/* ---- devices ---- */

static uint64_t hash_of_name(const struct identities *i, const char *name)
{
	return never_zero(keyed_hash__of(&i->hash, name, strlen(name)));
}

static uint32_t device_named(struct identities *i, const char *name)
{
	struct identity_entry *e = put(&i->names, hash_of_name(i, name));
	char **more, *copy;

	if (!e || e->value)
		return e ? e->value : 0;
	copy = strdup(name);
	more = realloc(i->devices, (i->count + 1) * sizeof(*more));
	if (more)
		i->devices = more;
	if (!more || !copy) {
		free(copy);
		return 0;
	}
	i->devices[i->count++] = copy;
	return e->value = i->count;
}

const char *identities__name(const struct identities *i, uint32_t device)
{
	return device ? i->devices[device - 1] : NULL;
}

/* ---- peers ---- */

static uint64_t hash_of_peer(const struct identities *i, const struct endpoint *peer, uint16_t port)
{
	struct endpoint end = endpoint__of(peer->address, port);

	return never_zero(keyed_hash__of(&i->hash, &end, sizeof(end)));
}

/* Two generations, of which the older is forgotten when the younger is full: who is asked for
 * now and then stays. */
static struct identity_entry *remember_peer(struct identities *i, uint64_t key)
{
	if (i->peers.used >= PEERS_MAX) {
		free(i->peers_before.entries);
		i->peers_before = i->peers;
		i->peers = (struct identity_map){ 0 };
	}
	return put(&i->peers, key);
}

uint32_t identities__learn(struct identities *i, const struct endpoint *peer, const char *name,
			   uint64_t at_ns)
{
	uint32_t device = device_named(i, name);
	struct identity_entry *e;

	if (!device)
		return 0;
	e = remember_peer(i, hash_of_peer(i, peer, peer->port));
	if (!e)
		return 0;
	e->at_ns = at_ns;
	e->value = device;
	return device;
}

static const struct identity_entry *find_peer(struct identities *i, uint64_t key)
{
	struct identity_entry *e = find(&i->peers, key), *kept, before;

	if (e)
		return e;
	e = find(&i->peers_before, key);
	if (!e)
		return NULL;
	before = *e;	/* its generation may end now */
	kept = remember_peer(i, key);
	if (kept)
		*kept = before;
	return kept;
}

uint32_t identities__device_of(struct identities *i, const struct endpoint *peer,
			       uint64_t first_seen_ns, bool partial)
{
	const struct identity_entry *e;

	if (!i->count)
		return 0;
	e = find_peer(i, hash_of_peer(i, peer, peer->port));
	if (e && (partial || e->at_ns + EARLY_NS >= first_seen_ns))
		return e->value;
	e = find_peer(i, hash_of_peer(i, peer, 0));
	return e ? e->value : 0;
}

uint64_t identities__take_seat(struct identities *i, uint32_t device, uint32_t netns,
			       uint16_t port, uint64_t cookie)
{
	uint32_t seat[] = { device, netns, port };
	uint64_t key = never_zero(keyed_hash__of(&i->hash, seat, sizeof(seat))), before;
	struct identity_entry *e = put(&i->seats, key);

	if (!e)
		return 0;
	before = e->value;
	e->value = cookie;
	return before;
}

static void free_map(struct identity_map *m)
{
	free(m->entries);
	*m = (struct identity_map){ 0 };
}

void identities__free(struct identities *i)
{
	uint32_t n;

	for (n = 0; n < i->count; n++)
		free(i->devices[n]);
	free(i->devices);
	free_map(&i->peers);
	free_map(&i->peers_before);
	free_map(&i->seats);
	free_map(&i->names);
	*i = (struct identities){ 0 };
}
