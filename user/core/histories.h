/* SPDX-License-Identifier: GPL-2.0 */
/* State of a socket beyond its slot in the table: allocated and freed with it. */
#ifndef HALFOPEN_CORE_HISTORIES_H
#define HALFOPEN_CORE_HISTORIES_H

#include "connection/connection.h"
#include "table/table.h"

struct core;

/* Its history, a new one if it had none; NULL when memory is short. */
struct connection *histories__of(struct core *core, struct slot *s);
void histories__free(struct connection *c);

/* Removes a socket with all its state. */
void histories__forget(struct core *core, uint64_t cookie);

#endif
