// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tuning/rhythm.h"

/* So many pauses are a rhythm: a mean of pauses of any length needs more. One that was asked so
 * often and never spoke has none. */
#define PAUSES_MIN 8
#define IRREGULAR_MIN 30
#define ASKED_MIN 3
/* The standard deviation of a regular one, by its mean. */
#define REGULAR 0.25
/* Ages by the mean are kept in hundredths: bins begin at 1. */
#define UNIT 100.0

/* ---- one connection ---- */

static double length_of(const struct life_gap *g)
{
	return ((double)g->from_s + g->to_s) / 2;
}

/* A peer whose pauses were all too short to be reported: from its counts of segments. */
static struct rhythm of_traffic(const struct life *life)
{
	const struct reports *r = &life->reports;

	if (life->gap_count || !r->segments_known || r->segments < PAUSES_MIN || r->over_s <= 0)
		return (struct rhythm){ RHYTHM_UNKNOWN, 0 };
	return (struct rhythm){ RHYTHM_IRREGULAR, fmax(1, r->over_s / r->segments) };
}

struct rhythm rhythm__of(const struct life *life)
{
	double n = 0, asked = 0, sum = 0, squares = 0, mean;
	bool regular;
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		asked += g->ended_by_us ? g->count : 0;
		if (g->ended_by_us)
			continue;
		n += g->count;
		sum += g->count * length_of(g);
		squares += g->count * length_of(g) * length_of(g);
	}
	if (!n && asked >= ASKED_MIN)
		return (struct rhythm){ RHYTHM_NONE, 0 };
	if (n < PAUSES_MIN)
		return of_traffic(life);
	mean = sum / n;
	regular = squares / n - mean * mean < REGULAR * REGULAR * mean * mean;
	if (!regular && n < IRREGULAR_MIN)
		return (struct rhythm){ RHYTHM_UNKNOWN, 0 };
	return (struct rhythm){ regular ? RHYTHM_REGULAR : RHYTHM_IRREGULAR, mean };
}

/* ---- a group ---- */

static void count_in(void *context, size_t bin, double count)
{
	double *bins = context;

	bins[bin] += count;
}

static void add_life(const struct life *life, struct pause_endings *of)
{
	struct rhythm r = rhythm__of(life);
	double scale = r.pause_s > 0 ? UNIT / r.pause_s : 0;
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		struct life_gap g = life->gaps[i];
		bool us = g.ended_by_us;

		age__spread(&g, count_in, us ? of[RHYTHM_UNKNOWN].asked : of[RHYTHM_UNKNOWN].spoke);
		if (!scale)
			continue;
		g.from_s *= scale;
		g.to_s *= scale;
		age__spread(&g, count_in, us ? of[r.kind].asked : of[r.kind].spoke);
	}
}

void rhythm_endings__gather(struct life *const *lives, size_t count, struct rhythm_endings *e)
{
	size_t i;

	for (i = 0; i < count; i++)
		add_life(lives[i], e->of);
}

void rhythm_endings__add_cut(struct rhythm_endings *e, const struct rhythm *of, double silent_s,
			     double count)
{
	e->of[RHYTHM_UNKNOWN].asked[age__bin(silent_s)] += count;
	if (of->pause_s > 0)
		e->of[of->kind].asked[age__bin(silent_s * UNIT / of->pause_s)] += count;
}

/* The next pause may be longer than all that were seen, as long again on the average. */
static void allow_for_one_more(const struct pause_endings *e, struct own_pauses *p)
{
	double pauses = 0, longest = 1, more;
	size_t i;

	for (i = 0; i < AGES; i++) {
		pauses += e->spoke[i];
		if (e->spoke[i] > 0)
			longest = age__at(i + 1);
	}
	for (i = 0; i < AGES; i++) {
		more = exp(-fmax(0, age__at(i) / longest - 1)) / (pauses + 1);
		p->longer[i] = fmax(p->longer[i], more);
	}
}

void rhythms__estimate(const struct rhythm_endings *e, struct rhythms *r)
{
	unsigned int k;

	for (k = 0; k < RHYTHM_KINDS; k++) {
		own_pauses__estimate(&e->of[k], &r->of[k]);
		allow_for_one_more(&e->of[k], &r->of[k]);
	}
}

const float *rhythms__table(const struct rhythms *r, const struct rhythm *of, int *offset)
{
	*offset = of->pause_s > 0 ? (int)age__bin(UNIT) - (int)age__bin(of->pause_s) : 0;
	return of->kind == RHYTHM_NONE ? NULL : r->of[of->kind].longer;
}

double rhythms__silent(const struct rhythms *r, const struct rhythm *of, double silent_s)
{
	int offset, bin;
	const float *longer = rhythms__table(r, of, &offset);

	if (!longer)
		return 1;
	bin = (int)age__bin(silent_s) + offset;
	return longer[bin < 0 ? 0 : bin < AGES ? bin : AGES - 1];
}
