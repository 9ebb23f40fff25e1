// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/survival.h"

/* Of more silences than this, evenly chosen ones are looked at. */
#define SILENCES_MAX 5000
#define ROUNDS 40
/* Smaller parts of a silence are not worth their time. */
#define CUTS_COUNT 1e-4
/* A bin's hazard is drawn to that of so many bins on either side, as by so many deaths. */
#define AROUND 20
#define PRIOR_DEATHS 1.0
/* That nobody died in all the time that was watched shows no more than a hazard of about half a death
 * in that time (Jeffreys' prior of a rate), at any age. */
#define DEATHS_UNSEEN 0.5
/* Gaps are reported from this length on at the latest (watch --idle-gap). */
#define REPORTED_FROM_S 10.0
/* A live peer leaves any ask unanswered once in so many: a radio that sleeps. */
#define MUTE_LEAST 1e-4
/* Beyond the longest silence whose end was seen, and so many times its length, nothing is known of
 * a peer that may be silent for so long. */
#define BEYOND 1.5
#define MAY_BE_SILENT 0.02

static double bin_from(size_t bin)
{
	return bin ? age__at(2 * bin) : 0;
}

static double bin_width(size_t bin)
{
	return bin_from(bin + 1) - bin_from(bin);
}

static size_t bin_of(double s)
{
	size_t bin = age__bin(s) / 2;

	return bin < SURVIVAL_BINS ? bin : SURVIVAL_BINS - 1;
}

/* ---- a silence ---- */

/* The last of a connection: whether the peer was dead at its end is known, or not. */
struct silence {
	struct rhythm rhythm;
	double age_s;
	double there;		/* how likely a live peer leaves the asks unanswered; 0: dead */
	double weight;
};

/* A bin's share that lies before this age. */
static double part_of(size_t bin, double age_s)
{
	double part = (age_s - bin_from(bin)) / bin_width(bin);

	return part < 0 ? 0 : part < 1 ? part : 1;
}

static double left_at(const double *left, double age_s)
{
	size_t bin = bin_of(age_s);

	return left[bin] - (left[bin] - left[bin + 1]) * part_of(bin, age_s);
}

static double longer_at(const float *longer, int offset, size_t bin)
{
	int i = 2 * (int)bin + 1 + offset;

	return !longer ? 1 : longer[i < 0 ? 0 : i < AGES ? i : AGES - 1];
}

/* The chance of having died in each bin up to that age, and of silence until then; returns their
 * sum. `died` may be NULL. */
static double died_by(const struct survival_curve *c, const struct rhythm *rhythm, double age_s,
		      double *died)
{
	size_t last = bin_of(age_s), i;
	double sum = 0, here;
	const float *longer;
	int offset;

	longer = rhythms__table(&c->rhythms, rhythm, &offset);
	for (i = 0; i <= last; i++) {
		here = longer_at(longer, offset, i) * (c->left[i] - c->left[i + 1]);
		if (i == last)
			here *= part_of(i, age_s);
		if (died)
			died[i] = here;
		sum += here;
	}
	return sum;
}

/* ---- what a history shows ---- */

struct observed {
	struct rhythm_endings pauses;	/* that were seen to end */
	double heard_s[SURVIVAL_BINS];	/* time in which peers certainly lived, by age */
	double survived_s;		/* the longest silence after which a peer was heard */
	struct silence *silences;	/* the last ones of connections: who was gone, or may be */
	size_t count;
};

/* Adds `count` silences of that length, after which the peer was heard. */
static void add_survived(double *heard_s, double age_s, double count)
{
	size_t last = bin_of(age_s), i;

	for (i = 0; i < last; i++)
		heard_s[i] += count * bin_width(i);
	heard_s[last] += count * bin_width(last) * part_of(last, age_s);
}

static double length_of(const struct life_gap *g)
{
	return sqrt(fmax(1e-3, g->from_s) * fmax(1e-3, g->to_s));
}

/* The shortest gap: whatever is shorter is not reported. */
static double reported_from_s(struct life *const *lives, size_t count)
{
	double shortest_s = REPORTED_FROM_S;
	unsigned int k;
	size_t i;

	for (i = 0; i < count; i++)
		for (k = 0; k < lives[i]->gap_count; k++)
			shortest_s = fmin(shortest_s, lives[i]->gaps[k].from_s);
	return fmax(1, shortest_s);
}

/* Its gaps, and the rest of its life, which passed in silences too short to be reported. */
static void add_heard(struct survival *s, struct observed *o, const struct life *life,
		      double reported_s)
{
	double rest_s = life->heard_s - life->seen_s;
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		add_survived(o->heard_s, length_of(g), g->count);
		rest_s -= g->count * length_of(g);
		s->silences += g->count;
		o->survived_s = fmax(o->survived_s, g->to_s);
	}
	s->longest_s = fmax(s->longest_s, o->survived_s);
	if (rest_s > 0)
		add_survived(o->heard_s, reported_s, rest_s / reported_s);
}

/* By then it was gone: it was asked, or its device was back on another connection. */
static double gone_by_s(const struct life *life)
{
	double by_s = life->lost ? life->lost_within_s : fmax(1, life->ended_s - life->heard_s);

	if (life->back_after_s >= 1)
		by_s = fmin(by_s, life->back_after_s);
	return fmax(by_s, 0.1);
}

/* False where its end leaves no question: the peer, its program or ours closed it. */
static bool last_silence(const struct survival *s, const struct life *life, struct silence *last)
{
	bool gone = life->lost || life->found_by != FOUND_BY_NOTHING || life->back_after_s >= 1;

	*last = (struct silence){ .rhythm = rhythm__of(life) };
	if (gone) {
		last->age_s = gone_by_s(life);
		return true;
	}
	last->age_s = life->ended_s - life->heard_s;
	last->there = life->outcome == OUTCOME_SUSPECT ? late_answers__loss(&s->late_answers) : 1;
	return !life->final && life->heard_s > 0 && last->age_s > 0;
}

/* Keeps every n-th, which stands for n. */
static void thin_out(struct observed *o)
{
	size_t stride = (o->count + SILENCES_MAX - 1) / SILENCES_MAX, i, n = 0;

	for (i = 0; i < o->count; i += stride) {
		o->silences[n] = o->silences[i];
		o->silences[n++].weight = stride;
	}
	o->count = n;
}

static void observe(struct survival *s, struct life *const *lives, size_t count,
		    struct observed *o)
{
	double reported_s = reported_from_s(lives, count);
	size_t i;

	rhythm_endings__gather(lives, count, &o->pauses);
	for (i = 0; i < count; i++) {
		struct silence *last = &o->silences[o->count];

		add_heard(s, o, lives[i], reported_s);
		if (!last_silence(s, lives[i], last))
			continue;
		o->count++;
		if (last->there)
			continue;
		s->lost++;
		s->longest_s = fmax(s->longest_s, last->age_s);
	}
	thin_out(o);
}

/* ---- the hazard ---- */

struct votes {
	double deaths[SURVIVAL_BINS], lived_s[SURVIVAL_BINS];
	struct rhythm_endings pauses;
};

static void vote(const struct survival_curve *c, const struct silence *q, struct votes *v)
{
	double died[SURVIVAL_BINS], sum = died_by(c, &q->rhythm, q->age_s, died);
	double there = q->there * rhythms__silent(&c->rhythms, &q->rhythm, q->age_s) *
		       left_at(c->left, q->age_s);
	double each = q->weight / (sum + there + 1e-300), behind = there * each;
	size_t last = bin_of(q->age_s), i;

	rhythm_endings__add_cut(&v->pauses, &q->rhythm, q->age_s, behind);
	for (i = last + 1; i-- > 0;) {
		double dead = died[i] * each, part = i == last ? part_of(i, q->age_s) : 1;

		if (dead > CUTS_COUNT)
			rhythm_endings__add_cut(&v->pauses, &q->rhythm, bin_from(i + 1), dead);
		v->deaths[i] += dead;
		v->lived_s[i] += (behind + dead / 2) * part * bin_width(i);
		behind += dead;
	}
}

/* A second, at any age: below it is none. */
static double least_hazard(const struct votes *v)
{
	double lived_s = 1;
	size_t i;

	for (i = 0; i < SURVIVAL_BINS; i++)
		lived_s += v->lived_s[i];
	return DEATHS_UNSEEN / lived_s;
}

/* A second, of the bins around this one. */
static double hazard_around(const struct votes *v, size_t bin)
{
	size_t first = bin > AROUND ? bin - AROUND : 0, last = bin + AROUND, i;
	double deaths = 0, lived_s = 1e-3;

	for (i = first; i <= last && i < SURVIVAL_BINS; i++) {
		deaths += v->deaths[i];
		lived_s += v->lived_s[i];
	}
	return deaths / lived_s;
}

static void maximise(const struct votes *v, double *left)
{
	double least = least_hazard(v), around, hazard;
	size_t i;

	for (i = 0; i < SURVIVAL_BINS; i++) {
		around = fmax(least, hazard_around(v, i));
		hazard = (v->deaths[i] + PRIOR_DEATHS) / (v->lived_s[i] + PRIOR_DEATHS / around);
		left[i + 1] = left[i] * exp(-hazard * bin_width(i));
	}
}

/* Where the history shows when peers died, rounds of expectation and maximisation come to that from
 * anywhere. Where it does not, they lead slowly along a ridge of nearly the same likelihood to the
 * place that suits the form of the pauses, which is an assumption: so the other two explanations are
 * left near where they began. `shape`: the power of the age with which deaths go at first. */
static const struct {
	double shape;
	unsigned int rounds;
} explanations[SURVIVAL_EXPLANATIONS] = {
	[DIED_EVENLY] = { 1, ROUNDS }, [DIED_EARLY] = { 0.25, 2 }, [DIED_LATE] = { 20, 2 } };

/* To begin with. Who died late did so when the longest silence that others survived was over, and was
 * alive until then. */
static void begin(const struct survival *s, const struct observed *o,
		  enum survival_explanation as, struct votes *v, struct survival_curve *c)
{
	double last_s = as == DIED_LATE ? o->survived_s : s->longest_s;
	size_t i;

	v->pauses = o->pauses;
	for (i = 0; as == DIED_LATE && i < o->count; i++)
		if (!o->silences[i].there)
			rhythm_endings__add_cut(&v->pauses, &o->silences[i].rhythm,
						fmin(o->silences[i].age_s, last_s),
						o->silences[i].weight);
	rhythms__estimate(&v->pauses, &c->rhythms);
	for (i = 0; i <= SURVIVAL_BINS; i++)
		c->left[i] = exp(-pow(bin_from(i) / (1 + last_s), explanations[as].shape));
}

static void estimate(const struct survival *s, const struct observed *o,
		     enum survival_explanation as, struct survival_curve *c)
{
	unsigned int round;
	struct votes v;
	size_t i;

	begin(s, o, as, &v, c);
	for (round = 0; round < explanations[as].rounds; round++) {
		memset(&v, 0, sizeof(v));
		v.pauses = o->pauses;
		memcpy(v.lived_s, o->heard_s, sizeof(v.lived_s));
		for (i = 0; i < o->count; i++)
			vote(c, &o->silences[i], &v);
		maximise(&v, c->left);
		rhythms__estimate(&v.pauses, &c->rhythms);
	}
}

bool survival__learn(struct life *const *lives, size_t count, struct survival *s)
{
	struct observed o = { .silences = malloc((count + 1) * sizeof(*o.silences)) };
	unsigned int k;

	*s = (struct survival){ .connections = count };
	if (!o.silences || !late_answers__gather(lives, count, &s->late_answers)) {
		free(o.silences);
		return false;
	}
	observe(s, lives, count, &o);
	for (k = 0; k < SURVIVAL_EXPLANATIONS; k++)
		estimate(s, &o, k, &s->by[k]);
	free(o.silences);
	return true;
}

void survival__free(struct survival *s)
{
	late_answers__free(&s->late_answers);
}

/* ---- answers ---- */

/* How likely is it that a live peer leaves them unanswered for so long? */
static double mute(const struct late_answers *m, uint32_t unanswered, double mute_s)
{
	double late;

	if (!unanswered)
		return 1;
	late = late_answers__between(m, mute_s, HUGE_VAL) / fmax(1, m->asked);
	return fmin(1, fmax(MUTE_LEAST, pow(late_answers__loss(m), unanswered) + late));
}

/* As one explanation has it; NAN: it knows nothing of a silence as long as that. */
static double chance_by(const struct survival *s, const struct survival_curve *c,
			const struct survival_question *q)
{
	double silent = rhythms__silent(&c->rhythms, &q->rhythm, q->silent_s);
	double there = silent * left_at(c->left, q->silent_s) *
		       mute(&s->late_answers, q->unanswered, q->mute_s);
	double dead = died_by(c, &q->rhythm, q->silent_s, NULL);

	if (silent > MAY_BE_SILENT && q->silent_s > BEYOND * s->longest_s)
		return NAN;
	return there + dead > 0 ? there / (there + dead) : 0;
}

/* A rate of which so many events were seen: it may be so many times its estimate (Jeffreys' interval,
 * by Wilson and Hilferty). */
static double rate_times(double events, double deviations)
{
	double shape = events + DEATHS_UNSEEN;
	double root = 1 - 1 / (9 * shape) + deviations / (3 * sqrt(shape));

	return root > 0 ? root * root * root : 0;
}

/* Where the odds of being dead are so many times what they are with `p`. */
static double with_odds(double p, double times)
{
	return p > 0 ? p / (p + (1 - p) * times) : 0;
}

struct survival_chance survival__chance(const struct survival *s,
					const struct survival_question *q)
{
	double least = rate_times(s->lost, -1.96), most = rate_times(s->lost, 1.96), p;
	struct survival_chance c;
	unsigned int k;

	p = chance_by(s, &s->by[DIED_EVENLY], q);
	c.likely = c.low = c.high = (p + chance_by(s, &s->by[DIED_LATE], q)) / 2;
	if (isnan(c.likely))
		return (struct survival_chance){ NAN, NAN, NAN };
	for (k = 0; k < SURVIVAL_EXPLANATIONS; k++) {
		p = chance_by(s, &s->by[k], q);
		c.low = fmin(c.low, with_odds(p, most));
		c.high = fmax(c.high, with_odds(p, least));
	}
	return c;
}
