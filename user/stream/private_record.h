/* SPDX-License-Identifier: GPL-2.0 */
/* A record as it may leave this process: with its peers shortened or replaced by pseudonyms. */
#ifndef HALFOPEN_STREAM_PRIVATE_RECORD_H
#define HALFOPEN_STREAM_PRIVATE_RECORD_H

#include "stream/record.h"
#include "timeline/privacy.h"

/* In place; the same peer is replaced in the same way everywhere in a record. */
void privacy__record(const struct privacy *d, struct record *r);

#endif
