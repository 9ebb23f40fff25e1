/* SPDX-License-Identifier: GPL-2.0 */
/* Lateness of the kernel's timers: the longer one is, the coarser the level of the wheel that holds
 * it (calc_wheel_index() and calc_index() in kernel/time/timer.c). */
#ifndef HALFOPEN_TCP_TIMER_WHEEL_H
#define HALFOPEN_TCP_TIMER_WHEEL_H

#include <stdint.h>

/* How late, in jiffies, a timer of `delta` jiffies may fire: the granule of its level, and one
 * jiffy for the tick. */
uint64_t timer_wheel__lateness_jiffies(uint64_t delta);

/* The time after which a timer of `s` seconds fires. `chance` in [0, 1): where within a granule it
 * was armed. */
double timer_wheel__fires_after_s(double s, unsigned int hz, double chance);

/* The time after which a timer fires that expires `s` after the end of a granule, if its granule is
 * that of timers of `of_s`. */
double timer_wheel__late_by_granule_s(double s, unsigned int hz, double of_s);

/* The same for one that is armed when a timer of `fired_s` fires: that is the end of a granule, so
 * where the latter's is no finer, nothing is left to `chance`. */
double timer_wheel__fires_after_firing_s(double s, unsigned int hz, double fired_s, double chance);

/* The n-th of fractions that visit [0, 1) evenly, however many there are (Weyl); several
 * independent sequences take an irrational number each. */
double timer_wheel__chance(unsigned int n, double irrational);

#endif
