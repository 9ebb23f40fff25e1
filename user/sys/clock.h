/* SPDX-License-Identifier: GPL-2.0 */
/* The clocks, as the kernel has them in its events: of the host, also where this process is in a
 * time namespace with clocks of its own (time_namespaces(7)), as that of a restored container may
 * be. */
#ifndef HALFOPEN_SYS_CLOCK_H
#define HALFOPEN_SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t clock__mono_ns(void);

/* It continues while the host sleeps. */
uint64_t clock__boottime_ns(void);

/* Time that this process has spent on processors so far. */
uint64_t clock__own_cpu_ns(void);

/* Ticks of the kernel's jiffies a second (CONFIG_HZ), as the resolution of its coarse clock has
 * it. */
unsigned int clock__hz(void);

/* CLOCK_REALTIME - CLOCK_MONOTONIC, from the tightest of a few readings. */
int64_t clock__realtime_offset_ns(void);

/* A descriptor that becomes readable when CLOCK_REALTIME is set; -errno. The caller closes it. */
int clock__watch_steps(void);

/* Was the clock set since the last call? */
bool clock__was_set(int fd);

/* Does a time daemon (or the hypervisor) keep the wall clock synchronised, according to the
 * kernel? */
bool clock__is_synchronised(void);

/* Time that this host slept since it booted: CLOCK_MONOTONIC and jiffies stand still meanwhile. */
uint64_t clock__suspended_ns(void);

#endif
