/* SPDX-License-Identifier: GPL-2.0 */
/* Passes over every network namespace: its names and sysctls, and its sockets. */
#ifndef HALFOPEN_SOURCE_KERNEL_EVERY_NETNS_H
#define HALFOPEN_SOURCE_KERNEL_EVERY_NETNS_H

#include <stdbool.h>

#include "kernel/snapshot.h"
#include "sys/netns.h"

/* Called in a namespace that the pass has entered, with its sysctls; a negative return ends the
 * pass with it. */
typedef int (*netns_fn)(void *context, const struct netns *ns, const struct keepalive_sysctl *s);

/* A namespace that could not be entered for want of permission; NULL: processes may not be inspected,
 * so that there may be more. */
typedef int (*netns_refused_fn)(void *context, const struct netns *ns);

enum every_netns_what {
	EVERY_KNOWN,	/* connections with a cookie: all that were ever emitted have one */
	EVERY_OPEN,	/* all connections */
	EVERY_OPEN_HELD,	/* the same, right behind a walk over files: nearly all have a cookie */
	EVERY_OPEN_AND_WAITING,	/* and handshakes, as in deferred.h */
};

struct every_netns {
	struct snapshot *snapshot;
	row_fn row;
	soon_fn soon;		/* NULL: not needed */
	netns_fn entered;
	netns_refused_fn refused;	/* NULL: not needed; a negative return ends the pass */
	between_fn between;	/* NULL: not needed */
	bool lean;	/* rows hold at least what struct exposure is made of */
	bool untimed;	/* their times may be exact to a jiffy only */
	void *context;
};

/*
 * Sockets of all namespaces, whichever process holds them, without owners; by one walk over the
 * table of connections where this kernel allows it, else by one over each namespace's (without
 * CAP_SYS_ADMIN, over our own only). A socket may be reported twice. `*complete`: was every
 * namespace entered and read? Returns 0, the error of a callback, or another -errno.
 */
int every_netns__sockets(const struct every_netns *e, enum every_netns_what what, bool *complete);

/* May every_netns__sockets() miss a socket that is open all the while? (snapshot__is_exact()) */
bool every_netns__may_miss(const struct snapshot *snapshot);

/* Reports each namespace (`named`: those with a name) that is wanted and can be entered, and no
 * socket. Returns 0 or -errno. */
int every_netns__enter(bool named, bool (*wanted)(void *context, const struct netns *ns),
		       netns_fn entered, void *context);

#endif
