/* SPDX-License-Identifier: GPL-2.0 */
/* One network namespace, as passes over the host report it. */
#ifndef HALFOPEN_CORE_NAMESPACE_H
#define HALFOPEN_CORE_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

/* The namespace of a record. */
struct namespace_key {
	uint64_t cookie;	/* 0: not known */
	uint32_t netns;		/* its inode, which another one may have had before */
	bool is_half;		/* of the cookie only the low half is known (an old recording) */
};

/* netns 0: the place is free. */
struct namespace_sysctl {
	uint64_t gone_ns;	/* since then another one may have its inode; 0: none has */
	uint64_t unnamed_ns;	/* since then it has no name any more; 0: it has */
	uint32_t netns, idle_s, interval_s, probes;
	uint64_t cookie;	/* 0: not known */
	bool is_half;	/* as above */
	bool awaited;	/* not entered yet: its names are not known */
	bool created_during_watch;	/* missing from an earlier pass: so its sockets are
					 * younger than the watch */
	char name[65];	/* of `ip netns`, "" = has none */
	char host_name[65];	/* of its processes, "" = not known */
	uint64_t read_ns, read_before_ns;	/* when passes last entered it; 0: never */
};

/* To be told: 0 where not all of it is known. `ns` may be NULL. */
static inline uint64_t namespace__cookie(const struct namespace_sysctl *ns)
{
	return ns && !ns->is_half ? ns->cookie : 0;
}

#endif
