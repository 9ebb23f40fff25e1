/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes that keep a mapping on the path alive: one that arrives before the path forgets, though
 * some before it were lost. The path's idle timeout must be known.
 */
#ifndef HALFOPEN_TUNING_HOLD_OPEN_H
#define HALFOPEN_TUNING_HOLD_OPEN_H

#include "tuning/evidence.h"

/* Verizon's guidance for IoT: keepalives not more often than every five minutes. */
#define CARRIERS_FLOOR_S 300.0

/* Room for idle time and the intervals of lost probes, in seconds; less than the timeout's low end,
 * because timers are late. 0 where it is not known. */
double hold_open__room_s(const struct evidence *e);

/* Number of probes in a row that may be lost with this setting. */
uint32_t hold_open__losses(const struct evidence *e, const struct setting *s);

/* Does it keep the path open, with every timer as late as possible? */
bool hold_open__holds(const struct evidence *e, const struct setting *s);

/*
 * Shortens idle time and interval of `s` until the setting holds, with a silence of `floor_s` at
 * least, in whole seconds. False: there is none.
 */
bool hold_open__fit(const struct evidence *e, double floor_s, struct setting *s);

#endif
