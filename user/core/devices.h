/* SPDX-License-Identifier: GPL-2.0 */
/* The device behind a connection, as identities.h knows it; names in use are added to the
 * stream. */
#ifndef HALFOPEN_CORE_DEVICES_H
#define HALFOPEN_CORE_DEVICES_H

#include "connection/connection.h"
#include "devices/identities.h"

struct core;

/* The number of the device behind a connection; 0 if it was not named. */
uint32_t devices__number_of(struct core *core, uint8_t family, uint16_t local,
			    const struct endpoint *peer, uint64_t first_seen_ns, bool partial);

/* Its name; NULL if it was not named. */
const char *devices__of_connection(struct core *core, const struct connection *c);

/* Adds a peer's name to the stream, if it is not there yet. */
void devices__record(struct core *core, const struct endpoint *peer, struct known_peer *known);

#endif
