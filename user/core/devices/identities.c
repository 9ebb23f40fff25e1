// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "devices/identities.h"

/* An identity may arrive a little before the kernel's event of the connection. */
#define EARLY_NS 5000000000ULL
/* Ports of ours at which one device is remembered; of more, the oldest gives way. */
#define SEATS_MAX 16

/* Which connection a device held to a port of ours last. */
struct seat {
	uint64_t cookie;
	uint32_t netns;
	uint16_t port;
};

struct device {
	char *name;		/* NULL: the place is free */
	uint64_t hash;
	struct seat *seats;
	uint32_t peers;		/* that are said to be it */
	uint32_t next_free;
	uint16_t seat_count, next_seat;
};

/* ---- a map from keyed hashes: chance gives two of a million the same once in 30,000 runs ---- */

static struct known_peer *find(const struct identity_map *m, uint64_t key)
{
	size_t i;

	if (!m->size)
		return NULL;
	for (i = key & (m->size - 1); m->entries[i].key; i = (i + 1) & (m->size - 1))
		if (m->entries[i].key == key)
			return &m->entries[i];
	return NULL;
}

static struct known_peer *place(struct identity_map *m, uint64_t key)
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

static struct known_peer *put(struct identity_map *m, uint64_t key)
{
	struct known_peer *e;

	if (m->used >= m->size - m->size / 4 && !grow(m))
		return NULL;
	e = place(m, key);
	m->used += !e->key;
	e->key = key;
	return e;
}

static void free_map(struct identity_map *m)
{
	free(m->entries);
	*m = (struct identity_map){ 0 };
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

static struct device *device_at(const struct identities *i, uint32_t device)
{
	return &i->devices[device - 1];
}

/* Its number, from 1; 0 when memory is short. */
static uint32_t new_device(struct identities *i)
{
	struct device *more;
	uint32_t number = i->free_device;

	if (number) {
		i->free_device = device_at(i, number)->next_free;
		return number;
	}
	if (!(i->count & (i->count - 1))) {	/* a power of two: it is full */
		more = realloc(i->devices, (i->count ? 2 * i->count : 1) * sizeof(*more));
		if (!more)
			return 0;
		i->devices = more;
	}
	return ++i->count;
}

static uint32_t device_named(struct identities *i, const char *name)
{
	struct known_peer *e = put(&i->names, hash_of_name(i, name));
	uint32_t number;
	char *copy;

	if (!e || e->device)
		return e ? e->device : 0;
	copy = strdup(name);
	number = copy ? new_device(i) : 0;
	if (!number) {
		free(copy);
		return 0;
	}
	*device_at(i, number) = (struct device){ .name = copy, .hash = e->key };
	return e->device = number;
}

const char *identities__name(const struct identities *i, uint32_t device)
{
	return device ? device_at(i, device)->name : NULL;
}

bool identities__any(const struct identities *i, bool (*fits)(const void *context, const char *name),
		     const void *context)
{
	uint32_t device;

	for (device = 1; device <= i->count; device++)
		if (device_at(i, device)->name && fits(context, device_at(i, device)->name))
			return true;
	return false;
}

static void free_device(struct device *d)
{
	free(d->name);
	free(d->seats);
	*d = (struct device){ 0 };
}

/* Drops names without a peer. */
static void forget_names(struct identities *i)
{
	struct identity_map names = { 0 };
	uint32_t number;

	for (number = 1; number <= i->count; number++) {
		struct device *d = device_at(i, number);
		struct known_peer *e = d->peers ? put(&names, d->hash) : NULL;

		if (e)
			e->device = number;
		if (d->peers || !d->name)
			continue;
		free_device(d);
		d->next_free = i->free_device;
		i->free_device = number;
	}
	free_map(&i->names);
	i->names = names;
}

uint64_t identities__take_seat(struct identities *i, uint32_t device, uint32_t netns,
			       uint16_t port, uint64_t cookie)
{
	struct device *d = device_at(i, device);
	struct seat *more;
	uint64_t before;
	uint16_t n;

	for (n = 0; n < d->seat_count; n++)
		if (d->seats[n].netns == netns && d->seats[n].port == port) {
			before = d->seats[n].cookie;
			d->seats[n].cookie = cookie;
			return before;
		}
	if (n < SEATS_MAX) {
		more = realloc(d->seats, (n + 1) * sizeof(*more));
		if (!more)
			return 0;
		d->seats = more;
		d->seat_count++;
	} else {
		n = d->next_seat;
		d->next_seat = (n + 1) % SEATS_MAX;
	}
	d->seats[n] = (struct seat){ cookie, netns, port };
	return 0;
}

/* ---- peers ---- */

static uint64_t key_of(const struct identities *i, const struct endpoint *peer, uint16_t port,
		       uint16_t local)
{
	struct {
		struct endpoint end;
		uint16_t local;
	} of = { 0 };

	of.end = endpoint__of(peer->address, port);
	of.local = local;
	return never_zero(keyed_hash__of(&i->hash, &of, sizeof(of)));
}

/* It says nothing any more. */
static void let_go(struct identities *i, struct known_peer *e)
{
	if (e && e->device)
		device_at(i, e->device)->peers--;
	if (e)
		e->device = 0;
}

struct known_peer *identities__learn(struct identities *i, const struct endpoint *peer,
				     uint16_t local, const char *name, uint64_t at_ns)
{
	uint64_t key = key_of(i, peer, peer->port, local);
	uint32_t device = device_named(i, name);
	struct known_peer *e = device ? put(&i->peers, key) : NULL;

	if (!e)
		return NULL;
	device_at(i, device)->peers++;
	let_go(i, e);
	let_go(i, find(&i->peers_before, key));
	*e = (struct known_peer){ .key = key, .at_ns = at_ns, .device = device,
				  .port = peer->port, .local = local };
	return e;
}

static struct known_peer *find_peer(struct identities *i, uint64_t key)
{
	struct known_peer *e = find(&i->peers, key), *before;

	if (e && e->device)
		return e;
	before = find(&i->peers_before, key);
	if (!before || !before->device)
		return NULL;
	e = put(&i->peers, key);
	if (!e)
		return before;
	*e = *before;
	before->device = 0;
	return e;
}

struct known_peer *identities__find(struct identities *i, const struct endpoint *peer,
				    uint16_t local, uint64_t first_seen_ns, bool partial)
{
	const uint16_t locals[] = { local, 0 };
	struct known_peer *e;
	unsigned int n;

	if (!i->count)
		return NULL;
	for (n = 0; n < 2; n++) {
		e = find_peer(i, key_of(i, peer, peer->port, locals[n]));
		if (e && (partial || e->at_ns + EARLY_NS >= first_seen_ns))
			return e;
	}
	e = find_peer(i, key_of(i, peer, 0, local));
	return e ?: find_peer(i, key_of(i, peer, 0, 0));
}

/* ---- generations ---- */

bool identities__are_full(const struct identities *i)
{
	return i->peers.used >= i->kept_peers + IDENTITIES_GENERATION ||
	       i->names.used >= i->kept_names + IDENTITIES_GENERATION;
}

void identities__forget_older(struct identities *i)
{
	size_t n;

	for (n = 0; n < i->peers_before.size; n++) {
		i->forgotten += i->peers_before.entries[n].device != 0;
		let_go(i, &i->peers_before.entries[n]);
	}
	free_map(&i->peers_before);
	i->peers_before = i->peers;
	i->peers = (struct identity_map){ 0 };
	forget_names(i);
}

void identities__begin_generation(struct identities *i)
{
	i->kept_peers = i->peers.used;
	i->kept_names = i->names.used;
}

void identities__free(struct identities *i)
{
	uint32_t n;

	for (n = 1; n <= i->count; n++)
		free_device(device_at(i, n));
	free(i->devices);
	free_map(&i->peers);
	free_map(&i->peers_before);
	free_map(&i->names);
	*i = (struct identities){ 0 };
}
