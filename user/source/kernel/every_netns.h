/* SPDX-License-Identifier: GPL-2.0 */
/* Passes over every network namespace: what it is called and set to, and the sockets in it. */
#ifndef HALFOPEN_SOURCE_KERNEL_EVERY_NETNS_H
#define HALFOPEN_SOURCE_KERNEL_EVERY_NETNS_H

#include <stdbool.h>

#include "kernel/snapshot.h"
#include "sys/netns.h"

/* A namespace that the pass has entered, and the sysctls it read there; a negative return ends the
 * pass with it. */
typedef int (*netns_fn)(void *context, const struct netns *ns, const struct keepalive_sysctl *s);

enum every_netns_what {
	EVERY_KNOWN,	/* connections that have a cookie: whoever was ever told of has one */
	EVERY_OPEN,	/* all connections */
	EVERY_OPEN_HELD,	/* the same, right behind a walk over files: nearly all have a cookie */
	EVERY_OPEN_AND_WAITING,	/* and what deferred.h tells of */
};

struct every_netns {
	struct snapshot *snapshot;
	row_fn row;
	netns_fn entered;
	between_fn between;	/* NULL: nobody needs it */
	bool lean;	/* rows hold at least what struct exposure is made of */
	void *context;
};

/*
 * Sockets of all namespaces, whoever holds them, without owners; by one walk over the table of
 * connections where this kernel allows it, and by one over each namespace's where that does not do
 * (without CAP_SYS_ADMIN, over our own namespace's alone). Some may be told twice. `*complete`
 * tells whether every namespace was entered and read. Returns 0, what a callback ended it with, or
 * another -errno.
 */
int every_netns__sockets(const struct every_netns *e, enum every_netns_what what, bool *complete);

/* May every_netns__sockets() miss a socket that is there all the while? (snapshot__is_exact()) */
bool every_netns__may_miss(const struct snapshot *snapshot);

/* Tells of each namespace (`named`: of those that have a name) that is wanted and can be entered,
 * and of no socket. Returns 0 or -errno. */
int every_netns__enter(bool named, bool (*wanted)(void *context, const struct netns *ns),
		       netns_fn entered, void *context);

#endif
