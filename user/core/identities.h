/* SPDX-License-Identifier: GPL-2.0 */
/* Which device is behind which peer, as the operator's own sources tell it (--identities). */
#ifndef HALFOPEN_CORE_IDENTITIES_H
#define HALFOPEN_CORE_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"
#include "keyed_hash.h"

struct identity_map {
	struct identity_entry *entries;
	size_t size, used;
};

struct identities {
	struct identity_map peers, peers_before;	/* address and port -> device */
	struct identity_map seats;	/* device at a port of ours -> its present connection */
	struct identity_map names;	/* hash of a name -> device */
	char **devices;
	uint32_t count;
	struct keyed_hash hash;	/* the caller's; before all else */
};

/* `peer` is `device`, since `at_ns`; port 0: whatever its port. A later word replaces an earlier
 * one; of a million peers that were not asked for again the oldest are forgotten. Returns the
 * device's number, 0 when memory is short. */
uint32_t identities__learn(struct identities *i, const struct endpoint *peer, const char *device,
			   uint64_t at_ns);

/* The device behind `c`; 0 if nobody said. What was said before the connection was made is
 * about another one that had the same address and port. */
uint32_t identities__device_of(struct identities *i, const struct endpoint *peer,
			       uint64_t first_seen_ns, bool partial);

/* NULL for 0. */
const char *identities__name(const struct identities *i, uint32_t device);

/* The cookie of the connection that the device held to this port last, 0 if none; from now on it
 * is `cookie`. */
uint64_t identities__take_seat(struct identities *i, uint32_t device, uint32_t netns,
			       uint16_t port, uint64_t cookie);

void identities__free(struct identities *i);

#endif
