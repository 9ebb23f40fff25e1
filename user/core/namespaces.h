/* SPDX-License-Identifier: GPL-2.0 */
/* Network namespaces by inode and time: an inode is given to another one as soon as it is free. */
#ifndef HALFOPEN_CORE_NAMESPACES_H
#define HALFOPEN_CORE_NAMESPACES_H

#include "core.h"

/* The one that had this inode at `mono_ns`; NULL if nothing is known of it. */
struct namespace_sysctl *namespaces__find(const struct core *core, uint32_t netns,
					  uint64_t mono_ns);

/* As slots keep it; 0 if it is not known, or there are too many. */
unsigned int namespaces__index(const struct core *core, uint32_t netns, uint64_t mono_ns);

/* RECORD_SYSCTL: one was entered. Returns 0 or -ENOMEM. */
int namespaces__take(struct core *core, const struct record *r);

/* RECORD_NETNS_GONE: its sockets keep its name to their end. */
void namespaces__end(struct core *core, const struct record *r);

/* One that was not entered since `before_ns`, and that no socket of ours lives in, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns);

#endif
