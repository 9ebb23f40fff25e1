/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's clock of timers: 32 bits that wrap, HZ of them a second. */
#ifndef HALFOPEN_TCP_JIFFIES_H
#define HALFOPEN_TCP_JIFFIES_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t jiffies__to_ns(uint64_t jiffies, uint32_t hz)
{
	return jiffies * (1000000000ULL / hz);
}

static inline bool jiffies__is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
