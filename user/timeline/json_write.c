// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tcp/tcp_states.h"
#include "timeline/line.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"

static void begin_line(struct json *j, const char *schema, const struct timeline_origin *o,
		       uint64_t seq)
{
	struct line_origin origin = { .gateway = o->gateway, .boot_id = o->boot_id,
				      .run_id = o->run_id, .seq = seq };

	line__begin(j, schema, &origin);
}

static void end_line(struct json *j)
{
	json__end_object(j);
	json__end_line(j);
}

static void write_time_or_null(struct json *j, const char *key, int64_t at)
{
	if (at)
		json__time(j, key, at);
	else
		json__null(j, key);
}

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

static void write_netns(struct json *j, const struct timeline_netns *ns)
{
	json__object(j, "netns");
	json__u64(j, "inode", ns->inode);
	if (ns->cookie)
		json__big(j, "cookie", ns->cookie);
	if (*ns->name)
		json__string(j, "name", ns->name);
	if (*ns->host_name)
		json__string(j, "host_name", ns->host_name);
	json__end_object(j);
}

static void write_sysctls(struct json *j, const struct meta *m)
{
	unsigned int i;

	json__array(j, "sysctl");
	for (i = 0; i < m->namespace_count; i++) {
		const struct meta_namespace *ns = &m->namespaces[i];

		json__object(j, NULL);
		write_netns(j, &ns->netns);
		json__s64(j, "idle_s", ns->idle_s);
		json__s64(j, "interval_s", ns->interval_s);
		json__u64(j, "probes", ns->probes);
		json__end_object(j);
	}
	json__end_array(j);
}

void timeline_json__write_meta(struct json *j, uint64_t seq, const struct meta *m)
{
	begin_line(j, "halfopen.meta/1", &m->origin, seq);
	json__string(j, "version", m->version);
	json__string(j, "kernel", m->kernel);
	json__u64(j, "hz", m->hz);
	json__bool(j, "all", m->all);
	write_words(j, "attach", m->attached);
	write_sysctls(j, m);
	if (m->waiting_for_data)
		json__u64(j, "waiting_for_data", m->waiting_for_data);
	json__time(j, "started_at", m->started_at);
	end_line(j);
}

/* ---- socket ---- */

static void write_end(struct json *j, const char *key, const struct timeline_end *e)
{
	json__object(j, key);
	json__string(j, "address", e->address);
	json__u64(j, "port", e->port);
	json__end_object(j);
}

static void write_owner(struct json *j, const struct timeline_owner *o)
{
	json__object(j, "owner");
	json__u64(j, "pid", o->pid);
	json__string(j, "comm", o->comm);
	if (*o->cgroup)
		json__string(j, "cgroup", o->cgroup);
	if (*o->container_id)
		json__string(j, "container_id", o->container_id);
	json__end_object(j);
}

static void write_socket(struct json *j, const struct timeline_socket *s)
{
	json__object(j, "socket");
	json__big(j, "cookie", s->cookie);
	if (s->connection > 1)
		json__u64(j, "connection", s->connection);
	write_netns(j, &s->netns);
	json__string(j, "family", s->is_ipv6 ? "ipv6" : "ipv4");
	write_end(j, "local", &s->local);
	write_end(j, "peer", &s->peer);
	if (s->owner.known)
		write_owner(j, &s->owner);
	if (*s->device)
		json__string(j, "device", s->device);
	if (s->mptcp)
		json__bool(j, "mptcp", true);
	json__end_object(j);
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
	begin_line(j, "halfopen.event/1", &e->origin, seq);
	write_socket(j, e->socket);
	write_event_members(j, &e->event);
	end_line(j);
}

void timeline_json__write_clock_step(struct json *j, uint64_t seq, const struct clock_step *s)
{
	begin_line(j, "halfopen.event/1", &s->origin, seq);
	json__string(j, "event", "clock_step");
	json__s64(j, "step_ms", s->step_ns / 1000000);
	json__time(j, "at", s->at);
	json__big(j, "mono_ns", s->mono_ns);
	end_line(j);
}

void timeline_json__write_loss(struct json *j, uint64_t seq, const struct loss *l)
{
	begin_line(j, "halfopen.loss/1", &l->origin, seq);
	json__string(j, "reason", loss_reason__name(l->reason));
	json__u64(j, "count", l->count);
	json__time(j, "from_at", l->from_at);
	json__time(j, "to_at", l->to_at);
	end_line(j);
}

/* ---- timeline ---- */

static void write_finite(struct json *j, const char *key, double s)
{
	if (isinf(s))
		json__null(j, key);
	else
		json__number(j, key, s);
}

static void write_keepalive(struct json *j, const struct timeline_keepalive *k)
{
	if (!k->known) {
		json__null(j, "keepalive");
		return;
	}
	json__object(j, "keepalive");
	json__bool(j, "enabled", k->enabled);
	json__number(j, "idle_s", k->idle_s);
	json__number(j, "interval_s", k->interval_s);
	json__u64(j, "probes", k->probes);
	json__number(j, "user_timeout_ms", k->user_timeout_ms);
	if (k->rto_max_ms)
		json__number(j, "rto_max_ms", k->rto_max_ms);
	json__object(j, "from");
	json__string(j, "idle", option_source__name(k->idle_from));
	json__string(j, "interval", option_source__name(k->interval_from));
	json__string(j, "probes", option_source__name(k->probes_from));
	json__end_object(j);
	write_finite(j, "detects_within_s", k->detects_within_s);
	write_finite(j, "detects_within_max_s", k->detects_within_max_s);
	json__end_object(j);
}

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
	write_end(j, "peer", &s->peer);
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
	write_time_or_null(j, "last_heard_at", t->last_heard_at);
	if (t->last_heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	if (t->last_acknowledged_at)
		json__time(j, "last_acknowledged_at", t->last_acknowledged_at);
	if (t->half_closed)
		write_time_or_null(j, "half_closed_at", t->half_closed_at);
	json__time(j, t->final ? "ended_at" : "verified_at",
		   t->final ? t->ended_at : t->verified_at);
}

void timeline_json__write_timeline(struct json *j, uint64_t seq, const struct timeline *t)
{
	begin_line(j, "halfopen.timeline/1", &t->origin, seq);
	json__u64(j, "revision", t->revision);
	json__bool(j, "final", t->final);
	write_socket(j, &t->socket);
	write_keepalive(j, &t->keepalive);
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
	end_line(j);
}

/* ---- a socket as it is now ---- */

static void write_faults(struct json *j, const char *key, unsigned int faults)
{
	unsigned int i;

	json__array(j, key);
	for (i = 0; i < SOCKET_FAULTS; i++)
		if (faults & 1U << i)
			json__string(j, NULL, socket_fault__name(i));
	json__end_array(j);
}

static void write_ended(struct json *j, const struct socket_now *s)
{
	char number[ERRNO_NUMBER_SIZE];

	json__time(j, "ended_at", s->ended_at);
	json__bool(j, "ended_at_is_lower_bound", true);
	if (s->error)
		json__string(j, "error", errno__name(s->error, number));
}

static void write_pair(struct json *j, const struct timeline_pair *p)
{
	char because[160];

	snprintf(because, sizeof(because),
		 "one program, %" PRIu64 " bytes received and %" PRIu64 " sent here and there the "
		 "other way round, at most %g s apart", p->received, p->sent, p->apart_s);
	json__object(j, "pair");
	json__big(j, "cookie", p->cookie);
	write_end(j, "local", &p->local);
	write_end(j, "peer", &p->peer);
	json__bool(j, "suspect", p->suspect);
	json__number(j, "confidence", p->confidence);
	json__string(j, "because", because);
	json__end_object(j);
}

void timeline_json__write_socket_now(struct json *j, uint64_t seq, const struct socket_now *s)
{
	begin_line(j, "halfopen.socket/1", &s->origin, seq);
	write_socket(j, &s->socket);
	if (s->no_owner)
		json__string(j, "no_owner", no_owner__name(s->no_owner));
	json__string(j, "state", tcp_state__name(s->state));
	write_keepalive(j, &s->keepalive);
	json__time(j, "last_heard_at", s->last_heard_at);
	if (s->last_heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	json__number(j, "silent_s", s->silent_s);
	json__u64(j, "unanswered", s->unanswered);
	json__bool(j, "suspect", s->suspect);
	write_finite(j, "next_probe_in_s", s->next_probe_in_s);
	write_finite(j, "dies_in_s", s->dies_in_s);
	if (s->half_closed)
		json__null(j, "half_closed_at");
	if (s->ended_at)
		write_ended(j, s);
	json__u64(j, "receive_window", s->receive_window);
	json__bool(j, "exposed", s->exposed);
	if (s->faults)
		write_faults(j, "to_mend", s->faults);
	if (s->faults_unknown)
		write_faults(j, "to_mend_unknown", s->faults_unknown);
	if (s->pair.cookie)
		write_pair(j, &s->pair);
	write_finite(j, "dead_probability", isnan(s->dead_probability) ? INFINITY
								       : s->dead_probability);
	if (*s->why)
		json__string(j, "why", s->why);
	end_line(j);
}

static void write_surely_dead(struct json *j, const struct sockets_summary *s,
			      const struct sockets_counts *c)
{
	json__object(j, "surely_dead");
	if (s->path_forgets_s || c->path_known)
		json__u64(j, "count", c->surely_dead);
	else
		json__null(j, "count");
	json__string(j, "because", c->path_known && !s->path_forgets_s
				   ? "silent for longer than their path remembers a connection, by "
				     "the history"
				   : s->because);
	json__end_object(j);
}

/* Nothing is known of who is not among `of`. */
static void write_estimated_dead(struct json *j, enum dead_by by,
				 const struct sockets_counts *c)
{
	json__object(j, "estimated_dead");
	write_finite(j, "estimate", c->dead.estimate);
	write_finite(j, "low", c->dead.low);
	write_finite(j, "high", c->dead.high);
	json__u64(j, "of", c->dead.of);
	if (c->dead.unknown)
		json__u64(j, "unknown", c->dead.unknown);
	json__string(j, "by", by == DEAD_BY_PROBE ? "probe" : "history");
	if (c->dead.why)
		json__string(j, "why", c->dead.why);
	json__end_object(j);
}

/* Absent where all is known. */
static void write_to_mend_unknown(struct json *j, const struct sockets_counts *c)
{
	bool begun = false;
	unsigned int i;

	for (i = 0; i < SOCKET_FAULTS; i++) {
		if (!c->to_mend_unknown[i])
			continue;
		if (!begun)
			json__object(j, "to_mend_unknown");
		begun = true;
		json__u64(j, socket_fault__name(i), c->to_mend_unknown[i]);
	}
	if (begun)
		json__end_object(j);
}

static void write_sockets_counts(struct json *j, const struct sockets_summary *s,
				 const struct sockets_counts *c)
{
	unsigned int i;

	json__u64(j, "sockets", c->sockets);
	json__u64(j, "local", c->local);
	json__u64(j, "with_keepalive", c->with_keepalive);
	json__u64(j, "suspect", c->suspect);
	json__object(j, "silent");
	json__number(j, "over_s", s->silent_over_s);
	json__u64(j, "count", c->silent);
	json__end_object(j);
	write_surely_dead(j, s, c);
	if (s->dead_by)
		write_estimated_dead(j, s->dead_by, c);
	json__u64(j, "never_notice", c->never_notice);
	json__number(j, "oldest_silence_s", c->oldest_silence_s);
	json__object(j, "to_mend");
	for (i = 0; i < SOCKET_FAULTS; i++)
		json__u64(j, socket_fault__name(i), c->to_mend[i]);
	json__end_object(j);
	write_to_mend_unknown(j, c);
}

static void write_sockets_group(struct json *j, const struct sockets_summary *s,
				const struct sockets_group *g)
{
	json__object(j, NULL);
	if (*g->program)
		json__string(j, "program", g->program);
	else
		json__null(j, "program");
	if (g->port)
		json__u64(j, "port", g->port);
	else if (g->port_unknown)
		json__null(j, "port");
	write_netns(j, &g->netns);
	if (*g->carrier)
		json__string(j, "carrier", g->carrier);
	write_sockets_counts(j, s, &g->counts);
	json__end_object(j);
}

void timeline_json__write_sockets_summary(struct json *j, uint64_t seq,
					  const struct sockets_summary *s)
{
	uint32_t i;

	begin_line(j, "halfopen.summary/1", &s->origin, seq);
	json__time(j, "at", s->at);
	json__u64(j, "namespaces", s->namespaces);
	if (s->dead_by == DEAD_BY_PROBE)
		json__time(j, "probed_at", s->probed_at);
	json__object(j, "total");
	write_sockets_counts(j, s, &s->total);
	json__end_object(j);
	json__array(j, "groups");
	for (i = 0; i < s->group_count; i++)
		write_sockets_group(j, s, &s->groups[i]);
	json__end_array(j);
	end_line(j);
}

/* ---- probe ---- */

const char *probe_answer__name(enum probe_answer a)
{
	static const char *const names[] = {
		[PROBE_ANSWERED] = "answered", [PROBE_UNANSWERED] = "unanswered",
		[PROBE_UNKNOWN] = "unknown",
	};

	return names[a];
}

void timeline_json__write_probe_result(struct json *j, uint64_t seq, const struct probe_result *p)
{
	unsigned int i;

	begin_line(j, "halfopen.probe/1", &p->origin, seq);
	write_socket(j, &p->socket);
	json__string(j, "result", probe_answer__name(p->result));
	if (p->asked_at)
		json__time(j, "asked_at", p->asked_at);
	json__time(j, "at", p->at);
	json__big(j, "mono_ns", p->mono_ns);
	if (p->reset)
		json__bool(j, "reset", true);
	if (p->answer_dropped)
		json__bool(j, "answer_dropped", true);
	if (*p->why)
		json__string(j, "why", p->why);
	if (p->result == PROBE_ANSWERED && p->rtt_us)
		json__u64(j, "rtt_us", p->rtt_us);
	else if (p->result == PROBE_ANSWERED)
		json__null(j, "rtt_us");
	json__number(j, "silent_s", p->silent_s);
	json__u64(j, "asks", p->asks);
	json__array(j, "left_changed");
	for (i = 0; i < p->left_changed_count; i++)
		json__string(j, NULL, p->left_changed[i]);
	json__end_array(j);
	end_line(j);
}

static void write_dead(struct json *j, const struct probe_summary *p)
{
	json__object(j, "dead");
	if (p->dead_known)
		json__u64(j, "estimate", p->dead);
	else
		json__null(j, "estimate");
	json__u64(j, "low", p->dead_low);
	json__u64(j, "high", p->dead_high);
	json__end_object(j);
}

void timeline_json__write_probe_summary(struct json *j, uint64_t seq,
					const struct probe_summary *p)
{
	unsigned int i;

	begin_line(j, "halfopen.probe_summary/1", &p->origin, seq);
	json__time(j, "at", p->at);
	json__big(j, "mono_ns", p->mono_ns);
	json__time(j, "drawn_at", p->drawn_at);
	json__big(j, "drawn_mono_ns", p->drawn_mono_ns);
	if (p->filter)
		json__string(j, "filter", p->filter);
	json__u64(j, "matched", p->matched);
	json__u64(j, "drawn", p->drawn);
	json__u64(j, "asked", p->asked);
	json__u64(j, "answered", p->answered);
	json__u64(j, "unanswered", p->unanswered);
	json__u64(j, "unknown", p->unknown);
	json__u64(j, "reset", p->reset);
	if (p->answers_dropped)
		json__u64(j, "answers_dropped", p->answers_dropped);
	if (p->heard_later)
		json__u64(j, "heard_later", p->heard_later);
	write_dead(j, p);
	json__u64(j, "judged", p->judged);
	json__number(j, "within_s", p->within_s);
	json__u64(j, "asks", p->asks);
	json__u64(j, "wakeups", p->asks);
	json__u64(j, "bytes", p->bytes);
	json__number(j, "seconds", p->seconds);
	if (p->interrupted)
		json__bool(j, "interrupted", true);
	json__array(j, "reasons");
	for (i = 0; i < p->reason_count; i++) {
		json__object(j, NULL);
		json__string(j, "why", p->reasons[i].why);
		json__u64(j, "count", p->reasons[i].count);
		json__end_object(j);
	}
	json__end_array(j);
	end_line(j);
}

/* ---- reach ---- */

const char *reach_answer__name(enum reach_answer a)
{
	static const char *const names[] = {
		[REACH_REACHABLE] = "reachable", [REACH_SILENT] = "silent",
		[REACH_UNKNOWN] = "unknown",
	};

	return names[a];
}

static void write_chance(struct json *j, const char *key, double chance)
{
	write_finite(j, key, isnan(chance) ? INFINITY : chance);
}

static void write_asked(struct json *j, const struct reach_result *r)
{
	json__u64(j, "asks", r->asks);
	json__number(j, "within_s", r->within_s);
	if (r->answer == REACH_REACHABLE && r->rtt_us)
		json__u64(j, "rtt_us", r->rtt_us);
	else if (r->answer == REACH_REACHABLE)
		json__null(j, "rtt_us");
	if (r->reset)
		json__bool(j, "reset", true);
	if (r->answer_dropped)
		json__bool(j, "answer_dropped", true);
}

void timeline_json__write_reach_result(struct json *j, uint64_t seq, const struct reach_result *r)
{
	unsigned int i;

	begin_line(j, "halfopen.reach/1", &r->origin, seq);
	json__string(j, "target", r->target);
	if (r->has_socket)
		write_socket(j, &r->socket);
	json__string(j, "answer", reach_answer__name(r->answer));
	if (*r->why)
		json__string(j, "why", r->why);
	write_time_or_null(j, "last_heard_at", r->last_heard_at);
	if (r->last_heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	if (r->has_socket)
		json__number(j, "heard_s", r->heard_s);
	if (r->was_asked)
		write_asked(j, r);
	if (r->window_closed) {
		json__bool(j, "window_closed", true);
		json__u64(j, "unsent_bytes", r->unsent_bytes);
	}
	write_chance(j, "probability", r->probability);
	write_chance(j, "probability_before", r->probability_before);
	if (*r->probability_why)
		json__string(j, "probability_why", r->probability_why);
	json__array(j, "left_changed");
	for (i = 0; i < r->left_changed_count; i++)
		json__string(j, NULL, r->left_changed[i]);
	json__end_array(j);
	end_line(j);
}
