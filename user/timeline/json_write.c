// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "tcp/tcp_states.h"
#include "timeline/json_members.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"

/* ---- meta ---- */

static void write_words(struct json *j, const char *key, const char *words)
{
	char word[64];
	int length;

	json__array(j, key);
	while (sscanf(words, " %63s%n", word, &length) == 1) {
		json__string(j, NULL, word);
		words += length;
	}
	json__end_array(j);
}

static void write_sysctls(struct json *j, const struct meta *m)
{
	unsigned int i;

	json__array(j, "sysctl");
	for (i = 0; i < m->namespace_count; i++) {
		const struct meta_namespace *ns = &m->namespaces[i];

		json__object(j, NULL);
		json_members__netns(j, &ns->netns);
		json__s64(j, "idle_s", ns->idle_s);
		json__s64(j, "interval_s", ns->interval_s);
		json__u64(j, "probes", ns->probes);
		json__end_object(j);
	}
	json__end_array(j);
}

void timeline_json__write_meta(struct json *j, uint64_t seq, const struct meta *m)
{
	json_members__begin_line(j, "halfopen.meta/1", &m->origin, seq);
	json__string(j, "version", m->version);
	json__string(j, "kernel", m->kernel);
	json__u64(j, "hz", m->hz);
	json__bool(j, "all", m->all);
	write_words(j, "attach", m->attached);
	write_sysctls(j, m);
	if (m->waiting_for_data)
		json__u64(j, "waiting_for_data", m->waiting_for_data);
	json__time(j, "started_at", m->started_at);
	json_members__end_line(j);
}

/* ---- events ---- */

static void write_rtt(struct json *j, const struct timeline_rtt *r)
{
	json__object(j, "rtt_us");
	json__u64(j, "min", r->min_us);
	json__u64(j, "avg", r->avg_us);
	json__u64(j, "max", r->max_us);
	json__end_object(j);
}

static void write_answer(struct json *j, const struct event *e)
{
	json__u64(j, "n", e->n);
	if (e->rtt.count)
		json__u64(j, "rtt_us", e->rtt.min_us);
	else
		json__null(j, "rtt_us");
}

static void write_superseded(struct json *j, const struct event *e)
{
	json__object(j, "by");
	json__big(j, "cookie", e->by_cookie);
	json__end_object(j);
	json__number(j, "confidence", e->confidence);
}

/* Members of its kind besides the time. */
static void write_particulars(struct json *j, const struct event *e)
{
	char number[ERRNO_NUMBER_SIZE];

	switch (e->kind) {
	case EVENT_PROBE_SENT:
	case EVENT_RETRANSMIT:
	case EVENT_ZERO_WINDOW_PROBE:
		json__u64(j, "n", e->n);
		break;
	case EVENT_PROBE_FAILED:
	case EVENT_SEND_FAILED:
		json__string(j, "why", send_failure__name(e->why));
		break;
	case EVENT_ANSWERED:
		write_answer(j, e);
		break;
	case EVENT_ANSWERED_RUN:
		json__u64(j, "count", e->n);
		json__time(j, "first_at", e->first_at);
		json__time(j, "last_at", e->last_at);
		write_rtt(j, &e->rtt);
		break;
	case EVENT_PEER_PROBE:
		json__u64(j, "garbage_bytes", e->n);
		break;
	case EVENT_HEARTBEAT:
		json__u64(j, "bytes", e->n);
		json__number(j, "gap_s", e->gap_s);
		break;
	case EVENT_SUPERSEDED:
		write_superseded(j, e);
		break;
	case EVENT_RESET_SENT:
		if (*e->reason)
			json__string(j, "reason", e->reason);
		break;
	case EVENT_ERROR:
		json__string(j, "errno", errno__name(e->error, number));
		break;
	case EVENT_STATE:
		json__string(j, "from", tcp_state__name(e->from));
		json__string(j, "to", tcp_state__name(e->to));
		break;
	case EVENT_LOST:
		json__u64(j, "count", e->n);
		break;
	case EVENT_SEEN:
	case EVENT_ESTABLISHED:
	case EVENT_OPTION_CHANGE:
	case EVENT_RESET_RECEIVED:
	case EVENT_ANSWER_DROPPED:
	case EVENT_COUNT:
		break;
	}
}

/* The members of one event; the object around them is the caller's. */
static void write_event_members(struct json *j, const struct event *e)
{
	json__string(j, "event", event_kind__name(e->kind));
	write_particulars(j, e);
	if (e->kind == EVENT_ANSWERED_RUN)
		return;
	json__time(j, "at", e->at);
	json__big(j, "mono_ns", e->mono_ns);
}

void timeline_json__write_event(struct json *j, uint64_t seq, const struct socket_event *e)
{
	json_members__begin_line(j, "halfopen.event/1", &e->origin, seq);
	json_members__socket(j, e->socket);
	write_event_members(j, &e->event);
	json_members__end_line(j);
}

void timeline_json__write_clock_step(struct json *j, uint64_t seq, const struct clock_step *s)
{
	json_members__begin_line(j, "halfopen.event/1", &s->origin, seq);
	json__string(j, "event", "clock_step");
	json__s64(j, "step_ms", s->step_ns / 1000000);
	json__time(j, "at", s->at);
	json__big(j, "mono_ns", s->mono_ns);
	json_members__end_line(j);
}

void timeline_json__write_loss(struct json *j, uint64_t seq, const struct loss *l)
{
	json_members__begin_line(j, "halfopen.loss/1", &l->origin, seq);
	json__string(j, "reason", loss_reason__name(l->reason));
	json__u64(j, "count", l->count);
	json__time(j, "from_at", l->from_at);
	json__time(j, "to_at", l->to_at);
	json_members__end_line(j);
}

/* ---- timeline ---- */

/* A lower bound that cannot be known is null. */
static void write_bound(struct json *j, const char *key, bool known, double ms)
{
	if (known)
		json__number(j, key, ms);
	else
		json__null(j, key);
}

static void write_successor(struct json *j, const struct timeline_successor *s)
{
	json__object(j, "superseded_by");
	json__big(j, "cookie", s->cookie);
	json_members__end(j, "peer", &s->peer);
	json__time(j, "at", s->at);
	json__number(j, "confidence", s->confidence);
	json__end_object(j);
}

static void write_half_open(struct json *j, const struct timeline_half_open *h)
{
	bool known = h->latency_ms.lower_bounds_known;

	json__object(j, "half_open");
	json__string(j, "found_by", found_by__name(h->found_by));
	if (h->superseded_by.cookie)
		write_successor(j, &h->superseded_by);
	json__time(j, "last_heard_at", h->last_heard_at);
	if (h->first_unanswered_at) {
		json__time(j, "first_unanswered_at", h->first_unanswered_at);
		json__time(j, "last_unanswered_at", h->last_unanswered_at);
	}
	json__time(j, "declared_at", h->declared_at);
	json__object(j, "latency_ms");
	write_bound(j, "min", known, h->latency_ms.min);
	write_bound(j, "likely_min", known, h->latency_ms.likely_min);
	json__number(j, "max", h->latency_ms.max);
	json__end_object(j);
	json__end_object(j);
}

static void write_counts(struct json *j, const struct timeline_counts *c)
{
	json__object(j, "counts");
	json__u64(j, "probes_sent", c->probes_sent);
	json__u64(j, "probes_answered", c->probes_answered);
	json__u64(j, "probes_failed", c->probes_failed);
	json__u64(j, "sends_failed", c->sends_failed);
	if (c->answers_dropped)
		json__u64(j, "answers_dropped", c->answers_dropped);
	json__u64(j, "peer_probes", c->peer_probes);
	json__u64(j, "retransmits", c->retransmits);
	json__u64(j, "zero_window_probes", c->zero_window_probes);
	json__u64(j, "heartbeats", c->heartbeats);
	json__u64(j, "events_lost", c->events_lost);
	json__end_object(j);
}

static void write_other_sender(struct json *j, const struct timeline_other_sender *other)
{
	json__object(j, "answered_by_another");
	json__u64(j, "count", other->answers);
	json__u64(j, "ttl", other->ttl);
	json__u64(j, "data_ttl", other->data_ttl);
	json__bool(j, "timestamps", other->timestamps);
	json__bool(j, "data_timestamps", other->data_timestamps);
	json__end_object(j);
}

static void write_heartbeat(struct json *j, const struct timeline_heartbeat *h)
{
	json__object(j, "heartbeat");
	if (h->period_s)
		json__number(j, "period_s", h->period_s);
	else
		json__null(j, "period_s");
	json__u64(j, "bytes", h->bytes);
	if (h->replied == REPLY_UNKNOWN)
		json__null(j, "replied");
	else
		json__bool(j, "replied", h->replied == REPLY_ACKNOWLEDGED);
	json__end_object(j);
}

static void write_traffic(struct json *j, const struct timeline_traffic *t)
{
	json__object(j, "traffic");
	json__number(j, "over_s", t->over_s);
	json__u64(j, "received_bytes", t->received_bytes);
	json__u64(j, "received_segments", t->received_segments);
	json__u64(j, "acked_bytes", t->acked_bytes);
	json__u64(j, "sent_segments", t->sent_segments);
	json__end_object(j);
}

static void write_gaps(struct json *j, const struct timeline *t)
{
	unsigned int i;

	json__object(j, "gaps");
	json__array(j, "survived");
	for (i = 0; i < t->gap_count; i++) {
		const struct timeline_gap *gap = &t->gaps_survived[i];

		json__object(j, NULL);
		json__number(j, "from_s", gap->from_s);
		json__number(j, "to_s", gap->to_s);
		json__u64(j, "count", gap->count);
		json__string(j, "ended_by", gap->ended_by_us ? "us" : "peer");
		json__end_object(j);
	}
	json__end_array(j);
	if (t->gap_lost) {
		json__object(j, "lost");
		json__number(j, "after_s", t->gap_lost_after_s);
		json__number(j, "within_s", t->gap_lost_within_s);
		json__end_object(j);
	}
	json__end_object(j);
}

static void write_episodes(struct json *j, const struct timeline *t)
{
	unsigned int i;

	json__array(j, "episodes");
	for (i = 0; i < t->episode_count; i++) {
		const struct timeline_episode *e = &t->episodes[i];

		json__object(j, NULL);
		json__string(j, "kind", episode_kind__name(e->kind));
		json__time(j, "first_unanswered_at", e->first_unanswered_at);
		json__u64(j, "asks", e->asks);
		json__string(j, "end", episode_end__name(e->end));
		if (e->end != EPISODE_OPEN)
			json__time(j, "ended_at", e->ended_at);
		json__end_object(j);
	}
	json__end_array(j);
	if (t->episodes_omitted)
		json__u64(j, "episodes_omitted", t->episodes_omitted);
}

static void write_events(struct json *j, const struct timeline *t)
{
	unsigned int i;

	json__array(j, "events");
	for (i = 0; i < t->event_count; i++) {
		json__object(j, NULL);
		write_event_members(j, &t->events[i]);
		json__end_object(j);
	}
	json__end_array(j);
	json__u64(j, "events_omitted", t->events_omitted);
}

static void write_times(struct json *j, const struct timeline *t)
{
	json__time(j, "first_seen_at", t->first_seen_at);
	json_members__time_or_null(j, "last_heard_at", t->last_heard_at);
	if (t->last_heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	if (t->last_acknowledged_at)
		json__time(j, "last_acknowledged_at", t->last_acknowledged_at);
	if (t->half_closed)
		json_members__time_or_null(j, "half_closed_at", t->half_closed_at);
	json__time(j, t->final ? "ended_at" : "verified_at",
		   t->final ? t->ended_at : t->verified_at);
}

void timeline_json__write_timeline(struct json *j, uint64_t seq, const struct timeline *t)
{
	json_members__begin_line(j, "halfopen.timeline/1", &t->origin, seq);
	json__u64(j, "revision", t->revision);
	json__bool(j, "final", t->final);
	json_members__socket(j, &t->socket);
	json_members__keepalive(j, &t->keepalive);
	json__bool(j, "partial", t->partial);
	write_times(j, t);
	json__string(j, "outcome", outcome__name(t->outcome));
	if (*t->outcome_detail)
		json__string(j, "outcome_detail", t->outcome_detail);
	if (t->half_open.is)
		write_half_open(j, &t->half_open);
	write_counts(j, &t->counts);
	if (t->other_sender.answers)
		write_other_sender(j, &t->other_sender);
	if (t->rtt.count)
		write_rtt(j, &t->rtt);
	if (t->heartbeat.bytes)
		write_heartbeat(j, &t->heartbeat);
	if (t->traffic.known)
		write_traffic(j, &t->traffic);
	if (t->gap_count || t->gap_lost)
		write_gaps(j, t);
	write_episodes(j, t);
	write_events(j, t);
	json_members__end_line(j);
}
