// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tcp/timer_wheel.h"
#include "tuning/false_deaths.h"

#define HOURS_A_YEAR 8766.0
#define SECONDS_A_YEAR 31557600.0
/* If none was seen in a time, more than this many are unlikely (5 %). */
#define NONE_SEEN_YET 3.0
/* Standard errors of a count, or of the logarithm of a ratio of two. */
#define ERRORS 2.0
/* Silences of the longer half, for each of the shorter one: nearer to 1, their end is not seen. */
#define ENDLESS 0.97

static double at_most(double count)
{
	return count + NONE_SEEN_YET + ERRORS * sqrt(count);
}

/* ---- silences that ended in an answer ---- */

static struct false_deaths seen(const struct late_answers *m, double to_last_s, double period_s)
{
	struct false_deaths n;
	double cases, sure_cases;

	n.high = late_answers__outlasting(m, to_last_s, period_s, false, &cases);
	n.low = late_answers__outlasting(m, to_last_s, period_s, true, &sure_cases);
	if (sure_cases > 0)
		n.low = fmax(0, n.low - ERRORS * n.low / sqrt(sure_cases));
	/* With none seen: silences that end between two asks are not. */
	n.high = cases > 0 ? n.high / cases * at_most(cases)
			   : NONE_SEEN_YET * fmax(1, late_answers__asked_every_s(m) /
							     fmax(period_s, to_last_s));
	return n;
}

/* ---- peers that were given up ---- */

/* How the lengths of silences that ended in an answer decline: those longer than half of the wait,
 * relative to those shorter. Those longer than all of it continue likewise. */
struct decline {
	double half_s, longer;
	struct false_deaths ratio;
};

static struct decline decline_of(const struct late_answers *m)
{
	double half = m->died_after_s / 2, shorter = late_answers__between(m, 0, half);
	double longer = late_answers__between(m, half, m->died_after_s);
	struct decline d = { .half_s = half, .longer = longer };
	double error = ERRORS * sqrt(1 / fmax(1, longer) + 1 / fmax(1, shorter));

	/* Where none came back, no peer is taken to be merely mute for longer. */
	if (longer + shorter < 1)
		return d;
	d.ratio.low = longer >= 1 && shorter >= 1 ? longer / shorter * exp(-error) : 0;
	d.ratio.high = at_most(longer) / fmax(1, shorter) * (1 + ERRORS / sqrt(fmax(1, shorter)));
	/* A single interval cannot be divided: there is no evidence of how they decline. */
	if (m->died_after_s < 2 * m->died_interval_s) {
		d.ratio.low = 0;
		d.ratio.high = 1;
	}
	return d;
}

/* A geometric series, where they decline as an exponential does; and no more than were given up. */
static double go_on(double longer, double ratio, double died)
{
	return ratio < ENDLESS ? fmin(died, longer * ratio / (1 - ratio)) : died;
}

static struct false_deaths given_up(const struct late_answers *m, double to_last_s, double period_s)
{
	struct decline d = decline_of(m);
	double further = to_last_s / m->died_after_s;
	double met = late_answers__meets_more(m->died_after_s, m->died_period_s, period_s);
	struct false_deaths n = { go_on(d.longer, fmin(d.ratio.low, ENDLESS - 0.01), m->died),
				  go_on(at_most(d.longer), d.ratio.high, m->died) };

	/* The heavier the tail, the more outlast a longer silence: a power of it at most. */
	if (further > 1) {
		n.low *= pow(d.ratio.low, 2 * (further - 1));
		n.high *= fmin(1, pow(further, log2(fmin(d.ratio.high, 1))));
	}
	n.low = fmax(0, n.low - ERRORS * sqrt(n.low));
	return (struct false_deaths){ n.low * met, n.high * met };
}

/* ---- chance ---- */

/* Chance alone may lose all probes of a silence. */
static double by_chance(const struct setting *s, double loss)
{
	return pow(loss, setting__silence_s(s) / s->interval_s) * SECONDS_A_YEAR /
	       setting__period_s(s);
}

double false_deaths__to_last_probe_s(const struct setting *s, unsigned int hz)
{
	return (setting__silence_s(s) / s->interval_s - 1) *
	       timer_wheel__fires_after_s(s->interval_s, hz, 0);
}

struct false_deaths false_deaths__expect(const struct late_answers *m, const struct setting *s,
					 unsigned int hz, double silences_a_year)
{
	double to_last = false_deaths__to_last_probe_s(s, hz), period = setting__period_s(s);
	double years = m->socket_hours / HOURS_A_YEAR;
	struct false_deaths n, beyond = { 0 };

	if (!years)
		return (struct false_deaths){ 0 };
	n = seen(m, to_last, period);
	if (m->died > 0 && m->died_after_s > 0)
		beyond = given_up(m, to_last, period);
	n.low = (n.low + beyond.low) / years;
	n.high = (n.high + beyond.high) / years;
	if (m->probes_sent)
		n.low += by_chance(s, fmax(0, m->probes_lost - ERRORS * sqrt(m->probes_lost)) /
					      m->probes_sent);
	n.high += by_chance(s, late_answers__worst_loss(m));
	n.high = fmax(n.low, fmin(n.high, silences_a_year + NONE_SEEN_YET / years));
	return n;
}
