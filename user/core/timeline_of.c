// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "connection/outcome.h"
#include "core/timeline_of.h"
#include "exposure/exposure.h"
#include "tcp/tcp_states.h"
#include "value/address.h"

_Static_assert(ADDRESS_TEXT_SIZE == TIMELINE_ADDRESS_SIZE, "an address is written in place");

static int64_t at(const struct value_rules *rules, uint64_t mono_ns)
{
	return wallclock__at(rules->clock, mono_ns);
}

/* 0: it is not known, or did not happen. */
static int64_t at_if(const struct value_rules *rules, uint64_t mono_ns)
{
	return mono_ns ? at(rules, mono_ns) : 0;
}

/* Of whole milliseconds. */
static double seconds(uint64_t ms)
{
	return ms / 1e3;
}

/* Of whole microseconds. */
static double milliseconds(uint64_t us)
{
	return us / 1e3;
}

static const char *reset_reason(const struct value_rules *rules, uint32_t number)
{
	const char *name = number < RESET_REASONS_MAX ? rules->reset_reasons[number] : NULL;

	return name ? name : "";
}

/* ---- ends ---- */

static struct timeline_end peer_of(const struct value_rules *rules, uint8_t family,
				   uint32_t bound_if, const struct endpoint *e)
{
	struct timeline_end end = { .port = e->port };

	privacy__format_peer(rules->privacy, family, bound_if, e->address, end.address);
	return end;
}

void timeline_of__ends(const struct value_rules *rules, const struct connection *c,
		       struct timeline_socket *s)
{
	uint32_t bound_if = incidents__of(c)->bound_if;
	uint8_t family = connection__family(c);

	s->is_ipv6 = family != AF_INET && !endpoint__is_mapped(c->peer.address);
	s->local.port = c->local.port;
	address__format(family, bound_if, c->local.address, s->local.address);
	s->peer = peer_of(rules, family, bound_if, &c->peer);
}

/* ---- events ---- */

static struct timeline_rtt rtt_of(const struct rtt *r)
{
	return (struct timeline_rtt){ .count = r->count, .min_us = r->min_us,
				      .avg_us = r->count ? r->sum_us / r->count : 0,
				      .max_us = r->max_us };
}

static void name_particulars(const struct value_rules *rules, const struct entry *e,
			     struct event *event)
{
	switch (event->kind) {
	case EVENT_ANSWERED_RUN:
		event->first_at = event->at;
		event->last_at = at(rules, e->last_ns);
		event->at = event->mono_ns = 0;
		break;
	case EVENT_PROBE_FAILED:
	case EVENT_SEND_FAILED:
		event->why = e->n == HO_FAILED_DROPPED ? FAILURE_DROPPED
						       : FAILURE_LOCAL_CONGESTION;
		break;
	case EVENT_HEARTBEAT:
		event->gap_s = seconds((e->at_ns - e->last_ns) / 1000000);
		break;
	case EVENT_SUPERSEDED:
		event->by_cookie = e->by_cookie;
		event->confidence = e->n / 1e3;
		break;
	case EVENT_RESET_SENT:
		event->reason = reset_reason(rules, e->n);
		break;
	case EVENT_ERROR:
		event->error = e->n;
		break;
	default:
		break;
	}
}

struct event timeline_of__entry(const struct value_rules *rules, const struct entry *e)
{
	struct event event = { .kind = e->kind, .at = at(rules, e->at_ns), .mono_ns = e->at_ns,
			       .n = e->n, .reason = "", .from = e->from, .to = e->to };

	event.rtt = rtt_of(&(struct rtt){ e->rtt.sum_us, e->rtt.count, e->rtt.min_us,
					  e->rtt.max_us });
	name_particulars(rules, e, &event);
	return event;
}

static void list_events(const struct value_rules *rules, const struct journal *journal,
			struct event *events, struct timeline *t)
{
	unsigned int i;

	for (i = 0; i < journal->used; i++)
		events[i] = timeline_of__entry(rules, &journal->entries[i]);
	t->events = events;
	t->event_count = journal->used;
	t->events_omitted = journal->omitted;
}

/* ---- measurements ---- */

static struct timeline_counts counts_of(const struct connection *c)
{
	const struct incidents *i = incidents__of(c);

	return (struct timeline_counts){
		.probes_sent = c->probes_sent, .probes_answered = c->probes_answered,
		.probes_failed = i->probes_failed, .sends_failed = i->sends_failed,
		.answers_dropped = i->answers_dropped, .peer_probes = i->peer_probes,
		.retransmits = c->retransmits_total - i->retransmits_before,
		.zero_window_probes = i->zero_window_probes, .heartbeats = i->heartbeats,
		.events_lost = i->events_lost };
}

static struct timeline_other_sender other_sender_of(const struct connection *c)
{
	const struct other_sender *other = &incidents__of(c)->other;

	return (struct timeline_other_sender){ .answers = other->answers, .ttl = other->ttl,
					       .data_ttl = c->data_ttl,
					       .timestamps = other->timestamps,
					       .data_timestamps = c->data_timestamps };
}

struct timeline_heartbeat timeline_of__heartbeat(const struct heartbeat *h)
{
	return (struct timeline_heartbeat){ .bytes = h->bytes,
					    .period_s = heartbeat__period_ms(h) / 1e3,
					    .replied = h->reply };
}

static struct timeline_traffic traffic_of(const struct traffic *t)
{
	struct traffic_counts carried = traffic__carried(t);

	return (struct timeline_traffic){ .known = carried.at_ns, .segments_known = carried.at_ns,
					  .over_s = seconds(carried.at_ns / 1000000),
					  .received_bytes = carried.received_bytes,
					  .received_segments = carried.received_segments,
					  .acked_bytes = carried.acked_bytes,
					  .sent_segments = carried.sent_segments };
}

/* ---- gaps and episodes ---- */

static void list_gaps(const struct gaps *g, struct timeline_gap *all, struct timeline *t)
{
	const struct gap *kept = gaps__kept(g);
	unsigned int i;

	for (i = 0; i < g->used; i++)
		all[i] = (struct timeline_gap){ .from_s = kept[i].from_ms / 1e3,
						.to_s = kept[i].to_ms / 1e3,
						.count = kept[i].count,
						.ended_by_us = kept[i].ended_by_us };
	t->gaps_survived = all;
	t->gap_count = g->used;
}

/* The path or the peer was lost in the gap that the first unanswered ask ended; on this connection
 * the path had kept it for longer than `gap_lost_after_s` before. After the peer's FIN, or where
 * our own direction is dead, silence is no evidence about the path. */
static void find_lost_gap(const struct connection *c, const struct latency_evidence *e,
			  struct timeline *t)
{
	t->gap_lost = t->half_open.is && e->first_unanswered_ns && e->last_heard_ns &&
		      !e->deaf_asks && !incidents__of(c)->half_closed_ns;
	if (!t->gap_lost)
		return;
	t->gap_lost_after_s = gaps__longest_ms(&c->gaps) / 1e3;
	if (e->first_unanswered_ns > e->last_heard_ns)
		t->gap_lost_within_s =
			seconds((e->first_unanswered_ns - e->last_heard_ns + 999999) / 1000000);
}

static enum episode_kind episode_kind(uint8_t asks)
{
	switch (asks) {
	case ASK_PROBE:
		return EPISODE_OF_KEEPALIVE;
	case ASK_DATA:
		return EPISODE_OF_RETRANSMIT;
	case ASK_ZERO_WINDOW:
		return EPISODE_OF_ZERO_WINDOW;
	case ASK_FIN:
		return EPISODE_OF_FIN;
	default:
		return EPISODE_OF_SEVERAL;
	}
}

static struct timeline_episode episode_of(const struct value_rules *rules,
					  const struct episode *e)
{
	return (struct timeline_episode){
		.kind = episode_kind(e->kinds), .asks = e->asks, .end = e->end,
		.first_unanswered_at = at(rules, e->first_unanswered_ns),
		.ended_at = e->end == EPISODE_OPEN ? 0 : at(rules, e->ended_ns) };
}

static void list_episodes(const struct value_rules *rules, const struct connection *c,
			  struct timeline_episode *all, struct timeline *t)
{
	const struct incidents *past = incidents__of(c);
	unsigned int i;

	for (i = 0; i < past->episodes_used; i++)
		all[i] = episode_of(rules, &past->episodes[i]);
	if (!t->final && silence__unanswered(c)) {
		struct episode now = { .first_unanswered_ns = c->silence.first_ask_ns,
				       .asks = c->silence.asks, .kinds = c->silence.kinds,
				       .end = EPISODE_OPEN };

		all[i++] = episode_of(rules, &now);
	}
	t->episodes = all;
	t->episode_count = i;
	t->episodes_omitted = past->episodes_omitted;
}

/* ---- the ending ---- */

/* The detail that the outcome's name leaves open; "": none. A close with linger 0 resets by itself
 * where unread data did not do so before. */
static const char *outcome_detail(const struct value_rules *rules, const struct incidents *i,
				  char number[ERRNO_NUMBER_SIZE])
{
	const char *reason = i->reset_sent ? reset_reason(rules, i->reset_reason) : "";

	if (i->ending_lost)
		return "the event that told its ending was lost";
	if (i->detail == DETAIL_LINGER_0 && !strcmp(reason, "TCP_ABORT_ON_CLOSE"))
		return reason;
	if (i->detail != DETAIL_NONE)
		return ending_detail__name(i->detail);
	return i->error ? errno__name(i->error, number) : reason;
}

static struct timeline_successor successor_of(const struct value_rules *rules,
					      const struct incidents *i)
{
	const struct successor *by = i->successor;

	if (!by || !(i->found_by == FOUND_BY_SUPERSEDED ||
		     (i->found_by == FOUND_BY_RESET && by->confidence >= 1)))
		return (struct timeline_successor){ .cookie = 0 };
	return (struct timeline_successor){ .cookie = by->cookie,
					    .peer = peer_of(rules, by->family, 0, &by->peer),
					    .at = at(rules, by->at_ns),
					    /* in thousandths, as in the event */
					    .confidence = (uint32_t)(by->confidence * 1000) / 1e3 };
}

/* In microseconds, the resolution of the reported bounds. */
static void bound_latency(const struct incidents *i, const struct latency_evidence *e,
			  struct timeline_half_open *h)
{
	struct latency latency = latency__between(e);

	/* It was gone when it came again, if not before. */
	h->latency_ms.lower_bounds_known = latency.lower_bounds_known ||
					   i->found_by == FOUND_BY_SUPERSEDED;
	h->latency_ms.min = milliseconds(latency.min_ns / 1000);
	h->latency_ms.likely_min = milliseconds(latency.likely_min_ns / 1000);
	h->latency_ms.max = milliseconds((latency.max_ns + 999) / 1000);
}

/* For how long nothing was acknowledged, though the peer was heard until the end; 0: it was not. */
static double deaf_s(const struct incidents *i, const struct latency_evidence *e)
{
	return i->acknowledged_ns && e->deaf_asks > 1 && e->last_heard_ns > i->acknowledged_ns
		       ? (e->last_heard_ns - i->acknowledged_ns) / 1e9
		       : 0;
}

static void set_half_open(const struct value_rules *rules, const struct connection *c,
			  struct timeline *t)
{
	const struct incidents *i = incidents__of(c);
	struct timeline_half_open *h = &t->half_open;
	struct latency_evidence e;

	h->is = i->found_by != FOUND_BY_NOTHING;
	if (!h->is)
		return;
	e = connection__evidence(c, outcome__declared_ns(c));
	h->found_by = i->found_by;
	h->superseded_by = successor_of(rules, i);
	h->last_heard_at = at(rules, e.last_heard_ns);
	h->first_unanswered_at = at_if(rules, e.first_unanswered_ns);
	if (e.first_unanswered_ns)
		h->last_unanswered_at = at(rules, e.last_unanswered_ns);
	h->declared_at = at(rules, e.declared_ns);
	bound_latency(i, &e, h);
	t->deaf_s = deaf_s(i, &e);
	find_lost_gap(c, &e, t);
}

static void set_times(const struct value_rules *rules, const struct connection *c,
		      uint64_t verified_ns, struct timeline *t)
{
	const struct incidents *i = incidents__of(c);

	t->first_seen_at = at(rules, c->first_seen_ns);
	t->last_heard_at = at_if(rules, c->last_heard_ns);
	t->last_heard_is_lower_bound = c->heard_is_lower_bound;
	t->last_acknowledged_at = at_if(rules, i->acknowledged_ns);
	t->half_closed = i->half_closed_ns;
	if (i->half_closed_ns && i->half_closed_ns != HALF_CLOSED_BEFORE)
		t->half_closed_at = at(rules, i->half_closed_ns);
	t->ended_ns = i->ended_ns;
	if (t->final)
		t->ended_at = at(rules, i->ended_ns);
	else
		t->verified_at = at(rules, verified_ns);
}

void timeline_of__connection(const struct value_rules *rules, const struct connection *c,
			     enum outcome outcome, uint64_t verified_ns,
			     struct timeline_arrays *arrays, struct timeline *t)
{
	const struct incidents *i = incidents__of(c);
	struct rtt rtt = incidents__rtt(c);

	t->final = i->ended_ns != 0;
	if (c->identified)
		t->keepalive = exposure__keepalive(&c->keepalive, i->rto_max_jiffies, rules->hz);
	t->partial = c->partial;
	set_times(rules, c, verified_ns, t);
	t->outcome = outcome;
	t->outcome_detail = t->final ? outcome_detail(rules, i, arrays->error) : "";
	t->detail = i->detail;
	t->in_close_wait = t->final && i->ended_from == TCP_CLOSE_WAIT;
	set_half_open(rules, c, t);
	t->counts = counts_of(c);
	t->other_sender = other_sender_of(c);
	t->rtt = rtt_of(&rtt);
	t->heartbeat = timeline_of__heartbeat(&i->heartbeat);
	t->traffic = traffic_of(&i->traffic);
	list_gaps(&c->gaps, arrays->gaps, t);
	list_episodes(rules, c, arrays->episodes, t);
	list_events(rules, &i->journal, arrays->events, t);
}
