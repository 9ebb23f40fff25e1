// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/late_answers.h"
#include "value/quantile.h"

/* No peer is given up after a shorter silence, whatever was seen: a radio may take this long to
 * wake. */
#define SILENCE_MIN_S 3.0
/* How much longer than the longest that came back a silence must be. */
#define SILENCE_MARGIN 1.25
/* One socket in so many may be an exception, which sets no values. */
#define EXCEPTION_AMONG 100
/* Fewer sockets have no exceptions: each is a tenth of them, or more. */
#define EXCEPTIONS_FROM 10
/* Kernel timers are late by an eighth at most, and a tick or two. */
#define TIMER_LATENESS 1.125
#define TIMER_TICKS_S 0.1
/* Prior of the loss, before probes were sent: as if one of so many had been lost. */
#define LOSS_ASSUMED 0.01
#define LOSS_ASSUMED_OF 100.0
/* More in a row are no chance, but an outage. */
#define IN_A_ROW_MAX 20
#define YEAR_S 31557600.0
#define TURNBULL_ROUNDS 100

/* ---- one episode ---- */

/* Probes are an interval apart, so between the first one and the next that was due, without an
 * answer, there are so many of them. */
static struct late_answer of_probes(double length_s, uint32_t asks, double interval_s, bool trusted)
{
	double longest = asks * interval_s * TIMER_LATENESS + TIMER_TICKS_S;
	double spacing = interval_s;

	if (!trusted && interval_s > 0 && (length_s > longest || length_s < 0))
		length_s = longest;
	if (asks < 2)
		return (struct late_answer){ .low_s = length_s, .high_s = length_s };
	if (!interval_s || length_s < (asks - 1) * interval_s)	/* another interval then */
		spacing = length_s / asks;
	return (struct late_answer){ .low_s = (asks - 2) * spacing, .high_s = length_s };
}

struct late_answer late_answers__of_episode(const char *kind, double length_s, uint32_t asks,
				   double interval_s, bool trusted)
{
	if (!strcmp(kind, "keepalive"))
		return of_probes(length_s, asks, interval_s, trusted);
	length_s = fmax(0, length_s);
	if (asks < 2)
		return (struct late_answer){ .low_s = length_s, .high_s = length_s };
	/* Each wait is twice the one before: the last but one ask was no earlier than this. */
	return (struct late_answer){ .low_s = length_s / 4, .high_s = length_s };
}

/* ---- all histories ---- */

static int by_low(const void *a, const void *b)
{
	const struct late_answer *x = a, *y = b;

	if (x->low_s != y->low_s)
		return x->low_s < y->low_s ? -1 : 1;
	return x->high_s < y->high_s ? -1 : x->high_s > y->high_s;
}

static double longest_of(const struct life *life)
{
	double longest = life->slowest_answer_s;
	unsigned int i;

	for (i = 0; i < life->late_answer_count; i++)
		longest = fmax(longest, life->late_answers[i].low_s);
	return longest;
}

static size_t exceptions_among(size_t sockets)
{
	size_t share = sockets / EXCEPTION_AMONG;

	return sockets < EXCEPTIONS_FROM ? 0 : share ? share : 1;
}

static void find_longest(struct late_answers *m, double *longest, size_t sockets)
{
	size_t kept, i;

	quantile__sort(longest, sockets);
	kept = sockets - exceptions_among(sockets);
	m->longest_s = kept ? longest[kept - 1] : 0;
	for (i = kept; i < sockets; i++)
		m->outliers += longest[i] > late_answers__floor_s(m);
	if (m->outliers)
		m->outliers_s = longest[sockets - 1];
	else if (sockets)	/* hardly longer: no exception */
		m->longest_s = longest[sockets - 1];
}

/* Of those whose silences are no exceptions. */
static double longest_at_most(struct life *const *lives, size_t count, double longest_s)
{
	double at_most = longest_s;
	unsigned int k;
	size_t i;

	for (i = 0; i < count; i++)
		for (k = 0; longest_of(lives[i]) <= longest_s && k < lives[i]->late_answer_count; k++)
			at_most = fmax(at_most, lives[i]->late_answers[k].high_s);
	return at_most;
}

static void count_probes(struct late_answers *m, const struct life *life)
{
	double dead = life->found_by != FOUND_BY_NOTHING ? life->probes : 0;

	double asked = 0;
	unsigned int i;

	m->probes_lost += life->probes_lost;
	m->probes_sent += fmax(life->probes_lost, life->probes_sent - dead);
	m->socket_hours += fmax(0, life->ended_s - life->seen_s) / 3600;
	for (i = 0; i < life->gap_count; i++)
		asked += life->gaps[i].ended_by_us ? life->gaps[i].count : 0;
	/* Gaps shorter than watch's --idle-gap are not reported. */
	m->asked += fmax(asked, life->probes_sent - dead - life->probes_lost);
}

static void add_mutes(struct late_answers *m, const struct life *life)
{
	unsigned int i;

	for (i = 0; i < life->late_answer_count; i++) {
		m->all[m->count] = life->late_answers[i];
		m->all[m->count++].period_s = fmax(1, fmax(life->idle_s, life->interval_s));
	}
}

/* ---- their lengths ---- */

static unsigned int bin_of(double s)
{
	return fmax(0, fmin(log(fmax(s, MUTE_SHORTEST_S) / MUTE_SHORTEST_S) / MUTE_BIN,
			    MUTE_BINS - 1));
}

static double middle_of_bin(unsigned int bin)
{
	return MUTE_SHORTEST_S * exp((bin + 0.5) * MUTE_BIN);
}

/* The distribution of lengths that lie between bounds (Turnbull 1976): each goes to the bins that
 * its bounds allow, in the proportion that all the others give them. */
static void improve(const struct late_answers *m, double *share)
{
	double sum[MUTE_BINS + 1] = { 0 }, votes[MUTE_BINS + 1] = { 0 }, all = 0;
	unsigned int b;
	size_t i;

	for (b = 0; b < MUTE_BINS; b++)
		sum[b + 1] = sum[b] + share[b];
	for (i = 0; i < m->count; i++) {
		unsigned int from = bin_of(m->all[i].low_s), to = bin_of(m->all[i].high_s) + 1;
		double mass = sum[to] - sum[from];

		if (mass <= 0)
			continue;
		votes[from] += 1 / mass;
		votes[to] -= 1 / mass;
	}
	for (b = 0; b < MUTE_BINS; b++) {
		all += votes[b];
		share[b] *= all / m->count;
	}
}

/* Peers that were given up, and the wait then. */
static void count_died(struct late_answers *m, struct life *const *lives, size_t count,
		       double *waited)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		const struct life *life = lives[i];
		double silence = life->ended_s - life->heard_s - life->lost_within_s;

		if (!life->lost || (life->found_by != FOUND_BY_KEEPALIVE &&
				    life->found_by != FOUND_BY_USER_TIMEOUT))
			continue;
		waited[n++] = fmax(0, silence - life->interval_s);
		m->died_interval_s += life->interval_s;
		m->died_period_s += fmax(1, fmax(life->idle_s, life->interval_s));
	}
	if (!n)
		return;
	quantile__sort(waited, n);
	m->died = n;
	m->died_after_s = quantile__of(waited, n, 0.5);
	m->died_interval_s /= n;
	m->died_period_s /= n;
}

static void estimate_lengths(struct late_answers *m)
{
	unsigned int b;

	for (b = 0; b < MUTE_BINS; b++)
		m->share[b] = 1.0 / MUTE_BINS;
	for (b = 0; m->count && b < TURNBULL_ROUNDS; b++)
		improve(m, m->share);
}

bool late_answers__gather(struct life *const *lives, size_t count, struct late_answers *m)
{
	double *longest = malloc((count + 1) * sizeof(*longest));
	size_t i, late_answers = 0;

	*m = (struct late_answers){ .count = 0 };
	for (i = 0; i < count; i++)
		late_answers += lives[i]->late_answer_count;
	m->all = malloc((late_answers + 1) * sizeof(*m->all));
	if (!longest || !m->all) {
		free(longest);
		return false;
	}
	for (i = 0; i < count; i++) {
		add_mutes(m, lives[i]);
		longest[i] = longest_of(lives[i]);
		count_probes(m, lives[i]);
	}
	qsort(m->all, m->count, sizeof(*m->all), by_low);
	estimate_lengths(m);
	find_longest(m, longest, count);
	m->longest_at_most_s = longest_at_most(lives, count, m->longest_s);
	count_died(m, lives, count, longest);
	free(longest);
	return true;
}

void late_answers__free(struct late_answers *m)
{
	free(m->all);
	*m = (struct late_answers){ .count = 0 };
}

/* ---- conclusions ---- */

double late_answers__floor_s(const struct late_answers *m)
{
	return fmax(SILENCE_MIN_S, m->longest_s * SILENCE_MARGIN);
}

bool late_answers__any_silent(const struct late_answers *m)
{
	return fmax(m->longest_s, m->longest_at_most_s) >= LATE_ANSWER_LEAST_S;
}

double late_answers__loss(const struct late_answers *m)
{
	return (m->probes_lost + LOSS_ASSUMED * LOSS_ASSUMED_OF) /
	       (m->probes_sent + LOSS_ASSUMED_OF);
}

double late_answers__worst_loss(const struct late_answers *m)
{
	return fmin(1, (m->probes_lost + 3 + 2 * sqrt(m->probes_lost)) /
			       (m->probes_sent + LOSS_ASSUMED_OF));
}

double late_answers__asked_every_s(const struct late_answers *m)
{
	return m->socket_hours * 3600 / fmax(1, m->asked);
}

double late_answers__between(const struct late_answers *m, double from_s, double to_s)
{
	double sum = 0;
	unsigned int b;

	for (b = 0; b < MUTE_BINS; b++)
		if (middle_of_bin(b) > from_s && middle_of_bin(b) <= to_s)
			sum += m->share[b] * m->count;
	return m->count ? sum : 0;
}

uint32_t late_answers__lost_in_a_row(const struct late_answers *m, double period_s)
{
	double loss = fmin(late_answers__loss(m), 0.9);
	double rows = floor(log(YEAR_S / fmax(1, period_s)) / -log(loss));

	return fmax(1, fmin(rows, IN_A_ROW_MAX));
}

/* The rest of a silence when it is met is mostly half of it. */
double late_answers__meets_more(double left_s, double from_s, double to_s)
{
	double whole = fmin(2 * left_s, left_s + from_s);

	return fmin(1, whole / to_s) / fmin(1, whole / from_s);
}

double late_answers__outlasting(const struct late_answers *m, double silence_s, double period_s,
				bool sure,
			 double *cases)
{
	double expected = 0, mass, outlast, more;
	unsigned int b, to;
	size_t i;

	*cases = 0;
	for (i = 0; i < m->count; i++) {
		if (sure && !m->all[i].low_s)
			continue;
		to = bin_of(m->all[i].high_s);
		mass = outlast = more = 0;
		for (b = bin_of(m->all[i].low_s); b <= to; b++) {
			double s = fmin(m->all[i].high_s, middle_of_bin(b));

			mass += m->share[b];
			if (s <= silence_s)
				continue;
			outlast += m->share[b];
			more += m->share[b] *
				late_answers__meets_more(s - silence_s, m->all[i].period_s,
							 period_s);
		}
		if (mass > 0 && outlast > 0) {
			*cases += outlast / mass;
			expected += more / mass;
		}
	}
	return expected;
}
