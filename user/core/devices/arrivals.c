// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "devices/arrivals.h"

static uint32_t hash_of_peer(const struct arrivals *a, const struct endpoint *peer)
{
	return keyed_hash__of(&a->hash, peer, sizeof(*peer));
}

/* An IPv4 address lies in the first four bytes. */
static size_t network_bytes(uint8_t family, const struct endpoint *peer)
{
	bool link_local = peer->address[0] == 0xfe && (peer->address[1] & 0xc0) == 0x80;

	return family == AF_INET || link_local || endpoint__is_mapped(peer->address)
		       ? sizeof(peer->address) : 8;
}

uint64_t arrivals__key(const struct arrivals *a, uint32_t netns, uint8_t family,
		       const struct endpoint *local, const struct endpoint *peer)
{
	struct {
		uint8_t local[16], peer[16];
		uint32_t netns;
		uint16_t port, family;
	} kind = { .netns = netns, .port = local->port, .family = family };

	memcpy(kind.local, local->address, sizeof(kind.local));
	memcpy(kind.peer, peer->address, network_bytes(family, peer));
	return keyed_hash__of(&a->hash, &kind, sizeof(kind)) >> 4;
}

uint64_t arrivals__service_key(const struct arrivals *a, uint32_t netns, uint8_t family,
			       const struct endpoint *local)
{
	static const struct endpoint anybody;

	return arrivals__key(a, netns, family, local, &anybody);
}

bool arrivals__are_alike(const struct arrival *a, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer)
{
	return a->netns == netns && a->family == family && a->local.port == local->port &&
	       !memcmp(a->local.address, local->address, sizeof(local->address)) &&
	       network_bytes(family, &a->peer) == network_bytes(family, peer) &&
	       !memcmp(a->peer.address, peer->address, network_bytes(family, peer));
}

bool arrivals__is_exact(uint8_t family, const struct endpoint *peer)
{
	return network_bytes(family, peer) == sizeof(peer->address);
}

struct arrival *arrivals__at(const struct arrivals *a, uint32_t number)
{
	if (!number || a->count - number >= a->size)	/* numbers wrap */
		return NULL;
	return &a->ring[number & (a->size - 1)];
}

static void link_in(struct arrivals *a, struct arrival *arrival, uint32_t number)
{
	uint32_t *key = &a->by_key[arrival->key & (a->size - 1)];
	struct endpoint mapped = endpoint__mapped(&arrival->peer, arrival->family);
	uint32_t *peer = &a->by_peer[hash_of_peer(a, &mapped) & (a->size - 1)];

	arrival->older_of_key = *key;
	arrival->older_of_peer = *peer;
	*key = *peer = number;
}

static bool grow(struct arrivals *a)
{
	struct arrivals bigger = { .size = a->size ? a->size * 2 : 256, .count = a->count,
				   .hash = a->hash };
	uint32_t number;

	bigger.ring = calloc(bigger.size, sizeof(*bigger.ring));
	bigger.by_key = calloc(bigger.size, sizeof(*bigger.by_key));
	bigger.by_peer = calloc(bigger.size, sizeof(*bigger.by_peer));
	if (!bigger.ring || !bigger.by_key || !bigger.by_peer) {
		arrivals__free(&bigger);
		return false;
	}
	for (number = 1; number <= a->count; number++) {
		struct arrival *to = &bigger.ring[number & (bigger.size - 1)];

		*to = *arrivals__at(a, number);
		link_in(&bigger, to, number);
	}
	arrivals__free(a);
	*a = bigger;
	return true;
}

void arrivals__add(struct arrivals *a, const struct ho_event *e)
{
	struct arrival *arrival;

	if (a->count == a->size && a->size < ARRIVALS_MAX && !grow(a) && !a->size)
		return;
	a->count++;
	arrival = arrivals__at(a, a->count);
	*arrival = (struct arrival){ .cookie = e->cookie, .at_ns = e->mono_ns, .netns = e->netns,
				     .family = e->family,
				     .local = endpoint__of(e->local, e->local_port),
				     .peer = endpoint__of(e->peer, e->peer_port) };
	arrival->key = arrivals__key(a, e->netns, e->family, &arrival->local, &arrival->peer);
	link_in(a, arrival, a->count);
}

static struct arrival *first_of_key(const struct arrivals *a, uint32_t number, uint64_t key)
{
	struct arrival *arrival;

	while ((arrival = arrivals__at(a, number)) && arrival->key != key)
		number = arrival->older_of_key;
	return arrival;
}

struct arrival *arrivals__of_key(const struct arrivals *a, uint64_t key)
{
	return a->size ? first_of_key(a, a->by_key[key & (a->size - 1)], key) : NULL;
}

struct arrival *arrivals__older_of_key(const struct arrivals *a, const struct arrival *arrival)
{
	return first_of_key(a, arrival->older_of_key, arrival->key);
}

/* An address that holds a crowd is not searched to its end. */
#define STEPS_BACK 4096

struct arrival *arrivals__with_cookie(const struct arrivals *a, uint64_t key, uint64_t cookie)
{
	struct arrival *arrival = arrivals__of_key(a, key);
	uint32_t steps;

	for (steps = 0; arrival && steps < STEPS_BACK; steps++) {
		if (arrival->cookie == cookie)
			return arrival;
		arrival = arrivals__older_of_key(a, arrival);
	}
	return NULL;
}

static bool is_from(const struct arrival *a, const struct endpoint *peer)
{
	struct endpoint mapped = endpoint__mapped(&a->peer, a->family);

	return mapped.port == peer->port &&
	       !memcmp(mapped.address, peer->address, sizeof(mapped.address));
}

struct arrival *arrivals__from(const struct arrivals *a, const struct endpoint *peer,
			       uint16_t local)
{
	struct arrival *arrival;
	uint32_t number;

	if (!a->size)
		return NULL;
	number = a->by_peer[hash_of_peer(a, peer) & (a->size - 1)];
	while ((arrival = arrivals__at(a, number)) &&
	       !(is_from(arrival, peer) && (!local || arrival->local.port == local)))
		number = arrival->older_of_peer;
	return arrival;
}

void arrivals__free(struct arrivals *a)
{
	free(a->ring);
	free(a->by_key);
	free(a->by_peer);
	*a = (struct arrivals){ 0 };
}
