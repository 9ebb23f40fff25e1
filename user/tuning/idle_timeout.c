// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tuning/idle_timeout.h"
#include "tuning/known_timers.h"
#include "tuning/timer_steps.h"
#include "value/quantile.h"

/* A step must explain the losses better than vanishing alone by this much, in units of log
 * likelihood. */
#define STEP_WORTH 6.0
/* Of more connections than this, evenly chosen ones are looked at. */
#define CONNECTIONS_MAX 20000
/* Where S is lower, an ask hardly ever meets a live peer. */
#define TELLING 0.02

/* ---- results without an estimate ---- */

/* Did the longest silences end because we asked? Then none was longer. */
static bool is_censored(const struct path_data *d)
{
	double longest = 0, far = 0, probed = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		longest = fmax(longest, d->all[i].survived_s);
	for (i = 0; i < d->count; i++) {
		if (d->all[i].survived_s < longest * 0.8)
			continue;
		far += d->all[i].weight;
		probed += d->all[i].probed ? d->all[i].weight : 0;
	}
	return far > 0 && probed >= far * 0.9;
}

/* Were most of the lost asked when a live peer might have been silent as well, and do some
 * answer? */
static bool were_asked(const struct path_data *d, const struct own_pauses *habits)
{
	double lost = 0, telling = 0, answered = 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct path_witness *w = &d->all[i];

		answered += w->weight * (w->answered > 0 || (w->named && w->pauses > 0));
		if (w->lost_s <= 0)
			continue;
		lost += w->weight;
		if (habits[w->habit].longer[age__bin_behind(w->lost_s)] >= TELLING)
			telling += w->weight;
	}
	return answered >= 1 && telling * 2 >= lost;
}

/* All that were asked after this silence or a longer one were lost, and live peers are silent for
 * so long. 0: there is no such time. */
static double none_survived_s(const struct path_data *d, const struct own_pauses *habits,
			      double low_s)
{
	double soonest = HUGE_VAL, votes = 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct path_witness *w = &d->all[i];

		if (w->lost_s <= low_s ||
		    habits[w->habit].longer[age__bin_behind(w->lost_s)] < TELLING)
			continue;
		votes += w->weight;
		soonest = fmin(soonest, path_witness__gone_by_s(w));
	}
	return votes >= IDLE_LOST_MIN ? soonest : 0;
}

static double longest_survived(const struct path_data *d)
{
	double longest = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		longest = fmax(longest, d->all[i].survived_s);
	return longest;
}

/* How many asks a day at random ages in that range would meet silent live peers? */
static double asks_a_day(const struct path_data *d, const struct own_pauses *habits, double from_s,
			 double to_s)
{
	double wait_s = from_s * sqrt(to_s / from_s), all = 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct path_witness *w = &d->all[i];
		double silent = habits[w->habit].longer[age__bin(wait_s)];

		all += w->weight * silent * 86400 /
		       (w->pause_s > 0 ? fmin(w->pause_s, wait_s) : wait_s);
	}
	return all;
}

static void say_what_would_tell(const struct path_data *d, const struct own_pauses *habits,
				struct idle_timeout *t)
{
	double latest = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		latest = fmax(latest, d->all[i].lost_s);
	t->ask_from_s = fmax(1, t->low_s);
	t->ask_to_s = fmax(latest, t->ask_from_s * 4);
	t->asks_a_day = asks_a_day(d, habits, t->ask_from_s, t->ask_to_s);
}

static void say_why_not(const struct path_data *d, const struct own_pauses *habits,
			const struct timer_profile *p, double lost, struct idle_timeout *t)
{
	bool asked = were_asked(d, habits);

	if (t->reason == IDLE_DATA_ONLY)
		return;
	t->low_s = timer_profile__surely_survived(p);
	if (t->devices >= IDLE_DEVICES_MIN && lost >= IDLE_LOST_MIN) {
		t->reason = !asked ? IDLE_NOT_ASKED : is_censored(d) ? IDLE_CENSORED : IDLE_NO_STEP;
		t->high_s = none_survived_s(d, habits, longest_survived(d));
	} else if (t->devices >= IDLE_DEVICES_MIN && is_censored(d)) {
		t->reason = IDLE_CENSORED;
	}
	say_what_would_tell(d, habits, t);
}

/* ---- the estimate ---- */

static void add_up(struct path_witness *w)
{
	double pauses_s = 0;
	unsigned int i;

	w->survived_s = w->idle_s = 0;
	w->pauses = w->answered = 0;
	for (i = 0; i < w->gap_count; i++) {
		const struct life_gap *g = &w->gaps[i];
		double length = g->count * ((double)g->from_s + g->to_s) / 2;

		w->survived_s = fmax(w->survived_s, g->to_s);
		w->idle_s += length;
		*(g->ended_by_us ? &w->answered : &w->pauses) += g->count;
		pauses_s += g->ended_by_us ? 0 : length;
	}
	w->pause_s = w->pauses ? pauses_s / w->pauses : 0;
}

/* Lost to a probe of ours as early as others answered theirs, except for how late our timer was: no
 * other timer came before ours. */
#define AS_LATE 1.15

static bool find_lost_as_usual(struct path_witness *all, size_t count)
{
	double *lengths = malloc((count + 1) * sizeof(*lengths)), usual;
	size_t i, n = 0;

	if (!lengths)
		return false;
	for (i = 0; i < count; i++)
		if (all[i].probed)
			lengths[n++] = all[i].survived_s;
	quantile__sort(lengths, n);
	usual = quantile__of(lengths, n, 0.5);
	for (i = 0; i < count; i++)
		all[i].lost_as_usual =
			all[i].lost_to_probe &&
			all[i].lost_s <=
				fmax(all[i].probed ? all[i].survived_s : 0, usual) * AS_LATE;
	free(lengths);
	return true;
}

/* Keeps every n-th of them, so that no more than CONNECTIONS_MAX are left; returns how many are. */
static size_t thin_out(struct path_witness *all, size_t count)
{
	size_t stride = (count + CONNECTIONS_MAX - 1) / CONNECTIONS_MAX, i, n = 0;

	for (i = 0; i < count; i += stride)
		all[n++] = all[i];
	return n;
}

/* Losses before the first timer, and over how much idle time. */
static void tell_lost_sooner(const struct path_data *d, struct idle_timeout *t)
{
	double idle_s = 1, lost = 0, votes = 0;
	size_t i;

	t->sooner_from_s = t->low_s;
	for (i = 0; i < d->count; i++) {
		double gone_s = path_witness__gone_by_s(&d->all[i]);

		votes += d->all[i].weight;
		idle_s += d->all[i].weight * (d->all[i].idle_s + gone_s);
		if (gone_s <= 0 || gone_s >= t->low_s)
			continue;
		lost += d->all[i].weight;
		t->sooner_from_s = fmin(t->sooner_from_s, gone_s);
	}
	t->lost_sooner = lround(lost * t->devices / fmax(1, votes)); /* they were thinned out */
	t->vanish_per_hour = lost / idle_s * 3600;
}

static bool estimate(const struct path_data *d, const struct own_pauses *habits, double lost,
		     struct idle_timeout *t)
{
	struct timer_profile p;
	bool ok = timer_profile__make(d, &p);

	if (ok && t->reason == IDLE_THIN && t->devices >= IDLE_DEVICES_MIN &&
	    lost >= IDLE_LOST_MIN && p.top - p.beyond >= STEP_WORTH) {
		t->reason = IDLE_KNOWN;
		timer_profile__interval(&p, t);
		ok = timer_steps__find(&p, d, t);
		tell_lost_sooner(d, t);
	} else if (ok) {
		say_why_not(d, habits, &p, lost, t);
	}
	timer_profile__free(&p);
	return ok;
}

bool idle_timeout__estimate(struct path_witness *all, size_t count, struct idle_timeout *t)
{
	struct own_pauses *habits = malloc(HABITS_MAX * sizeof(*habits));
	uint8_t *kinds = malloc(CONNECTIONS_MAX);
	bool short_of_memory = !habits || !kinds, ok = false;
	double lost = 0, devices = 0;
	struct vanishing v = { 0 };
	size_t i;

	*t = (struct idle_timeout){ .reason = IDLE_THIN, .connections = count };
	for (i = 0; i < count; i++) {
		add_up(&all[i]);
		devices += all[i].weight;
		lost += all[i].lost_s > 0 ? all[i].weight : 0;
	}
	t->devices = lround(devices);
	t->lost = lround(lost);
	if (short_of_memory || known_timers__of_resets(all, count, t, &short_of_memory)) {
		free(habits);
		free(kinds);
		return !short_of_memory;
	}
	if (!short_of_memory)
		known_timers__of_data_only(all, count, t, &short_of_memory);
	own_pauses__find(all, count, habits);
	count = thin_out(all, count);
	if (!short_of_memory && find_lost_as_usual(all, count) &&
	    vanishing__prepare(all, count, habits, &v)) {
		struct path_data d = { all, &v, kinds, count };

		ok = estimate(&d, habits, lost, t);
	}
	vanishing__free(&v);
	free(habits);
	free(kinds);
	return ok;
}

double idle_timeout__days_to_tell(const struct idle_timeout *t)
{
	double days = t->asks_a_day > 0 ? ceil(IDLE_ASKS_ENOUGH / t->asks_a_day) : HUGE_VAL;

	return days <= 365 ? days : 0;
}

const char *idle_reason__name(enum idle_reason r)
{
	static const char *const names[] = {
		[IDLE_KNOWN] = NULL,
		[IDLE_THIN] = "thin_evidence",
		[IDLE_NO_STEP] = "no_step",
		[IDLE_CENSORED] = "censored_by_keepalive",
		[IDLE_NOT_ASKED] = "no_telling_asks",
		[IDLE_DATA_ONLY] = "probes_do_not_hold",
	};

	return names[r];
}
