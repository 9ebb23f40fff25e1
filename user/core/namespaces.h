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

/* The one that `e` happened in, as of `at_ns`, if that is known. Without a cookie, who is first
 * heard of in the middle of its life (a `stranger`) is not from a newborn one: it is an orphan of
 * the former owner of the inode, or its beginning was lost. */
struct namespace_sysctl *namespaces__of_event(const struct core *core, const struct ho_event *e,
					      bool stranger, uint64_t at_ns);

/* The same as slots keep it; 0 if it is not known yet, or there are too many. Who is surely not
 * from the one that has the inode gets a place without a name. */
unsigned int namespaces__index(struct core *core, const struct ho_event *e, bool stranger,
			       uint64_t at_ns);

/* Its name where that is known for good ("": it has none), else NULL: one that was just born may
 * get a name yet. `ns` may be NULL. */
const char *namespaces__settled_name(const struct namespace_sysctl *ns);

/* RECORD_SYSCTL: one was entered. Returns 0 or -ENOMEM. */
int namespaces__take(struct core *core, const struct record *r);

/* RECORD_NETNS_GONE: its sockets keep its name to their end. */
void namespaces__end(struct core *core, const struct record *r);

/* One that was not entered since `before_ns`, and that no socket of ours lives in, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns);

#endif
