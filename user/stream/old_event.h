/* SPDX-License-Identifier: GPL-2.0 */
/* Events as recordings of formats 1 to 4 have them. */
#ifndef HALFOPEN_STREAM_OLD_EVENT_H
#define HALFOPEN_STREAM_OLD_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

/* Makes an event of today of one in a RECORD_EVENT_3, small or full: what was not told is 0. False
 * if no format had one of this size. */
bool old_event__take(struct ho_event *e, bool *small, const void *data, size_t size);

#endif
