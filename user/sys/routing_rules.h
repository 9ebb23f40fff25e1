/* SPDX-License-Identifier: GPL-2.0 */
/* Which routing tables a segment without a mark may be looked up in: those of policy routing's
 * rules (`ip rule`) that ask for none. */
#ifndef HALFOPEN_SYS_ROUTING_RULES_H
#define HALFOPEN_SYS_ROUTING_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct routing_rules {
	struct routing_rule {
		uint32_t table;
		bool marked;	/* only for segments with a mark, as for TPROXY */
	} *all;
	size_t count, size;
	bool any_vrf;		/* tables of VRF devices, by a rule that does not name them */
	bool known;
};

/* Reads those of one family by `fd`, a socket of NETLINK_ROUTE, anew if they were read before.
 * Where that fails they are unknown. Returns 0 or -errno; -EINTR: they changed meanwhile. */
int routing_rules__read(struct routing_rules *r, int fd, uint8_t family);

/* True if they are unknown. */
bool routing_rules__lead_to(const struct routing_rules *r, uint32_t table);

void routing_rules__free(struct routing_rules *r);

#endif
