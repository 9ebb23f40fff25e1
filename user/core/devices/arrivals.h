/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that peers opened lately, as many as a bounded ring holds: a device that comes back
 * is the first, and often the only, sign that its old connection is dead.
 */
#ifndef HALFOPEN_CORE_DEVICES_ARRIVALS_H
#define HALFOPEN_CORE_DEVICES_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "value/endpoint.h"
#include "value/keyed_hash.h"

struct arrival {
	uint64_t cookie;
	uint64_t at_ns;
	struct endpoint local, peer;
	uint32_t netns;
	uint8_t family;
	bool claimed;		/* it is known whom it superseded */
	uint64_t key;		/* arrivals__key() of the connection */
	float dead_rivals;	/* weight of dead sockets that may have been superseded by it */
	float taken;		/* chance that a program closed a connection for it */
	float by_taker;
	float explains;		/* chance that a closing is explained by it, if takeovers are as
				   likely as not */
	uint64_t taker;		/* cookie */
	uint32_t older_of_key, older_of_peer;	/* numbers, from 1; 0: none */
};

struct arrivals {
	struct arrival *ring;
	uint32_t *by_key, *by_peer;	/* the youngest of a bucket, as a number from 1 */
	uint32_t size;		/* a power of two, or 0 */
	uint32_t count;		/* so far: the number of the youngest */
	struct keyed_hash hash;	/* the caller's; before all else */
};

#define ARRIVALS_MAX (1U << 16)

/* Do others of the key have this very address? A device with IPv6 has a /64 and many addresses of
 * it; link-local ones share theirs. */
bool arrivals__is_exact(uint8_t family, const struct endpoint *peer);

/* The key by which connections may supersede each other, of 60 bits: one for each peer address
 * (IPv6: its /64) and port of ours. */
uint64_t arrivals__key(const struct arrivals *a, uint32_t netns, uint8_t family,
		       const struct endpoint *local, const struct endpoint *peer);

/* Of the service itself, whoever comes to it. */
uint64_t arrivals__service_key(const struct arrivals *a, uint32_t netns, uint8_t family,
			       const struct endpoint *local);

/* arrivals__key(), asked of the ends themselves: is this other connection one of those? */
bool arrivals__are_alike(const struct arrival *a, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer);

/* Where memory is short, nothing is remembered. */
void arrivals__add(struct arrivals *a, const struct ho_event *e);

/* The arrival of this number (1 ... count); NULL if it is too old to be remembered. */
struct arrival *arrivals__at(const struct arrivals *a, uint32_t number);

/* The youngest of this key, and then the next older one; NULL at the end. */
struct arrival *arrivals__of_key(const struct arrivals *a, uint64_t key);
struct arrival *arrivals__older_of_key(const struct arrivals *a, const struct arrival *arrival);

/* The one that opened this connection, if it is among the youngest few thousand of its key. */
struct arrival *arrivals__with_cookie(const struct arrivals *a, uint64_t key, uint64_t cookie);

/* The youngest from this address (an IPv4 one in its mapped form) and port to our port `local` (0:
 * whichever); NULL: none. */
struct arrival *arrivals__from(const struct arrivals *a, const struct endpoint *peer,
			       uint16_t local);

void arrivals__free(struct arrivals *a);

#endif
