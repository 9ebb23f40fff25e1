/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Admission of sockets by the filter: records of admitted ones are taken, and passed on as taken,
 * to their end. Of rejected ones only that another owner would make them wanted is kept, and for a
 * while the records of those that cannot be decided yet (withheld.h).
 */
#ifndef HALFOPEN_CORE_ADMISSION_H
#define HALFOPEN_CORE_ADMISSION_H

#include "stream/record.h"
#include "table/table.h"

struct core;

/* RECORD_EVENT: 0 or -ENOMEM. */
int admission__take_event(struct core *core, const struct record *r);

/* The process that holds a known socket: 1 where that is to be passed on as taken, 0 where it is
 * not, or was; -ENOMEM. */
int admission__take_owner(struct core *core, struct slot *s, const struct record_process *by);

/* RECORD_LOSS. */
void admission__take_loss(struct core *core, const struct record *r);

/* Names of namespaces or devices came, or may have come. */
void admission__note_names(struct core *core);

/* Admits sockets that the filter wants by what became known since the last call, and drops those
 * that ended undecided. Returns 0 or -ENOMEM. */
int admission__decide(struct core *core);

#endif
