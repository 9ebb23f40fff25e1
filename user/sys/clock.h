/* SPDX-License-Identifier: GPL-2.0 */
/* The two clocks. Only sources read them. */
#ifndef HALFOPEN_SYS_CLOCK_H
#define HALFOPEN_SYS_CLOCK_H

#include <stdint.h>

uint64_t clock__mono_ns(void);

/* CLOCK_REALTIME - CLOCK_MONOTONIC, from the tightest of a few readings. */
int64_t clock__realtime_offset_ns(void);

#endif
