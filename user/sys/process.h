/* SPDX-License-Identifier: GPL-2.0 */
/* The processes; each one's cgroup and, if that is a container's, the container's id. */
#ifndef HALFOPEN_SYS_PROCESS_H
#define HALFOPEN_SYS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process_place {
	char cgroup[1024];	/* path within its hierarchy; "" = not known, or the root */
	char container_id[65];	/* 64 hexadecimal digits of the cgroup's path, or "" */
};

/* Reads /proc/PID/cgroup: the unified hierarchy, or on cgroup v1 systemd's, or the first that is
 * not the root. A process that is gone, or whose id another program (not `comm`) has by now, has no
 * place. */
void process__find_place(uint32_t pid, const char *comm, struct process_place *place);

/* Calls `visit` for each process of /proc, until it returns true; `comm` as sockets' owners have it.
 * Returns whether it did. */
bool process__any(bool (*visit)(void *context, uint32_t pid, const char *comm), void *context);

#endif
