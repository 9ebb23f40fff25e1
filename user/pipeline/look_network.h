/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace's network makes of sockets: addresses that it no longer has, and connections that
 * it forgets while they are idle. */
#ifndef HALFOPEN_PIPELINE_LOOK_NETWORK_H
#define HALFOPEN_PIPELINE_LOOK_NETWORK_H

#include "event.h"
#include "sys/conntrack.h"
#include "sys/local_routes.h"
#include "sys/netns.h"

/* Of one namespace. */
struct look_network {
	struct local_routes routes;
	struct conntrack conntrack;
	struct endpoint asked;	/* the address looked for last, as in the event: ... */
	uint8_t asked_family;	/* ... 0: none was */
	bool lacks_asked;	/* ... and what was found */
};

/* Reads that of this thread's namespace. `may_ask`: keeps a descriptor to ask its connection tracking
 * for single connections, if that may forget one sooner than a socket with `sysctl` is probed. */
void look_network__read(struct look_network *n, const struct keepalive_sysctl *sysctl, bool may_ask);

/* Does this namespace, the socket's, no longer have its local address? */
bool look_network__lacks_local(struct look_network *n, const struct ho_event *e);

/* A connection with keepalive, by its ends in the form of both families. */
struct look_idle {
	struct endpoint local, peer;
	double asks_after_s, silent_s;
};

/* False: it is none that connection tracking could forget before its next probe (no keepalive, not
 * open, the peer is on this host). `hz` of its kernel. */
bool look_idle__of(const struct ho_event *e, uint32_t hz, struct look_idle *idle);

/* Does connection tracking here forget it before its next probe? `is_own`: this is its own namespace,
 * where that holds also if nothing more is known than the timeout, and of a connection that was
 * silent for longer and is not known any more. */
bool look_network__forgets(const struct look_network *n, const struct look_idle *idle, bool is_own);

/* Connection tracking is asked no more. */
void look_network__end(struct look_network *n);

void look_network__free(struct look_network *n);

#endif
