/* SPDX-License-Identifier: GPL-2.0 */
/* Where file systems are mounted. */
#ifndef HALFOPEN_SYS_MOUNTS_H
#define HALFOPEN_SYS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first mount of a file system of this type ("cgroup2"), as /proc/self/mounts has it. */
bool mounts__find(const char *type, char *path, size_t size);

/* Which directory of which device `path` is, as process `pid` ("1", "self") sees it: "8:1/etc/sysctl.d".
 * Needs no privileges. Returns 0 or -errno. */
int mounts__source(const char *pid, const char *path, char *source, size_t size);

/* Where the network namespace with this inode is bound, and in view; false if it is nowhere. */
bool mounts__of_netns(uint32_t inode, char *path, size_t size);

#endif
