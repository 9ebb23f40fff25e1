/* SPDX-License-Identifier: GPL-2.0 */
/* Where segments go from a network namespace: by the route to an address, the link that it leads out
 * by, and the namespace at that link's other end (veth). */
#ifndef HALFOPEN_SYS_NEXT_NETNS_H
#define HALFOPEN_SYS_NEXT_NETNS_H

#include <stdint.h>

#include "value/endpoint.h"

/* All of these ask `fd`, a NETLINK_ROUTE socket made in the namespace (netlink__open()). */

/* The index of the link by which segments from `local` leave for `peer`, in the form of both
 * families; 0: there is no route, or it is not known. */
uint32_t next_netns__link(int fd, const struct endpoint *local, const struct endpoint *peer);

/* The number by which this namespace knows the one at the other end of the link; below 0: the link
 * does not lead to another one. */
int32_t next_netns__number(int fd, uint32_t link);

/* The number by which this namespace knows the one that `netns_fd` has open; below 0: by none. */
int32_t next_netns__number_of(int fd, int netns_fd);

#endif
