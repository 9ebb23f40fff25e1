/* SPDX-License-Identifier: GPL-2.0 */
/* Login sessions, whose end may kill the processes in their control group. */
#ifndef HALFOPEN_SYS_SESSION_H
#define HALFOPEN_SYS_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/* Moves this process to the root of the hierarchies by which sessions and services are ended
 * (cgroup2, and on cgroup v1 those with a name), where that is permitted. */
void session__leave(void);

/* The control group of this process in such a hierarchy, with which it may end; "" if it is in the
 * root of all. */
void session__cgroup(char *path, size_t size);

/* Does this process end with a process 1 that is not the host's? */
bool session__is_in_container(void);

#endif
