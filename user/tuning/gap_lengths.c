// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/gap_lengths.h"

/* A peer that spoke this often in a history has a habit. */
#define HABIT_MIN 3
/* A timer of keepalive's is late by this share, mostly (the timer wheel). */
#define PROBE_LATENESS 1.02
/* The steepest decline within a gap that is tried, from one part to the next, as a logarithm. */
#define TILT_MAX 20.0
#define TILT_ROUNDS 24

/* Late by an eighth at most. */
bool gap_lengths__is_probed(const struct life *life, const struct life_gap *gap)
{
	double period = fmax(life->idle_s, life->interval_s);

	return gap->ended_by_us && gap->to_s > period * 0.95 && gap->from_s < period * 1.2;
}

double gap_lengths__part_s(const struct life_gap *gap, unsigned int part)
{
	if (gap->from_s < 0.001)
		return ((double)gap->from_s + gap->to_s) / 2;
	return gap->from_s * pow(gap->to_s / gap->from_s, (part + 0.5) / GAP_PARTS);
}

/* Once for each life: fitting them takes many rounds. */
static void divide(struct gap_lengths *l, const struct life *life)
{
	unsigned int i, part;

	for (i = 0; i < life->gap_count; i++)
		for (part = 0; part < GAP_PARTS; part++)
			l->part_s[i][part] = gap_lengths__part_s(&life->gaps[i], part);
}

double gap_lengths__own_count(const struct gap_lengths *l, const struct life *life,
			      const struct life_gap *gap, unsigned int part)
{
	double share = gap_lengths__is_probed(life, gap) ? l->own_share : 1;

	return share * gap->count * l->weight[part];
}

static double probe_s(const struct life *life, const struct life_gap *gap)
{
	double period = fmax(life->idle_s, life->interval_s) * PROBE_LATENESS;

	return fmax(gap->from_s, fmin(gap->to_s, period));
}

/* It spoke, or nothing says that it did not. */
static bool may_speak(const struct life *life, double own)
{
	if (own >= HABIT_MIN)
		return true;
	return life->reports.segments_known ? life->reports.segments >= HABIT_MIN
					    : !life->gap_count;
}

/* How long is it known what passed? The last silence of a peer that speaks is not over, and that of
 * the dead does not count. */
static double known_s(const struct life *life, double own)
{
	double until = life->ended_s;

	if (life->heard_s && (life->found_by != FOUND_BY_NOTHING || may_speak(life, own)))
		until = life->heard_s;
	return fmax(0, until - life->seen_s);
}

/* As many probes were answered as were sent, except for those that were lost and those of the
 * dead. */
static double answered_probes(const struct life *life)
{
	double dead = life->found_by != FOUND_BY_NOTHING ? life->probes : 0;

	return fmax(0, life->probes_sent - dead - life->probes_lost);
}

static void count(const struct life *life, struct gap_lengths *l)
{
	double probed = 0;
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		if (gap_lengths__is_probed(life, g)) {
			probed += g->count;
			continue;
		}
		l->own += g->count;
		l->own_low_s = fmin(l->own_low_s, g->from_s);
		l->own_high_s = fmax(l->own_high_s, g->to_s);
	}
	l->probed = life->probes_sent ? fmin(probed, answered_probes(life)) : probed;
	l->own_share = probed > 0 ? 1 - l->probed / probed : 0;
	l->own += probed - l->probed;
	for (i = 0; i < life->gap_count; i++)
		if (gap_lengths__is_probed(life, &life->gaps[i]))
			l->probed_s += (1 - l->own_share) * life->gaps[i].count *
				       probe_s(life, &life->gaps[i]);
}

static void tilt(struct gap_lengths *l, double by)
{
	double sum = 0;
	unsigned int part;

	for (part = 0; part < GAP_PARTS; part++)
		sum += l->weight[part] = exp(-by * part);
	for (part = 0; part < GAP_PARTS; part++)
		l->weight[part] /= sum;
}

static double own_s(const struct gap_lengths *l, const struct life *life)
{
	double sum = 0;
	unsigned int i, part;

	for (i = 0; i < life->gap_count; i++)
		for (part = 0; part < GAP_PARTS; part++)
			sum += gap_lengths__own_count(l, life, &life->gaps[i], part) *
			       l->part_s[i][part];
	return sum;
}

/* The silent time cannot exceed the total: then there are more of the shorter ones. */
static void fit(struct gap_lengths *l, const struct life *life)
{
	double low = 0, high = TILT_MAX, room = l->known_s - l->probed_s;
	unsigned int i;

	tilt(l, 0);
	l->own_s = own_s(l, life);
	for (i = 0; l->own_s > room && i < TILT_ROUNDS; i++) {
		double middle = (low + high) / 2;

		tilt(l, middle);
		if (own_s(l, life) > room)
			low = middle;
		else
			high = middle;
	}
	l->own_s = own_s(l, life);
}

struct gap_lengths gap_lengths__of(const struct life *life)
{
	struct gap_lengths l = { .own_low_s = HUGE_VAL };

	divide(&l, life);
	count(life, &l);
	l.known_s = known_s(life, l.own);
	fit(&l, life);
	return l;
}
