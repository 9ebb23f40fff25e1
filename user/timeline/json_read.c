// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/tcp_states.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"
#include "value/json_mistake.h"
#include "value/rfc3339.h"

/* ---- members ---- */

static bool wrong(struct timeline_json_problem *p, const char *key, const char *expected)
{
	snprintf(p->text, sizeof(p->text), "%s: expected %s", key, expected);
	return false;
}

/* Values in range: not negative, less than a million years. */
static double number(const json_t *object, const char *key)
{
	double value = json_number_value(json_object_get(object, key));

	return value > 0 ? fmin(value, 3e13) : 0;
}

/* A value out of range becomes the nearest one within. */
static uint32_t whole(const json_t *object, const char *key)
{
	return fmin(number(object, key), UINT32_MAX);
}

/* The same up to 2^53, where a double ceases to be exact. */
static uint64_t large(const json_t *object, const char *key)
{
	double value = json_number_value(json_object_get(object, key));

	return value > 0 ? fmin(value, 0x1p53) : 0;
}

static bool truth(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* An integer that may pass 2^53: a string of digits; false for anything else. */
static bool big(const char *digits, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(digits, &end, 10);
	return *digits >= '0' && *digits <= '9' && !*end && !errno;
}

/* Absent or null is 0. */
static bool time_at(struct timeline_json_problem *p, const json_t *object, const char *key,
		    int64_t *at)
{
	const char *value = text(object, key);
	struct rfc3339_time time = { 0 };

	*at = 0;
	if (!*value)
		return true;
	if (!rfc3339__parse(value, &time))
		return wrong(p, key, "a time like 2026-11-21T03:13:34.945356496Z, from 1970 to "
				     "2261");
	*at = time.s * 1000000000LL + time.ns;
	return true;
}

/* ---- parts ---- */

static struct timeline_origin read_origin(const json_t *line)
{
	return (struct timeline_origin){ .gateway = text(line, "gateway"),
					 .boot_id = text(line, "boot_id"),
					 .run_id = text(line, "run_id") };
}

static bool read_netns(struct timeline_json_problem *p, const json_t *netns,
		       struct timeline_netns *ns)
{
	const char *cookie = text(netns, "cookie");

	*ns = (struct timeline_netns){ .inode = whole(netns, "inode"), .name = text(netns, "name"),
				       .host_name = text(netns, "host_name") };
	return !*cookie || big(cookie, &ns->cookie) ||
	       wrong(p, "netns.cookie", "a string of digits");
}

static struct timeline_end read_end(const json_t *object)
{
	struct timeline_end e = { .port = fmin(number(object, "port"), UINT16_MAX) };

	snprintf(e.address, sizeof(e.address), "%s", text(object, "address"));
	return e;
}

static struct timeline_owner read_owner(const json_t *owner)
{
	return (struct timeline_owner){ .known = json_is_object(owner),
					.pid = whole(owner, "pid"), .comm = text(owner, "comm"),
					.cgroup = text(owner, "cgroup"),
					.container_id = text(owner, "container_id") };
}

static bool read_socket(struct timeline_json_problem *p, const json_t *socket,
			struct timeline_socket *s)
{
	const json_t *netns = json_object_get(socket, "netns");

	if (!big(text(socket, "cookie"), &s->cookie))
		return wrong(p, "socket.cookie", "a string of digits");
	s->connection = whole(socket, "connection");
	if (!s->connection)
		s->connection = 1;
	if (!json_is_number(json_object_get(netns, "inode")))
		return wrong(p, "socket.netns.inode", "a number");
	if (!read_netns(p, netns, &s->netns))
		return false;
	s->is_ipv6 = !strcmp(text(socket, "family"), "ipv6");
	s->local = read_end(json_object_get(socket, "local"));
	s->peer = read_end(json_object_get(socket, "peer"));
	s->owner = read_owner(json_object_get(socket, "owner"));
	s->device = text(socket, "device");
	s->mptcp = truth(socket, "mptcp");
	return true;
}

static struct timeline_rtt read_rtt(const json_t *rtt)
{
	return (struct timeline_rtt){ .count = json_is_object(rtt), .min_us = whole(rtt, "min"),
				      .avg_us = whole(rtt, "avg"), .max_us = whole(rtt, "max") };
}

/* Limits of keepalive in the kernel: jiffies, or milliseconds, in an int; and a byte. */
#define KERNEL_SECONDS_MAX (INT32_MAX / 1000)
#define KERNEL_PROBES_MAX UINT8_MAX

static double kernel_seconds(const json_t *object, const char *key)
{
	return fmin(number(object, key), KERNEL_SECONDS_MAX);
}

static uint32_t kernel_probes(const json_t *object)
{
	return fmin(number(object, "probes"), KERNEL_PROBES_MAX);
}

static enum option_source read_source(const json_t *from, const char *key)
{
	enum option_source source = OPTION_FROM_SOCKET;

	option_source__named(text(from, key), &source);
	return source;
}

static double read_detects(const json_t *k, const char *key)
{
	return json_is_number(json_object_get(k, key)) ? number(k, key) : INFINITY;
}

static struct timeline_keepalive read_keepalive(const json_t *k)
{
	const json_t *from = json_object_get(k, "from");

	return (struct timeline_keepalive){
		.known = json_is_object(k), .enabled = truth(k, "enabled"),
		.idle_s = kernel_seconds(k, "idle_s"),
		.interval_s = kernel_seconds(k, "interval_s"), .probes = kernel_probes(k),
		.user_timeout_ms = fmin(number(k, "user_timeout_ms"), INT32_MAX),
		.rto_max_ms = fmin(number(k, "rto_max_ms"), INT32_MAX),
		.idle_from = read_source(from, "idle"),
		.interval_from = read_source(from, "interval"),
		.probes_from = read_source(from, "probes"),
		.detects_within_s = read_detects(k, "detects_within_s"),
		.detects_within_max_s = read_detects(k, "detects_within_max_s") };
}

static bool read_successor(struct timeline_json_problem *p, const json_t *by,
			   struct timeline_successor *s)
{
	big(text(by, "cookie"), &s->cookie);
	s->peer = read_end(json_object_get(by, "peer"));
	s->confidence = number(by, "confidence");
	return time_at(p, by, "at", &s->at);
}

static bool read_half_open(struct timeline_json_problem *p, const json_t *half_open,
			   struct timeline_half_open *h)
{
	const json_t *latency = json_object_get(half_open, "latency_ms");

	h->is = json_is_object(half_open);
	found_by__named(text(half_open, "found_by"), &h->found_by);
	h->latency_ms.lower_bounds_known = json_is_number(json_object_get(latency, "min"));
	h->latency_ms.min = number(latency, "min");
	h->latency_ms.likely_min = number(latency, "likely_min");
	h->latency_ms.max = number(latency, "max");
	return time_at(p, half_open, "last_heard_at", &h->last_heard_at) &&
	       time_at(p, half_open, "first_unanswered_at", &h->first_unanswered_at) &&
	       time_at(p, half_open, "last_unanswered_at", &h->last_unanswered_at) &&
	       time_at(p, half_open, "declared_at", &h->declared_at) &&
	       read_successor(p, json_object_get(half_open, "superseded_by"), &h->superseded_by);
}

static struct timeline_counts read_counts(const json_t *c)
{
	return (struct timeline_counts){
		.probes_sent = whole(c, "probes_sent"),
		.probes_answered = whole(c, "probes_answered"),
		.probes_failed = whole(c, "probes_failed"),
		.sends_failed = whole(c, "sends_failed"),
		.answers_dropped = whole(c, "answers_dropped"),
		.peer_probes = whole(c, "peer_probes"), .retransmits = whole(c, "retransmits"),
		.zero_window_probes = whole(c, "zero_window_probes"),
		.heartbeats = whole(c, "heartbeats"), .events_lost = whole(c, "events_lost") };
}

static struct timeline_other_sender read_other_sender(const json_t *other)
{
	return (struct timeline_other_sender){
		.answers = whole(other, "count"), .ttl = fmin(number(other, "ttl"), UINT8_MAX),
		.data_ttl = fmin(number(other, "data_ttl"), UINT8_MAX),
		.timestamps = truth(other, "timestamps"),
		.data_timestamps = truth(other, "data_timestamps") };
}

static struct timeline_heartbeat read_heartbeat(const json_t *h)
{
	const json_t *replied = json_object_get(h, "replied");

	return (struct timeline_heartbeat){
		.bytes = whole(h, "bytes"), .period_s = number(h, "period_s"),
		.replied = json_is_true(replied)    ? REPLY_ACKNOWLEDGED
			   : json_is_false(replied) ? REPLY_NONE : REPLY_UNKNOWN };
}

static struct timeline_traffic read_traffic(const json_t *t)
{
	return (struct timeline_traffic){
		.known = json_is_object(t), .over_s = number(t, "over_s"),
		.segments_known = json_is_number(json_object_get(t, "received_segments")) &&
				  json_is_number(json_object_get(t, "sent_segments")),
		.received_bytes = large(t, "received_bytes"),
		.received_segments = large(t, "received_segments"),
		.acked_bytes = large(t, "acked_bytes"),
		.sent_segments = large(t, "sent_segments") };
}

/* ---- lists ---- */

/* One timeline with the arrays that it points to. */
struct whole_timeline {
	struct timeline t;
	struct timeline_gap *gaps;
	struct timeline_episode *episodes;
	struct event *events;
};

static bool read_gaps(const json_t *gaps, struct whole_timeline *w)
{
	const json_t *survived = json_object_get(gaps, "survived");
	const json_t *lost = json_object_get(gaps, "lost"), *gap;
	size_t i;

	w->t.gaps_survived = w->gaps = calloc(json_array_size(survived) + 1, sizeof(*w->gaps));
	if (!w->gaps)
		return false;
	json_array_foreach(survived, i, gap)
		w->gaps[w->t.gap_count++] = (struct timeline_gap){
			.from_s = number(gap, "from_s"), .to_s = number(gap, "to_s"),
			.count = whole(gap, "count"),
			.ended_by_us = !strcmp(text(gap, "ended_by"), "us") };
	w->t.gap_lost = json_is_object(lost);
	w->t.gap_lost_after_s = number(lost, "after_s");
	w->t.gap_lost_within_s = number(lost, "within_s");
	return true;
}

/* An episode of an unknown kind or end is skipped. */
static bool read_episodes(struct timeline_json_problem *p, const json_t *line,
			  struct whole_timeline *w)
{
	const json_t *all = json_object_get(line, "episodes"), *one;
	size_t i;

	w->t.episodes = w->episodes = calloc(json_array_size(all) + 1, sizeof(*w->episodes));
	json_array_foreach(all, i, one) {
		struct timeline_episode e = { .asks = whole(one, "asks") };

		if (!w->episodes)
			return false;
		if (!episode_kind__named(text(one, "kind"), &e.kind) ||
		    !episode_end__named(text(one, "end"), &e.end))
			continue;
		if (!time_at(p, one, "first_unanswered_at", &e.first_unanswered_at) ||
		    !time_at(p, one, "ended_at", &e.ended_at))
			return false;
		w->episodes[w->t.episode_count++] = e;
	}
	w->t.episodes_omitted = whole(line, "episodes_omitted");
	return true;
}

static uint8_t state_named(const char *name)
{
	unsigned int state;

	for (state = TCP_ESTABLISHED; state <= TCP_NEW_SYN_RECV; state++)
		if (!strcmp(name, tcp_state__name(state)))
			return state;
	return 0;
}

/* Members of its kind besides the time. */
static void read_particulars(const json_t *object, struct event *e)
{
	const json_t *rtt = json_object_get(object, "rtt_us");

	e->rtt = read_rtt(rtt);
	e->n = whole(object, e->kind == EVENT_ANSWERED_RUN || e->kind == EVENT_LOST ? "count"
			     : e->kind == EVENT_PEER_PROBE ? "garbage_bytes"
			     : e->kind == EVENT_HEARTBEAT  ? "bytes" : "n");
	if (json_is_number(rtt)) {
		e->rtt.count = 1;
		e->rtt.min_us = e->rtt.avg_us = e->rtt.max_us = whole(object, "rtt_us");
	}
	e->gap_s = number(object, "gap_s");
	e->confidence = number(object, "confidence");
	big(text(json_object_get(object, "by"), "cookie"), &e->by_cookie);
	e->reason = text(object, "reason");
	send_failure__named(text(object, "why"), &e->why);
	if (e->kind == EVENT_ERROR)
		e->error = errno__named(text(object, "errno"));
	e->from = state_named(text(object, "from"));
	e->to = state_named(text(object, "to"));
	if (!big(text(object, "mono_ns"), &e->mono_ns))
		e->mono_ns = 0;
}

/* False where a time is invalid; `*known` where the kind of event is known. */
static bool read_event(struct timeline_json_problem *p, const json_t *object, struct event *e,
		       bool *known)
{
	*e = (struct event){ .n = 0 };
	*known = event_kind__named(text(object, "event"), &e->kind);
	if (!*known)
		return true;
	read_particulars(object, e);
	return time_at(p, object, "at", &e->at) && time_at(p, object, "first_at", &e->first_at) &&
	       time_at(p, object, "last_at", &e->last_at);
}

static bool read_events(struct timeline_json_problem *p, const json_t *line,
			struct whole_timeline *w)
{
	const json_t *all = json_object_get(line, "events"), *one;
	size_t i;

	w->t.events = w->events = calloc(json_array_size(all) + 1, sizeof(*w->events));
	json_array_foreach(all, i, one) {
		struct event e;
		bool known;

		if (!w->events || !read_event(p, one, &e, &known))
			return false;
		if (known)
			w->events[w->t.event_count++] = e;
	}
	w->t.events_omitted = whole(line, "events_omitted");
	return true;
}

/* ---- lines ---- */

static bool read_times(struct timeline_json_problem *p, const json_t *line, struct timeline *t)
{
	t->half_closed = json_object_get(line, "half_closed_at");
	return time_at(p, line, "first_seen_at", &t->first_seen_at) &&
	       time_at(p, line, "ended_at", &t->ended_at) &&
	       time_at(p, line, "verified_at", &t->verified_at) &&
	       time_at(p, line, "last_heard_at", &t->last_heard_at) &&
	       time_at(p, line, "last_acknowledged_at", &t->last_acknowledged_at) &&
	       time_at(p, line, "half_closed_at", &t->half_closed_at);
}

static void read_facts(const json_t *line, struct timeline *t)
{
	t->revision = whole(line, "revision");
	t->final = truth(line, "final");
	t->partial = truth(line, "partial");
	t->last_heard_is_lower_bound = truth(line, "last_heard_is_lower_bound");
	t->outcome_detail = text(line, "outcome_detail");
	ending_detail__named(t->outcome_detail, &t->detail);
	t->keepalive = read_keepalive(json_object_get(line, "keepalive"));
	t->counts = read_counts(json_object_get(line, "counts"));
	t->other_sender = read_other_sender(json_object_get(line, "answered_by_another"));
	t->rtt = read_rtt(json_object_get(line, "rtt_us"));
	t->heartbeat = read_heartbeat(json_object_get(line, "heartbeat"));
	t->traffic = read_traffic(json_object_get(line, "traffic"));
}

/* False without a problem set: memory is short. */
static bool read_timeline(struct timeline_json_problem *p, const json_t *line,
			  struct whole_timeline *w)
{
	const json_t *socket = json_object_get(line, "socket");
	struct timeline *t = &w->t;

	t->origin = read_origin(line);
	if (!json_is_object(socket))
		return wrong(p, "socket", "an object");
	if (!*t->origin.boot_id || !*t->origin.run_id)
		return wrong(p, *t->origin.boot_id ? "run_id" : "boot_id", "a string");
	if (!read_socket(p, socket, &t->socket))
		return false;
	if (!outcome__named(text(line, "outcome"), &t->outcome))
		return wrong(p, "outcome", "one of docs/schema/timeline.json");
	read_facts(line, t);
	return read_half_open(p, json_object_get(line, "half_open"), &t->half_open) &&
	       read_times(p, line, t) && read_episodes(p, line, w) && read_events(p, line, w) &&
	       read_gaps(json_object_get(line, "gaps"), w);
}

static int take_timeline(const json_t *line, const struct sink *sink,
			 struct timeline_json_problem *p)
{
	struct whole_timeline w = { .gaps = NULL };
	int err = read_timeline(p, line, &w) ? 0 : *p->text ? -EBADMSG : -ENOMEM;

	if (!err && sink->timeline)
		err = sink->timeline(sink->context, &w.t);
	free(w.gaps);
	free(w.episodes);
	free(w.events);
	return err;
}

/* It may be below 0. */
static int32_t sysctl_seconds(const json_t *object, const char *key)
{
	double s = json_number_value(json_object_get(object, key));

	return fmax(-KERNEL_SECONDS_MAX, fmin(s, KERNEL_SECONDS_MAX));
}

/* Enough for fifty words of ours. */
#define ATTACHED_SIZE 4096

/* Words between blanks, into `words` of `size`. */
static const char *join_words(const json_t *list, char *words, size_t size)
{
	const json_t *word;
	size_t i, used = 0;

	*words = '\0';
	json_array_foreach(list, i, word) {
		if (json_is_string(word) && used < size)
			used += snprintf(words + used, size - used, "%s%s", used ? " " : "",
					 json_string_value(word));
	}
	return words;
}

static int take_meta(const json_t *line, const struct sink *sink, struct timeline_json_problem *p)
{
	const json_t *all = json_object_get(line, "sysctl"), *one;
	char attached[ATTACHED_SIZE];
	struct meta_namespace *ns = calloc(json_array_size(all) + 1, sizeof(*ns));
	struct meta m = { .origin = read_origin(line), .version = text(line, "version"),
			  .kernel = text(line, "kernel"), .hz = whole(line, "hz"),
			  .all = truth(line, "all"), .namespaces = ns,
			  .waiting_for_data = large(line, "waiting_for_data") };
	bool ok = *m.origin.run_id || wrong(p, "run_id", "a string");
	int err;
	size_t i;

	m.attached = join_words(json_object_get(line, "attach"), attached, sizeof(attached));
	ok = ok && ns && time_at(p, line, "started_at", &m.started_at);
	json_array_foreach(all, i, one) {
		if (!ok)
			break;
		ok = read_netns(p, json_object_get(one, "netns"), &ns[i].netns);
		ns[i].idle_s = sysctl_seconds(one, "idle_s");
		ns[i].interval_s = sysctl_seconds(one, "interval_s");
		ns[i].probes = kernel_probes(one);
		m.namespace_count++;
	}
	err = !ns ? -ENOMEM : !ok ? -EBADMSG : sink->meta ? sink->meta(sink->context, &m) : 0;
	free(ns);
	return err;
}

static int take_loss(const json_t *line, const struct sink *sink, struct timeline_json_problem *p)
{
	struct loss l = { .origin = read_origin(line), .count = large(line, "count") };

	loss_reason__named(text(line, "reason"), &l.reason);
	if (!time_at(p, line, "from_at", &l.from_at) || !time_at(p, line, "to_at", &l.to_at))
		return -EBADMSG;
	return sink->loss ? sink->loss(sink->context, &l) : 0;
}

static int take_clock_step(const json_t *line, const struct sink *sink,
			   struct timeline_json_problem *p)
{
	double step_ms = json_number_value(json_object_get(line, "step_ms"));
	struct clock_step s = { .origin = read_origin(line),
				.step_ns = fmax(-9e18, fmin(step_ms * 1e6, 9e18)) };

	big(text(line, "mono_ns"), &s.mono_ns);
	if (!time_at(p, line, "at", &s.at))
		return -EBADMSG;
	return sink->clock_step ? sink->clock_step(sink->context, &s) : 0;
}

/* An event of an unknown kind is skipped. */
static int take_event(const json_t *line, const struct sink *sink, struct timeline_json_problem *p)
{
	const json_t *object = json_object_get(line, "socket");
	struct timeline_socket socket;
	struct socket_event e = { .origin = read_origin(line), .socket = &socket };
	bool known;

	if (!strcmp(text(line, "event"), "clock_step"))
		return take_clock_step(line, sink, p);
	if (!sink->event)
		return 0;
	if (!json_is_object(object)) {
		wrong(p, "socket", "an object");
		return -EBADMSG;
	}
	if (!read_socket(p, object, &socket) || !read_event(p, line, &e.event, &known))
		return -EBADMSG;
	return known ? sink->event(sink->context, &e) : 0;
}

/* A kind that we read, in a version that we do not: its names may mean something else. */
static bool is_of_another_version(const char *schema)
{
	static const char *const kinds[] = { "timeline", "meta", "loss", "event" };
	char of_kind[32];
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(of_kind, sizeof(of_kind), "halfopen.%s/", kinds[i]);
		if (!strncmp(schema, of_kind, strlen(of_kind)))
			return true;
	}
	return false;
}

static int refuse_version(const char *schema, struct timeline_json_problem *p)
{
	snprintf(p->text, sizeof(p->text),
		 "schema: '%.40s' is of a version that this halfopen does not read; expected %.*s1",
		 schema, (int)(strchr(schema, '/') + 1 - schema), schema);
	return -EBADMSG;
}

static int take_line(const json_t *line, const struct sink *sink, struct timeline_json_problem *p)
{
	const char *schema = text(line, "schema");

	if (!strcmp(schema, "halfopen.timeline/1"))
		return take_timeline(line, sink, p);
	if (!strcmp(schema, "halfopen.meta/1"))
		return take_meta(line, sink, p);
	if (!strcmp(schema, "halfopen.loss/1"))
		return take_loss(line, sink, p);
	if (!strcmp(schema, "halfopen.event/1"))
		return take_event(line, sink, p);
	if (is_of_another_version(schema))
		return refuse_version(schema, p);
	if (!strncmp(schema, "halfopen.", 9))
		return 0;
	wrong(p, "schema", "one of halfopen's (halfopen.timeline/1, ...)");
	return -EBADMSG;
}

/* Numbers are read as doubles: counts that may pass 2^53 are strings. */
int timeline_json__read(const char *line, size_t length, const struct sink *sink,
			struct timeline_json_problem *problem)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_DECODE_INT_AS_REAL, &error);
	int err;

	*problem = (struct timeline_json_problem){ 0 };
	if (!object) {
		problem->column = error.column;
		snprintf(problem->text, sizeof(problem->text),
			 "expected a line of halfopen's JSON: %s", json_mistake__words(&error));
		return -EBADMSG;
	}
	err = take_line(object, sink, problem);
	json_decref(object);
	return err;
}
