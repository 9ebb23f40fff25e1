/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which device is behind which peer, as the operator's own sources tell it (--identities).
 *
 * Names of peers are kept in two generations, of which the older is dropped when the younger is
 * full, with names that no peer has any more. A name that is looked up stays; so the owner of the
 * open sockets looks up theirs after each change of generations.
 */
#ifndef HALFOPEN_CORE_DEVICES_IDENTITIES_H
#define HALFOPEN_CORE_DEVICES_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/endpoint.h"
#include "value/keyed_hash.h"

/* So many peers, or names, besides those of open sockets make a generation. */
#define IDENTITIES_GENERATION (1U << 16)

struct known_peer {
	uint64_t key;		/* of its address and both ports; 0: the place is free */
	uint64_t at_ns;
	uint32_t device;	/* 0: it has moved to the younger generation */
	uint32_t recorded;	/* the last description of the stream that has it */
	uint16_t port, local;	/* of the peer, and ours; 0: whatever the port */
};

struct identity_map {
	struct known_peer *entries;
	size_t size, used;
};

struct identities {
	struct identity_map peers, peers_before;
	struct identity_map names;	/* hash of a name -> device */
	struct device *devices;
	uint32_t count, free_device;
	size_t kept_peers, kept_names;	/* as the present generation began */
	uint64_t forgotten;	/* peers whose names fell out */
	struct keyed_hash hash;	/* the caller's; before all else */
};

/* `peer` (an IPv4 address in its mapped form; port 0: whatever its port) at our port `local` (0:
 * whichever) is `device`, since `at_ns`. A later word replaces an earlier one. NULL when memory is
 * short. */
struct known_peer *identities__learn(struct identities *i, const struct endpoint *peer,
				     uint16_t local, const char *device, uint64_t at_ns);

/* The name of the peer of a connection; NULL if it has none. A name from before the connection was
 * made belongs to another one with the same address and port. Valid until the next call. */
struct known_peer *identities__find(struct identities *i, const struct endpoint *peer,
				    uint16_t local, uint64_t first_seen_ns, bool partial);

/* NULL for 0. */
const char *identities__name(const struct identities *i, uint32_t device);

/* Is there a name that `fits`? */
bool identities__any(const struct identities *i, bool (*fits)(const void *context, const char *name),
		     const void *context);

/* The cookie of the connection that the device held to this port last, 0 if none; from now on it
 * is `cookie`. */
uint64_t identities__take_seat(struct identities *i, uint32_t device, uint32_t netns,
			       uint16_t port, uint64_t cookie);

/* Is the present generation full? Then the older one is to be forgotten, those of open sockets are
 * to be asked for, and a new generation begins. */
bool identities__are_full(const struct identities *i);
void identities__forget_older(struct identities *i);
void identities__begin_generation(struct identities *i);

void identities__free(struct identities *i);

#endif
