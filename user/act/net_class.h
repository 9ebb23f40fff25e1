/* SPDX-License-Identifier: GPL-2.0 */
/* The net_cls and net_prio classes of cgroup v1: a socket takes those of the process that
 * receives a descriptor of it (receive_fd() of the kernel). */
#ifndef HALFOPEN_ACT_NET_CLASS_H
#define HALFOPEN_ACT_NET_CLASS_H

#include <stdbool.h>
#include <stdint.h>

/* Would a socket of this process keep its classes when we take a descriptor of it? True where
 * this host has none, or the process is in our groups of both. The last process's answer is
 * remembered. */
bool net_class__is_ours(uint32_t pid);

#endif
