/* SPDX-License-Identifier: GPL-2.0 */
/* The device behind a connection, as identities.h knows it; what is asked for gets into the
 * stream. */
#ifndef HALFOPEN_CORE_DEVICES_H
#define HALFOPEN_CORE_DEVICES_H

#include "connection/connection.h"
#include "devices/identities.h"

struct core;

/* The number of the device behind a connection; 0 if nobody said. */
uint32_t devices__number_of(struct core *core, uint8_t family, uint16_t local,
			    const struct endpoint *peer, uint64_t first_seen_ns, bool partial);

/* Its name; NULL if nobody said. */
const char *devices__of_connection(struct core *core, const struct connection *c);

/* What the stream does not say yet of a peer that is of interest, it says now. */
void devices__record(struct core *core, const struct endpoint *peer, struct known_peer *known);

#endif
