// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alike.h"

/* Too many kinds: the rest is counted with those of the same idle time. */
#define KINDS_MAX 256
/* A peer that spoke this often in a life has a habit. */
#define HABIT_MIN 3
/* Gaps shorter than watch's --idle-gap are not told: who sends a segment in each such time, of what
 * no gap covers, is heard all the time. */
#define UNTOLD_S 20.0
/* Chains of answered probes within one silence are as long, at most. */
#define CHAIN_MAX 64

/* ---- one life ---- */

/* What its gaps add up to. */
struct pattern {
	double probed_s, probed;	/* gaps that our keepalive ended: their time, how many */
	double own_s, own;		/* those that the peer or our program ended */
	double own_low_s, own_high_s;
	double commands;		/* of those, our program's */
};

static double middle_s(const struct life_gap *g)
{
	return ((double)g->from_s + g->to_s) / 2;
}

/* Is it as long as our own keepalive waits, late by an eighth (the timer wheel) at most? */
static bool ended_by_probe(const struct life *life, const struct life_gap *g)
{
	double probe_s = fmax(life->idle_s, life->interval_s);

	return g->ended_by_us && g->to_s > probe_s * 0.95 && g->from_s < probe_s * 1.2;
}

static struct pattern pattern_of(const struct life *life)
{
	struct pattern p = { .own_low_s = HUGE_VAL };
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		if (ended_by_probe(life, g)) {
			p.probed += g->count;
			p.probed_s += g->count * middle_s(g);
			continue;
		}
		p.own += g->count;
		p.own_s += g->count * middle_s(g);
		p.own_low_s = fmin(p.own_low_s, g->from_s);
		p.own_high_s = fmax(p.own_high_s, g->to_s);
		p.commands += g->ended_by_us ? g->count : 0;
	}
	return p;
}

/* Its silences all have one length. */
static bool is_regular(const struct life *life, const struct pattern *p)
{
	return p->own >= HABIT_MIN && p->probed > 0 &&
	       p->own_high_s - p->own_low_s < fmax(life->idle_s, life->interval_s) / 3;
}

static void add_silences(struct sockets_alike *g, double s, double times)
{
	unsigned int bin = fmax(0, fmin(log(fmax(s, 1)) / SILENCE_BIN, SILENCE_BINS - 1));

	g->silences[bin].times += times;
	g->silences[bin].sum_s += times * s;
	g->covered_s += times * s;
}

/* A silence that our probes divided goes on after each with the same chance: its rest is one of
 * those that ended by themselves. */
static void add_divided(struct sockets_alike *g, const struct life *life, const struct pattern *p)
{
	double mean = p->probed > 0 ? p->probed_s / p->probed : 0;
	double on = p->probed / (p->probed + p->own), chance = 1 - on;
	unsigned int i, chain;

	for (chain = 0; chain < CHAIN_MAX; chain++, chance *= on) {
		if (chance < 1e-6)
			break;
		for (i = 0; i < life->gap_count; i++)
			if (!ended_by_probe(life, &life->gaps[i]))
				add_silences(g, chain * mean + middle_s(&life->gaps[i]),
					     chance * life->gaps[i].count);
	}
}

/* What no gap covers: is the peer heard all the time in it, or not at all? */
static void add_untold(struct sockets_alike *g, const struct life *life, const struct pattern *p)
{
	double lived = fmax(0, life->ended_s - life->seen_s);
	double rest = fmax(0, lived - p->own_s - p->probed_s -
				      (life->lost ? life->lost_within_s : 0));
	double words = life->reports.over_s > 0
			       ? life->reports.segments / life->reports.over_s * lived - p->own
			       : 0;

	if (!p->own && !life->heartbeat_s)
		rest += p->probed_s;
	if (words > rest / UNTOLD_S)
		g->busy_s += rest;
	else
		g->silent_s += rest;
	g->covered_s += rest;
}

static void add_life(struct sockets_alike *g, const struct life *life, double weight)
{
	struct pattern p = pattern_of(life);

	g->count += weight;
	if (life->heartbeat_s > 0 && p.probed > 0)
		add_silences(g, life->heartbeat_s, (p.probed_s + p.own_s) / life->heartbeat_s);
	else if (is_regular(life, &p))
		add_silences(g, (p.probed_s + p.own_s) / p.own, p.own);
	else if (p.own > 0)
		add_divided(g, life, &p);
	add_untold(g, life, &p);
	g->commands += p.commands;
}

/* ---- kinds ---- */

static bool is_of_kind(const struct sockets_alike *a, const struct life *life)
{
	return a->setting.idle_s == life->idle_s && a->ipv6 == (life->family != AF_INET) &&
	       a->setting.interval_s == life->interval_s && a->setting.probes == life->probes &&
	       a->setting.user_timeout_s == life->user_timeout_s;
}

static struct sockets_alike *find(struct alike *a, const struct life *life,
				  const struct follows *f)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (!memcmp(&a->follows[i], f, sizeof(*f)) &&
		    (is_of_kind(&a->all[i], life) ||
		     (a->count >= KINDS_MAX && a->all[i].setting.idle_s == life->idle_s)))
			return &a->all[i];
	return NULL;
}

bool alike__add(struct alike *a, const struct life *life, double weight)
{
	struct follows follows = { !life->idle_from_socket, !life->interval_from_socket,
				   !life->probes_from_socket };
	struct sockets_alike *known = find(a, life, &follows), *bigger;
	struct follows *longer;

	if (known) {
		add_life(known, life, weight);
		return true;
	}
	bigger = realloc(a->all, (a->count + 1) * sizeof(*bigger));
	if (bigger)
		a->all = bigger;
	longer = realloc(a->follows, (a->count + 1) * sizeof(*longer));
	if (longer)
		a->follows = longer;
	if (!bigger || !longer)
		return false;
	a->all[a->count] = (struct sockets_alike){
		.setting = { .idle_s = life->idle_s, .interval_s = life->interval_s,
			     .probes = life->probes, .user_timeout_s = life->user_timeout_s },
		.ipv6 = life->family != AF_INET };
	a->follows[a->count] = follows;
	add_life(&a->all[a->count++], life, weight);
	return true;
}

void alike__free(struct alike *a)
{
	free(a->all);
	free(a->follows);
	*a = (struct alike){ .count = 0 };
}
