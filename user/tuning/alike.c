// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/alike.h"
#include "tuning/gap_lengths.h"

/* Limit of kinds: further sockets are counted with those of the same idle time. */
#define KINDS_MAX 256
/* A peer that spoke this often in a history has a habit. */
#define HABIT_MIN 3
/* Gaps shorter than watch's --idle-gap are not told: mostly this. A peer that sends a segment in
 * each time as long as the second, within what no gap covers, is heard all the time. */
#define IDLE_GAP_S 10.0
#define UNTOLD_S 20.0
/* Chains of answered probes within one silence are as long, at most. */
#define CHAIN_MAX 64
/* A share of the known time. */
#define FOLDING_ERROR 0.15
/* Kernel timers are late by an eighth at most. */
#define TIMER_LATENESS 1.125
/* Counts of less than this share of the time say nothing of the rest. */
#define COUNTED_MOST 0.5

/* ---- one history ---- */

/* Its silences all have one length. */
static bool is_regular(const struct life *life, const struct gap_lengths *l)
{
	return l->own >= HABIT_MIN && l->probed > 0 &&
	       l->own_high_s - l->own_low_s < fmax(life->idle_s, life->interval_s) / 3;
}

static void add_to_bin(struct sockets_alike *g, unsigned int bin, double s, double times)
{
	g->silences[bin].times += times;
	g->silences[bin].sum_s += times * s;
	g->silences[bin].squares_s2 += times * s * s;
	g->covered_s += times * s;
}

static void add_silences(struct sockets_alike *g, double s, double times)
{
	add_to_bin(g, silence__bin(s), s, times);
}

/* Each silence was divided by as many probes; the last one was not over. */
static void add_regular(struct sockets_alike *g, const struct gap_lengths *l, double times)
{
	double probes = round(l->probed / (l->own + 0.5));
	double length = probes * l->probed_s / l->probed + l->own_s / l->own;

	if (length > 0)
		add_silences(g, length, times * (l->probed_s + l->own_s) / length);
}

/* When does our program ask? Each stands for so many `times`. */
static void add_commands(struct sockets_alike *g, const struct life *life,
			 const struct gap_lengths *l, double times)
{
	unsigned int i, part;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *gap = &life->gaps[i];

		for (part = 0; part < GAP_PARTS; part++) {
			unsigned int bin = silence__bin(l->part_s[i][part]);
			double own = times * gap_lengths__own_count(l, life, gap, part);

			g->told[bin] += times * gap->count * l->weight[part];
			g->commanded[bin] += gap->ended_by_us ? own : 0;
			g->commands += gap->ended_by_us ? own : 0;
		}
	}
}

/* Gaps that end so soon after a probe that they are not told: as many as the rate makes likely at
 * which the told ones end. */
static double untold_after_probes(const struct gap_lengths *l)
{
	double shortest = fmin(IDLE_GAP_S, l->own_low_s);

	return l->own * l->probed * shortest / (l->own_s + l->probed_s);
}

/* A silence that our probes divided goes on after each with the same chance `on`: its rest, of
 * `rest_s`, is one of those that ended by themselves. */
static void add_chain(struct sockets_alike *g, double rest_s, double mean_s, double on,
		      double times)
{
	double s = rest_s, chance = 1 - on, ratio = exp(SILENCE_BIN);
	unsigned int chain, bin = silence__bin(s);
	double next_bin_s = exp((bin + 1) * SILENCE_BIN);

	for (chain = 0; chain < CHAIN_MAX && chance >= 1e-6; chain++, chance *= on, s += mean_s) {
		for (; s >= next_bin_s && bin + 1 < SILENCE_BINS; bin++)
			next_bin_s *= ratio;
		add_to_bin(g, bin, s, times * chance);
	}
}

static void add_divided(struct sockets_alike *g, const struct life *life,
			const struct gap_lengths *l, double times)
{
	double mean = l->probed > 0 ? l->probed_s / l->probed : 0;
	double told = l->own + untold_after_probes(l);
	double on = l->probed / (l->probed + told);
	unsigned int i, part;

	times *= told / l->own;
	for (i = 0; i < life->gap_count; i++)
		for (part = 0; part < GAP_PARTS; part++) {
			double own = gap_lengths__own_count(l, life, &life->gaps[i], part);

			if (own > 0)
				add_chain(g, l->part_s[i][part], mean, on, times * own);
		}
}

/* Only our probes ended gaps: the peer was silent in all of them, and in uncovered time as long as
 * those probes need. */
static double silent_s(const struct life *life, double s)
{
	double period = fmax(life->idle_s, life->interval_s);
	double to_dead = life->found_by != FOUND_BY_NOTHING ? life->probes : 0;
	double probes = fmax(0, life->probes_sent - to_dead);

	return s < (probes + 1) * TIMER_LATENESS * period ? s : probes * period;
}

/* Segments of data within the time that is known, where somebody counted for most of it. */
struct counted {
	bool known;
	double theirs, ours;
};

/* A dead peer is not heard until its death is noticed, whatever is counted in that time. */
static struct counted counted_of(const struct life *life, const struct gap_lengths *l)
{
	const struct reports *r = &life->reports;
	double dead = life->found_by != FOUND_BY_NOTHING && life->heard_s > 0
			      ? fmax(0, life->ended_s - life->heard_s) : 0;
	double over = r->over_s - dead;

	if (!r->segments_known || over <= 0 || over < l->known_s * COUNTED_MOST)
		return (struct counted){ false };
	return (struct counted){ true, r->segments * l->known_s / over,
				 r->asks * l->known_s / over };
}

/* Where nobody counted, what no gap covers is neither silence nor activity: it is like what the
 * told ones cover. So each of them stands for so many. */
static double stands_for(const struct counted *counted, const struct gap_lengths *l)
{
	double told = l->own_s + l->probed_s;

	return !counted->known && told > 0 ? fmax(1, l->known_s / told) : 1;
}

/* How much of what no gap covers, `rest`, was silent. By the kernel's counts too few segments may
 * have passed, from either side, for gaps too short to be told: then not all were told. Where
 * nobody counted, a peer that only answered probes was silent all the time. */
static double silent_of(const struct life *life, const struct gap_lengths *l,
			const struct counted *counted, double rest)
{
	double theirs = counted->theirs - l->own;

	if (counted->known ? !life->heartbeat_s &&
			     fmax(0, theirs) + counted->ours < rest / UNTOLD_S
			   : l->probed > 0)
		return rest;
	return theirs <= rest / UNTOLD_S && !l->own ? silent_s(life, rest) : 0;
}

/* Time without a gap is gaps too short to be reported: something is heard all the time, data of the
 * peer or its answers to our program. A little of it is the estimated error of the folded ones. */
static void add_untold(struct sockets_alike *g, const struct life *life,
		       const struct gap_lengths *l, const struct counted *counted)
{
	double rest = fmax(0, l->known_s - l->own_s - l->probed_s), silent;

	if (!counted->known && (l->own > 0 || (life->heartbeat_s > 0 && l->probed > 0)))
		return;
	if (l->own > 0 && rest < l->known_s * FOLDING_ERROR)
		return;
	if (!l->own && !life->heartbeat_s)
		rest += l->probed_s;
	silent = silent_of(life, l, counted, rest);
	if (!counted->known && !l->probed && silent == rest)
		return;	/* too short for a probe: nobody knows */
	g->silent_s += silent;
	g->busy_s += rest - silent;
	g->covered_s += rest;
	if (counted->theirs - l->own <= rest / UNTOLD_S)
		g->unsaid_s += rest - silent;
}

static void add_life(struct sockets_alike *g, const struct life *life, double weight)
{
	struct gap_lengths l = gap_lengths__of(life);
	struct counted counted = counted_of(life, &l);
	double times = stands_for(&counted, &l);

	g->count += weight;
	if (life->heartbeat_s > 0 && l.probed > 0)
		add_silences(g, life->heartbeat_s,
			     times * (l.probed_s + l.own_s) / life->heartbeat_s);
	else if (is_regular(life, &l))
		add_regular(g, &l, times);
	else if (l.own > 0)
		add_divided(g, life, &l, times);
	add_untold(g, life, &l, &counted);
	add_commands(g, life, &l, times);
	g->deaths += life__is_dead(life);
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
