/* SPDX-License-Identifier: GPL-2.0 */
/* The address of a network namespace in commands: NAME of `ip netns`, or inode:N,cookie:N. */
#ifndef HALFOPEN_VALUE_NETNS_ADDRESS_H
#define HALFOPEN_VALUE_NETNS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* May this be a NAME? [A-Za-z0-9._-]{1,63}, not all digits (a process id), not beginning with '-'
 * or '.': so no shell, terminal or file system needs it quoted. */
bool netns_address__is_name(const char *text);

#define NETNS_ADDRESS_OF_COOKIE_SIZE 48

/* "inode:N,cookie:N": unique in this boot. Returns `address`. */
const char *netns_address__of_cookie(uint32_t inode, uint64_t cookie,
				     char address[NETNS_ADDRESS_OF_COOKIE_SIZE]);

/* The same read back; false if it is none. */
bool netns_address__read_cookie(const char *text, uint32_t *inode, uint64_t *cookie);

#endif
