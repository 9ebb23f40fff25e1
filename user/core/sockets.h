/* SPDX-License-Identifier: GPL-2.0 */
/* Each socket from its first event to its end. */
#ifndef HALFOPEN_CORE_SOCKETS_H
#define HALFOPEN_CORE_SOCKETS_H

#include "core.h"
#include "table.h"

/* RECORD_EVENT, RECORD_OWNER: 0 or -ENOMEM. */
int sockets__take_event(struct core *core, const struct record *r);
int sockets__take_owner(struct core *core, const struct record *r);

/* RECORD_LOSS. */
void sockets__take_loss(struct core *core, const struct record *r);

/* Lets in whom the filter wants by what became known since the last call, and forgets who ended
 * undecided. Returns 0 or -ENOMEM. */
int sockets__decide(struct core *core);

/* Its history, a new one if it had none; NULL when memory is short. */
struct connection *sockets__history(struct core *core, struct slot *s);
void sockets__free_history(struct connection *c);

void sockets__forget(struct core *core, uint64_t cookie);

/* It has ended, and waits for its last events. */
void sockets__end(struct core *core, struct connection *c);

/* Tells of those that ended up to this time, and forgets them. */
void sockets__tell_ended(struct core *core, uint64_t until_ns);

#endif
