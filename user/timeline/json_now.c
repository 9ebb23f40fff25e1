// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "tcp/tcp_states.h"
#include "timeline/json_members.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"

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
	json_members__end(j, "local", &p->local);
	json_members__end(j, "peer", &p->peer);
	json__bool(j, "suspect", p->suspect);
	json__number(j, "confidence", p->confidence);
	json__string(j, "because", because);
	json__end_object(j);
}

void timeline_json__write_socket_now(struct json *j, uint64_t seq, const struct socket_now *s)
{
	json_members__begin_line(j, "halfopen.socket/1", &s->origin, seq);
	json_members__socket(j, &s->socket);
	if (s->no_owner)
		json__string(j, "no_owner", no_owner__name(s->no_owner));
	json__string(j, "state", tcp_state__name(s->state));
	json_members__keepalive(j, &s->keepalive);
	json__time(j, "last_heard_at", s->last_heard_at);
	if (s->last_heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	json__number(j, "silent_s", s->silent_s);
	json__u64(j, "unanswered", s->unanswered);
	json__bool(j, "suspect", s->suspect);
	json_members__finite(j, "next_probe_in_s", s->next_probe_in_s);
	json_members__finite(j, "dies_in_s", s->dies_in_s);
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
	json_members__finite(j, "dead_probability", isnan(s->dead_probability) ? INFINITY
								       : s->dead_probability);
	if (*s->why)
		json__string(j, "why", s->why);
	json_members__end_line(j);
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
	json_members__finite(j, "estimate", c->dead.estimate);
	json_members__finite(j, "low", c->dead.low);
	json_members__finite(j, "high", c->dead.high);
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
	json_members__netns(j, &g->netns);
	if (*g->carrier)
		json__string(j, "carrier", g->carrier);
	write_sockets_counts(j, s, &g->counts);
	json__end_object(j);
}

void timeline_json__write_sockets_summary(struct json *j, uint64_t seq,
					  const struct sockets_summary *s)
{
	uint32_t i;

	json_members__begin_line(j, "halfopen.summary/1", &s->origin, seq);
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
	json_members__end_line(j);
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

	json_members__begin_line(j, "halfopen.probe/1", &p->origin, seq);
	json_members__socket(j, &p->socket);
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
	json_members__end_line(j);
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

	json_members__begin_line(j, "halfopen.probe_summary/1", &p->origin, seq);
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
	json_members__end_line(j);
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
	json_members__finite(j, key, isnan(chance) ? INFINITY : chance);
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

	json_members__begin_line(j, "halfopen.reach/1", &r->origin, seq);
	json__string(j, "target", r->target);
	if (r->has_socket)
		json_members__socket(j, &r->socket);
	json__string(j, "answer", reach_answer__name(r->answer));
	if (*r->why)
		json__string(j, "why", r->why);
	json_members__time_or_null(j, "last_heard_at", r->last_heard_at);
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
	json_members__end_line(j);
}
