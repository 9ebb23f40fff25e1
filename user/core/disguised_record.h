/* SPDX-License-Identifier: GPL-2.0 */
/* A record as it may leave this process: what it tells of peers is disguised. */
#ifndef HALFOPEN_CORE_DISGUISED_RECORD_H
#define HALFOPEN_CORE_DISGUISED_RECORD_H

#include "disguise.h"
#include "record.h"

/* In place; the same for all that a record tells of peers. */
void disguise__record(const struct disguise *d, struct record *r);

#endif
