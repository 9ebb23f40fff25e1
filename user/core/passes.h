/* SPDX-License-Identifier: GPL-2.0 */
/* Passes over all open sockets: a socket missing from two has ended, and its ending was lost. */
#ifndef HALFOPEN_CORE_PASSES_H
#define HALFOPEN_CORE_PASSES_H

#include "stream/record.h"

struct core;

/* RECORD_PRESENT; RECORD_SILENT and RECORD_SILENT_48. */
void passes__take_present(struct core *core, const struct record *r);
void passes__take_silent(struct core *core, const struct record *r);

/* RECORD_SNAPSHOT: the pass has ended. Returns 0 or -ENOMEM. */
int passes__take_end(struct core *core, const struct record *r);

#endif
