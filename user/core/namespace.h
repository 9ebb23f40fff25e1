/* SPDX-License-Identifier: GPL-2.0 */
/* One network namespace, as passes over the host report it. */
#ifndef HALFOPEN_CORE_NAMESPACE_H
#define HALFOPEN_CORE_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

/* netns 0: the place is free. */
struct namespace_sysctl {
	uint64_t gone_ns;	/* since then another one may have its inode; 0: none has */
	uint64_t unnamed_ns;	/* since then it has no name any more; 0: it has */
	uint32_t netns, idle_s, interval_s, probes;
	uint32_t net_cookie; /* as in events: the low half, unique in this boot; 0: not known */
	uint64_t cookie;	/* all of it; 0: not known */
	bool awaited;	/* not entered yet: its names are not known */
	bool created_during_watch;	/* missing from an earlier pass: so its sockets are
					 * younger than the watch */
	char name[65];	/* of `ip netns`, "" = has none */
	char host_name[65];	/* of its processes, "" = not known */
	uint64_t read_ns, read_before_ns;	/* when passes last entered it; 0: never */
};

#endif
