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
	uint64_t cookie;	/* netns__cookie(); 0: not read, or there is none */
	char name[NETNS_NAME_SIZE];	/* of `ip netns`; "" = has none */
	char host_name[65];	/* of its processes, "" = ours or not known: chosen by them, so it
				 * is shown, and never used to select */
	char path[NETNS_PATH_SIZE];	/* opens it */
};

struct netns_list {
	struct netns *all;	/* the first is our own */
	unsigned int count;
	uint64_t device;	/* of their inodes */
	bool unseen;	/* some processes could not be inspected: there may be more */
};

/* May this be a name of `ip netns` by which a namespace is addressed? 1 to 63 letters, digits, '.',
 * '_' and '-', of which it begins with neither '.' nor '-'; not all digits, which is a process
 * id. */
bool netns__is_name(const char *text);

/* Its address in commands: its NAME, else inode:N,cookie:N, else a process id or a path. A name, or
 * a known cookie, addresses no other namespace. Not quoted for a shell. */
#define NETNS_ADDRESS_SIZE 288
const char *netns__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

/* Lists our own, and those with a name. Holds none of them open. Returns 0 or -errno. */
int netns__list_named(struct netns_list *list);

/* Lists all, also those without a name in which a process lives. */
int netns__list(struct netns_list *list);
void netns__free(struct netns_list *list);

/* Of our own; 0 if it cannot be determined. */
uint32_t netns__own_inode(void);

/* Was it named by `ip netns`? */
bool netns__has_path_of_name(const struct netns *ns);

/* Appends a copy to the list; nothing where memory is short. */
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

/* Opens the namespace that NAME of `ip netns`, a process id, a path or inode:N,cookie:N addresses,
 * which keeps it alive; inode and name are those of the opened one; so is its cookie where the
 * address has one. Returns a descriptor, -ENOENT if there is none, -EINVAL if that is no address,
 * or the address of something else, -EACCES or -EPERM if we may not look, or another -errno. */
int netns__open(const char *address, struct netns *ns);

/* Has `fd` this namespace open? A path may be another one's by now. */
bool netns__is_opened(int fd, const struct netns *ns);

/* Enters the result of netns__open(), with its cookie, as netns__enter() does. -ENOENT if it has
 * another cookie. */
int netns__enter_opened(int fd, struct netns *ns);

/* The namespace that has this inode now; -ENOENT if it has no process any more; -EACCES if it may
 * be where we may not look. */
int netns__with_inode(uint32_t inode, struct netns *ns);

/* The namespace of process 1: the host's, or a container's that has processes of its own. Returns
 * 0, -ENOENT or -EACCES as above, or -errno. */
int netns__of_host(struct netns *ns);

/* Is it the namespace of this thread? Needs no privileges. */
bool netns__is_of_host(void);

/* Is this thread in the kernel's first network namespace? */
bool netns__is_first(void);

/* Does the network namespace of this thread belong to the user namespace of this process? Any user may
 * make one that does not, and is its administrator. False if that cannot be determined. */
bool netns__has_our_administrator(void);

/* A number, unique in this boot, of the namespace of this thread; 0 before Linux 5.14. */
uint64_t netns__cookie(void);

struct keepalive_sysctl {
	int32_t idle_s, interval_s, probes;	/* the kernel takes values below 1, too */
};

/* net.ipv4.tcp_keepalive_* of the namespace of this thread. */
bool netns__read_keepalive(struct keepalive_sysctl *s);

#endif
