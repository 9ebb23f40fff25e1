// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "keepalive.h"
#include "mix.h"

#define PROBES_USUAL 5
/* Half of the sockets watched for a minute say nothing about others. */
#define SOCKETS_MIN 5

/* As the kernel takes them (net/ipv4/tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
 */
#define SECONDS_MAX 32767.0
#define PROBES_MAX 127

/* The same inode in the same boot, where one of both was told without its cookie. */
static bool may_be(const struct life_place *a, const struct life_place *b)
{
	return a->gateway == b->gateway && a->boot == b->boot && a->inode == b->inode &&
	       (a->cookie == b->cookie || !a->cookie || !b->cookie);
}

bool advice__current(const struct lives *l, const struct scope *scope, struct setting *current)
{
	double latest = -1;
	unsigned int i, r;

	for (i = 0; i < l->namespace_count; i++) {
		const struct life_namespace *ns = &l->namespaces[i];

		if (!scope->count || !may_be(&ns->place, &scope->lives[0]->place))
			continue;
		for (r = 0; r < l->run_count; r++) {
			if (l->runs[r].run_id != ns->run || l->runs[r].started_s <= latest)
				continue;
			latest = l->runs[r].started_s;
			*current = (struct setting){ .idle_s = ns->idle_s,
						     .interval_s = ns->interval_s,
						     .probes = ns->probes };
		}
	}
	return latest >= 0;
}

/* ---- predictions ---- */

/* The sockets as they would be: those that set an option themselves keep it. A group's would all be
 * set, one by one. */
static bool predict(const struct evidence *e, const struct setting *new, bool all,
		    const struct goals *goals, struct prediction *p)
{
	struct sockets_alike *alike = malloc((e->alike_count + 1) * sizeof(*alike));
	struct patience patience = evidence__patience(e);
	size_t i;
	bool ok;

	if (!alike)
		return false;
	for (i = 0; i < e->alike_count; i++) {
		alike[i] = e->alike[i];
		if (!new)
			continue;
		if (all || e->follows[i].idle)
			alike[i].setting.idle_s = new->idle_s;
		if (all || e->follows[i].interval)
			alike[i].setting.interval_s = new->interval_s;
		if (all || e->follows[i].probes)
			alike[i].setting.probes = new->probes;
	}
	ok = prediction__make(alike, e->alike_count, e->hz, &goals->tariff, &patience, p);
	free(alike);
	return ok;
}

/* ---- proposals ---- */

/* How a silence of at least `floor_s` is filled with probes, in whole seconds. */
static void fill_silence(struct setting *s, double floor_s, double room_s)
{
	double interval;

	if (s->probes < PROBES_MIN)
		s->probes = PROBES_USUAL;
	interval = fmax(1, ceil(floor_s / s->probes));
	if (interval * s->probes > room_s && s->probes > PROBES_MIN) {
		s->probes = PROBES_MIN;
		interval = fmax(1, ceil(floor_s / s->probes));
	}
	s->interval_s = fmin(interval, SECONDS_MAX);
}

struct bounds {
	double low_s, high_s;		/* of the idle time */
	const char *low_goal, *high_goal;
	double low_value, high_value;	/* as they were asked for */
};

static void raise_low(struct bounds *b, double s, const char *goal, double value)
{
	if (s <= b->low_s)
		return;
	b->low_s = s;
	b->low_goal = goal;
	b->low_value = value;
}

static void lower_high(struct bounds *b, double s, const char *goal, double value)
{
	if (s >= b->high_s)
		return;
	b->high_s = s;
	b->high_goal = goal;
	b->high_value = value;
}

static bool has_goal(const struct goals *g)
{
	return g->detect_within_s || g->hold_open || g->budget_bytes_day || g->max_probes_per_s;
}

static void decide_none(struct advice *a, const char *why)
{
	a->verdict = ADVICE_NONE;
	snprintf(a->why, sizeof(a->why), "%s", why);
}

static void explain_unknown_path(struct advice *a)
{
	const struct idle_timeout *path = &a->evidence->path;

	a->verdict = ADVICE_NONE;
	if (path->reason == IDLE_CENSORED)
		snprintf(a->why, sizeof(a->why),
			 "our own probes keep every idle time under %.0f s: after how "
			 "long the path forgets cannot be seen (censored_by_keepalive)",
			 path->low_s);
	else if (path->reason == IDLE_NO_STEP)
		snprintf(a->why, sizeof(a->why),
			 "the %zu lost connections were lost evenly over time: no idle "
			 "timeout of the path shows (no_step)",
			 path->lost);
	else
		snprintf(a->why, sizeof(a->why),
			 "%zu devices, %zu of them lost, are too few to tell an idle "
			 "timeout of the path (thin_evidence)",
			 path->devices, path->lost);
}

static double sockets_at_once(const struct evidence *e)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < e->alike_count; i++)
		sum += e->alike[i].count;
	return sum;
}

static bool is_held_open(const struct goals *goals, const struct evidence *e)
{
	return goals->hold_open || (!has_goal(goals) && e->path.reason == IDLE_KNOWN);
}

/* With every timer as late as it can be. */
static double noticed_within_at_most(const struct setting *s, unsigned int hz)
{
	struct keepalive k = { .enabled = true, .idle_jiffies = s->idle_s * hz,
			       .interval_jiffies = s->interval_s * hz, .probes = s->probes };

	return keepalive__detects_within_max_ms(&k, hz) / 1000.0;
}

/* The longest idle time, in whole seconds, with which a dead peer is noticed in time; 0: there is
 * none. */
static double longest_idle(struct setting s, double within_s, unsigned int hz)
{
	s.idle_s = fmax(0, floor(within_s - s.interval_s * s.probes));
	while (s.idle_s > 0 && noticed_within_at_most(&s, hz) > within_s)
		s.idle_s--;
	return s.idle_s;
}

static void bound_idle(const struct evidence *e, const struct goals *g, const struct setting *s,
		       struct bounds *b)
{
	double silence = s->interval_s * s->probes;

	*b = (struct bounds){ .low_s = s->interval_s,
			      .high_s = SECONDS_MAX,
			      .low_goal = "the silence that live peers need",
			      .low_value = silence,
			      .high_goal = "the kernel's largest value",
			      .high_value = SECONDS_MAX };
	if (g->detect_within_s)
		lower_high(b, longest_idle(*s, g->detect_within_s, e->hz), "--detect-within",
			   g->detect_within_s);
	if (is_held_open(g, e))
		lower_high(b, evidence__hold_open_s(e), "--hold-open", e->path.low_s);
	if (g->budget_bytes_day)
		raise_low(b,
			  86400 * prediction__probe_bytes(e->ipv6, &g->tariff) /
				  g->budget_bytes_day,
			  "--budget", g->budget_bytes_day);
	if (g->max_probes_per_s)
		raise_low(b, sockets_at_once(e) / g->max_probes_per_s, "--max-probes-per-s",
			  g->max_probes_per_s);
}

static void explain_conflict(struct advice *a, const struct bounds *b, const struct goals *g)
{
	double cost =
		b->high_s > 0
			? 86400 * prediction__probe_bytes(a->evidence->ipv6, &g->tariff) / b->high_s
			: 0;

	a->verdict = ADVICE_CONFLICT;
	if (b->high_s < 1)
		snprintf(a->why, sizeof(a->why),
			 "%s (%.0f s) leaves no time before the first probe: live peers "
			 "were silent for so long that %.0f s of probes are needed",
			 b->high_goal, b->high_value, b->low_value);
	else
		snprintf(a->why, sizeof(a->why),
			 "%s (%.0f) wants an idle time of at most %.0f s, that is %.0f "
			 "bytes a socket and day; %s (%.0f) one of at least %.0f s",
			 b->high_goal, b->high_value, floor(b->high_s), cost, b->low_goal,
			 b->low_value, ceil(b->low_s));
}

static bool same(const struct setting *a, const struct setting *b)
{
	return a->idle_s == b->idle_s && a->interval_s == b->interval_s && a->probes == b->probes;
}

static void propose(struct advice *a, const struct goals *g)
{
	const struct evidence *e = a->evidence;
	double floor_s = evidence__silence_floor_s(e);
	struct setting s = a->current;
	struct bounds b;

	if (g->evaluate) {
		a->proposed = g->fixed;
		a->verdict = ADVICE_CHANGE;
		snprintf(a->why, sizeof(a->why), "asked for by --evaluate");
		return;
	}
	if (!a->current_known)
		return decide_none(a, "the input does not say what the sysctls are (no "
				   "halfopen.meta line)");
	if (e->sockets < SOCKETS_MIN)
		return decide_none(a, "too few sockets were seen (thin_evidence)");
	if (!e->alike_count)
		return decide_none(a, "no socket has keepalive on: sysctls change nothing");
	if (g->hold_open && e->path.reason != IDLE_KNOWN)
		return explain_unknown_path(a);
	if (!has_goal(g) && e->path.reason != IDLE_KNOWN)
		return explain_unknown_path(a);
	if (g->detect_within_s || s.interval_s * s.probes < floor_s)
		fill_silence(&s, g->detect_within_s ? fmax(floor_s, fmin(s.interval_s * s.probes,
									  g->detect_within_s / 4))
						    : floor_s,
			     g->detect_within_s ? g->detect_within_s / 2 : HUGE_VAL);
	bound_idle(e, g, &s, &b);
	if (b.low_s > b.high_s || b.high_s < 1)
		return explain_conflict(a, &b, g);
	s.idle_s = b.high_goal[0] == '-' ? floor(b.high_s) : fmax(ceil(b.low_s), 1);
	if (s.interval_s > s.idle_s)	/* the kernel would wait for the longer of the two */
		s.idle_s = s.interval_s;
	if (s.probes > PROBES_MAX)
		s.probes = PROBES_MAX;
	a->proposed = s;
	a->verdict = same(&a->proposed, &a->current) ? ADVICE_KEEP : ADVICE_CHANGE;
	if (a->verdict == ADVICE_KEEP)
		snprintf(a->why, sizeof(a->why), "the present values meet the goals");
	else if (!strcmp(b.high_goal, "--hold-open"))
		snprintf(a->why, sizeof(a->why),
			 "the path forgets idle connections after %.0f s (%.0f to %.0f): "
			 "probes every %.0f s keep it open",
			 e->path.estimate_s, e->path.low_s, e->path.high_s, s.idle_s);
	else if (!strcmp(b.high_goal, "--detect-within"))
		snprintf(a->why, sizeof(a->why),
			 "a dead peer is to be noticed within %.0f s; live ones that came "
			 "back were silent for %.1f s at most",
			 g->detect_within_s, fmax(e->mute_p999_s, e->slowest_answer_s));
	else
		snprintf(a->why, sizeof(a->why), "%s (%.0f) allows a probe every %.0f s",
			 b.low_goal, b.low_value, s.idle_s);
}

/* ---- names ---- */

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = mix__number(hash, (unsigned char)*text);
	return hash;
}

const char *advice_verdict__name(enum advice_verdict v)
{
	static const char *const names[] = {
		[ADVICE_CHANGE] = "change", [ADVICE_KEEP] = "keep", [ADVICE_NONE] = "none",
		[ADVICE_CONFLICT] = "conflict",
	};

	return names[v];
}

/* The same advice for the same place has the same id, whatever else the input says. */
static void name_it(const struct lives *l, struct advice *a)
{
	const struct scope *s = a->scope;
	uint64_t hash = mix__number(s->kind, s->port);

	if (s->kind == SCOPE_NAMESPACE) {
		hash = mix_text(hash, texts__at(&l->texts, s->place.gateway));
		hash = mix_text(hash, scope__address(l, s));
	}
	hash = mix_text(hash, s->name ? s->name : "");
	hash = mix__bytes(mix__number(hash, s->bits), s->network, sizeof(s->network));
	if (a->verdict == ADVICE_CHANGE) {
		hash = mix__number(hash, lround(a->proposed.idle_s));
		hash = mix__number(hash, lround(a->proposed.interval_s) << 8 | a->proposed.probes);
	}
	snprintf(a->id, sizeof(a->id), "%s-%08x", advice_verdict__name(a->verdict),
		 (uint32_t)(hash >> 16));
}

bool advice__make(const struct lives *l, const struct scope *scope, const struct evidence *e,
		  const struct setting *current, const struct goals *goals, struct advice *a)
{
	bool ok = true;

	*a = (struct advice){ .scope = scope, .evidence = e };
	if (current) {
		a->current_known = true;
		a->current = *current;
	}
	propose(a, goals);
	a->proposal_known =
		(a->verdict == ADVICE_CHANGE || a->verdict == ADVICE_KEEP) && e->alike_count;
	if (e->alike_count)
		ok = predict(e, NULL, false, goals, &a->predicted_current);
	if (ok && a->proposal_known)
		ok = predict(e, &a->proposed, scope->kind == SCOPE_GROUP, goals,
			     &a->predicted_proposed);
	a->heartbeat = remedies__heartbeat(e, &goals->tariff);
	name_it(l, a);
	return ok && remedies__data_timeout(e, a->proposal_known ? &a->proposed : current,
					    goals->detect_within_s, &a->data);
}
