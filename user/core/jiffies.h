/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's clock of timers: 32 bits that wrap, HZ of them a second. */
#ifndef HALFOPEN_CORE_JIFFIES_H
#define HALFOPEN_CORE_JIFFIES_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

static inline uint64_t jiffies__to_ns(uint64_t jiffies, uint32_t hz)
{
	return jiffies * (1000000000ULL / hz);
}

static inline bool jiffies__is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* How old a stamp is that is known to be at least so old: its 32 bits tell the rest. */
static inline uint64_t jiffies__age(uint32_t now, uint32_t stamp, uint64_t at_least)
{
	uint64_t age = (uint32_t)(now - stamp);

	if (age < at_least)
		age += (((at_least - age - 1) >> 32) + 1) << 32;
	return age;
}

/*
 * For how long the kernel has not heard the peer, in jiffies: since the last acceptable ACK or the
 * last data. Neither is later than tcp_mstamp, which is 64 bits wide and refreshed by every
 * segment, either way; it is allowed to be later than them by ten seconds, as the clocks are not
 * read at once.
 */
static inline uint64_t jiffies__unheard(const struct ho_event *e, uint32_t hz)
{
	uint64_t quiet_s = e->last_tx_ns && e->mono_ns > e->last_tx_ns
				   ? (e->mono_ns - e->last_tx_ns) / 1000000000 : 0;
	uint64_t at_least = quiet_s > 10 ? (quiet_s - 10) * hz : 0;
	uint64_t acked = jiffies__age(e->jiffies, e->rcv_tstamp_jiffies, at_least);
	uint64_t data = jiffies__age(e->jiffies, e->lrcvtime_jiffies, at_least);

	return acked < data ? acked : data;
}

#endif
