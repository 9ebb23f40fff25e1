/* SPDX-License-Identifier: GPL-2.0 */
/* The file of sysctl.d(5) that keeps applied values over a reboot. It is ours alone: a file that
 * somebody else wrote, or edited, is neither replaced nor removed. */
#ifndef HALFOPEN_ACT_PERSISTENT_H
#define HALFOPEN_ACT_PERSISTENT_H

#include "sys/tunables.h"

#define PERSISTENT_FILE "/etc/sysctl.d/90-halfopen.conf"

/* Reads it into `v`, which stays empty where there is no file. `root` stands before its path.
 * Returns 0, -EEXIST if we did not write it, or -errno. */
int persistent__read(const char *root, struct tunable_values *v);

/* Replaces the file atomically by one that says `to`, if it says `one` or `other` or does not
 * exist; removes it if `to` is empty. Returns 0, -EEXIST if somebody else wrote or changed it, or
 * -errno. */
int persistent__replace(const char *root, const struct tunable_values *one,
			const struct tunable_values *other, const struct tunable_values *to);

/* Does sysctl.d, as this process sees it, belong to the namespace of this thread? It is applied to
 * the namespace of process 1; `ip netns exec` and nsenter(1) leave it in view. Returns 0, -EXDEV if
 * it belongs to another namespace, -EREMOTE in a container that shares the host's namespace, or
 * -errno if that cannot be determined. */
int persistent__belongs_here(void);

/* Why one of these failed. */
const char *persistent__reason(int err);

#endif
