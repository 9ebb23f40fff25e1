// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "timeline/names.h"
#include "tuning/late_answers.h"
#include "tuning/life_of.h"

/* 0: absent. The whole seconds and the rest apart, as a text of RFC 3339 has them. */
static double seconds(int64_t at)
{
	int64_t whole = at / 1000000000;

	return whole + at % 1000000000 / 1e9;
}

/* ---- identity ---- */

static bool read_end(const struct timeline_end *from, struct endpoint *e, uint8_t *family)
{
	e->port = from->port;
	if (inet_pton(AF_INET, from->address, e->address) == 1) {
		*family = AF_INET;
		return true;
	}
	*family = AF_INET6;
	return inet_pton(AF_INET6, from->address, e->address) == 1;
}

/* Names and host names are ignored: anybody may take any host name, and `ip netns` gives a name to
 * one namespace after another. */
static struct life_place place_of(struct texts *texts, const struct timeline_origin *origin,
				  const struct timeline_netns *netns)
{
	struct life_place place = { .gateway = texts__of(texts, origin->gateway),
				    .boot = texts__of(texts, origin->boot_id),
				    .inode = netns->inode, .cookie = netns->cookie };

	if (!place.cookie)
		place.run = texts__of(texts, origin->run_id);
	return place;
}

static void take_socket(struct texts *texts, const struct timeline *t, struct life *life)
{
	const struct timeline_socket *s = &t->socket;
	uint8_t family;

	life->boot = texts__of(texts, t->origin.boot_id);
	life->run = texts__of(texts, t->origin.run_id);
	life->cookie = s->cookie;
	life->connection = s->connection > 1 ? s->connection : 0;
	life->place = place_of(texts, &t->origin, &s->netns);
	life->netns_name = texts__of(texts, s->netns.name);
	life->host_name = texts__of(texts, s->netns.host_name);
	read_end(&s->local, &life->local, &family);
	life->has_peer = read_end(&s->peer, &life->peer, &life->family);
	if (!life->has_peer)
		life->disguised_peer = texts__of(texts, s->peer.address);
	life->program = texts__of(texts, s->owner.comm);
	life->in_container = *s->owner.container_id;
	life->in_pod = strstr(s->owner.cgroup, "kubepods");
	life->device = texts__of(texts, s->device);
}

static void take_keepalive(const struct timeline_keepalive *k, struct life *life)
{
	life->options_known = k->known;
	life->keepalive = k->enabled;
	life->idle_s = k->idle_s;
	life->interval_s = k->interval_s;
	life->probes = k->probes;
	life->user_timeout_s = k->user_timeout_ms / 1000;
	life->rto_max_s = k->rto_max_ms / 1000;
	life->idle_from_socket = k->idle_from != OPTION_FROM_SYSCTL;
	life->interval_from_socket = k->interval_from != OPTION_FROM_SYSCTL;
	life->probes_from_socket = k->probes_from != OPTION_FROM_SYSCTL;
}

/* ---- the ending ---- */

/* When was unacknowledged data sent first, and when again by the timer? A loss probe before it has
 * the same number as the timer's first retransmission. */
static void take_unacknowledged(const struct timeline *t, struct life *life)
{
	double heard = seconds(t->half_open.last_heard_at), seen = seconds(t->first_seen_at);
	double first = seconds(t->half_open.first_unanswered_at), again[3] = { 0 };
	bool missed_first = false;
	unsigned int i;

	life->begun_unseen = t->partial && first && first < seen;
	for (i = 0; i < t->event_count; i++) {
		const struct event *e = &t->events[i];

		if (e->kind != EVENT_RETRANSMIT || e->n < 1)
			continue;
		missed_first |= e->n > 1 && !again[1];
		if (e->n <= 2 && first && seconds(e->at) >= first)
			again[e->n] = seconds(e->at);
	}
	/* The watch began amid its retransmissions: the time of the first transmission is not
	 * known, either. */
	life->begun_unseen |= t->partial && missed_first;
	life->unacknowledged = (struct unacknowledged){
		.before_s = first > heard ? first - heard : 0,
		.first_s = again[1] > first ? again[1] - first : RTO_ASSUMED_S };
	life->unacknowledged.rto_max_s = t->keepalive.rto_max_ms / 1000;
	life->unacknowledged.rto_s = again[2] > again[1] ? (again[2] - again[1]) / 2
						 : life->unacknowledged.first_s;
}

static void take_outcome(const struct timeline *t, struct life *life)
{
	life->outcome = t->outcome == OUTCOME_KILLED ? OUTCOME_ABORTED_LOCALLY : t->outcome;
	if (!t->half_open.is)
		return;
	life->found_by = t->half_open.found_by;
	life->latency_max_s = t->half_open.latency_ms.max / 1000;
	take_unacknowledged(t, life);
}

/* Causes of the last silence: its device was back, an RST came unasked. */
static void take_causes(const struct timeline *t, struct life *life)
{
	double back = seconds(t->half_open.superseded_by.at);

	life->heard_s = seconds(t->last_heard_at);
	if (back && life->heard_s && back > life->heard_s)
		life->back_after_s = back - life->heard_s;
	if (life->outcome == OUTCOME_RESET_BY_PEER && !t->half_open.is && life->heard_s &&
	    !t->half_closed_at && life->ended_s > life->heard_s)
		life->reset_after_s = life->ended_s - life->heard_s;
}

/* ---- silences that it survived ---- */

/* The monotonic instant of `at`, if its event was kept; 0: not known. */
static double monotonic_at(const struct timeline *t, int64_t at)
{
	unsigned int i;

	for (i = 0; at && i < t->event_count; i++)
		if (t->events[i].at == at && t->events[i].mono_ns)
			return t->events[i].mono_ns / 1e9;
	return 0;
}

/* The clock may have been stepped within an episode: its events show it. */
static struct late_answer mute_of(const struct timeline *t, const struct timeline_episode *e,
				const struct life *life)
{
	double from = monotonic_at(t, e->first_unanswered_at), to = monotonic_at(t, e->ended_at);
	double length_s = seconds(e->ended_at) - seconds(e->first_unanswered_at);
	bool trusted = from && to;

	return late_answers__of_episode(episode_kind__name(e->kind), trusted ? to - from : length_s,
				 e->asks, life->interval_s, trusted);
}

/* The longest are kept. */
static void keep_mute(struct life *life, const struct late_answer *mute)
{
	unsigned int i, shortest = 0;

	if (life->late_answer_count < LATE_ANSWERS_KEPT) {
		life->late_answers[life->late_answer_count++] = *mute;
		return;
	}
	for (i = 1; i < LATE_ANSWERS_KEPT; i++)
		if (life->late_answers[i].low_s < life->late_answers[shortest].low_s)
			shortest = i;
	if (life->late_answers[shortest].low_s < mute->low_s)
		life->late_answers[shortest] = *mute;
}

/* Probes sent and not answered, without the silence that was not over. Of many episodes, not all
 * are reported. */
static uint32_t count_lost(const struct timeline *t, uint32_t in_episodes, uint32_t in_last)
{
	uint32_t seen = t->counts.probes_answered + (in_last ? in_last : 1);
	uint32_t sent = t->counts.probes_sent;

	if (!t->counts.probes_answered || t->counts.events_lost)
		return in_episodes;
	return sent > seen && sent - seen > in_episodes ? sent - seen : in_episodes;
}

static void take_episodes(const struct timeline *t, struct life *life)
{
	unsigned int i;
	uint32_t in_last = 0;

	for (i = 0; i < t->episode_count; i++) {
		const struct timeline_episode *e = &t->episodes[i];
		struct late_answer mute;

		if (e->end != EPISODE_RECOVERED) {
			in_last = e->asks;
			continue;
		}
		mute = mute_of(t, e, life);
		keep_mute(life, &mute);
		if (e->kind == EPISODE_OF_KEEPALIVE && e->asks > 1)
			life->probes_lost += e->asks - 1;
	}
	life->probes_lost = count_lost(t, life->probes_lost, in_last);
}

/* Clocks are not read at one instant. */
#define LIVED_SLACK_S 1.0

/* All gaps end when the peer was heard last, at the latest; of who was there before the watch it is
 * not known when they may have begun. */
static double lived_s(const struct timeline *t, const struct life *life)
{
	double until = life->heard_s > 0 ? life->heard_s : life->ended_s;

	if (t->partial || !life->seen_s)
		return HUGE_VAL;
	return fmax(0, until - life->seen_s) + LIVED_SLACK_S;
}

/* What is below 0 is read as 0: no gap is so short, nor does one end before it begins. */
static bool is_senseless(const struct life_gap *g)
{
	return !(g->from_s > 0 && g->from_s <= g->to_s) || !g->count;
}

/* Cuts a gap to the length of its connection; false where nothing is left. */
static bool cut_gap(struct life_gap *g, double lived)
{
	if (is_senseless(g) || g->from_s > lived)
		return false;
	g->to_s = fmin(g->to_s, lived);
	if (g->from_s > 0 && g->count > lived / g->from_s)
		g->count = lived / g->from_s;
	return g->count > 0;
}

static void note_impossible(struct lives *l, const struct life *life, double gap_s, double lived)
{
	if (l->impossible.connections++)
		return;
	l->impossible.cookie = life->cookie;
	l->impossible.gateway = life->place.gateway;
	l->impossible.gap_s = gap_s;
	l->impossible.lived_s = lived - LIVED_SLACK_S;
}

static void take_gaps(struct lives *l, const struct timeline *t, struct life *life)
{
	double lived = lived_s(t, life), impossible_s = 0;
	bool impossible = false;
	unsigned int i;

	for (i = 0; i < t->gap_count && i < LIFE_GAPS_MAX; i++) {
		struct life_gap told = { .from_s = t->gaps_survived[i].from_s,
					 .to_s = t->gaps_survived[i].to_s,
					 .count = t->gaps_survived[i].count,
					 .ended_by_us = t->gaps_survived[i].ended_by_us };
		struct life_gap g = told;
		bool left = cut_gap(&g, lived);

		if (left)
			life->gaps[life->gap_count++] = g;
		if (left && g.to_s >= told.to_s && g.count >= told.count)
			continue;
		impossible = true;
		impossible_s = fmax(impossible_s, told.to_s);
	}
	life->lost = t->gap_lost && !life->begun_unseen;
	life->lost_after_s = t->gap_lost_after_s;
	life->lost_within_s = t->gap_lost_within_s;
	if (life->lost && !t->partial && life->seen_s > 0 &&
	    life->lost_within_s > life->ended_s - life->seen_s + LIVED_SLACK_S) {
		life->lost = false;
		impossible = true;
		impossible_s = fmax(impossible_s, life->lost_within_s);
	}
	if (impossible)
		note_impossible(l, life, impossible_s, lived);
}

static bool is_data(enum event_kind kind)
{
	return kind == EVENT_HEARTBEAT || kind == EVENT_RETRANSMIT ||
	       kind == EVENT_ZERO_WINDOW_PROBE;
}

/* Since when did only answered probes pass, before the last silence? Without any other event, since
 * it began. A run of answers that is divided by an event without data (a suspicion, an option that
 * changed) continues. */
static void take_probing(const struct timeline *t, struct life *life)
{
	double lost = seconds(t->half_open.first_unanswered_at), at;
	double began = t->partial ? 0 : life->seen_s;
	bool run, probing = false;
	unsigned int i;

	for (i = 0; i < t->event_count; i++) {
		run = t->events[i].kind == EVENT_ANSWERED_RUN;
		if (!run && !is_data(t->events[i].kind))
			continue;
		at = seconds(run ? t->events[i].first_at : t->events[i].at);
		if (!lost || at >= lost)
			break;
		if (!run || !probing)
			began = run ? at - life->idle_s : at;
		probing = run;
	}
	life->probed_for_s = lost && began && lost > began ? lost - began : 0;
}

/* Data that the peer sent, without its heartbeats. */
static struct reports reports_of(const struct timeline *t)
{
	double beats = t->counts.heartbeats;

	return (struct reports){ .over_s = t->traffic.over_s,
				 .segments_known = t->traffic.segments_known,
				 .bytes = fmax(0, t->traffic.received_bytes -
							  beats * t->heartbeat.bytes),
				 .segments = fmax(0, t->traffic.received_segments - beats),
				 .asks = t->traffic.sent_segments };
}

/* ---- the whole ---- */

static int on_timeline(void *context, const struct timeline *t)
{
	struct life life = { .revision = t->revision, .final = t->final,
			     .seen_s = seconds(t->first_seen_at),
			     .ended_s = seconds(t->ended_at) };
	struct lives *l = context;
	struct life_run *run;

	take_socket(&l->texts, t, &life);
	take_outcome(t, &life);
	take_causes(t, &life);
	take_keepalive(&t->keepalive, &life);
	take_episodes(t, &life);
	take_probing(t, &life);
	if (!life.final)	/* it was open then, at any time */
		life.ended_s = fmax(life.heard_s, life.seen_s);
	take_gaps(l, t, &life);
	life.slowest_answer_s = t->rtt.max_us / 1e6;
	life.probes_sent = t->counts.probes_sent;
	life.peer_probes = t->counts.peer_probes;
	life.heartbeats = t->counts.heartbeats;
	life.heartbeat_s = t->heartbeat.period_s;
	life.reports = reports_of(t);
	run = lives__run(l, life.run);
	if (!run || !lives__add(l, &life))
		return -ENOMEM;
	if (life.ended_s > run->ended_s)
		run->ended_s = life.ended_s;
	return 0;
}

/* "5.14.0-70": from 5.14 on (SO_NETNS_COOKIE). */
static bool tells_cookies(const char *kernel)
{
	unsigned int major, minor;

	return sscanf(kernel, "%4u.%4u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 14));
}

static int on_meta(void *context, const struct meta *m)
{
	struct lives *l = context;
	uint32_t run_id = texts__of(&l->texts, m->origin.run_id);
	struct life_run *run = lives__run(l, run_id);
	unsigned int i;

	if (!run)
		return -ENOMEM;
	run->gateway = texts__of(&l->texts, m->origin.gateway);
	run->all = m->all;
	run->cookies_known = tells_cookies(m->kernel);
	run->hz = m->hz;
	run->started_s = seconds(m->started_at);
	for (i = 0; i < m->namespace_count; i++) {
		const struct meta_namespace *from = &m->namespaces[i];
		struct life_namespace ns = {
			.run = run_id, .name = texts__of(&l->texts, from->netns.name),
			.idle_s = fmax(0, from->idle_s), .interval_s = fmax(0, from->interval_s),
			.probes = from->probes,
			.place = place_of(&l->texts, &m->origin, &from->netns) };

		if (!lives__add_namespace(l, &ns))
			return -ENOMEM;
	}
	return 0;
}

static int on_loss(void *context, const struct loss *loss)
{
	struct lives *l = context;
	struct life_run *run = lives__run(l, texts__of(&l->texts, loss->origin.run_id));

	if (!run)
		return -ENOMEM;
	run->events_lost += loss->count;
	return 0;
}

struct sink lives__sink(struct lives *l)
{
	return (struct sink){ .size = sizeof(struct sink), .context = l, .meta = on_meta,
			      .timeline = on_timeline, .loss = on_loss };
}
