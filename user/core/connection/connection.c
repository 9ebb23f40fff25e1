// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection/asks.h"
#include "connection/connection.h"
#include "connection/heard.h"
#include "connection/lost_probes.h"
#include "connection/outcome.h"
#include "connection/sign.h"
#include "connection/unwitnessed.h"
#include "exposure/exposure.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

uint8_t connection__family(const struct connection *c)
{
	return c->is_ipv6 ? AF_INET6 : AF_INET;
}

/* ---- state that every event carries, besides its own subject ---- */

static void identify(struct connection *c, const struct ho_event *e)
{
	c->local = endpoint__of(e->local, e->local_port);
	c->peer = endpoint__of(e->peer, e->peer_port);
	c->netns = e->netns;
	c->is_ipv6 = e->family == AF_INET6;
	c->keepalive = keepalive__of(e);
	c->retransmits_total = e->total_retrans;
	if (c->partial && e->total_retrans) /* those before the watch do not count */
		c->incidents->retransmits_before = e->total_retrans - (e->kind == HO_RETRANSMIT);
	c->options_settled = !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED);
	c->addressed = c->identified = true;
}

void connection__address(struct connection *c, uint32_t netns, uint8_t family,
			 const struct endpoint *local, const struct endpoint *peer)
{
	c->netns = netns;
	c->is_ipv6 = family == AF_INET6;
	c->local = *local;
	c->peer = *peer;
	c->addressed = true;
	/* The handshake is the last known sign of life. */
	if (!c->partial && !c->last_heard_ns)
		c->last_heard_ns = c->first_seen_ns;
}

void connection__note_life(struct connection *c, uint64_t at_ns, uint32_t hz)
{
	const uint64_t second_ns = 1000000000;	/* the accuracy of passes */

	/* Whether it was an answer is decided by the next event. */
	if (at_ns > c->last_heard_ns && (!c->silence.asks || incidents__of(c)->successor) &&
	    !stamps__is_echo(at_ns, c->last_heard_ns, second_ns, hz))
		c->last_heard_ns = at_ns;
}

static void notice_options(struct connection *c, const struct ho_event *e, struct told *told)
{
	struct keepalive now = keepalive__of(e);
	bool settled = c->options_settled;

	c->options_settled = true;
	if (keepalive__equal(&now, &c->keepalive))
		return;
	c->keepalive = now;
	if (!settled)
		return;
	c->told = true;
	incidents__note(c, told,
			(struct entry){ .kind = EVENT_OPTION_CHANGE, .at_ns = e->mono_ns });
}

void connection__follow_sysctl(struct connection *c, uint64_t at_ns, uint32_t idle_s,
			       uint32_t interval_s, uint32_t probes,
			       const struct connection_rules *rules, struct told *told)
{
	struct keepalive now = c->keepalive;

	told->count = told->untold_probes = 0;
	if (!now.idle_from_socket)
		now.idle_jiffies = idle_s * rules->hz;
	if (!now.interval_from_socket)
		now.interval_jiffies = interval_s * rules->hz;
	if (!now.probes_from_socket)
		now.probes = probes < 255 ? probes : 255;
	if (keepalive__equal(&now, &c->keepalive))
		return;
	c->keepalive = now;
	if (!now.enabled || !incidents__make(c))	/* it matters to no incident yet */
		return;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = EVENT_OPTION_CHANGE, .at_ns = at_ns });
}

/* When the peer's FIN was taken, as far as this event shows; where our program had closed first, it
 * no longer waits for the peer. */
static uint64_t half_closed_at(const struct ho_event *e)
{
	unsigned int state = e->state == TCP_CLOSE ? e->old_state : e->state;

	if (e->kind == HO_STATE && e->state == TCP_CLOSE_WAIT)
		return e->mono_ns;
	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK ? HALF_CLOSED_BEFORE : 0;
}

static void observe(struct connection *c, const struct ho_event *e,
		    const struct connection_rules *rules, struct told *told)
{
	if (!c->identified)
		identify(c, e);
	else
		notice_options(c, e, told);
	if (e->srtt_us)
		c->srtt_us = e->srtt_us;
	if (e->mdev_us)
		c->mdev_us = e->mdev_us;
	if (e->total_retrans > c->retransmits_total)
		c->retransmits_total = e->total_retrans;
	if (e->bound_if)
		c->incidents->bound_if = e->bound_if;
	if (c->incidents) {
		if (e->rto_max_jiffies)
			c->incidents->rto_max_jiffies = e->rto_max_jiffies;
		if ((e->flags & HO_F_FIN_TAKEN) && !c->incidents->half_closed_ns &&
		    e->state != TCP_ESTABLISHED)
			c->incidents->half_closed_ns = half_closed_at(e);
		heard__acknowledgement(c, e, rules->hz);
		heartbeat__notice_reply(&c->incidents->heartbeat, e);
		traffic__take(&c->incidents->traffic, e);
	}
	c->mptcp |= (e->flags & HO_F_MPTCP) != 0;
	c->state = e->state;
	heard__by_clocks(c, e, rules->hz);
}

/* ---- one function for each kind of event ---- */

static void on_state(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	if (e->state == TCP_ESTABLISHED) {
		c->last_heard_ns = e->mono_ns;
		incidents__note(c, told,
				(struct entry){ .kind = EVENT_ESTABLISHED, .at_ns = e->mono_ns });
		return;
	}
	incidents__note(c, told, (struct entry){ .kind = EVENT_STATE, .at_ns = e->mono_ns,
						 .from = e->old_state, .to = e->state });
	if (e->state == TCP_FIN_WAIT1 || e->state == TCP_LAST_ACK) {
		asks__note_close(c, e->mono_ns, rules->suspect_after);
		/* behind data that wait for the peer's window, the FIN waits, too */
		if (c->silence.asks && !e->unsent && !(e->flags & HO_F_ZERO_WINDOW))
			asks__carry(c, e, e->mono_ns, ASK_FIN);
		return;
	}
	if (e->state != TCP_CLOSE)
		return;
	if (e->error && e->error != c->incidents->error) {
		c->incidents->error = e->error;
		incidents__note(c, told, (struct entry){ .kind = EVENT_ERROR, .at_ns = e->mono_ns,
							 .n = e->error });
	}
	if (outcome__is_of_keepalive(c, e))
		lost_probes__find_probes_at_death(c, e, rules, told);
	else
		lost_probes__find_window_probes(c, e, rules->hz);
	if (e->retransmits && !(c->silence.kinds & ASK_CARRYING) &&
	    (e->flags & HO_F_UNDELIVERED))	/* no retransmission was emitted */
		asks__by_first_transmission(c, e, e->flags & HO_F_FIN_QUEUED ? ASK_FIN : ASK_DATA,
					  rules);
	c->incidents->ended_ns = e->mono_ns;
	c->incidents->ended_from = e->old_state;
	c->incidents->destroyed = e->flags & HO_F_ORPHAN;
	outcome__decide(c, e, rules->suspect_after);
}

bool connection__lose_ending(struct connection *c, uint64_t at_ns)
{
	if (!incidents__make(c))
		return false;
	c->incidents->ended_ns = at_ns;
	c->incidents->ending_lost = true;
	c->incidents->outcome = OUTCOME_UNKNOWN;
	c->told |= silence__unanswered(c) > 0;
	silence__end_episode(c, at_ns, EPISODE_CLOSED);
	return true;
}

/* First seen in the middle of an episode: the kernel's counters show the asks so far. Asks are at
 * least an interval apart, so the first is no later than this. */
static void adopt_silence(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t interval_ns = jiffies__to_ns(c->keepalive.interval_jiffies, hz);
	struct silence *s = &c->silence;
	uint32_t asks = exposure__asks(e, hz);

	if (!asks)
		return;
	s->asks = asks;
	if (e->retransmits) {
		s->kinds = e->flags & HO_F_FIN_QUEUED ? ASK_FIN : ASK_DATA;
		s->first_ask_ns = asks__first_transmission_ns(e, hz);
		s->last_ask_ns = e->last_tx_ns;
		c->incidents->deafness.bytes_acked = e->bytes_acked;
		c->incidents->deafness.retransmits = e->retransmits;
		if (!e->delivered_ns || s->first_ask_ns > s->last_ask_ns)
			s->first_ask_ns = s->last_ask_ns;
	} else {
		s->probes_out = e->probes_out;
		s->adopted = true;
		s->kinds = e->unsent || e->pending == HO_PENDING_PROBE0 ? ASK_ZERO_WINDOW
									: ASK_PROBE;
		s->first_ask_ns = s->last_ask_ns = e->last_tx_ns;
		if (s->kinds == ASK_PROBE && s->last_ask_ns > (s->asks - 1) * interval_ns)
			s->first_ask_ns -= (s->asks - 1) * interval_ns;
	}
	c->silences++;
	s->last_ask_jiffies = exposure__last_ask_jiffies(e, hz);
	c->told |= s->asks >= 2;
}

/* Its program had closed it before the watch: with the FIN alone under way the time is known. */
static void adopt_close(struct connection *c, const struct ho_event *e)
{
	bool known = (e->flags & HO_F_UNDELIVERED) && e->packets_out == 1 && e->delivered_ns &&
		     e->delivered_ns < e->mono_ns;

	c->incidents->closed_ns = known ? e->delivered_ns : e->mono_ns;
}

static void on_seen(struct connection *c, const struct ho_event *e, uint32_t hz, bool first,
		    struct told *told)
{
	if (!first)
		return;
	incidents__note(c, told, (struct entry){ .kind = EVENT_SEEN, .at_ns = e->mono_ns });
	if (e->state == TCP_FIN_WAIT1 || e->state == TCP_LAST_ACK || e->state == TCP_CLOSING)
		adopt_close(c, e);
	adopt_silence(c, e, hz);
}

/* The first probe of a silence, its answer, a report after an idle gap: events that every socket
 * has and that need no incidents. */
static bool is_routine(const struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules)
{
	struct keepalive now = keepalive__of(e);
	const struct silence *s = &c->silence;
	struct sign sign;

	if (!rules->fold || rules->probes_unseen || e->bound_if ||
	    (!c->identified && c->partial && e->total_retrans) ||
	    (c->identified && c->options_settled && !keepalive__equal(&now, &c->keepalive)))
		return false;
	if (e->kind == HO_PROBE_SENT)
		return !s->asks && !s->probes_out && e->probes_out < 2;
	if (e->kind != HO_HEARD || heartbeat__is(e) || heard__is_of_another(c, e))
		return false;
	sign = sign__of(e);
	return sign.life && !e->unverified && !sign.own_probe &&
	       !(e->pending == HO_PENDING_PROBE0 && e->probes_out) &&
	       (!s->asks ||
		(s->asks == 1 && (s->kinds == ASK_PROBE || s->kinds == ASK_ZERO_WINDOW) &&
		 sign__answers(&sign, s->kinds)));
}

/* A walk found it dead, or it was destroyed, before an event said how it died. */
static bool on_found_dead(struct connection *c, const struct ho_event *e,
			  const struct connection_rules *rules, struct told *told)
{
	struct ho_event ending;

	if (!incidents__make(c))
		return false;
	if (!unwitnessed__ending(c, e, rules->hz, &ending))
		return connection__lose_ending(c, e->mono_ns);
	observe(c, &ending, rules, told);
	if (ending.error == ECONNRESET)
		heard__reset(c, &ending, rules->hz, told);
	if (!e->error)	/* a derived one is none that was seen */
		c->incidents->error = ending.error;
	on_state(c, &ending, rules, told);
	if (!e->error)
		c->incidents->error = 0;
	return !c->failed;
}

bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told)
{
	bool first = !c->identified;

	told->count = told->untold_probes = 0;
	if (connection__ended_ns(c))
		c->incidents->destroyed |= e->kind == HO_GONE;
	if (connection__ended_ns(c) && e->kind != HO_RESET_SENT && e->kind != HO_ERROR)
		return true;
	if (e->kind == HO_STATE && c->identified && e->state == c->state)
		return true;	/* both programs report it */
	if (e->kind == HO_GONE || (e->kind == HO_SEEN && e->state == TCP_CLOSE)) {
		if (!on_found_dead(c, e, rules, told))
			return false;
		c->incidents->destroyed |= e->kind == HO_GONE;
		return true;
	}
	if (!is_routine(c, e, rules) && !incidents__make(c))
		return false;
	observe(c, e, rules, told);
	switch ((enum ho_kind)e->kind) {
	case HO_SEEN:
		on_seen(c, e, rules->hz, first, told);
		break;
	case HO_STATE:
		on_state(c, e, rules, told);
		break;
	case HO_PROBE_SENT:
		asks__probe_sent(c, e, rules, told);
		break;
	case HO_PROBE_FAILED:
		asks__probe_failed(c, e, rules, told);
		break;
	case HO_ZERO_WINDOW_PROBE:
		asks__zero_window_probe(c, e, rules, told);
		break;
	case HO_HEARD:
		heard__segment(c, e, rules, told);
		break;
	case HO_RETRANSMIT:
		asks__retransmitted(c, e, rules, told);
		break;
	case HO_RESET_SENT:
		c->incidents->reset_sent = true;
		c->incidents->reset_reason = e->reason;
		incidents__note(c, told,
				(struct entry){ .kind = EVENT_RESET_SENT,
						.at_ns = e->mono_ns,
						.n = e->reason });
		break;
	case HO_RESET_RECEIVED:
		heard__reset(c, e, rules->hz, told);
		break;
	case HO_ERROR:
		c->incidents->error = e->error;
		incidents__note(c, told, (struct entry){ .kind = EVENT_ERROR, .at_ns = e->mono_ns,
							 .n = e->error });
		break;
	case HO_SEND_FAILED:
		asks__send_failed(c, e, rules, told);
		break;
	case HO_ANSWER_DROPPED:
		heard__dropped(c, e, told);
		break;
	case HO_GONE:
	case HO_KIND_MAX:
		break;
	}
	return !c->failed;
}

struct latency_evidence connection__evidence(const struct connection *c, uint64_t declared_ns)
{
	const struct silence *s = &c->silence;
	struct latency_evidence e = {
		.declared_ns = declared_ns, .last_heard_ns = c->last_heard_ns,
		.srtt_us = c->srtt_us, .mdev_us = c->mdev_us,
		.slowest_answer_ns = (uint64_t)c->slowest_answer_us * 1000,
	};

	if (s->asks && s->first_ask_ns <= declared_ns) {
		e.first_unanswered_ns = s->first_ask_ns;
		e.last_unanswered_ns = s->last_ask_ns < declared_ns ? s->last_ask_ns
								    : declared_ns;
		e.deaf_asks = incidents__of(c)->deafness.asks;
		e.first_since_heard_ns = incidents__of(c)->deafness.first_ask_after_ns;
	}
	return e;
}

void connection__release(struct connection *c)
{
	gaps__free(&c->gaps);
	incidents__free(c);
}
