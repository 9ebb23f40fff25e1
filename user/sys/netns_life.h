/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Detects the end of a network namespace without keeping it alive: the kernel gives it an id in
 * ours (RTM_NEWNSID, as `ip netns set` does; it has one already where a veth comes from here),
 * which is removed when the namespace ends.
 */
#ifndef HALFOPEN_SYS_NETNS_LIFE_H
#define HALFOPEN_SYS_NETNS_LIFE_H

#include <stdbool.h>

/* The id of the namespace that `fd` has open, or -errno (Linux before 4.20, no CAP_NET_ADMIN). */
int netns_life__begin(int fd);

/* True if it has ended. False, too, where that is not known. */
bool netns_life__is_over(int number);

#endif
