/* SPDX-License-Identifier: GPL-2.0 */
/* Devices that are here again on another connection: who suspects it (supersession.h), who knows
 * it (identities.h), and what follows from that for the old one. */
#ifndef HALFOPEN_CORE_RECONNECTS_H
#define HALFOPEN_CORE_RECONNECTS_H

#include "devices/arrivals.h"
#include "stream/record.h"
#include "table/table.h"

struct core;

/* Both ends of the comparison are named, and differently; `context` is the core. */
bool reconnects__is_another_device(void *context, const struct arrival *by, uint16_t old_port);

/* A new socket: remembers a passive open; true if its peer has a device name. */
bool reconnects__notice_newcomer(struct core *core, struct slot *s, const struct ho_event *e);

/* Was it reset by a peer whose SYN had come from its address and port: by one that had forgotten
 * it, and dials again? */
bool reconnects__has_redialed(const struct connection *c);

/* RECORD_IDENTITY. Returns 0 or -ENOMEM. */
int reconnects__take_identity(struct core *core, const struct record *r);

/* Judges arrivals since the last call: which sockets may they supersede? */
void reconnects__judge_arrivals(struct core *core);

/* As of `mono_ns` an ask that was made since its device came back, as the operator says, stays
 * unanswered: it is half-open. Or it was heard after all, and is not. `heard_ns`: the last sign of
 * life cannot have been later. */
void reconnects__find_superseded(struct core *core, struct connection *c, uint64_t heard_ns,
			       uint64_t mono_ns);

/* Its program closed it, without an acknowledgement. */
void reconnects__note_closing(struct core *core, uint64_t cookie);

/* Of the connections noted since the last call: which did their programs close because the device
 * is back? (A broker ends a client's session when its next one begins.) All at once, as each
 * judgement walks over the table. */
void reconnects__judge_closings(struct core *core);

/* Which of the connections that have ended, the first `count` of them, were superseded. */
void reconnects__judge_ended(struct core *core, unsigned int count);

#endif
