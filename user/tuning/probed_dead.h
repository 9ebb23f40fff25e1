/* SPDX-License-Identifier: GPL-2.0 */
/* How many of the sockets that are open now are dead, by the answers to an earlier `halfopen probe`. */
#ifndef HALFOPEN_TUNING_PROBED_DEAD_H
#define HALFOPEN_TUNING_PROBED_DEAD_H

#include "exposure/counts.h"
#include "timeline/socket_now.h"

/* The estimate and its limits of 95 % (sampled_count.h), for the drawn and those that might have been
 * drawn; but for its share. All INFINITY: there are none of these. */
struct sockets_dead probed_dead__of(const struct probed_counts *c);

/* The part of these in the estimate for `all`: their own estimate or, where none of them was asked, at
 * the rate of all that were. INFINITY: nothing is known. */
double probed_dead__share(const struct probed_counts *c, const struct probed_counts *all);

#endif
