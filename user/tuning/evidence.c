// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/groups.h"
#include "tuning/evidence.h"
#include "tuning/path_witnesses.h"

/* A peer that spoke this often in a history has a habit. */
#define HABIT_MIN 3
/* Debian's and most distributions' kernels; a present watch reports its own. */
#define HZ_ASSUMED 250

/* ---- programs ---- */

/* As far as its options are known. */
static struct exposure exposure_of(const struct life *life)
{
	bool with_keepalive = life->options_known && life->keepalive;

	return (struct exposure){
		.with_keepalive = with_keepalive,
		.never_notices = life->options_known && !life->keepalive,
		.own_idle = with_keepalive && life->idle_from_socket };
}

static uint32_t never_notice(const struct exposure_counts *c)
{
	return c->never_notice;
}

static uint32_t own_idle(const struct exposure_counts *c)
{
	return c->own_idle;
}

/* The lives' sockets by program; those whose program is not known are one, too. */
static bool rank_programs(const struct lives *l, const struct scope *s, struct evidence *e)
{
	struct exposure_groups groups = { 0 };
	struct exposure_counts *counts;
	size_t i;

	for (i = 0; i < s->count; i++) {
		struct exposure x = exposure_of(s->lives[i]);
		struct exposure_key key = { .netns = 0 };

		exposure_key__set_program(&key, texts__at(&l->texts, s->lives[i]->program));
		counts = exposure_groups__of(&groups, &key);
		if (!counts)
			break;
		exposure_counts__add(counts, &x);
	}
	exposure_groups__rank(&groups, never_notice, e->without_keepalive, PROGRAMS_TOLD);
	exposure_groups__rank(&groups, own_idle, e->with_own_options, PROGRAMS_TOLD);
	exposure_groups__free(&groups);
	return i == s->count;
}

/* ---- all of it ---- */

struct lengths {
	double *all;
	size_t count;
};

/* Without any ask, no dead peer is found. */
static bool is_asked(const struct life *life)
{
	unsigned int i;

	for (i = 0; i < life->gap_count; i++)
		if (life->gaps[i].ended_by_us)
			return true;
	return life->keepalive || life->probes_sent || life->found_by != FOUND_BY_NOTHING;
}

/* A device that dies before its habit shows was no other device: the time until then, and deaths in
 * it, are counted with those that have none, or the others would be immortal in it. */
static void count_quiet(struct evidence *e, const struct life *life, double days)
{
	double before = life->heartbeats ? fmin(days, HABIT_MIN * life->heartbeat_s / 86400) : 0;
	struct quiet_deaths *q = life->peer_probes ? &e->with_probes
				 : life->heartbeats ? &e->with_heartbeats : &e->with_neither;

	if (!is_asked(life))
		return;
	q->sockets++;
	if (!life->peer_probes)
		e->with_neither.socket_days += before;
	q->socket_days += life->peer_probes ? days : days - before;
	q->deaths += life__is_dead(life);
}

static void count_life(struct evidence *e, const struct life *life)
{
	double days = fmax(0, life->ended_s - life->seen_s) / 86400;
	unsigned int i;

	e->socket_hours += days * 24;
	e->options_unknown += !life->options_known;
	e->with_keepalive += life->keepalive;
	e->own_options += exposure_of(life).own_idle;
	for (i = 0; i < life->gap_count; i++)
		e->gaps_survived += life->gaps[i].count;
	e->gaps_lost += life->lost;
	e->half_open += life->found_by != FOUND_BY_NOTHING;
	count_quiet(e, life, days);
	e->ipv6 |= life->family == AF_INET6;
	e->in_container |= life->in_container;
	e->in_pod |= life->in_pod;
	e->heartbeats += life->heartbeat_s > 0;
	if (!life->reports.segments_known)
		return;
	e->reports.over_s += life->reports.over_s;
	e->reports.bytes += life->reports.bytes;
	e->reports.segments += life->reports.segments;
}

static void gather_lengths(const struct scope *s, struct evidence *e,
			   struct lengths *unacknowledged, struct lengths *idle,
			   struct lengths *beats)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct life *life = s->lives[i];

		if (life->heartbeat_s > 0)
			beats->all[beats->count++] = life->heartbeat_s;
		if (life->begun_unseen)
			continue;
		if (life->found_by == FOUND_BY_RETRANSMIT) {
			e->unacknowledged[unacknowledged->count] = life->unacknowledged;
			unacknowledged->all[unacknowledged->count++] = life->latency_max_s;
		} else if (life->found_by == FOUND_BY_KEEPALIVE ||
			   life->found_by == FOUND_BY_USER_TIMEOUT) {
			idle->all[idle->count++] = life->latency_max_s;
		}
	}
}

static bool gather_quantiles(const struct scope *s, struct evidence *e)
{
	double *memory = malloc((3 * s->count + 1) * sizeof(*memory));
	struct lengths unacknowledged, idle, beats;

	e->unacknowledged = malloc((s->count + 1) * sizeof(*e->unacknowledged));
	if (!memory || !e->unacknowledged) {
		free(memory);
		return false;
	}
	unacknowledged = (struct lengths){ memory, 0 };
	idle = (struct lengths){ memory + s->count, 0 };
	beats = (struct lengths){ memory + 2 * s->count, 0 };
	gather_lengths(s, e, &unacknowledged, &idle, &beats);
	e->unacknowledged_count = unacknowledged.count;
	e->retries2 = retransmission__retries_of(e->unacknowledged, unacknowledged.all,
						 unacknowledged.count, e->hz);
	e->unacknowledged_detection = detection__of(unacknowledged.all, unacknowledged.count);
	e->detection = detection__of(idle.all, idle.count);
	quantile__sort(beats.all, beats.count);
	e->heartbeat_s = quantile__of(beats.all, beats.count, 0.5);
	free(memory);
	return true;
}

/* The watched time: the sockets that were open at once are socket-hours over this. */
static double watched_hours(const struct lives *l, const struct scope *s)
{
	double first = HUGE_VAL, last = 0;
	unsigned int i;
	size_t n;

	for (n = 0; n < s->count; n++)
		for (i = 0; i < l->run_count; i++) {
			if (l->runs[i].run_id != s->lives[n]->run)
				continue;
			first = fmin(first,
				     fmin(l->runs[i].started_s ?: HUGE_VAL, s->lives[n]->seen_s));
			last = fmax(last, l->runs[i].ended_s);
		}
	return last > first ? (last - first) / 3600 : 0;
}

bool evidence__gather(const struct lives *l, const struct scope *s, struct evidence *e)
{
	size_t i;
	bool ok;

	*e = (struct evidence){ .sockets = s->count, .hz = HZ_ASSUMED };
	for (i = 0; i < l->run_count; i++)
		if (l->runs[i].hz)
			e->hz = l->runs[i].hz;
	for (i = 0; i < s->count; i++)
		count_life(e, s->lives[i]);
	e->watched_hours = watched_hours(l, s);
	ok = rank_programs(l, s, e) && gather_quantiles(s, e) &&
	     late_answers__gather(s->lives, s->count, &e->late_answers) &&
	     path_witnesses__estimate(s, &e->path);
	e->path_was_known = ok && e->path.reason == IDLE_KNOWN && 2 * e->heartbeats > s->count &&
			    e->heartbeat_s < e->path.estimate_s &&
			    e->heartbeat_s > e->path.estimate_s / 2;
	for (i = 0; ok && i < s->count; i++) {
		const struct life *life = s->lives[i];
		double hours = fmax(0, life->ended_s - life->seen_s) / 3600;

		if (life->options_known && life->keepalive && life->interval_s > 0)
			ok = alike__add(&e->alike, life,
					e->watched_hours ? hours / e->watched_hours : 0);
	}
	return ok;
}

void evidence__free(struct evidence *e)
{
	late_answers__free(&e->late_answers);
	free(e->unacknowledged);
	alike__free(&e->alike);
	*e = (struct evidence){ 0 };
}
