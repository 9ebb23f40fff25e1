/* SPDX-License-Identifier: GPL-2.0 */
/* How a network namespace is addressed by a command: NAME of `ip netns`, or inode:N,cookie:N. */
#ifndef HALFOPEN_VALUE_NETNS_ADDRESS_H
#define HALFOPEN_VALUE_NETNS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* May this be a NAME? [A-Za-z0-9._-]{1,63}, not all digits (a process id), not beginning with '-'
 * or '.': so it is itself to every shell, terminal and file system. */
bool netns_address__is_name(const char *text);

#define NETNS_ADDRESS_OF_COOKIE_SIZE 48

/* "inode:N,cookie:N": no other namespace of this boot is addressed so. Returns `address`. */
const char *netns_address__of_cookie(uint32_t inode, uint64_t cookie,
				     char address[NETNS_ADDRESS_OF_COOKIE_SIZE]);

/* The same read back; false if it is none. */
bool netns_address__read_cookie(const char *text, uint32_t *inode, uint64_t *cookie);

#endif
