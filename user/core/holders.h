/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which processes hold which sockets. A pass over processes tells all of them, again and again:
 * what is known already changes nothing, and is not recorded.
 */
#ifndef HALFOPEN_CORE_HOLDERS_H
#define HALFOPEN_CORE_HOLDERS_H

#include "stream/record.h"

struct core;

/* RECORD_HOLDER, RECORD_OWNER. Passes on as taken those that were not known. Returns 0 or
 * -ENOMEM. */
int holders__take(struct core *core, const struct record *r);
int holders__take_owner(struct core *core, const struct record *r);

#endif
