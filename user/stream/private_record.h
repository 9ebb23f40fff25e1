/* SPDX-License-Identifier: GPL-2.0 */
/* A record as it may leave this process: what it tells of peers is disguised. */
#ifndef HALFOPEN_STREAM_PRIVATE_RECORD_H
#define HALFOPEN_STREAM_PRIVATE_RECORD_H

#include "stream/record.h"
#include "timeline/privacy.h"

/* In place; the same for all that a record tells of peers. */
void privacy__record(const struct privacy *d, struct record *r);

#endif
