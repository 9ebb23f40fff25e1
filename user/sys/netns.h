/* SPDX-License-Identifier: GPL-2.0 */
/* Network namespaces of this host: those of processes and those that `ip netns` named. */
#ifndef HALFOPEN_SYS_NETNS_H
#define HALFOPEN_SYS_NETNS_H

#include <stdbool.h>
#include <stdint.h>

struct netns {
	uint32_t inode;
	char name[64];	/* as `ip netns` knows it, "" if it does not */
	char path[96];	/* opens it */
};

struct netns_list {
	struct netns *all;	/* the first is our own */
	unsigned int count;
};

/* Holds none of them open. Returns 0 or -errno. */
int netns__list(struct netns_list *list);
void netns__free(struct netns_list *list);

/* Enters a namespace with this thread and returns a descriptor of the one it left, for
 * netns__leave; -errno if it is gone or not allowed. */
int netns__enter(const struct netns *ns);
void netns__leave(int back);

struct keepalive_sysctl {
	uint32_t idle_s, interval_s, probes;
};

/* net.ipv4.tcp_keepalive_* of the namespace that this thread is in. */
bool netns__read_keepalive(struct keepalive_sysctl *s);

#endif
