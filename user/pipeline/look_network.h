/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace's network makes of sockets: addresses that it no longer has, and connections that
 * it forgets while they are idle. */
#ifndef HALFOPEN_PIPELINE_LOOK_NETWORK_H
#define HALFOPEN_PIPELINE_LOOK_NETWORK_H

#include "event.h"
#include "sys/conntrack.h"
#include "sys/local_routes.h"
#include "sys/netns.h"

/* Where its segments go, as look_way.h finds it. */
struct look_way {
	int fd;			/* asks for its routes; below 0: not yet */
	uint32_t link;		/* the one asked for last, ... */
	uint32_t netns;		/* ... the number of the namespace at its other end, 0: none ... */
	bool unknown;		/* ... or not known */
};

/* Of one namespace. */
struct look_network {
	struct local_routes routes;
	struct conntrack conntrack;
	bool ours;		/* who administers it administers this host, too */
	struct endpoint asked;	/* the address looked for last, as in the event: ... */
	uint8_t asked_family;	/* ... 0: none was */
	bool lacks_asked;	/* ... and what was found */
	struct look_way way;
	bool closed;		/* it could not be entered: none of this is known */
};

/* One that a look has entered, or knows of. */
struct look_netns {
	struct netns netns;
	uint32_t retries2;	/* its tcp_retries2 */
	struct look_network network;
};

/* Reads that of this thread's namespace. Of this many namespaces, at most, a descriptor is kept to ask
 * connection tracking for single connections, if that may forget one sooner than a socket with `sysctl`
 * is probed; `*asked` counts them. */
#define LOOK_NETWORKS_ASKED 128
void look_network__read(struct look_network *n, const struct keepalive_sysctl *sysctl,
			unsigned int *asked);

/* That of one that could not be entered. */
void look_network__refuse(struct look_network *n);

/* May connection tracking here forget a connection before its next probe? */
bool look_network__tracks(const struct look_network *n);

/* ... and one of another namespace, that segments pass here? */
bool look_network__may_be_passed(const struct look_network *n);

/* Is it known which addresses it has? */
bool look_network__knows_local(const struct look_network *n);

/* Does this namespace, the socket's, no longer have its local address? */
bool look_network__lacks_local(struct look_network *n, const struct ho_event *e);

/* A connection with keepalive, by its ends in the form of both families. */
struct look_idle {
	struct endpoint local, peer;
	double asks_after_s, silent_s;	/* as keepalive's timer counts it */
};

/* False: it is none that connection tracking could forget before its next probe (no keepalive, not
 * open, the peer is on this host). `hz` of its kernel. */
bool look_idle__of(const struct ho_event *e, uint32_t hz, struct look_idle *idle);

/* May connection tracking here forget it before its next probe, so that it is to be asked? Its own
 * namespace's (`is_own`), and that of others that forward segments and are this host's: in a namespace
 * that some user made, that user can make up an entry for any connection. That its segments pass there
 * is for look_way__next() to say: whoever administers a container can make one up, too. */
bool look_network__may_forget(const struct look_network *n, const struct look_idle *idle, bool is_own);

enum look_forgets { LOOK_REMEMBERS, LOOK_FORGETS, LOOK_FORGETS_UNKNOWN };

/* Does it? Asks it. Not so where it does not know the connection: it may never have tracked it. Not
 * known where it does not answer, as without CAP_NET_ADMIN. */
enum look_forgets look_network__forgets(const struct look_network *n, const struct look_idle *idle);

/* Connection tracking is asked no more. */
void look_network__end(struct look_network *n);

void look_network__free(struct look_network *n);

#endif
