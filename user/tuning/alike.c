// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/alike.h"
#include "tuning/gap_lengths.h"

/* Too many kinds: the rest is counted with those of the same idle time. */
#define KINDS_MAX 256
/* A peer that spoke this often in a life has a habit. */
#define HABIT_MIN 3
/* Gaps shorter than watch's --idle-gap are not told: who sends a segment in each such time, of what
 * no gap covers, is heard all the time. */
#define UNTOLD_S 20.0
/* Chains of answered probes within one silence are as long, at most. */
#define CHAIN_MAX 64
/* A share of the time that is known. */
#define FOLDING_ERROR 0.15
/* Kernel timers are late by an eighth at most. */
#define TIMER_LATENESS 1.125

/* ---- one life ---- */

/* Its silences all have one length. */
static bool is_regular(const struct life *life, const struct gap_lengths *l)
{
	return l->own >= HABIT_MIN && l->probed > 0 &&
	       l->own_high_s - l->own_low_s < fmax(life->idle_s, life->interval_s) / 3;
}

static void add_silences(struct sockets_alike *g, double s, double times)
{
	unsigned int bin = silence__bin(s);

	g->silences[bin].times += times;
	g->silences[bin].sum_s += times * s;
	g->covered_s += times * s;
}

/* When does our program ask? */
static void add_commands(struct sockets_alike *g, const struct life *life,
			 const struct gap_lengths *l)
{
	unsigned int i, part;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *gap = &life->gaps[i];

		for (part = 0; part < GAP_PARTS; part++) {
			unsigned int bin = silence__bin(gap_lengths__part_s(gap, part));
			double own = gap_lengths__own_count(l, life, gap, part);

			g->told[bin] += gap->count * l->weight[part];
			g->commanded[bin] += gap->ended_by_us ? own : 0;
			g->commands += gap->ended_by_us ? own : 0;
		}
	}
}

/* One of the peer's or our program's, `later_s` longer than it was told. */
static void add_own_gaps(struct sockets_alike *g, const struct life *life,
			 const struct gap_lengths *l, double later_s, double chance)
{
	unsigned int i, part;

	for (i = 0; i < life->gap_count; i++)
		for (part = 0; part < GAP_PARTS; part++) {
			const struct life_gap *gap = &life->gaps[i];
			double times = gap_lengths__own_count(l, life, gap, part);

			if (times > 0)
				add_silences(g, later_s + gap_lengths__part_s(gap, part),
					     chance * times);
		}
}

/* A silence that our probes divided goes on after each with the same chance: its rest is one of
 * those that ended by themselves. */
static void add_divided(struct sockets_alike *g, const struct life *life,
			const struct gap_lengths *l)
{
	double mean = l->probed > 0 ? l->probed_s / l->probed : 0;
	double on = l->probed / (l->probed + l->own), chance = 1 - on;
	unsigned int chain;

	for (chain = 0; chain < CHAIN_MAX && chance >= 1e-6; chain++, chance *= on)
		add_own_gaps(g, life, l, chain * mean, chance);
}

/* Nothing but our probes ended a gap: it was silent in all of them, and as long as they had to be
 * sent in what no gap covers. */
static double silent_s(const struct life *life, double s)
{
	double period = fmax(life->idle_s, life->interval_s);
	double to_dead = life->found_by != FOUND_BY_NOTHING ? life->probes : 0;
	double probes = fmax(0, life->probes_sent - to_dead);

	return s < (probes + 1) * TIMER_LATENESS * period ? s : probes * period;
}

/* By the kernel's counts too few segments passed, from either side, for what no gap covers to be gaps
 * too short to be told: the gaps were not all told. */
static bool says_nothing(const struct life *life, const struct gap_lengths *l, double words,
			 double rest)
{
	const struct reports *r = &life->reports;

	/* none of ours: perhaps nobody told how many there were */
	return r->over_s > 0 && r->asks > 0 && !life->heartbeat_s &&
	       fmax(0, words) + r->asks / r->over_s * l->known_s < rest / UNTOLD_S;
}

/* What no gap covers are gaps too short to be told: something is heard all the time, the peer's words
 * or what answers our program. A little of it is what the folded ones are estimated to be too short. */
static void add_untold(struct sockets_alike *g, const struct life *life, const struct gap_lengths *l)
{
	double rest = fmax(0, l->known_s - l->own_s - l->probed_s), silent = 0;
	double words = life->reports.over_s > 0
			       ? life->reports.segments / life->reports.over_s * l->known_s - l->own
			       : 0;
	bool speaks = words > rest / UNTOLD_S;

	if (l->own > 0 && rest < l->known_s * FOLDING_ERROR)
		return;
	if (!l->own && !life->heartbeat_s)
		rest += l->probed_s;
	if (says_nothing(life, l, words, rest))
		silent = rest;
	else if (!speaks && !l->own)
		silent = silent_s(life, rest);
	g->silent_s += silent;
	g->busy_s += rest - silent;
	g->covered_s += rest;
	if (!speaks)
		g->unsaid_s += rest - silent;
}

static void add_life(struct sockets_alike *g, const struct life *life, double weight)
{
	struct gap_lengths l = gap_lengths__of(life);

	g->count += weight;
	if (life->heartbeat_s > 0 && l.probed > 0)
		add_silences(g, life->heartbeat_s, (l.probed_s + l.own_s) / life->heartbeat_s);
	else if (is_regular(life, &l))
		add_silences(g, (l.probed_s + l.own_s) / l.own, l.own);
	else if (l.own > 0)
		add_divided(g, life, &l);
	add_untold(g, life, &l);
	add_commands(g, life, &l);
	g->deaths += life->found_by != FOUND_BY_NOTHING && life->found_by != FOUND_BY_RESET;
	g->deaths_idle += life->found_by == FOUND_BY_KEEPALIVE;
	g->deaths_asked += life->found_by == FOUND_BY_RETRANSMIT;
}

/* ---- kinds ---- */

static bool is_of_kind(const struct sockets_alike *a, const struct life *life)
{
	return a->setting.idle_s == life->idle_s && a->ipv6 == (life->family != AF_INET) &&
	       a->setting.interval_s == life->interval_s && a->setting.probes == life->probes &&
	       a->setting.user_timeout_s == life->user_timeout_s &&
	       (!a->setting.rto_max_s || !life->rto_max_s ||
		a->setting.rto_max_s == life->rto_max_s);
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
		known->setting.rto_max_s = fmax(known->setting.rto_max_s, life->rto_max_s);
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
			     .probes = life->probes, .user_timeout_s = life->user_timeout_s,
			     .rto_max_s = life->rto_max_s },
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
