// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"

/* A peer that spoke this often in a life has a habit. */
#define HABIT_MIN 3
/* Debian's and most distributions' kernels; what a watch of today says itself. */
#define HZ_ASSUMED 250

/* ---- programs ---- */

/* The programs that hold most of the chosen lives' sockets. */
static bool rank_programs(const struct lives *l, const struct scope *s,
			  bool (*chosen)(const struct life *), struct program_count *most)
{
	struct program_count *all = calloc(s->count + 1, sizeof(*all));
	size_t i, n = 0;

	if (!all)
		return false;
	for (i = 0; i < s->count; i++) {
		if (!chosen(s->lives[i]))
			continue;
		all[n].sockets = 1;
		snprintf(all[n++].comm, sizeof(all->comm), "%s",
			 texts__at(&l->texts, s->lives[i]->program));
	}
	n = ranking__of_programs(all, n);
	memcpy(most, all, (n < PROGRAMS_TOLD ? n : PROGRAMS_TOLD) * sizeof(*all));
	free(all);
	return true;
}

static bool is_blind(const struct life *life)
{
	return life->options_known && !life->keepalive;
}

static bool is_stubborn(const struct life *life)
{
	return life->options_known && life->keepalive && life->idle_from_socket;
}

/* ---- the path ---- */

/* Is it as long as our own keepalive waits, late by an eighth (the timer wheel) at most? */
static bool is_at_probe(const struct life *life, double from_s, double to_s)
{
	double probe_s = fmax(life->idle_s, life->interval_s);

	return life->keepalive && to_s > probe_s * 0.95 && from_s < probe_s * 1.2;
}

static struct path_witness testimony(const struct life *life)
{
	struct path_witness w = { 0 };
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		w.idle_s += g->count * ((double)g->from_s + g->to_s) / 2;
		if (g->from_s <= w.survived_s)
			continue;
		w.survived_s = g->from_s;
		w.probed = g->ended_by_us && is_at_probe(life, g->from_s, g->to_s);
	}
	if (life->lost && life->lost_within_s >= 1) {
		w.lost_s = life->lost_within_s;
		/* or a reset answered the probe: the device had rebooted, or was back */
		w.lost_to_probe = (life->found_by == FOUND_BY_KEEPALIVE ||
				   life->found_by == FOUND_BY_USER_TIMEOUT ||
				   life->found_by == FOUND_BY_RESET ||
				   life->found_by == FOUND_BY_SUPERSEDED) &&
				  is_at_probe(life, w.lost_s, w.lost_s);
		w.idle_s += w.lost_s;
	}
	return w;
}

/* One device, several connections: one witness. */
static void join_testimonies(struct path_witness *a, const struct path_witness *b)
{
	if (b->survived_s > a->survived_s) {
		a->survived_s = b->survived_s;
		a->probed = b->probed;
	}
	if (b->lost_s && (!a->lost_s || b->lost_s < a->lost_s)) {
		a->lost_s = b->lost_s;
		a->lost_to_probe = b->lost_to_probe;
	}
	a->idle_s += b->idle_s;
}

static int by_device(const void *a, const void *b)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return life__order(x, y);
}

static bool estimate_path(const struct scope *s, struct idle_timeout *path)
{
	struct path_witness *all = malloc((s->count + 1) * sizeof(*all));
	struct life **sorted = malloc((s->count + 1) * sizeof(*sorted));
	size_t i, n = 0;
	bool ok = all && sorted;

	if (ok) {
		memcpy(sorted, s->lives, s->count * sizeof(*sorted));
		qsort(sorted, s->count, sizeof(*sorted), by_device);
	}
	for (i = 0; ok && i < s->count; i++) {
		struct path_witness w = testimony(sorted[i]);

		if (!w.survived_s && !w.lost_s)
			continue;
		if (n && i && sorted[i]->device && sorted[i]->device == sorted[i - 1]->device)
			join_testimonies(&all[n - 1], &w);
		else
			all[n++] = w;
	}
	ok = ok && idle_timeout__estimate(all, n, path);
	free(all);
	free(sorted);
	return ok;
}

/* ---- all of it ---- */

struct lengths {
	double *all;
	size_t count;
};

/* Where nobody asks, nobody is found dead, whoever is. */
static bool is_asked(const struct life *life)
{
	unsigned int i;

	for (i = 0; i < life->gap_count; i++)
		if (life->gaps[i].ended_by_us)
			return true;
	return life->keepalive || life->probes_sent || life->found_by != FOUND_BY_NOTHING;
}

/* Who dies before the habit shows was no other device: the time until then, and who died in it, are
 * counted with those that have none, or the others would be immortal in it. */
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
	q->deaths += life->found_by != FOUND_BY_NOTHING && life->found_by != FOUND_BY_RESET;
}

static void count_life(struct evidence *e, const struct life *life)
{
	double days = fmax(0, life->ended_s - life->seen_s) / 86400;
	unsigned int i;

	e->socket_hours += days * 24;
	e->options_unknown += !life->options_known;
	e->with_keepalive += life->keepalive;
	e->own_options += is_stubborn(life);
	for (i = 0; i < life->gap_count; i++)
		e->gaps_survived += life->gaps[i].count;
	e->gaps_lost += life->lost;
	e->half_open += life->found_by != FOUND_BY_NOTHING;
	count_quiet(e, life, days);
	e->ipv6 |= life->family == AF_INET6;
	e->in_container |= life->in_container;
	e->in_pod |= life->in_pod;
	e->heartbeats += life->heartbeat_s > 0;
	e->reports.over_s += life->reports.over_s;
	e->reports.bytes += life->reports.bytes;
	e->reports.segments += life->reports.segments;
}

static void gather_lengths(const struct scope *s, struct evidence *e, struct lengths *stuck,
			   struct lengths *idle, struct lengths *beats)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct life *life = s->lives[i];

		if (life->heartbeat_s > 0)
			beats->all[beats->count++] = life->heartbeat_s;
		if (life->begun_unseen)
			continue;
		if (life->found_by == FOUND_BY_RETRANSMIT) {
			e->stuck[stuck->count] = life->unacknowledged;
			stuck->all[stuck->count++] = life->latency_max_s;
		} else if (life->found_by == FOUND_BY_KEEPALIVE ||
			   life->found_by == FOUND_BY_USER_TIMEOUT) {
			idle->all[idle->count++] = life->latency_max_s;
		}
	}
}

static bool gather_quantiles(const struct scope *s, struct evidence *e)
{
	double *memory = malloc((3 * s->count + 1) * sizeof(*memory));
	struct lengths stuck, idle, beats;

	e->stuck = malloc((s->count + 1) * sizeof(*e->stuck));
	if (!memory || !e->stuck) {
		free(memory);
		return false;
	}
	stuck = (struct lengths){ memory, 0 };
	idle = (struct lengths){ memory + s->count, 0 };
	beats = (struct lengths){ memory + 2 * s->count, 0 };
	gather_lengths(s, e, &stuck, &idle, &beats);
	e->stuck_count = stuck.count;
	e->stuck_detection = detection__of(stuck.all, stuck.count);
	e->detection = detection__of(idle.all, idle.count);
	quantile__sort(beats.all, beats.count);
	e->heartbeat_s = quantile__of(beats.all, beats.count, 0.5);
	free(memory);
	return true;
}

/* For how long somebody looked: the sockets that were open at once are socket-hours over this. */
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
	ok = rank_programs(l, s, is_blind, e->blind) &&
	     rank_programs(l, s, is_stubborn, e->stubborn) && gather_quantiles(s, e) &&
	     mutes__gather(s->lives, s->count, &e->mutes) &&
	     estimate_path(s, &e->path);
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
	mutes__free(&e->mutes);
	free(e->stuck);
	alike__free(&e->alike);
	*e = (struct evidence){ 0 };
}
