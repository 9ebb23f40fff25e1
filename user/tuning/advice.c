// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timeline/timeline.h"
#include "tuning/advice.h"
#include "value/hash.h"

/* Fewer sockets, such as half of a few watched for a minute, say nothing about others. */
#define SOCKETS_MIN 5
/* A saving of a smaller share of the bytes is not mentioned. */
#define WORTH_SPARING 0.1

/* The same inode in the same boot, where one of the two is known without its cookie. Where neither
 * cookie is known, an inode identifies a namespace within a run only. */
static bool may_be(const struct life_place *a, const struct life_place *b)
{
	if (a->gateway != b->gateway || a->boot != b->boot || a->inode != b->inode)
		return false;
	if (!a->cookie && !b->cookie)
		return a->run == b->run;
	return a->cookie == b->cookie || !a->cookie || !b->cookie;
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

/* The sockets after the change: those that set an option themselves keep it. A group's would all be
 * set, one by one. */
static bool predict(const struct evidence *e, const struct setting *new, bool all,
		    const struct goals *goals, struct prediction *p)
{
	struct sockets_alike *alike = malloc((e->alike.count + 1) * sizeof(*alike));
	size_t i;
	bool ok;

	if (!alike)
		return false;
	for (i = 0; i < e->alike.count; i++) {
		alike[i] = e->alike.all[i];
		alike[i].setting.retries2 = e->retries2;
		if (!new)
			continue;
		if (all || e->alike.follows[i].idle)
			alike[i].setting.idle_s = new->idle_s;
		if (all || e->alike.follows[i].interval)
			alike[i].setting.interval_s = new->interval_s;
		if (all || e->alike.follows[i].probes)
			alike[i].setting.probes = new->probes;
	}
	ok = prediction__make(alike, e->alike.count, e->hz, &goals->tariff, &e->late_answers, p);
	free(alike);
	return ok;
}

/* ---- proposals ---- */

static void decide_none(struct advice *a, enum advice_why why)
{
	a->verdict = ADVICE_NONE;
	a->why = why;
}

/* What is missing, and the time to get it at today's rate. */
static void say_what_is_thin(struct advice *a)
{
	const struct idle_timeout *path = &a->evidence->path;

	if (path->reason != IDLE_THIN)
		return;
	/* One that dials again and again, and many that are silent behind one NAT, look alike. */
	a->may_be_more_devices = !path->named && path->connections >= IDLE_DEVICES_MIN &&
				 path->devices < IDLE_DEVICES_MIN;
	if (path->lost && path->devices >= IDLE_DEVICES_MIN)
		a->more_days = fmax(0, a->evidence->watched_hours / 24 *
				       ((double)IDLE_LOST_MIN / path->lost - 1));
}

/* The setting that most sockets have, which is kept if any is; false: none has keepalive. */
static bool commonest(const struct evidence *e, struct setting *s)
{
	size_t i, best = 0;

	for (i = 1; i < e->alike.count; i++)
		if (e->alike.all[i].count > e->alike.all[best].count)
			best = i;
	if (e->alike.count)
		*s = e->alike.all[best].setting;
	return e->alike.count;
}

/* A sysctl does not affect sockets that set everything themselves; a policy does. */
static bool is_reached(const struct advice *a, size_t i)
{
	const struct follows *f = &a->evidence->alike.follows[i];

	return a->scope->kind == SCOPE_GROUP || f->idle || f->interval || f->probes;
}

static bool all_meet(const struct advice *a, const struct goals *g)
{
	const struct evidence *e = a->evidence;
	size_t i;

	for (i = 0; i < e->alike.count; i++)
		if (is_reached(a, i) && !goals__are_met(g, e, &e->alike.all[i].setting))
			return false;
	return goals__are_met(g, e, &a->current);
}

static bool any_reached(const struct advice *a)
{
	size_t i;

	for (i = 0; i < a->evidence->alike.count; i++)
		if (is_reached(a, i))
			return true;
	return false;
}

/* The shortest period of the sockets that would be changed. */
static double shortest_period_s(const struct advice *a)
{
	double shortest = HUGE_VAL;
	size_t i;

	for (i = 0; i < a->evidence->alike.count; i++)
		if (is_reached(a, i))
			shortest = fmin(shortest,
					setting__period_s(&a->evidence->alike.all[i].setting));
	return shortest;
}

/* Probes less frequent than today's may lose mappings that those hold open. */
static bool may_forget(const struct advice *a, const struct setting *s)
{
	const struct idle_timeout *path = &a->evidence->path;
	double period = setting__period_s(s);

	if (path->reason == IDLE_KNOWN)
		return !hold_open__holds(a->evidence, s);
	return period > shortest_period_s(a) && period > path->low_s;
}

/* Nothing would be written: the sysctls are so already, or all sockets of the group. */
static bool is_in_force(const struct advice *a, const struct setting *s)
{
	const struct alike *alike = &a->evidence->alike;
	size_t i;

	if (!a->current_known || !setting__is(&a->current, s))
		return false;
	for (i = 0; a->scope->kind == SCOPE_GROUP && i < alike->count; i++)
		if (!setting__is(&alike->all[i].setting, s))
			return false;
	return true;
}

static void keep(struct advice *a, const struct proposal *other)
{
	a->verdict = ADVICE_KEEP;
	a->proposed = a->current;
	a->why = WHY_GOALS_MET;
	if (other->possible && other->setting.idle_s > a->current.idle_s)
		a->cheaper = other->setting;
}

/* Of sockets with options of their own, some may miss the goals still. */
static void keep_if_in_force(struct advice *a)
{
	if (!is_in_force(a, &a->proposed))
		return;
	a->verdict = ADVICE_KEEP;
	a->may_forget = false;
}

/* No group is probed less often than now where that may cost the path, unless a budget requires
 * it. */
static void change(struct advice *a, const struct goals *g, const struct proposal *p)
{
	double shortest = shortest_period_s(a);

	a->verdict = ADVICE_CHANGE;
	a->proposed = p->setting;
	if (!may_forget(a, &a->proposed))
		return keep_if_in_force(a);
	if (!g->budget_bytes_day && !g->max_probes_per_s && shortest >= 1 &&
	    shortest < a->proposed.idle_s) {
		a->proposed.idle_s = floor(shortest);
		a->proposed.interval_s = fmin(a->proposed.interval_s, a->proposed.idle_s);
		a->as_some_now = true;
	} else {
		a->may_forget = true;
	}
	keep_if_in_force(a);
}

/* What was asked for is judged as any other proposal. */
static void evaluate(struct advice *a, const struct goals *g)
{
	a->proposed = g->fixed;
	a->verdict = is_in_force(a, &g->fixed) ? ADVICE_KEEP : ADVICE_CHANGE;
	a->may_forget = a->verdict == ADVICE_CHANGE && may_forget(a, &a->proposed);
	a->why = WHY_EVALUATED;
	a->has_goals = goals__any(g);
	a->missed = goals__missed(g, a->evidence, &g->fixed);
}

static void propose(struct advice *a, const struct goals *g)
{
	const struct evidence *e = a->evidence;

	if (g->evaluate)
		return evaluate(a, g);
	if (!a->current_known)
		return decide_none(a, WHY_SYSCTLS_UNKNOWN);
	if (e->sockets < SOCKETS_MIN)
		return decide_none(a, WHY_FEW_SOCKETS);
	if (!e->alike.count)
		return decide_none(a, WHY_KEEPALIVE_OFF);
	if ((g->hold_open || !goals__any(g)) && e->path.reason != IDLE_KNOWN) {
		say_what_is_thin(a);
		return decide_none(a, WHY_PATH_UNKNOWN);
	}
	if (!any_reached(a))
		return decide_none(a, WHY_OWN_VALUES);
	proposal__make(g, e, &a->current, &a->proposal);
	if (all_meet(a, g))
		return keep(a, &a->proposal);
	a->why = WHY_PROPOSED;
	if (a->proposal.possible)
		return change(a, g, &a->proposal);
	a->verdict = ADVICE_CONFLICT;
}

/* ---- names ---- */

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = hash__number(hash, (unsigned char)*text);
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
	uint64_t hash = hash__number(s->kind, s->port | (uint32_t)s->outgoing << 16);

	if (s->kind == SCOPE_NAMESPACE) {
		hash = mix_text(hash, texts__at(&l->texts, s->place.gateway));
		hash = mix_text(hash, scope__address(l, s));
	}
	hash = mix_text(hash, s->name ? s->name : "");
	hash = hash__bytes(hash__number(hash, s->bits), s->network, sizeof(s->network));
	if (a->verdict == ADVICE_CHANGE) {
		hash = hash__number(hash, lround(a->proposed.idle_s));
		hash = hash__number(hash, lround(a->proposed.interval_s) << 8 | a->proposed.probes);
	}
	snprintf(a->id, sizeof(a->id), "%s-%08x", advice_verdict__name(a->verdict),
		 (uint32_t)(hash >> 16));
}

static void count_open(struct advice *a)
{
	const struct evidence *e = a->evidence;
	size_t i;

	for (i = 0; i < a->scope->count; i++)
		a->suspects += !a->scope->lives[i]->final &&
			       a->scope->lives[i]->outcome == OUTCOME_SUSPECT;
	for (i = 0; i < e->alike.count; i++) {
		const struct setting *s = &e->alike.all[i].setting;

		if (setting__silence_s(s) <= s->interval_s)
			a->killed_by_one_loss += e->alike.all[i].count;
	}
}

/* Why do some take longer than the goal? */
static void find_who_misses(struct advice *a, const struct goals *g)
{
	const struct alike *alike = &a->evidence->alike;
	size_t i;

	if (!a->proposal_known || !g->detect_within_s ||
	    a->predicted_proposed.detection.max_s <= g->detect_within_s)
		return;
	for (i = 0; i < alike->count; i++) {
		a->missed_by_data |= alike->all[i].commands > 0;
		a->missed_by_own |= a->scope->kind == SCOPE_NAMESPACE &&
				    (!alike->follows[i].idle || !alike->follows[i].interval ||
				     !alike->follows[i].probes) &&
				    !goals__are_met(g, a->evidence, &alike->all[i].setting);
	}
	if (a->missed_by_data || a->missed_by_own)
		a->missed_within_s = g->detect_within_s;
}

/* The effect of other values, where the present ones meet the goals. */
static bool price_cheaper(struct advice *a, const struct goals *goals)
{
	struct prediction p;

	if (a->verdict != ADVICE_KEEP || !a->cheaper.probes)
		return true;
	if (!predict(a->evidence, &a->cheaper, a->scope->kind == SCOPE_GROUP, goals, &p))
		return false;
	a->spared_bytes_day =
		a->predicted_current.bytes_per_socket_day - p.bytes_per_socket_day;
	if (a->spared_bytes_day < WORTH_SPARING * a->predicted_current.bytes_per_socket_day)
		a->spared_bytes_day = 0;
	a->may_forget = may_forget(a, &a->cheaper);
	return true;
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
	if (scope->kind == SCOPE_GROUP && commonest(e, &a->current))
		a->current_known = true;
	count_open(a);
	propose(a, goals);
	a->proposal_known =
		(a->verdict == ADVICE_CHANGE || a->verdict == ADVICE_KEEP) && e->alike.count;
	a->below_carriers_floor = a->verdict == ADVICE_CHANGE &&
				  setting__period_s(&a->proposed) < CARRIERS_FLOOR_S &&
				  setting__period_s(&a->current) > a->proposed.idle_s;
	if (e->alike.count)
		ok = predict(e, NULL, false, goals, &a->predicted_current);
	if (ok && a->proposal_known)
		ok = predict(e, &a->proposed, scope->kind == SCOPE_GROUP, goals,
			     &a->predicted_proposed);
	ok = ok && price_cheaper(a, goals);
	find_who_misses(a, goals);
	a->heartbeat = remedies__heartbeat(e, a->proposal_known ? &a->proposed : NULL,
					   &goals->tariff);
	name_it(l, a);
	return ok && remedies__data_timeout(e, a->proposal_known ? &a->proposed : current,
					    goals->detect_within_s, &a->data);
}
