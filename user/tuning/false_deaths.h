/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many live peers other keepalive settings would give up. What came back after a silence is
 * known between bounds; of what was given up it is not known who would have: as many as the lengths
 * of the silences that did come back make likely.
 */
#ifndef HALFOPEN_TUNING_FALSE_DEATHS_H
#define HALFOPEN_TUNING_FALSE_DEATHS_H

#include "tuning/late_answers.h"
#include "tuning/setting.h"

/* A socket and year: at least what was seen, at most what the time watched does not exclude
 * (95 %). */
struct false_deaths {
	double low, high;
};

/* From the first unanswered probe to the last: who answers that one, late as it is, is saved. Timers
 * are as late as those of a kernel of this `hz`. */
double false_deaths__to_last_probe_s(const struct setting *s, unsigned int hz);

/* `silences_a_year`: of a live socket, so many are long enough for the last probe, whoever is mute in
 * them; more it cannot be given up. */
struct false_deaths false_deaths__expect(const struct late_answers *m, const struct setting *s,
					 unsigned int hz, double silences_a_year);

#endif
