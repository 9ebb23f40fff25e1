/* SPDX-License-Identifier: GPL-2.0 */
/* The file of sysctl.d(5) that keeps what was applied over a reboot. It is ours alone: one that
 * somebody else wrote, or edited, is neither replaced nor removed. */
#ifndef HALFOPEN_ACT_PERSISTENT_H
#define HALFOPEN_ACT_PERSISTENT_H

#include "sys/tunables.h"

#define PERSISTENT_FILE "/etc/sysctl.d/90-halfopen.conf"

/* Into `v`, of which nothing is set where there is no file. `root` stands before its path. Returns
 * 0, -EEXIST if it is none that we write, or -errno. */
int persistent__read(const char *root, struct tunable_values *v);

/* Replaces it at once or not at all, where it says `one` or `other` or is not there, by one that says
 * `to`; where that is nothing, it is removed. Returns 0, -EEXIST if somebody else wrote it or changed it
 * since, or -errno. */
int persistent__replace(const char *root, const struct tunable_values *one,
			const struct tunable_values *other, const struct tunable_values *to);

/* Is sysctl.d, as this process sees it, that of the namespace that this thread is in? It is read into the
 * namespace of process 1; `ip netns exec` and nsenter(1) leave it in view. Returns 0, -EXDEV if it is
 * another one's, -EREMOTE in a container that shares the host's namespace, or -errno if that cannot be
 * seen. */
int persistent__belongs_here(void);

/* Why one of these failed. */
const char *persistent__reason(int err);

#endif
