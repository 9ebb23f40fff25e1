/* SPDX-License-Identifier: GPL-2.0 */
/* Timers that show themselves, without a model: of a middlebox that sends an RST when its timer
 * runs out, and of one that does not count empty segments. */
#ifndef HALFOPEN_TUNING_KNOWN_TIMERS_H
#define HALFOPEN_TUNING_KNOWN_TIMERS_H

#include "tuning/idle_timeout.h"

/* Unasked resets, of many devices, all after the same silence that none outlived: sets the estimate
 * and true. `*short_of_memory` is set where memory is short. */
bool known_timers__of_resets(const struct path_witness *all, size_t count, struct idle_timeout *t,
			     bool *short_of_memory);

/* Connections that answered our probes at a steady pace were all lost the same time after they
 * began: sets the bounds and the reason, and true. */
bool known_timers__of_data_only(const struct path_witness *all, size_t count,
				struct idle_timeout *t, bool *short_of_memory);

#endif
