/* SPDX-License-Identifier: GPL-2.0 */
/* Where file systems are mounted. */
#ifndef HALFOPEN_SYS_MOUNTS_H
#define HALFOPEN_SYS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

/* The first mount of a file system of this type ("cgroup2"), as /proc/self/mounts has it. */
bool mounts__find(const char *type, char *path, size_t size);

#endif
