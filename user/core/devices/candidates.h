/* SPDX-License-Identifier: GPL-2.0 */
/* An old connection as a candidate: what is known of it when a new one comes from the same address.
 */
#ifndef HALFOPEN_CORE_DEVICES_CANDIDATES_H
#define HALFOPEN_CORE_DEVICES_CANDIDATES_H

#include "connection/connection.h"
#include "devices/arrivals.h"
#include "devices/linkage.h"
#include "table/table.h"

/* When it was last heard, by its events; 0: not known. `c`, its history, may be NULL. A history
 * kept only for output (--all) says no more: the estimate for a peer does not depend on the
 * output. */
uint64_t candidates__heard_ns(const struct slot *s, const struct connection *c);

/* Its state at `at_ns`, when the new connection arrived; asks count if a live peer would have
 * answered by `now_ns`. */
enum link_state candidates__state(const struct slot *s, const struct connection *c, uint64_t at_ns,
				  uint64_t now_ns);

/* It was open when `by` came, and is not `by` itself. */
bool candidates__was_there(const struct slot *old, const struct arrival *by);

/* Keys may agree by chance: where the ends of the old one are known, they decide. */
bool candidates__may_be_of_peer(const struct connection *old, const struct arrival *by);

#endif
