// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tcp/keepalive.h"
#include "tuning/proposal.h"

#define PROBES_USUAL 5
/* A radio that sleeps takes seconds to wake: who asks sooner again asks the same silence. */
#define INTERVAL_LEAST_S 5.0

bool goals__any(const struct goals *g)
{
	return g->detect_within_s || g->hold_open || g->budget_bytes_day || g->max_probes_per_s;
}

bool goals__hold_open(const struct goals *g, const struct evidence *e)
{
	return g->hold_open || (!g->detect_within_s && e->path.reason == IDLE_KNOWN);
}

/* ---- what a setting does ---- */

/* With every timer as late as possible. */
static double noticed_within_at_most(const struct setting *s, unsigned int hz)
{
	struct keepalive k = { .enabled = true, .idle_jiffies = s->idle_s * hz,
			       .interval_jiffies = s->interval_s * hz, .probes = s->probes,
			       .user_timeout_ms = s->user_timeout_s * 1000 };

	return keepalive__detects_within_max_ms(&k, hz) / 1000.0;
}

static double sockets_at_once(const struct evidence *e)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < e->alike.count; i++)
		sum += e->alike.all[i].count;
	return sum;
}

/* The shortest period that leaves this much of a day's budget, or of a second's probes. */
static double period_by_budget(const struct goals *g, const struct evidence *e)
{
	return g->budget_bytes_day
		       ? 86400 * prediction__probe_bytes(e->ipv6, &g->tariff) / g->budget_bytes_day
		       : 0;
}

static double period_by_rate(const struct goals *g, const struct evidence *e)
{
	return g->max_probes_per_s ? sockets_at_once(e) / g->max_probes_per_s : 0;
}

/* So many that chance alone does not lose them all. */
static double probes_needed(const struct evidence *e, const struct setting *s)
{
	uint32_t lost = late_answers__lost_in_a_row(&e->late_answers, setting__period_s(s));

	return fmin(PROBES_MIN, lost + 1);
}

static bool has_probes(const struct evidence *e, const struct setting *s)
{
	return setting__silence_s(s) / s->interval_s >= probes_needed(e, s);
}

static void add_missed(struct missed_needs *m, enum need need, double has, double needs)
{
	m->all[m->count++] = (struct missed_need){ .need = need, .has = has, .needs = needs };
}

struct missed_needs goals__missed(const struct goals *g, const struct evidence *e,
				  const struct setting *s)
{
	double floor_s = late_answers__floor_s(&e->late_answers), budget_s = period_by_budget(g, e);
	double period = setting__period_s(s);
	struct missed_needs m = { .count = 0 };

	if (!has_probes(e, s))
		add_missed(&m, NEED_PROBES, s->probes, probes_needed(e, s));
	if (setting__silence_s(s) < floor_s)
		add_missed(&m, NEED_SILENCE, setting__silence_s(s), floor_s);
	if (g->detect_within_s && noticed_within_at_most(s, e->hz) > g->detect_within_s)
		add_missed(&m, NEED_DETECTION, noticed_within_at_most(s, e->hz),
			   g->detect_within_s);
	if (goals__hold_open(g, e) && !hold_open__holds(e, s))
		add_missed(&m, e->path.reason == IDLE_KNOWN ? NEED_HELD_PATH : NEED_KNOWN_PATH,
			   period, e->path.low_s);
	if (period < budget_s)
		add_missed(&m, NEED_BUDGET, period, budget_s);
	if (period < period_by_rate(g, e))
		add_missed(&m, NEED_RATE, sockets_at_once(e) / period, g->max_probes_per_s);
	return m;
}

bool goals__are_met(const struct goals *g, const struct evidence *e, const struct setting *s)
{
	return s->interval_s && !goals__missed(g, e, s).count;
}

/* ---- bounds of the idle time ---- */

/* The longest idle time, in whole seconds, with which a dead peer is noticed in time; 0: there is
 * none. */
static double longest_idle(struct setting s, double within_s, unsigned int hz)
{
	s.idle_s = fmax(0, floor(within_s - s.interval_s * s.probes));
	while (s.idle_s > 0 && noticed_within_at_most(&s, hz) > within_s)
		s.idle_s--;
	return s.idle_s;
}

static struct idle_bound find_low(const struct goals *g, const struct evidence *e,
				  const struct setting *s)
{
	double budget = period_by_budget(g, e), rate = period_by_rate(g, e);
	struct idle_bound low = { .by = BOUND_INTERVAL, .of = s->interval_s, .s = s->interval_s };

	if (budget > low.s)
		low = (struct idle_bound){ .by = BOUND_BUDGET, .of = g->budget_bytes_day,
					   .s = budget };
	if (rate > low.s)
		low = (struct idle_bound){ .by = BOUND_RATE, .of = g->max_probes_per_s,
					   .sockets = sockets_at_once(e), .s = rate };
	return low;
}

/* ---- proposals ---- */

static double interval_of(double silence_s, uint32_t probes)
{
	return fmin(fmax(1, ceil(silence_s / probes)), SETTING_SECONDS_MAX);
}

/*
 * How a silence of at least `floor_s` is filled with probes, in whole seconds: no more of them than
 * today, and no closer than INTERVAL_LEAST_S, unless as many may be lost in a row; and so that the
 * silence is shortest, as that leaves most for the idle time, which is what probes cost.
 */
static void fill_silence(const struct evidence *e, struct setting *s, double floor_s, double room_s)
{
	uint32_t today = s->probes < PROBES_MIN ? PROBES_USUAL : s->probes, n, best;
	uint32_t least = late_answers__lost_in_a_row(&e->late_answers, fmin(s->idle_s, 2 * room_s)) + 1;

	least = fmax(PROBES_MIN, least);
	best = fmax(least, fmin(today, floor(floor_s / INTERVAL_LEAST_S)));
	for (n = best; n-- > least;)
		if (n * interval_of(floor_s, n) < best * interval_of(floor_s, best))
			best = n;
	if (best * interval_of(floor_s, best) > room_s)
		best = PROBES_MIN;
	s->probes = best;
	s->interval_s = interval_of(floor_s, best);
}

/* As today, unless that is shorter than live peers need, or takes most of the time for a
 * detection. */
static void choose_silence(const struct goals *g, const struct evidence *e, double floor_s,
			   struct setting *s)
{
	double today = s->interval_s * s->probes, within = g->detect_within_s;

	if (within)
		fill_silence(e, s, fmax(floor_s, fmin(today, within / 4)), within / 2);
	else if (today < floor_s || s->probes < PROBES_MIN)
		fill_silence(e, s, fmax(floor_s, today), HUGE_VAL);
}

static void refuse_conflict(struct proposal *p, const struct goals *g, const struct evidence *e)
{
	p->possible = false;
	p->reason = PROPOSAL_CONFLICT;
	p->bytes_day = 86400 * prediction__probe_bytes(e->ipv6, &g->tariff) / fmax(1, p->high.s);
}

/* Where no live peer was silent, the probes are those of the silence chosen. */
static void refuse_no_room(struct proposal *p, const struct evidence *e)
{
	double floor_s = late_answers__floor_s(&e->late_answers);

	p->possible = false;
	p->reason = PROPOSAL_NO_ROOM;
	p->probes_s = late_answers__any_silent(&e->late_answers)
			      ? floor_s
			      : fmax(floor_s, p->setting.interval_s * p->setting.probes);
}

/* Fits the probes into the path's timeout, which then bounds the idle time. */
static bool fit_path(struct proposal *p, const struct evidence *e, double floor_s)
{
	struct setting held = p->setting;

	p->high = (struct idle_bound){ .by = BOUND_PATH, .of = e->path.low_s };
	if (!hold_open__fit(e, floor_s, &held))
		return false;
	held.idle_s = fmin(held.idle_s, SETTING_SECONDS_MAX);
	held.interval_s = fmin(held.interval_s, SETTING_SECONDS_MAX);
	p->setting = held;
	p->high.s = held.idle_s;
	return true;
}

/* What the goals and the path leave of the idle time at most; false: none. */
static bool find_high(struct proposal *p, const struct goals *g, const struct evidence *e,
		      double floor_s)
{
	double in_time;

	p->high = (struct idle_bound){ .by = BOUND_KERNEL, .s = SETTING_SECONDS_MAX };
	if (hold_open__room_s(e) && !fit_path(p, e, floor_s))
		return false;
	if (!g->detect_within_s)
		return true;
	in_time = longest_idle(p->setting, g->detect_within_s, e->hz);
	if (in_time < p->high.s)
		p->high = (struct idle_bound){ .by = BOUND_DETECTION, .of = g->detect_within_s,
					       .s = in_time };
	return in_time >= 1;
}

/* Between its bounds: as long as may be, or, where nothing asks for probes, as short. */
static void choose_idle(struct proposal *p, const struct goals *g, const struct evidence *e)
{
	const struct idle_timeout *path = &e->path;

	if (p->high.by == BOUND_PATH) {
		p->reason = PROPOSAL_HOLDS_PATH;
		p->setting.idle_s = floor(p->high.s);
		p->may_lose = hold_open__losses(e, &p->setting);
		p->given_up = path->sooner_from_s < p->setting.idle_s ? path->lost_sooner : 0;
	} else if (g->detect_within_s) {
		p->reason = PROPOSAL_DETECTS;
		p->setting.idle_s = floor(p->high.s);
		p->within_s = g->detect_within_s;
	} else {
		p->reason = PROPOSAL_ALLOWED;
		p->setting.idle_s = fmax(ceil(p->low.s), 1);
	}
}

void proposal__make(const struct goals *g, const struct evidence *e, const struct setting *current,
		    struct proposal *p)
{
	double floor_s = late_answers__floor_s(&e->late_answers);

	*p = (struct proposal){ .possible = true, .setting = *current };
	p->setting.user_timeout_s = 0;
	choose_silence(g, e, floor_s, &p->setting);
	if (!find_high(p, g, e, floor_s))
		return refuse_no_room(p, e);
	p->low = find_low(g, e, &p->setting);
	if (p->low.s > p->high.s)
		return refuse_conflict(p, g, e);
	choose_idle(p, g, e);
}
