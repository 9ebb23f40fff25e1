/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces by inode, and by cookie where that is known, else by time: an inode is given
 * to another one as soon as it is free, while sockets of the former may still be dying.
 */
#ifndef HALFOPEN_CORE_NAMESPACES_H
#define HALFOPEN_CORE_NAMESPACES_H

#include "core.h"

/* The one of this cookie (0: not known), or the one that had this inode at `mono_ns`; NULL if
 * nothing is known of it. */
struct namespace_sysctl *namespaces__find(const struct core *core, uint32_t netns,
					  uint32_t net_cookie, uint64_t mono_ns);

/* As slots keep it; 0 if it is not known, or there are too many. One whose inode is another's gets
 * a place without a name. */
unsigned int namespaces__index(struct core *core, uint32_t netns, uint32_t net_cookie,
			       uint64_t mono_ns);

/* RECORD_SYSCTL: one was entered. Returns 0 or -ENOMEM. */
int namespaces__take(struct core *core, const struct record *r);

/* RECORD_NETNS_GONE: its sockets keep its name to their end. */
void namespaces__end(struct core *core, const struct record *r);

/* One that was not entered since `before_ns`, and that no socket of ours lives in, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns);

#endif
