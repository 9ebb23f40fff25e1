// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

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

/* Enough probes that chance alone does not lose them all. */
static bool has_probes(const struct evidence *e, const struct setting *s)
{
	uint32_t lost = late_answers__lost_in_a_row(&e->late_answers, setting__period_s(s));
	double probes = setting__silence_s(s) / s->interval_s;

	return probes >= fmin(PROBES_MIN, lost + 1);
}

bool goals__are_met(const struct goals *g, const struct evidence *e, const struct setting *s)
{
	double period = setting__period_s(s);

	if (!s->interval_s || !has_probes(e, s) ||
	    setting__silence_s(s) < late_answers__floor_s(&e->late_answers))
		return false;
	if (g->detect_within_s && noticed_within_at_most(s, e->hz) > g->detect_within_s)
		return false;
	if (goals__hold_open(g, e) && !hold_open__holds(e, s))
		return false;
	return period >= period_by_budget(g, e) && period >= period_by_rate(g, e);
}

struct misses {
	char *text;
	size_t size, length;
};

__attribute__((format(printf, 2, 3)))
static void add_miss(struct misses *m, const char *format, ...)
{
	va_list arguments;

	if (m->length && m->length + 2 < m->size)
		m->length += snprintf(m->text + m->length, m->size - m->length, ", ");
	va_start(arguments, format);
	m->length += vsnprintf(m->text + m->length, m->size - m->length, format, arguments);
	va_end(arguments);
	m->length = fmin(m->length, m->size - 1);
}

void goals__say_missed(const struct goals *g, const struct evidence *e, const struct setting *s,
		       char *text, size_t size)
{
	double period = setting__period_s(s), at_most = noticed_within_at_most(s, e->hz);
	double floor_s = late_answers__floor_s(&e->late_answers), by_budget = period_by_budget(g, e);
	struct misses m = { text, size, 0 };

	*text = '\0';
	if (!has_probes(e, s))
		add_miss(&m, "chance alone would lose %u probe%s", s->probes,
			 s->probes == 1 ? "" : "s in a row");
	if (setting__silence_s(s) < floor_s)
		add_miss(&m, "live peers that came back need %.0f s of probes, not %.0f",
			 ceil(floor_s), setting__silence_s(s));
	if (g->detect_within_s && at_most > g->detect_within_s)
		add_miss(&m, "a dead peer is noticed within %.0f s, not %.0f (--detect-within)",
			 ceil(at_most), g->detect_within_s);
	if (goals__hold_open(g, e) && !hold_open__holds(e, s))
		add_miss(&m, e->path.reason == IDLE_KNOWN
			 ? "the path, which forgets after %.0f s or later, is not held open"
			 : "nothing shows that the path remembers for more than %.0f s",
			 e->path.low_s);
	if (period < by_budget)
		add_miss(&m, "a probe every %.0f s costs more than --budget allows, one every %.0f",
			 period, ceil(by_budget));
	if (period < period_by_rate(g, e))
		add_miss(&m, "%.3g probes/s, not %.0f (--max-probes-per-s)",
			 sockets_at_once(e) / period, g->max_probes_per_s);
}

/* ---- bounds of the idle time ---- */

struct bound {
	double s;
	char who[120];	/* the reason for it */
};

#define SET_BOUND(b, value, ...) do { \
	(b)->s = (value); \
	snprintf((b)->who, sizeof((b)->who), __VA_ARGS__); \
} while (0)

/* The longest idle time, in whole seconds, with which a dead peer is noticed in time; 0: there is
 * none. */
static double longest_idle(struct setting s, double within_s, unsigned int hz)
{
	s.idle_s = fmax(0, floor(within_s - s.interval_s * s.probes));
	while (s.idle_s > 0 && noticed_within_at_most(&s, hz) > within_s)
		s.idle_s--;
	return s.idle_s;
}

static void find_low(const struct goals *g, const struct evidence *e, const struct setting *s,
		     struct bound *low)
{
	double budget = period_by_budget(g, e), rate = period_by_rate(g, e);

	SET_BOUND(low, s->interval_s, "probes %.0f s apart", s->interval_s);
	if (budget > low->s)
		SET_BOUND(low, budget, "--budget (%.0f bytes a socket and day)",
			  g->budget_bytes_day);
	if (rate > low->s)
		SET_BOUND(low, rate, "--max-probes-per-s (%.0f, of %.0f sockets)",
			  g->max_probes_per_s, sockets_at_once(e));
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

static void explain_conflict(struct proposal *p, const struct goals *g, const struct evidence *e,
			     const struct bound *low, const struct bound *high)
{
	p->possible = false;
	snprintf(p->why, sizeof(p->why),
		 "%s wants an idle time of at most %.0f s, that is %.0f bytes a socket and day; "
		 "%s one of at least %.0f s",
		 high->who, floor(high->s),
		 86400 * prediction__probe_bytes(e->ipv6, &g->tariff) / fmax(1, high->s), low->who,
		 ceil(low->s));
}

/* Shorter silences are none in the text, which has tenths. */
#define SILENT_LEAST_S 0.05

static bool any_was_silent(const struct late_answers *m)
{
	return fmax(m->longest_s, m->longest_at_most_s) >= SILENT_LEAST_S;
}

/* How long were live peers silent? A lost probe shows it no closer than from one probe to the
 * next. */
static void say_silent(char *text, size_t size, const struct late_answers *m)
{
	if (m->longest_at_most_s < m->longest_s + 0.1)
		snprintf(text, size, "%.1f s", m->longest_s);
	else if (m->longest_s < SILENT_LEAST_S)
		snprintf(text, size, "%.1f s at most", m->longest_at_most_s);
	else
		snprintf(text, size, "%.1f to %.1f s", m->longest_s, m->longest_at_most_s);
}

static void explain_no_room(struct proposal *p, const char *who, double floor_s,
			    const struct evidence *e)
{
	char silent[60];

	p->possible = false;
	if (!any_was_silent(&e->late_answers)) {
		snprintf(p->why, sizeof(p->why),
			 "%s leaves no time before the first probe: %.0f s of probes are needed",
			 who, ceil(fmax(floor_s, p->setting.interval_s * p->setting.probes)));
		return;
	}
	say_silent(silent, sizeof(silent), &e->late_answers);
	snprintf(p->why, sizeof(p->why),
		 "%s leaves no time before the first probe: live peers were silent for %s and "
		 "came back, so %.0f s of probes are needed",
		 who, silent, ceil(floor_s));
}

/* Seconds as other text has them, whole ones from a minute on; to be printed by %.10g. */
static double told_s(double s)
{
	return s < 59.95 ? round(s * 10) / 10 : round(s);
}

static void explain_held(struct proposal *p, const struct evidence *e)
{
	uint32_t lost = hold_open__losses(e, &p->setting);
	const struct idle_timeout *path = &e->path;
	int n = snprintf(p->why, sizeof(p->why),
			 "the path forgets idle connections after %.10g s (%.10g to %.10g): a "
			 "probe every %.0f s keeps it open, even if %u%s lost",
			 told_s(path->estimate_s), told_s(path->low_s), told_s(path->high_s),
			 p->setting.idle_s, lost,
			 lost == 1 ? " is" : " in a row are");

	if (path->lost_sooner && path->sooner_from_s < p->setting.idle_s)
		snprintf(p->why + n, sizeof(p->why) - n,
			 "; not for the %zu that %s lost sooner, if by a shorter timer: given up",
			 path->lost_sooner, path->lost_sooner == 1 ? "was" : "were");
}

static void explain_detection(struct proposal *p, const struct goals *g, const struct evidence *e)
{
	char silent[60];
	int n;

	n = snprintf(p->why, sizeof(p->why), "a dead peer is to be noticed within %.0f s; ",
		     g->detect_within_s);
	say_silent(silent, sizeof(silent), &e->late_answers);
	if (any_was_silent(&e->late_answers))
		n += snprintf(p->why + n, sizeof(p->why) - n,
			      "live ones that came back were silent for %s", silent);
	else
		n += snprintf(p->why + n, sizeof(p->why) - n,
			      "no live one was seen to be silent and come back");
	if (e->late_answers.outliers)
		snprintf(p->why + n, sizeof(p->why) - n,
			 ", but for %zu socket%s (%.0f s at most), which would be given up",
			 e->late_answers.outliers, e->late_answers.outliers == 1 ? "" : "s",
			 e->late_answers.outliers_s);
}

/* Fits the probes into the path's timeout; returns the resulting bound on the idle time. */
static bool fit_path(struct proposal *p, const struct evidence *e, double floor_s,
		     struct bound *high)
{
	struct setting held = p->setting;

	if (!hold_open__fit(e, floor_s, &held)) {
		char who[120];

		snprintf(who, sizeof(who), "the path's idle timeout (%.10g s)",
			 told_s(e->path.low_s));
		explain_no_room(p, who, floor_s, e);
		return false;
	}
	held.idle_s = fmin(held.idle_s, SETTING_SECONDS_MAX);
	held.interval_s = fmin(held.interval_s, SETTING_SECONDS_MAX);
	p->setting = held;
	SET_BOUND(high, held.idle_s, "the path's idle timeout (%.10g s)", told_s(e->path.low_s));
	return true;
}

void proposal__make(const struct goals *g, const struct evidence *e, const struct setting *current,
		    struct proposal *p)
{
	struct bound low, high = { SETTING_SECONDS_MAX, "the kernel" };
	double floor_s = late_answers__floor_s(&e->late_answers), in_time;
	bool by_path = false;

	*p = (struct proposal){ .possible = true, .setting = *current };
	p->setting.user_timeout_s = 0;
	choose_silence(g, e, floor_s, &p->setting);
	if (hold_open__room_s(e)) {
		if (!fit_path(p, e, floor_s, &high))
			return;
		by_path = true;
	}
	if (g->detect_within_s) {
		in_time = longest_idle(p->setting, g->detect_within_s, e->hz);
		if (in_time < high.s) {
			SET_BOUND(&high, in_time, "--detect-within (%.0f s)", g->detect_within_s);
			by_path = false;
		}
		if (in_time < 1)
			return explain_no_room(p, high.who, floor_s, e);
	}
	find_low(g, e, &p->setting, &low);
	if (low.s > high.s)
		return explain_conflict(p, g, e, &low, &high);
	p->setting.idle_s = by_path || g->detect_within_s ? floor(high.s) : fmax(ceil(low.s), 1);
	if (by_path)
		explain_held(p, e);
	else if (g->detect_within_s)
		explain_detection(p, g, e);
	else
		snprintf(p->why, sizeof(p->why), "%s allows a probe every %.0f s", low.who,
			 p->setting.idle_s);
}
