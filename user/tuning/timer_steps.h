/* SPDX-License-Identifier: GPL-2.0 */
/* More than one idle timeout in a group: steps are added one by one, as long as each makes the
 * observations sufficiently likelier. */
#ifndef HALFOPEN_TUNING_TIMER_STEPS_H
#define HALFOPEN_TUNING_TIMER_STEPS_H

#include "tuning/timer_profile.h"

/* From the estimate of one: sets the steps, and with several the estimate and interval of the
 * first. Takes the profile's chances for its own. False when memory is short. */
bool timer_steps__find(struct timer_profile *p, const struct path_data *d, struct idle_timeout *t);

#endif
