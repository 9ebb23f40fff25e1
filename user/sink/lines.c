// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "line.h"
#include "lines.h"
#include "outcome.h"
#include "tcp_states.h"

/* Write in pieces of about this size, or at the next tick. */
#define FLUSH_BYTES (1 << 18)

static void begin_line(struct lines *l, const char *schema)
{
	struct line_origin origin = { .gateway = l->run->gateway, .boot_id = l->run->boot_id,
				      .run_id = l->run->run_id, .seq = l->seq };

	line__begin(&l->json, schema, &origin);
	l->seq = origin.seq;
}

static void end_line(struct lines *l)
{
	json__end_object(&l->json);
	json__end_line(&l->json);
	if (l->json.length >= FLUSH_BYTES)
		lines__flush(l);
}

static void at(struct lines *l, const char *key, uint64_t mono_ns)
{
	json__time(&l->json, key, wallclock__at(l->run->clock, mono_ns));
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

/* `ns` NULL: no more of it is known. */
static void write_netns(struct json *j, uint32_t inode, const char *name,
			const struct namespace_sysctl *ns)
{
	json__object(j, "netns");
	json__u64(j, "inode", inode);
	if (ns && ns->cookie)
		json__big(j, "cookie", ns->cookie);
	if (*name)
		json__string(j, "name", name);
	if (ns && *ns->host_name)
		json__string(j, "host_name", ns->host_name);
	json__end_object(j);
}

static int by_age(const void *a, const void *b)
{
	const struct namespace_sysctl *x = *(const struct namespace_sysctl *const *)a;
	const struct namespace_sysctl *y = *(const struct namespace_sysctl *const *)b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return x->netns < y->netns ? -1 : x->netns > y->netns;
}

/* In the order of their making, by cookie: the core hears of them in another order in a replay of a
 * watch with a filter, which knows nobody who was kept out. */
static void write_sysctls(struct json *j, const struct run *run)
{
	const struct namespace_sysctl **entered = calloc(run->namespace_count, sizeof(*entered));
	unsigned int i, count = 0;

	if (!entered && run->namespace_count)
		j->failed = true;
	for (i = 0; entered && i < run->namespace_count; i++)
		if (run->namespaces[i].netns && run->namespaces[i].read_ns)
			entered[count++] = &run->namespaces[i];
	if (count)
		qsort(entered, count, sizeof(*entered), by_age);
	json__array(j, "sysctl");
	for (i = 0; i < count; i++) {
		const struct namespace_sysctl *ns = entered[i];

		json__object(j, NULL);
		write_netns(j, ns->netns, ns->name, ns);
		json__s64(j, "idle_s", (int32_t)ns->idle_s);	/* it may be below 0 */
		json__s64(j, "interval_s", (int32_t)ns->interval_s);
		json__u64(j, "probes", ns->probes);
		json__end_object(j);
	}
	json__end_array(j);
	free(entered);
}

static void on_start(void *context, const struct run *run)
{
	struct lines *l = context;
	struct json *j = &l->json;

	l->run = run;
	begin_line(l, "halfopen.meta/1");
	json__string(j, "version", run->version);
	json__string(j, "kernel", run->kernel);
	json__u64(j, "hz", run->hz);
	json__bool(j, "all", run->all);
	write_words(j, "attach", run->attached);
	write_sysctls(j, run);
	if (run->waiting)
		json__u64(j, "waiting_for_data", run->waiting);
	at(l, "started_at", run->started_ns);
	end_line(l);
	lines__flush(l);	/* who waits for this line misses nothing that happens after it */
}

/* ---- socket ---- */

static void write_end(struct json *j, const char *key, const char *address, uint16_t port)
{
	json__object(j, key);
	json__string(j, "address", address);
	json__u64(j, "port", port);
	json__end_object(j);
}

static void write_peer(struct lines *l, uint8_t family, uint32_t bound_if,
		       const struct endpoint *e)
{
	char text[ADDRESS_TEXT_SIZE];

	write_end(&l->json, "peer",
		  address__format_peer(l->disguise, family, bound_if, e->address, text), e->port);
}

static void write_owner(struct json *j, const struct owner *o)
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

static void write_socket(struct lines *l, const struct subject *s)
{
	const struct connection *c = s->connection;
	uint32_t bound_if = incidents__of(c)->bound_if;
	uint8_t family = connection__family(c);
	char local[ADDRESS_TEXT_SIZE];
	struct json *j = &l->json;

	json__object(j, "socket");
	json__big(j, "cookie", c->cookie);
	if (s->number > 1)
		json__u64(j, "connection", s->number);
	write_netns(j, c->netns, s->netns_name, s->netns);
	json__string(j, "family", address__family(c));
	write_end(j, "local", address__format(family, bound_if, c->local.address, local),
		  c->local.port);
	write_peer(l, family, bound_if, &c->peer);
	if (s->owner)
		write_owner(j, s->owner);
	if (s->device)
		json__string(j, "device", s->device);
	if (c->mptcp)
		json__bool(j, "mptcp", true);
	json__end_object(j);
}

/* ---- events ---- */

static void write_rtt(struct json *j, const struct rtt *r)
{
	json__object(j, "rtt_us");
	json__u64(j, "min", r->min_us);
	json__u64(j, "avg", r->sum_us / r->count);
	json__u64(j, "max", r->max_us);
	json__end_object(j);
}

static void write_errno(struct json *j, const char *key, int error)
{
	const char *name = strerrorname_np(error);
	char number[16];

	snprintf(number, sizeof(number), "%d", error);
	json__string(j, key, name ? name : number);
}

static void write_reason(struct lines *l, const char *key, uint32_t reason)
{
	const char *name = core__reset_reason(l->core, reason);

	if (name)
		json__string(&l->json, key, name);
}

static const char *entry_name(enum entry_kind kind)
{
	static const char *const names[] = {
		[ENTRY_SEEN] = "seen", [ENTRY_ESTABLISHED] = "established",
		[ENTRY_PROBE_SENT] = "probe_sent", [ENTRY_PROBE_FAILED] = "probe_failed",
		[ENTRY_ANSWERED] = "answered", [ENTRY_ANSWERED_RUN] = "answered_run",
		[ENTRY_PEER_PROBE] = "peer_probe", [ENTRY_RETRANSMIT] = "retransmit",
		[ENTRY_OPTION_CHANGE] = "option_change", [ENTRY_RESET_SENT] = "reset_sent",
		[ENTRY_RESET_RECEIVED] = "reset_received", [ENTRY_ERROR] = "error",
		[ENTRY_STATE] = "state", [ENTRY_LOST] = "lost",
		[ENTRY_ZERO_WINDOW_PROBE] = "zero_window_probe",
		[ENTRY_HEARTBEAT] = "heartbeat", [ENTRY_SUPERSEDED] = "superseded",
		[ENTRY_SEND_FAILED] = "send_failed",
		[ENTRY_ANSWER_DROPPED] = "answer_dropped",
	};

	return names[kind];
}

/* The members of one event; the object around them is the caller's. */
static void write_event_members(struct lines *l, const struct entry *e)
{
	struct json *j = &l->json;

	json__string(j, "event", entry_name(e->kind));
	switch ((enum entry_kind)e->kind) {
	case ENTRY_PROBE_SENT:
	case ENTRY_RETRANSMIT:
	case ENTRY_ZERO_WINDOW_PROBE:
		json__u64(j, "n", e->n);
		break;
	case ENTRY_PROBE_FAILED:
	case ENTRY_SEND_FAILED:
		json__string(j, "why",
			     e->n == HO_FAILED_DROPPED ? "dropped" : "local_congestion");
		break;
	case ENTRY_ANSWERED:
		json__u64(j, "n", e->n);
		if (e->rtt.count)
			json__u64(j, "rtt_us", e->rtt.min_us);
		else
			json__null(j, "rtt_us");
		break;
	case ENTRY_ANSWERED_RUN:
		json__u64(j, "count", e->n);
		at(l, "first_at", e->at_ns);
		at(l, "last_at", e->last_ns);
		write_rtt(j, &e->rtt);
		return;
	case ENTRY_PEER_PROBE:
		json__u64(j, "garbage_bytes", e->n);
		break;
	case ENTRY_HEARTBEAT:
		json__u64(j, "bytes", e->n);
		json__milli(j, "gap_s", (e->at_ns - e->last_ns) / 1000000);
		break;
	case ENTRY_SUPERSEDED:
		json__object(j, "by");
		json__big(j, "cookie", e->by_cookie);
		json__end_object(j);
		json__milli(j, "confidence", e->n);
		break;
	case ENTRY_RESET_SENT:
		write_reason(l, "reason", e->n);
		break;
	case ENTRY_ERROR:
		write_errno(j, "errno", e->n);
		break;
	case ENTRY_STATE:
		json__string(j, "from", tcp_state__name(e->from));
		json__string(j, "to", tcp_state__name(e->to));
		break;
	case ENTRY_LOST:
		json__u64(j, "count", e->n);
		break;
	case ENTRY_SEEN:
	case ENTRY_ESTABLISHED:
	case ENTRY_OPTION_CHANGE:
	case ENTRY_RESET_RECEIVED:
	case ENTRY_ANSWER_DROPPED:
		break;
	}
	at(l, "at", e->at_ns);
	json__big(j, "mono_ns", e->at_ns);
}

static void on_event(void *context, const struct subject *s, const struct entry *e)
{
	struct lines *l = context;

	begin_line(l, "halfopen.event/1");
	write_socket(l, s);
	write_event_members(l, e);
	end_line(l);
}

static void on_clock_step(void *context, uint64_t mono_ns, int64_t step_ns)
{
	struct lines *l = context;

	begin_line(l, "halfopen.event/1");
	json__string(&l->json, "event", "clock_step");
	json__s64(&l->json, "step_ms", step_ns / 1000000);
	at(l, "at", mono_ns);
	json__big(&l->json, "mono_ns", mono_ns);
	end_line(l);
}

static void on_loss(void *context, const struct loss *loss)
{
	static const char *const reasons[] = {
		[LOSS_RING_FULL] = "ring_full", [LOSS_RECURSION] = "recursion",
		[LOSS_UNSEEN] = "unseen", [LOSS_SENSELESS] = "senseless",
	};
	struct lines *l = context;

	begin_line(l, "halfopen.loss/1");
	json__string(&l->json, "reason", reasons[loss->reason]);
	json__u64(&l->json, "count", loss->count);
	at(l, "from_at", loss->from_ns);
	at(l, "to_at", loss->to_ns);
	end_line(l);
}

/* ---- timeline ---- */

static void write_detects(struct json *j, const char *key, uint64_t ms)
{
	if (ms == UINT64_MAX)
		json__null(j, key);
	else
		json__milli(j, key, ms);
}

static const char *option_source(bool from_socket)
{
	return from_socket ? "socket" : "sysctl";
}

static void write_keepalive(struct lines *l, const struct connection *c)
{
	const struct keepalive *k = &c->keepalive;
	struct json *j = &l->json;
	uint32_t hz = l->run->hz;
	uint64_t rto_max = incidents__of(c)->rto_max_jiffies;

	json__object(j, "keepalive");
	json__bool(j, "enabled", k->enabled);
	json__milli(j, "idle_s", (uint64_t)k->idle_jiffies * 1000 / hz);
	json__milli(j, "interval_s", (uint64_t)k->interval_jiffies * 1000 / hz);
	json__u64(j, "probes", k->probes);
	json__u64(j, "user_timeout_ms", k->user_timeout_ms);
	if (rto_max)
		json__u64(j, "rto_max_ms", rto_max * 1000 / hz);
	json__object(j, "from");
	json__string(j, "idle", option_source(k->idle_from_socket));
	json__string(j, "interval", option_source(k->interval_from_socket));
	json__string(j, "probes", option_source(k->probes_from_socket));
	json__end_object(j);
	write_detects(j, "detects_within_s", keepalive__detects_within_ms(k, hz));
	write_detects(j, "detects_within_max_s", keepalive__detects_within_max_ms(k, hz));
	json__end_object(j);
}

/* What the outcome's name leaves open; NULL: nothing, or the errno says it. A close with linger 0
 * resets by itself where unread data did not do so before. */
static const char *detail_name(struct lines *l, const struct incidents *i)
{
	const char *reason = i->reset_sent ? core__reset_reason(l->core, i->reset_reason) : NULL;

	switch ((enum ending_detail)i->detail) {
	case DETAIL_UNASKED:
		return "unasked";
	case DETAIL_MOVED:
		return "moved";
	case DETAIL_LINGER_0:
		return reason && !strcmp(reason, "TCP_ABORT_ON_CLOSE") ? reason : "linger_0";
	case DETAIL_NONE:
		break;
	}
	return NULL;
}

static void write_outcome(struct lines *l, const struct timeline *t)
{
	const struct incidents *i = incidents__of(t->subject.connection);
	struct json *j = &l->json;

	json__string(j, "outcome", outcome__name(t->outcome));
	if (!t->final)
		return;
	if (i->ending_lost)
		json__string(j, "outcome_detail", "the event that told its ending was lost");
	else if (detail_name(l, i))
		json__string(j, "outcome_detail", detail_name(l, i));
	else if (i->error)
		write_errno(j, "outcome_detail", i->error);
	else if (i->reset_sent)
		write_reason(l, "outcome_detail", i->reset_reason);
}

/* A lower bound that cannot be known is null; milliseconds with three decimals. */
static void write_bound(struct json *j, const char *key, bool known, uint64_t ns)
{
	if (known)
		json__milli(j, key, ns / 1000);
	else
		json__null(j, key);
}

static void write_successor(struct lines *l, const struct successor *s)
{
	struct json *j = &l->json;

	json__object(j, "superseded_by");
	json__big(j, "cookie", s->cookie);
	write_peer(l, s->family, 0, &s->peer);
	at(l, "at", s->at_ns);
	json__milli(j, "confidence", s->confidence * 1000);
	json__end_object(j);
}

static void write_half_open(struct lines *l, const struct timeline *t)
{
	const struct incidents *i = incidents__of(t->subject.connection);
	const struct latency_evidence *e = &t->evidence;
	struct json *j = &l->json;

	json__object(j, "half_open");
	json__string(j, "found_by", found_by__name(i->found_by));
	if (i->successor && (i->found_by == FOUND_BY_SUPERSEDED ||
			     (i->found_by == FOUND_BY_RESET && i->successor->confidence >= 1)))
		write_successor(l, i->successor);
	at(l, "last_heard_at", e->last_heard_ns);
	if (e->first_unanswered_ns) {
		at(l, "first_unanswered_at", e->first_unanswered_ns);
		at(l, "last_unanswered_at", e->last_unanswered_ns);
	}
	at(l, "declared_at", e->declared_ns);
	json__object(j, "latency_ms");
	write_bound(j, "min", t->latency.lower_bounds_known, t->latency.min_ns);
	write_bound(j, "likely_min", t->latency.lower_bounds_known, t->latency.likely_min_ns);
	json__milli(j, "max", (t->latency.max_ns + 999) / 1000);
	json__end_object(j);
	json__end_object(j);
}

static void write_counts(struct json *j, const struct connection *c)
{
	const struct incidents *i = incidents__of(c);

	json__object(j, "counts");
	json__u64(j, "probes_sent", c->probes_sent);
	json__u64(j, "probes_answered", c->probes_answered);
	json__u64(j, "probes_failed", i->probes_failed);
	json__u64(j, "sends_failed", i->sends_failed);
	if (i->answers_dropped)
		json__u64(j, "answers_dropped", i->answers_dropped);
	json__u64(j, "peer_probes", i->peer_probes);
	json__u64(j, "retransmits", c->retransmits_total - i->retransmits_before);
	json__u64(j, "zero_window_probes", i->zero_window_probes);
	json__u64(j, "heartbeats", i->heartbeats);
	json__u64(j, "events_lost", i->events_lost);
	json__end_object(j);
}

/* Answers that came from elsewhere than the peer's data. */
static void write_other_sender(struct json *j, const struct connection *c)
{
	const struct other_sender *other = &incidents__of(c)->other;

	json__object(j, "answered_by_another");
	json__u64(j, "count", other->answers);
	json__u64(j, "ttl", other->ttl);
	json__u64(j, "data_ttl", c->data_ttl);
	json__bool(j, "timestamps", other->timestamps);
	json__bool(j, "data_timestamps", c->data_timestamps);
	json__end_object(j);
}

static void write_heartbeat(struct json *j, const struct heartbeat *h)
{
	uint64_t period_ms = heartbeat__period_ms(h);

	json__object(j, "heartbeat");
	if (period_ms)
		json__milli(j, "period_s", period_ms);
	else
		json__null(j, "period_s");
	json__u64(j, "bytes", h->bytes);
	if (h->reply == REPLY_UNKNOWN)
		json__null(j, "replied");
	else
		json__bool(j, "replied", h->reply == REPLY_ACKNOWLEDGED);
	json__end_object(j);
}

static void write_traffic(struct json *j, const struct traffic *t)
{
	struct traffic_counts carried = traffic__carried(t);

	if (!carried.at_ns)
		return;
	json__object(j, "traffic");
	json__milli(j, "over_s", carried.at_ns / 1000000);
	json__u64(j, "received_bytes", carried.received_bytes);
	json__u64(j, "received_segments", carried.received_segments);
	json__u64(j, "acked_bytes", carried.acked_bytes);
	json__u64(j, "sent_segments", carried.sent_segments);
	json__end_object(j);
}

static void write_survived(struct json *j, const struct gaps *g)
{
	const struct gap *kept = gaps__kept(g);
	unsigned int i;

	json__array(j, "survived");
	for (i = 0; i < g->used; i++) {
		json__object(j, NULL);
		json__milli(j, "from_s", kept[i].from_ms);
		json__milli(j, "to_s", kept[i].to_ms);
		json__u64(j, "count", kept[i].count);
		json__string(j, "ended_by", kept[i].ended_by_us ? "us" : "peer");
		json__end_object(j);
	}
	json__end_array(j);
}

/* The path or the peer was lost in the gap that the first unanswered ask ended; on this very
 * connection it had held for longer than `after_s` before. */
static void write_gaps(struct json *j, const struct timeline *t)
{
	const struct latency_evidence *e = &t->evidence;
	const struct gaps *g = &t->subject.connection->gaps;
	uint64_t idle_ms = 0;
	/* After a goodbye, or where our own direction is dead, silence says nothing of the path. */
	bool lost = t->half_open && e->first_unanswered_ns && e->last_heard_ns && !e->deaf_asks &&
		    !incidents__of(t->subject.connection)->half_closed_ns;

	if (!g->used && !lost)
		return;
	if (lost && e->first_unanswered_ns > e->last_heard_ns)
		idle_ms = (e->first_unanswered_ns - e->last_heard_ns + 999999) / 1000000;
	json__object(j, "gaps");
	write_survived(j, g);
	if (lost) {
		json__object(j, "lost");
		json__milli(j, "after_s", gaps__longest_ms(g));
		json__milli(j, "within_s", idle_ms);
		json__end_object(j);
	}
	json__end_object(j);
}

static const char *ask_name(uint8_t kinds)
{
	switch (kinds) {
	case ASK_PROBE:
		return "keepalive";
	case ASK_DATA:
		return "retransmit";
	case ASK_ZERO_WINDOW:
		return "zero_window";
	case ASK_FIN:
		return "fin";
	default:
		return "mixed";
	}
}

static void write_episode(struct lines *l, uint8_t kinds, uint64_t first_ns, uint32_t asks,
			  enum episode_end end, uint64_t ended_ns)
{
	static const char *const ends[] = {
		[EPISODE_OPEN] = "open", [EPISODE_RECOVERED] = "recovered",
		[EPISODE_DIED] = "died", [EPISODE_CLOSED] = "closed",
	};
	struct json *j = &l->json;

	json__object(j, NULL);
	json__string(j, "kind", ask_name(kinds));
	at(l, "first_unanswered_at", first_ns);
	json__u64(j, "asks", asks);
	json__string(j, "end", ends[end]);
	if (end != EPISODE_OPEN)
		at(l, "ended_at", ended_ns);
	json__end_object(j);
}

static void write_episodes(struct lines *l, const struct timeline *t)
{
	const struct connection *c = t->subject.connection;
	const struct incidents *past = incidents__of(c);
	struct json *j = &l->json;
	unsigned int i;

	json__array(j, "episodes");
	for (i = 0; i < past->episodes_used; i++) {
		const struct episode *e = &past->episodes[i];

		write_episode(l, e->kinds, e->first_unanswered_ns, e->asks, e->end, e->ended_ns);
	}
	if (!t->final && silence__unanswered(c))
		write_episode(l, c->silence.kinds, c->silence.first_ask_ns, c->silence.asks,
			      EPISODE_OPEN, 0);
	json__end_array(j);
	if (past->episodes_omitted)
		json__u64(j, "episodes_omitted", past->episodes_omitted);
}

static void write_events(struct lines *l, const struct journal *journal)
{
	struct json *j = &l->json;
	unsigned int i;

	json__array(j, "events");
	for (i = 0; i < journal->used; i++) {
		json__object(j, NULL);
		write_event_members(l, &journal->entries[i]);
		json__end_object(j);
	}
	json__end_array(j);
	json__u64(j, "events_omitted", journal->omitted);
}

static void on_timeline(void *context, const struct timeline *t)
{
	const struct connection *c = t->subject.connection;
	const struct incidents *i = incidents__of(c);
	struct rtt rtt = incidents__rtt(c);
	struct lines *l = context;
	struct json *j = &l->json;

	begin_line(l, "halfopen.timeline/1");
	json__u64(j, "revision", t->revision);
	json__bool(j, "final", t->final);
	write_socket(l, &t->subject);
	if (c->identified)
		write_keepalive(l, c);
	else
		json__null(j, "keepalive");
	json__bool(j, "partial", c->partial);
	at(l, "first_seen_at", c->first_seen_ns);
	if (c->last_heard_ns)
		at(l, "last_heard_at", c->last_heard_ns);
	else
		json__null(j, "last_heard_at");
	if (c->heard_is_lower_bound)
		json__bool(j, "last_heard_is_lower_bound", true);
	if (i->acknowledged_ns)
		at(l, "last_acknowledged_at", i->acknowledged_ns);
	if (i->half_closed_ns == HALF_CLOSED_BEFORE)
		json__null(j, "half_closed_at");
	else if (i->half_closed_ns)
		at(l, "half_closed_at", i->half_closed_ns);
	if (t->final)
		at(l, "ended_at", i->ended_ns);
	else
		at(l, "verified_at", t->verified_ns);
	write_outcome(l, t);
	if (t->half_open)
		write_half_open(l, t);
	write_counts(j, c);
	if (i->other.answers)
		write_other_sender(j, c);
	if (rtt.count)
		write_rtt(j, &rtt);
	if (i->heartbeat.bytes)
		write_heartbeat(j, &i->heartbeat);
	write_traffic(j, &i->traffic);
	write_gaps(j, t);
	write_episodes(l, t);
	write_events(l, &i->journal);
	end_line(l);
}

static void on_tick(void *context, uint64_t mono_ns)
{
	(void)mono_ns;
	lines__flush(context);
}

struct core_sink lines__sink(struct lines *l)
{
	return (struct core_sink){ .context = l, .start = on_start, .event = on_event,
				   .timeline = on_timeline, .loss = on_loss,
				   .clock_step = on_clock_step, .tick = on_tick };
}

void lines__begin_file(struct lines *l)
{
	if (l->run)
		on_start(l, l->run);
}

int lines__flush(struct lines *l)
{
	int err = l->json.failed ? -ENOMEM : 0;

	if (!err && l->json.length)
		err = output__write(l->output, l->json.text, l->json.length);
	if (err && !l->output->error)
		l->output->error = -err;
	l->json.length = 0;
	return err ? err : output__settle(l->output);
}

void lines__free(struct lines *l)
{
	json__free(&l->json);
}
