/* SPDX-License-Identifier: GPL-2.0 */
/* Connection tracking (netfilter) of a network namespace: when it forgets an idle TCP connection. */
#ifndef HALFOPEN_SYS_CONNTRACK_H
#define HALFOPEN_SYS_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "value/endpoint.h"

struct conntrack {
	uint32_t established_s;	/* nf_conntrack_tcp_timeout_established; 0: it tracks nothing */
	int fd;			/* asks for single connections; below 0: need not, or cannot: ... */
	bool unasked;		/* ... it cannot, and may forget one */
	bool forwards_ipv4, forwards_ipv6;	/* segments of others pass it */
};

/* Of this thread's namespace. Connections can be asked for only if they may be forgotten within
 * `asked_within_s`: that takes a descriptor, if it `may_ask`. */
void conntrack__open(struct conntrack *c, uint32_t asked_within_s, bool may_ask);

/* Seconds until it forgets the connection, if no segment passes: whichever way its addresses were
 * translated, those here are as its socket has them, in the form of both families. Returns -ENOENT
 * where it does not know it, or another -errno. */
int64_t conntrack__left_s(const struct conntrack *c, const struct endpoint *local,
			  const struct endpoint *peer);

void conntrack__close(struct conntrack *c);

#endif
