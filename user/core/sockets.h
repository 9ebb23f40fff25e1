/* SPDX-License-Identifier: GPL-2.0 */
/* Each socket from its first event to its end. */
#ifndef HALFOPEN_CORE_SOCKETS_H
#define HALFOPEN_CORE_SOCKETS_H

#include "stream/record.h"
#include "table/table.h"

struct core;
struct namespace_sysctl;

/* RECORD_EVENT of a socket that was let in: 0 or -ENOMEM. */
int sockets__take_fact(struct core *core, const struct ho_event *e);

/* The process that holds a known socket: 0 or -ENOMEM. */
int sockets__take_owner(struct core *core, struct slot *s, const struct record_process *by);

/* The sysctls of their namespace changed: sockets that follow them change, too. */
void sockets__follow_sysctl(struct core *core, const struct namespace_sysctl *ns,
			    uint64_t mono_ns);

/* RECORD_LOSS. */
void sockets__take_loss(struct core *core, const struct record *r);

/* It had this event; its first one, if it was `added` to the table. */
void sockets__touch(struct core *core, struct slot *s, const struct ho_event *e, bool added);

/* Is this the next connection of its socket? Then the former one is complete, emitted and removed
 * (false: memory is short). */
bool sockets__is_connected_again(const struct core *core, const struct slot *s,
				 const struct ho_event *e);
bool sockets__end_former(struct core *core, struct slot *s, uint64_t mono_ns);

/* Is it the first event of a socket? Does it follow an ending that may have been emitted, whose
 * socket was removed? */
bool sockets__begins(const struct ho_event *e);
bool sockets__is_aftermath(const struct ho_event *e);
/* The socket is destroyed: drops the number of its connection. */
void sockets__forget_connections(struct core *core, const struct ho_event *e);

/* It has ended, and waits for its last events. */
void sockets__end(struct core *core, struct connection *c);

/* Emits those that ended up to this time, and removes them. */
void sockets__emit_ended(struct core *core, uint64_t until_ns);

#endif
