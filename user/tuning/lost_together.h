/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that were lost at one time. An outage ends at once whom it meets, however long each
 * had been open; a timer spares who began later. So an outage is one event, whomever it met: a
 * fleet that connected together and was lost together is no witness of a timer.
 */
#ifndef HALFOPEN_TUNING_LOST_TOGETHER_H
#define HALFOPEN_TUNING_LOST_TOGETHER_H

#include "tuning/path_witness.h"

struct lost_together {
	double *began, *heard;	/* of all, each sorted; seconds since 1970 */
	double *lost;		/* when the lost were heard last, sorted */
	size_t count, lost_count;
};

/* False when memory is short. */
bool lost_together__gather(struct lost_together *l, const struct path_witness *all, size_t count);
void lost_together__free(struct lost_together *l);

/*
 * Of one who was heard last at that time and found lost `lost_s` later: how many of those who were
 * there then are heard after that, for each of these and of those who were lost within the same
 * span before or after. From 0 (nobody is) to 1; those who began in between count as nobody. 1,
 * too, where it is not known when that was (0).
 */
double lost_together__spared(const struct lost_together *l, double heard_at, double lost_s);

#endif
