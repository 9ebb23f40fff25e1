/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces by inode, and by cookie where that is known, else by time: an inode is reused
 * as soon as it is free, while sockets of the former namespace may still be dying. A namespace ends
 * when nothing holds it, neither a process nor a name nor a socket; the removal of its name alone
 * does not end it.
 */
#ifndef HALFOPEN_CORE_NAMESPACES_H
#define HALFOPEN_CORE_NAMESPACES_H

#include "connection/connection.h"
#include "core/namespace.h"
#include "stream/record.h"
#include "table/table.h"

struct core;

/* The key that a record has: the inode, the cookie, or only its low half; 0: not known. */
struct namespace_key namespaces__key(uint32_t netns, uint64_t cookie, uint32_t half_cookie);
struct namespace_key namespaces__key_of(const struct ho_event *e);

/* Is it surely another namespace than the key's? */
bool namespaces__is_another(const struct namespace_sysctl *ns, const struct namespace_key *key);

/* The namespace with this cookie, or the one that had this inode at `mono_ns`; NULL if none is
 * known. */
struct namespace_sysctl *namespaces__find(const struct core *core, const struct namespace_key *key,
					  uint64_t mono_ns);

/* The namespace of `e`, as of `at_ns`, if that is known. Without a cookie, a socket whose opening
 * was not seen does not belong to a namespace that was created during the watch: it is an orphan of
 * the inode's former owner, or its opening was lost. */
struct namespace_sysctl *namespaces__of_event(const struct core *core, const struct ho_event *e,
					      bool opening_unseen, uint64_t at_ns);

/* The same as the index that slots keep; 0 if there are too many: then the socket's history has to
 * keep the inode. A socket that certainly does not belong to the present owner of the inode, or
 * that comes before that is known, gets an entry without a name. */
unsigned int namespaces__index(struct core *core, const struct ho_event *e, bool opening_unseen,
			       uint64_t at_ns);

/* The one of a slot's index; NULL for 0. */
const struct namespace_sysctl *namespaces__at(const struct core *core, unsigned int index);

/* Its name for a socket that was first seen at `at_ns`, which keeps it; "" = none. */
const char *namespaces__name(const struct namespace_sysctl *ns, uint64_t at_ns);

/* The namespace of a connection, by its slot, which keeps that of its opening; NULL: not known. */
const struct namespace_sysctl *namespaces__of_connection(const struct core *core,
							 const struct connection *c);

/* Its name for this connection. A socket that was open before the watch, or whose opening was lost,
 * was there while the namespace had its name. */
const char *namespaces__name_for(const struct namespace_sysctl *ns, const struct connection *c);

/* The namespace in which a pass finds the socket, if it is open: its own, or the present one with
 * that inode, as then it has ended with its own. NULL: not known. */
const struct namespace_sysctl *namespaces__to_look_in(const struct core *core,
						      const struct slot *s);

/* The same where it is final, else NULL: a namespace that was just created may get a name yet. `ns`
 * may be NULL. */
const char *namespaces__settled_name(const struct namespace_sysctl *ns, uint64_t at_ns);

/* RECORD_SYSCTL: one was entered, `*taken`. Do its sysctls differ from before, which sockets
 * follow? Then namespaces__settle() ends those that it replaces. Returns 0 or -ENOMEM. */
int namespaces__take(struct core *core, const struct record *r, struct namespace_sysctl **taken,
		     bool *has_changed);
void namespaces__settle(struct core *core, struct namespace_sysctl *ns);

/* RECORD_NETNS_GONE: its name was removed; sockets that have it keep it to their end. */
void namespaces__lose_name(struct core *core, const struct record *r);

/* A namespace that was not entered since `before_ns`, and that has no known socket, has ended. */
void namespaces__forget(struct core *core, uint64_t before_ns);

#endif
