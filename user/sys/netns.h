/* SPDX-License-Identifier: GPL-2.0 */
/* Network namespaces of this host: those of processes and those that `ip netns` named. */
#ifndef HALFOPEN_SYS_NETNS_H
#define HALFOPEN_SYS_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#define NETNS_NAME_SIZE 64
#define NETNS_PATH_SIZE 272

struct netns {
	uint32_t inode;
	uint64_t cookie;	/* netns__cookie(); 0: nobody looked, or there is none */
	char name[NETNS_NAME_SIZE];	/* of `ip netns`; "" = has none */
	char host_name[65];	/* of who lives there, "" = ours or not known: his choice, so it is
				 * shown, and never chooses */
	char path[NETNS_PATH_SIZE];	/* opens it */
};

struct netns_list {
	struct netns *all;	/* the first is our own */
	unsigned int count;
	uint64_t device;	/* whose inodes they are */
	bool unseen;	/* somebody lives where we may not look: there may be more */
};

/* May this be a name of `ip netns` by which a namespace is addressed? 1 to 63 letters, digits, '.',
 * '_' and '-', of which it begins with neither '.' nor '-'; not all digits, which is a process id. */
bool netns__is_name(const char *text);

/* How a command addresses it: its NAME, else inode:N,cookie:N, else a process id or a path. Where
 * it has a name, or a cookie that is known, that holds for no other one. Not quoted for a shell. */
#define NETNS_ADDRESS_SIZE 288
const char *netns__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

/* Our own, and those that have a name. Holds none of them open. Returns 0 or -errno. */
int netns__list_named(struct netns_list *list);

/* All: those, too, that only a process lives in. */
int netns__list(struct netns_list *list);
void netns__free(struct netns_list *list);

/* Of the one that we are in; 0 if it cannot be told. */
uint32_t netns__own_inode(void);

/* Is it one that `ip netns` named? */
bool netns__has_path_of_name(const struct netns *ns);

/* A copy at the end of the list; nothing where memory is short. */
void netns__append(struct netns_list *list, const struct netns *ns);

/* A descriptor that becomes readable when a name of `ip netns` comes or goes; -errno. */
int netns__watch_names(void);

/* True if any came or went since the last call. */
bool netns__names_changed(int watch);

/* Enters a namespace with this thread and returns a descriptor of the one it left, for
 * netns__leave; -errno if it is gone (-ENOENT also if another one, by its inode, or its cookie
 * where that is known, is in its place) or not allowed. */
int netns__enter(const struct netns *ns);
void netns__leave(int back);

/* Opens the one that NAME of `ip netns`, a process id, a path or inode:N,cookie:N addresses, so that
 * it stays; its inode, and its name if it has one, are those of what was opened; so is its cookie
 * where the address has one. Returns a descriptor, -ENOENT if there is none, -EINVAL if that is no
 * address, or is one of something else, -EACCES or -EPERM if we may not look, or another -errno. */
int netns__open(const char *address, struct netns *ns);

/* Enters what netns__open() gave, whose cookie comes along, as netns__enter() does. -ENOENT if it is not
 * the one that has this cookie. */
int netns__enter_opened(int fd, struct netns *ns);

/* The one that has this inode now; -ENOENT if nobody lives there any more; -EACCES if it may be where we
 * may not look. */
int netns__with_inode(uint32_t inode, struct netns *ns);

/* That of process 1: the host's, or a container's that has processes of its own. Returns 0, -ENOENT or
 * -EACCES as above, or -errno. */
int netns__of_host(struct netns *ns);

/* Is this thread in that one? Needs no privileges. */
bool netns__is_of_host(void);

/* Is this thread in the one that the kernel began with? */
bool netns__is_first(void);

/* A number that no other one of this boot ever had, of the one that this thread is in; 0 before
 * Linux 5.14. */
uint64_t netns__cookie(void);

struct keepalive_sysctl {
	int32_t idle_s, interval_s, probes;	/* the kernel takes values below 1, too */
};

/* net.ipv4.tcp_keepalive_* of the namespace that this thread is in. */
bool netns__read_keepalive(struct keepalive_sysctl *s);

#endif
