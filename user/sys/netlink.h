/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to the kernel by netlink(7), about the network namespace that the socket was made in.
 * Without libmnl: Debian has no static one, and the program is to need only glibc. */
#ifndef HALFOPEN_SYS_NETLINK_H
#define HALFOPEN_SYS_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>

/* A socket of the protocol (NETLINK_ROUTE ...), or -errno. */
int netlink__open(int protocol);

/* Takes one answer. */
typedef void (*netlink_fn)(void *context, const struct nlmsghdr *answer);

/* Sends `question`, with NLM_F_DUMP or NLM_F_ACK in its flags, and reads the answers to the end; `fn`
 * may be NULL. Returns 0, -errno of the kernel's answer or of the socket, or -EINTR where what was
 * dumped changed meanwhile, so that some may be missing. */
int netlink__ask(int fd, const struct nlmsghdr *question, netlink_fn fn, void *context);

/* Adds an attribute of `size` bytes to a message in a buffer that has room for it. */
void netlink__add(struct nlmsghdr *message, unsigned int type, const void *value, size_t size);

/* ... with attributes of its own: those added until it is ended. */
struct nlattr *netlink__begin(struct nlmsghdr *message, unsigned int type);
void netlink__end(struct nlmsghdr *message, struct nlattr *nested);

/* The first attribute of this type in `size` bytes of them, and the length of its value; NULL: there
 * is none. */
const void *netlink__find(const void *attributes, size_t size, unsigned int type, size_t *length);

#endif
