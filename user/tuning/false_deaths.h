/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The number of live peers that other keepalive settings would give up. The length of a silence
 * that ended in an answer is known between bounds. How many of those given up would have come back
 * is not known: it is estimated from the lengths of the silences that did end.
 */
#ifndef HALFOPEN_TUNING_FALSE_DEATHS_H
#define HALFOPEN_TUNING_FALSE_DEATHS_H

#include "tuning/late_answers.h"
#include "tuning/setting.h"

/* For a socket and year: at least what was seen, at most what the watched time does not exclude (95
 * %). */
struct false_deaths {
	double low, high;
};

/* From the first unanswered probe to the last: a peer that answers that one, however late, is not
 * given up. Timers are as late as those of a kernel of this `hz`. */
double false_deaths__to_last_probe_s(const struct setting *s, unsigned int hz);

/* `silences_a_year`: so many of a live socket are long enough for the last probe, whichever peer is
 * mute in them; more often it cannot be given up. */
struct false_deaths false_deaths__expect(const struct late_answers *m, const struct setting *s,
					 unsigned int hz, double silences_a_year);

#endif
