/* SPDX-License-Identifier: GPL-2.0 */
/* Silences that timelines tell of, and that cannot have been: a damaged or invented file changes
 * estimates, so whoever reads one is told. */
#ifndef HALFOPEN_PIPELINE_IMPOSSIBLE_GAPS_H
#define HALFOPEN_PIPELINE_IMPOSSIBLE_GAPS_H

#include "tuning/life.h"

/* One warning of all of them, with the first; none where there are none. */
void impossible_gaps__warn(const struct lives *l);

#endif
