/* SPDX-License-Identifier: GPL-2.0 */
/* Where file systems are mounted. */
#ifndef HALFOPEN_SYS_MOUNTS_H
#define HALFOPEN_SYS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first mount of a file system of this type ("cgroup2") in /proc/self/mounts. */
bool mounts__find(const char *type, char *path, size_t size);

/* Directory and device behind `path`, as process `pid` ("1", "self") sees it: "8:1/etc/sysctl.d".
 * Needs no privileges. Returns 0 or -errno. */
int mounts__source(const char *pid, const char *path, char *source, size_t size);

/* A visible path where the network namespace with this inode is bound; false if there is none. */
bool mounts__of_netns(uint32_t inode, char *path, size_t size);

#endif
