/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces by inode, and by cookie where that is known, else by time: an inode is given
 * to another one as soon as it is free, while sockets of the former may still be dying. One ends
 * when nothing holds it, neither a process nor a name nor a socket; that its name is gone ends
 * nothing.
 */
#ifndef HALFOPEN_CORE_NAMESPACES_H
#define HALFOPEN_CORE_NAMESPACES_H

#include "connection/connection.h"
#include "core/namespace.h"
#include "stream/record.h"
#include "table/table.h"

struct core;

/* The one of this cookie (0: not known), or the one that had this inode at `mono_ns`; NULL if
 * nothing is known of it. */
struct namespace_sysctl *namespaces__find(const struct core *core, uint32_t netns,
					  uint32_t net_cookie, uint64_t mono_ns);

/* The one that `e` happened in, as of `at_ns`, if that is known. Without a cookie, who is first
 * heard of in the middle of its life (a `stranger`) is not from a newborn one: it is an orphan of
 * the former owner of the inode, or its beginning was lost. */
struct namespace_sysctl *namespaces__of_event(const struct core *core, const struct ho_event *e,
					      bool stranger, uint64_t at_ns);

/* The same as slots keep it; 0 if there are too many: then the socket's history has to remember the
 * inode. Who is surely not from the one that has the inode, or comes before that is known, gets a
 * place without a name. */
unsigned int namespaces__index(struct core *core, const struct ho_event *e, bool stranger,
			       uint64_t at_ns);

/* The one of a slot's index; NULL for 0. */
const struct namespace_sysctl *namespaces__at(const struct core *core, unsigned int index);

/* Its name for a socket that was first seen at `at_ns`, which keeps it; "" = none. */
const char *namespaces__name(const struct namespace_sysctl *ns, uint64_t at_ns);

/* Where a connection lives, by its slot, which remembers where it was born; NULL: not known. */
const struct namespace_sysctl *namespaces__of_connection(const struct core *core,
							 const struct connection *c);

/* The name that it has for this connection. Who was open before the watch, or was not heard of at
 * first, was there while that had its name. */
const char *namespaces__name_for(const struct namespace_sysctl *ns, const struct connection *c);

/* Where a pass finds the socket, if it is there: its own namespace, or who has that one's inode by
 * now, as then it has ended with its own. NULL: not known. */
const struct namespace_sysctl *namespaces__to_look_in(const struct core *core, const struct slot *s);

/* The same where it is known for good, else NULL: one that was just born may get a name yet. `ns` may
 * be NULL. */
const char *namespaces__settled_name(const struct namespace_sysctl *ns, uint64_t at_ns);

/* RECORD_SYSCTL: one was entered, `*taken`. Are its sysctls others than before, which sockets
 * follow? Then namespaces__settle() ends those that it replaces. Returns 0 or -ENOMEM. */
int namespaces__take(struct core *core, const struct record *r, struct namespace_sysctl **taken,
		     bool *has_changed);
void namespaces__settle(struct core *core, struct namespace_sysctl *ns);

/* RECORD_NETNS_GONE: its name is gone; sockets that it has keep it to their end. */
void namespaces__lose_name(struct core *core, const struct record *r);

/* One that was not entered since `before_ns`, and that no socket of ours lives in, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns);

#endif
