// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "jiffies.h"
#include "outcome.h"
#include "sign.h"
#include "stamps.h"
#include "tcp_states.h"
#include "untold.h"

uint8_t connection__family(const struct connection *c)
{
	return c->is_ipv6 ? AF_INET6 : AF_INET;
}

/* ---- what every fact tells besides its own subject ---- */

static void identify(struct connection *c, const struct ho_event *e)
{
	c->local = endpoint__of(e->local, e->local_port);
	c->peer = endpoint__of(e->peer, e->peer_port);
	c->netns = e->netns;
	c->is_ipv6 = e->family == AF_INET6;
	c->keepalive = keepalive__of(e);
	c->retransmits_total = e->total_retrans;
	if (c->partial && e->total_retrans) /* what it did before we saw it is not ours to count */
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
	/* The handshake was the last that we know of. */
	if (!c->partial && !c->last_heard_ns)
		c->last_heard_ns = c->first_seen_ns;
}

void connection__note_life(struct connection *c, uint64_t at_ns)
{
	if (at_ns > c->last_heard_ns)
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
			(struct entry){ .kind = ENTRY_OPTION_CHANGE, .at_ns = e->mono_ns });
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
	if (!now.enabled || !incidents__make(c))	/* it concerns nobody yet */
		return;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = ENTRY_OPTION_CHANGE, .at_ns = at_ns });
}

/* The kernel's clocks show the peer after our last ask. */
static bool was_heard_since_ask(const struct connection *c, const struct ho_event *e,
				uint64_t heard_ns, uint32_t hz)
{
	const uint64_t far_ns = 3600000000000ULL;
	const struct silence *s = &c->silence;

	/* Within the same jiffy their order counts; far apart, 32 bits do not tell it. */
	if (heard_ns > s->last_ask_ns + far_ns || heard_ns + far_ns < s->last_ask_ns)
		return heard_ns > s->last_ask_ns;
	return !jiffies__is_before(stamps__heard(e, hz), s->last_ask_jiffies);
}

/* Of repeated bytes one is told in half a second. All that came since then had data, and no new
 * byte. */
static bool brought_nothing_new(const struct connection *c, const struct ho_event *e)
{
	const struct deafness *d = &incidents__of(c)->deafness;
	uint32_t empty = e->kind == HO_HEARD && !e->payload;
	uint32_t with_data = e->data_segs_in - d->data_segs_in;

	return with_data && e->segs_in - d->segs_in - empty == with_data &&
	       e->bytes_received == d->bytes_received;
}

/* Are those clocks explained by a segment that was told, and answered nothing? Where it had moved
 * them itself, just when an answer was due, that may have come within the same jiffy, hidden by the
 * gate: one segment more. (A stranger may send any number at other times.) */
static bool was_told_of(const struct connection *c, const struct ho_event *e, uint32_t hz)
{
	const struct deafness *d = &incidents__of(c)->deafness;
	uint32_t this = e->kind == HO_HEARD, heard = stamps__heard(e, hz);
	uint64_t due_ns = c->silence.last_ask_ns + 1000ULL * (c->srtt_us + c->mdev_us) +
			  jiffies__to_ns(2, hz);

	if (d->asks && brought_nothing_new(c, e))
		return true;
	if (!d->asks || jiffies__is_before(d->heard_jiffies, heard))
		return false;
	return d->heard_jiffies != heard || c->last_heard_ns > due_ns ||
	       e->segs_in - this - d->segs_in != 1;
}

/* Whoever was asked by data or a FIN has answered once some of it is acknowledged; the smallest
 * facts are told only where nothing is owed. */
static bool has_acknowledged(const struct connection *c, const struct ho_event *e)
{
	unsigned int state = e->state == TCP_CLOSE ? e->old_state : e->state;

	if (!(c->silence.kinds & ASK_CARRYING) || !e->last_tx_ns || state == TCP_FIN_WAIT2 ||
	    (e->flags & HO_F_ALL_ACKED))
		return true;
	return e->bytes_acked > c->incidents->deafness.bytes_acked;
}

static void notice_heard(struct connection *c, uint64_t at_ns)
{
	if (at_ns <= c->last_heard_ns)
		return;
	c->last_heard_ns = at_ns;
	if (c->incidents && at_ns > c->incidents->failed_ns)
		c->incidents->failed_in_silence = 0;
}

static void notice_life(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t heard = stamps__earliest(e, stamps__heard(e, hz), hz);
	unsigned int state = e->kind == HO_STATE && e->state == TCP_CLOSE ? e->old_state : e->state;

	if (stamps__is_echo(heard, c->last_heard_ns, hz))
		heard = c->last_heard_ns;
	if (c->silence.asks && was_heard_since_ask(c, e, heard, hz) && !was_told_of(c, e, hz)) {
		if (has_acknowledged(c, e))
			silence__answered_unseen(c, heard);
		else
			silence__heard_unanswering(c, e, heard, stamps__heard(e, hz));
	}
	/* Data on the fast path had left the count of probes, and an ACK since then has not. */
	if (c->silence.count_before && stamps__earliest(e, e->rcv_tstamp_jiffies, hz) >
					       c->last_heard_ns + jiffies__to_ns(1, hz))
		c->silence.count_before = 0;
	notice_heard(c, heard);
	/* In these states tcp_rcv_established() does not run: the peer's empty probes pass
	 * unseen, by us and by the kernel's own clocks. */
	if (state != TCP_CLOSE)
		c->heard_is_lower_bound = state != TCP_ESTABLISHED;
}

static void notice_acknowledgement(struct connection *c, const struct ho_event *e)
{
	if (e->acknowledged_ns > c->incidents->acknowledged_ns && e->acknowledged_ns <= e->mono_ns)
		c->incidents->acknowledged_ns = e->acknowledged_ns;
	/* It is exact, where the clocks of what was heard are jiffies. */
	notice_heard(c, c->incidents->acknowledged_ns);
}

/* When the peer's FIN was taken, as far as this fact tells; where our program had closed first it
 * waits for nobody. */
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
		if ((e->flags & HO_F_FIN_TAKEN) && !c->incidents->half_closed_ns &&
		    e->state != TCP_ESTABLISHED)
			c->incidents->half_closed_ns = half_closed_at(e);
		notice_acknowledgement(c, e);
		heartbeat__notice_reply(&c->incidents->heartbeat, e);
		traffic__take(&c->incidents->traffic, e);
	}
	c->mptcp |= (e->flags & HO_F_MPTCP) != 0;
	c->state = e->state;
	notice_life(c, e, rules->hz);
}

/* ---- one function a kind of fact ---- */

static void note_probe(struct connection *c, enum entry_kind kind, uint64_t at_ns,
		       const struct connection_rules *rules, struct told *told)
{
	struct silence *s = &c->silence;

	if (s->asks == 1 && rules->fold) {
		s->held = kind;
		return;
	}
	silence__note_held_probe(c, told);
	incidents__note(c, told, (struct entry){ .kind = kind, .at_ns = at_ns, .n = s->asks });
}

static void on_probe_sent(struct connection *c, const struct ho_event *e,
			  const struct connection_rules *rules, struct told *told)
{
	struct silence *s = &c->silence;

	untold__find_first_probes(c, e, rules->hz, told);
	if (e->probes_out)
		untold__count_probes(c, e->probes_out - 1, e->mono_ns, told);
	c->probes_sent++;
	silence__ask(c, e->mono_ns, e->jiffies, ASK_PROBE);
	s->probes_out = e->probes_out;
	note_probe(c, ENTRY_PROBE_SENT, e->mono_ns, rules, told);
}

/* It left the kernel's hands, but not this host: no ask, though the kernel may count it. */
static void on_probe_failed(struct connection *c, const struct ho_event *e,
			    const struct connection_rules *rules, struct told *told)
{
	if (e->reason == HO_FAILED_DROPPED && e->probes_out) {
		untold__find_first_probes(c, e, rules->hz, told);
		untold__count_probes(c, e->probes_out - 1, e->mono_ns, told);
		c->silence.probes_out = e->probes_out;
	}
	c->incidents->probes_failed++;
	c->incidents->failed_in_silence++;
	c->incidents->failed_ns = e->mono_ns;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = ENTRY_PROBE_FAILED, .at_ns = e->mono_ns,
						 .n = e->reason });
}

/* The peer's window is closed and data waits: tcp_send_probe0() asks for the window, at growing
 * intervals, and a peer that is there answers each time. */
static void on_zero_window_probe(struct connection *c, const struct ho_event *e,
				 const struct connection_rules *rules, struct told *told)
{
	untold__find_window_probes(c, e, rules->hz);
	c->incidents->zero_window_probes++;
	silence__ask(c, e->mono_ns, e->jiffies, ASK_ZERO_WINDOW);
	c->silence.probes_out = e->probes_out;
	note_probe(c, ENTRY_ZERO_WINDOW_PROBE, e->mono_ns, rules, told);
}

/* Since when is this data (or FIN) under way? The kernel notes when all of a flight is
 * unacknowledged. Else the write queue's clock tells, if it was empty when the peer was last heard;
 * else the timer that just fired was armed an RTO ago, or, in the midst of retransmissions, the first
 * of those is known. These may be too late by a little, which only widens the interval. */
static uint64_t first_transmission_ns(const struct ho_event *e, uint32_t hz)
{
	uint64_t rto_ns = jiffies__to_ns(e->rto_jiffies, hz);
	uint64_t since_ns = (uint64_t)e->retransmitting_ms * 1000000;

	if ((e->flags & HO_F_UNDELIVERED) && e->delivered_ns && e->delivered_ns <= e->mono_ns)
		return e->delivered_ns;
	if (stamps__wrote_since_heard(e, hz))
		return stamps__latest(e, e->chrono_start_jiffies, hz);
	if (since_ns > rto_ns)
		rto_ns = since_ns;
	return e->mono_ns > rto_ns ? e->mono_ns - rto_ns : 0;
}

/* An ask with a sequence number of its own: what is acknowledged by now was not asked by it. */
static void ask_carrying(struct connection *c, const struct ho_event *e, uint64_t at_ns,
			 enum ask kind)
{
	struct deafness *d = &c->incidents->deafness;

	if (!(c->silence.kinds & ASK_CARRYING)) {
		d->bytes_acked = e->bytes_acked;
		d->carrying_ns = at_ns;
		d->asks_before = c->silence.asks;
	}
	silence__ask(c, at_ns, e->jiffies, kind);
}

static void note_local_close(struct connection *c, uint64_t at_ns, uint32_t suspect_after)
{
	if (c->incidents->closed_ns)
		return;
	c->incidents->closed_ns = at_ns;
	c->incidents->suspect_at_close = silence__unanswered(c) >= suspect_after;
}

/* Did this very transmission fail? What this host drops is told in the same breath. */
static bool is_at(uint64_t at_ns, uint64_t failed_ns, uint32_t hz)
{
	/* what rests on the write queue's clock is known to a jiffy or two */
	const uint64_t breath_ns = 3000000 + jiffies__to_ns(2, hz);

	return failed_ns && at_ns + breath_ns > failed_ns && failed_ns + breath_ns > at_ns;
}

/* The first transmission of what is under way asked, too, unless it never left, or (where the
 * kernel does not say that nothing was acknowledged since) the peer spoke after it. */
static void ask_by_first_transmission(struct connection *c, const struct ho_event *e,
				      enum ask kind, const struct connection_rules *rules)
{
	uint64_t first = first_transmission_ns(e, rules->hz);

	if (e->flags & HO_F_FIN_QUEUED)
		note_local_close(c, e->packets_out > 1 ? e->mono_ns - jiffies__to_ns(e->rto_jiffies,
										     rules->hz)
						       : first,
				 rules->suspect_after);
	if (is_at(first, c->incidents->first_failed_ns, rules->hz) ||
	    (first <= c->last_heard_ns && !(e->flags & HO_F_UNDELIVERED)))
		return;
	ask_carrying(c, e, first, kind);
	if (first + 1000ULL * (c->srtt_us + c->mdev_us) < c->last_heard_ns)
		silence__heard_unanswering(c, e, c->last_heard_ns, stamps__heard(e, rules->hz));
}

/* Not every retransmission is told: none within the gate's time of a sign of life is. The kernel
 * counts those of its timer, until something is acknowledged. */
static void ask_by_untold_retransmissions(struct connection *c, const struct ho_event *e,
					  enum ask kind)
{
	struct deafness *d = &c->incidents->deafness;
	uint8_t untold = e->retransmits > d->retransmits + 1 ? e->retransmits - d->retransmits - 1
							      : 0;

	while ((c->silence.kinds & ASK_CARRYING) && !c->incidents->sends_failed && untold--)
		silence__ask(c, c->silence.last_ask_ns, c->silence.last_ask_jiffies, kind);
	if (e->retransmits)
		d->retransmits = e->retransmits;
}

static void on_retransmit(struct connection *c, const struct ho_event *e,
			  const struct connection_rules *rules, struct told *told)
{
	/* of data and a FIN the data go first */
	bool fin = (e->flags & HO_F_FIN_QUEUED) && e->packets_out <= 1;
	bool closed = (e->flags & HO_F_ZERO_WINDOW) && !e->retransmits;
	enum ask kind = fin ? ASK_FIN : closed ? ASK_ZERO_WINDOW : ASK_DATA;
	struct silence *s = &c->silence;

	if (!(s->kinds & (ASK_CARRYING | ASK_ZERO_WINDOW)))
		ask_by_first_transmission(c, e, kind, rules);
	ask_by_untold_retransmissions(c, e, kind);
	if (!is_at(e->mono_ns, c->incidents->failed_ns, rules->hz))
		ask_carrying(c, e, e->mono_ns, kind);
	silence__note_held_probe(c, told);
	/* The timer has counted this one already; it does not count a loss probe. */
	incidents__note(c, told, (struct entry){ .kind = ENTRY_RETRANSMIT, .at_ns = e->mono_ns,
						 .n = e->retransmits ? e->retransmits : 1 });
}

/* Data, a FIN or a question for the window that this host itself dropped: nobody was asked by
 * it. */
static void on_send_failed(struct connection *c, const struct ho_event *e,
			   const struct connection_rules *rules, struct told *told)
{
	struct incidents *i = c->incidents;
	bool fin = (e->flags & HO_F_FIN_QUEUED) && !e->unsent;

	if (e->pending == HO_PENDING_PROBE0 && (e->flags & HO_F_ZERO_WINDOW))
		c->silence.probes_out = e->probes_out + 1;	/* the kernel counts it */
	if (!e->packets_out)
		i->first_failed_ns = e->mono_ns;
	else if (!(c->silence.kinds & ASK_CARRYING))	/* that is under way since it left */
		ask_by_first_transmission(c, e, fin ? ASK_FIN : ASK_DATA, rules);
	i->failed_ns = e->mono_ns;
	i->sends_failed++;
	i->failed_in_silence++;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = ENTRY_SEND_FAILED, .at_ns = e->mono_ns,
						 .n = e->reason });
}

static void on_answer_dropped(struct connection *c, const struct ho_event *e, struct told *told)
{
	c->incidents->answers_dropped++;
	c->told = true;
	incidents__note(c, told,
			(struct entry){ .kind = ENTRY_ANSWER_DROPPED, .at_ns = e->mono_ns });
}

static bool is_lately(uint64_t then_ns, uint64_t now_ns, uint64_t within_ns)
{
	return then_ns && then_ns <= now_ns && now_ns - then_ns <= within_ns;
}

/* Did we answer a SYN, or anything else that the kernel does not take, a moment ago? Whoever has
 * lost the connection answers that by a reset (RFC 9293, 3.10.7.1; RFC 5961, 4). */
static bool was_challenged(const struct connection *c, const struct ho_event *e, uint32_t hz)
{
	const uint64_t lately_ns = 3000000000ULL;
	uint64_t answered_ns = stamps__latest(e, e->oow_ack_jiffies, hz);

	return is_lately(c->incidents->syn_heard_ns, e->mono_ns, lately_ns) ||
	       (e->oow_ack_jiffies && answered_ns > c->first_seen_ns &&
		is_lately(answered_ns, e->mono_ns, lately_ns));
}

/* Data under way that a reset answers were an ask, though nobody retransmitted them yet. */
static void ask_by_reset_data(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t first = first_transmission_ns(e, hz);

	if (e->packets_out && !(c->silence.kinds & ASK_CARRYING))
		ask_carrying(c, e, first > c->last_heard_ns ? first : c->last_heard_ns, ASK_DATA);
}

/* Who still has the connection resets it with an ACK; who has lost it answers our segment with
 * a bare RST, whose sequence number is our acknowledgement (RFC 9293, 3.10.7.1). */
static void on_reset_heard(struct connection *c, const struct ho_event *e,
			   const struct connection_rules *rules)
{
	bool bare = !(e->tcp_flags & HO_TCP_ACK), asked = e->probes_out || e->packets_out;

	c->incidents->reset_heard_ns = e->mono_ns;
	c->incidents->reset_of_an_ask = bare && (asked || was_challenged(c, e, rules->hz));
	if (bare)
		ask_by_reset_data(c, e, rules->hz);
}

/* The path was idle from `since` until `low` at the earliest, `high` at the latest, and then let
 * something through. What the kernel's clock says of `since` is exact to a jiffy. */
static void survive_gap(struct connection *c, uint64_t low, uint64_t high, bool ended_by_us,
			uint32_t hz)
{
	uint64_t since = c->last_heard_ns, jiffy = jiffies__to_ns(1, hz);

	if (!since || high < since + GAP_MIN_NS || low < since + jiffy)
		return;
	gaps__add(&c->gaps, low - since - jiffy, high - since, ended_by_us);
}

/* Who ended the gap that this segment tells to be over: we, who asked or wrote after it and were
 * answered, or the peer. Data that were under way before do not say when the gap began. */
static void notice_gap(struct connection *c, const struct ho_event *e, const struct sign *sign,
		       uint32_t hz)
{
	const struct silence *s = &c->silence;

	if (s->asks && (incidents__of(c)->deafness.asks || !sign__answers(sign, s->kinds)))
		return;
	if (s->asks)
		survive_gap(c, s->first_ask_ns, s->first_ask_ns, true, hz);
	else if (sign->own_probe || (e->payload && !e->chrono_type))
		survive_gap(c, e->mono_ns, e->mono_ns, false, hz);
	else if (stamps__wrote_since_heard(e, hz))
		survive_gap(c, stamps__earliest(e, e->chrono_start_jiffies, hz),
			    stamps__latest(e, e->chrono_start_jiffies, hz), true, hz);
}

static void on_heartbeat(struct connection *c, const struct ho_event *e, uint32_t hz,
			 struct told *told)
{
	uint32_t data_jiffies = jiffies__is_before(e->lrcvtime_jiffies, e->lsndtime_jiffies)
					? e->lsndtime_jiffies : e->lrcvtime_jiffies;
	uint64_t since = stamps__latest(e, data_jiffies, hz);

	c->incidents->heartbeats++;
	c->told = true;
	heartbeat__take(&c->incidents->heartbeat, e, e->mono_ns - since);
	incidents__note(c, told, (struct entry){ .kind = ENTRY_HEARTBEAT, .at_ns = e->mono_ns,
						 .last_ns = since, .n = e->payload });
}

/* Data and answers of one peer come from as far, and both with timestamps or both without. */
static bool is_of_another(const struct connection *c, const struct ho_event *e)
{
	return c->data_ttl && e->ttl && !e->payload &&
	       (e->ttl != c->data_ttl || !!(e->flags & HO_F_TIMESTAMP) != c->data_timestamps);
}

static void notice_sender(struct connection *c, const struct ho_event *e)
{
	if (e->payload && e->ttl && e->segment == HO_SEGMENT_TAKEN) {
		c->data_ttl = e->ttl;
		c->data_timestamps = e->flags & HO_F_TIMESTAMP;
	} else if (c->silence.asks && is_of_another(c, e)) {
		c->incidents->other.answers++;
		c->incidents->other.ttl = e->ttl;
		c->incidents->other.timestamps = e->flags & HO_F_TIMESTAMP;
		c->told = true;
	}
}

static void on_peer_probe(struct connection *c, const struct ho_event *e, struct told *told)
{
	c->incidents->peer_probes++;
	c->told = true;
	silence__note_held_probe(c, told);
	incidents__note(c, told, (struct entry){ .kind = ENTRY_PEER_PROBE, .at_ns = e->mono_ns,
						 .n = e->payload });
}

/* Does the kernel take it, and note when? A repetition it drops. */
static bool moves_clocks(const struct ho_event *e)
{
	return e->segment == HO_SEGMENT_TAKEN ? e->ack_offset >= 0 || e->payload
	       : e->segment == HO_SEGMENT_UNJUDGED ? e->seq_offset != -1 : false;
}

static void hear_unanswering(struct connection *c, const struct ho_event *e,
			     const struct sign *sign, uint32_t hz)
{
	if (sign->new)
		silence__answer_probes(c, e->mono_ns);
	silence__heard_unanswering(c, e, e->mono_ns,
				   moves_clocks(e) ? e->jiffies : stamps__heard(e, hz));
}

/* What the kernel's count of probes is once it has taken the segment. A repetition that it drops
 * leaves it alone; data on the fast path may. */
static void follow_count(struct connection *c, const struct ho_event *e)
{
	if (!moves_clocks(e)) {
		if (!c->silence.asks)
			c->silence.probes_out = e->probes_out;
		return;
	}
	c->silence.probes_out = 0;
	c->silence.count_before = e->payload ? e->probes_out : 0;
}

static void on_heard(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	struct sign sign = sign__of(e);

	if (rules->probes_unseen)
		untold__find_answered_probe(c, e, rules->hz);
	if (e->pending == HO_PENDING_PROBE0 && c->incidents)
		untold__find_window_probes(c, e, rules->hz);
	if (e->tcp_flags & HO_TCP_RST) {
		on_reset_heard(c, e, rules);
		return;
	}
	if (!sign.life) {
		if (e->tcp_flags & HO_TCP_SYN)
			c->incidents->syn_heard_ns = e->mono_ns;
		c->incidents->deafness.segs_in = e->segs_in;
		return;
	}
	notice_gap(c, e, &sign, rules->hz);
	notice_sender(c, e);
	if (c->silence.asks && sign__answers(&sign, c->silence.kinds))
		silence__answered(c, e->mono_ns, rules->fold, told);
	else if (c->silence.asks)
		hear_unanswering(c, e, &sign, rules->hz);
	if (sign.own_probe)
		on_peer_probe(c, e, told);
	if (sign.acknowledges && c->incidents && e->segment)
		c->incidents->acknowledged_ns = e->mono_ns;
	follow_count(c, e);
	notice_heard(c, e->mono_ns);
	if (heartbeat__is(e))
		on_heartbeat(c, e, rules->hz, told);
}

/* The tracepoint of an accepted reset; the segment itself came just before it, where the
 * receive path is watched. */
static void on_reset_received(struct connection *c, const struct ho_event *e, uint32_t hz,
			      struct told *told)
{
	struct incidents *i = c->incidents;

	if (!is_lately(i->reset_heard_ns, e->mono_ns, 10000000)) {
		i->reset_of_an_ask = e->probes_out || (e->packets_out && e->state == TCP_CLOSE_WAIT);
		if (e->state == TCP_CLOSE_WAIT)
			ask_by_reset_data(c, e, hz);
	}
	i->reset_ns = e->mono_ns;
	incidents__note(c, told,
			(struct entry){ .kind = ENTRY_RESET_RECEIVED, .at_ns = e->mono_ns });
}

static void on_state(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	if (e->state == TCP_ESTABLISHED) {
		c->last_heard_ns = e->mono_ns;
		incidents__note(c, told,
				(struct entry){ .kind = ENTRY_ESTABLISHED, .at_ns = e->mono_ns });
		return;
	}
	incidents__note(c, told, (struct entry){ .kind = ENTRY_STATE, .at_ns = e->mono_ns,
						 .from = e->old_state, .to = e->state });
	if (e->state == TCP_FIN_WAIT1 || e->state == TCP_LAST_ACK) {
		note_local_close(c, e->mono_ns, rules->suspect_after);
		if (c->silence.asks)
			ask_carrying(c, e, e->mono_ns, ASK_FIN);
		return;
	}
	if (e->state != TCP_CLOSE)
		return;
	if (e->error && e->error != c->incidents->error) {
		c->incidents->error = e->error;
		incidents__note(c, told, (struct entry){ .kind = ENTRY_ERROR, .at_ns = e->mono_ns,
							 .n = e->error });
	}
	if (outcome__is_of_keepalive(c, e))
		untold__find_probes_at_death(c, e, rules, told);
	else
		untold__find_window_probes(c, e, rules->hz);
	if (e->retransmits && !(c->silence.kinds & ASK_CARRYING) &&
	    (e->flags & HO_F_UNDELIVERED))	/* no retransmission was told */
		ask_by_first_transmission(c, e, e->flags & HO_F_FIN_QUEUED ? ASK_FIN : ASK_DATA,
					  rules);
	c->incidents->ended_ns = e->mono_ns;
	c->incidents->ended_from = e->old_state;
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

/* The second witness. Where the first was heard, the socket's history is already written. */
static void on_gone(struct connection *c, const struct ho_event *e)
{
	if (c->incidents->ended_ns)
		return;
	c->incidents->error = e->error;
	c->told |= e->error != 0;
	connection__lose_ending(c, e->mono_ns);
}

/* First seen in the middle of an episode: what the kernel's counters tell of the asks so far.
 * Asks are at least an interval apart, so the first is no later than this. */
static void adopt_silence(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t interval_ns = jiffies__to_ns(c->keepalive.interval_jiffies, hz);
	struct silence *s = &c->silence;

	if (e->retransmits) {
		s->asks = e->retransmits + 1;
		s->kinds = e->flags & HO_F_FIN_QUEUED ? ASK_FIN : ASK_DATA;
		s->first_ask_ns = first_transmission_ns(e, hz);
		s->last_ask_ns = e->last_tx_ns;
		c->incidents->deafness.bytes_acked = e->bytes_acked;
		c->incidents->deafness.retransmits = e->retransmits;
		if (!e->delivered_ns || s->first_ask_ns > s->last_ask_ns)
			s->first_ask_ns = s->last_ask_ns;
	} else if (e->probes_out) {
		s->asks = e->probes_out;
		s->probes_out = e->probes_out;
		s->adopted = true;
		s->kinds = e->unsent || e->pending == HO_PENDING_PROBE0 ? ASK_ZERO_WINDOW
									: ASK_PROBE;
		s->first_ask_ns = s->last_ask_ns = e->last_tx_ns;
		if (s->kinds == ASK_PROBE && s->last_ask_ns > (s->asks - 1) * interval_ns)
			s->first_ask_ns -= (s->asks - 1) * interval_ns;
	} else {
		return;
	}
	c->silences++;
	s->last_ask_jiffies = e->jiffies - (e->mono_ns - e->last_tx_ns) / jiffies__to_ns(1, hz);
	/* A stale count: the peer was heard since (fast path data does not reset it). */
	if (!(s->kinds & ASK_CARRYING) &&
	    !jiffies__is_before(stamps__heard(e, hz), s->last_ask_jiffies))
		*s = (struct silence){ 0 };
	c->told |= s->asks >= 2;
}

/* Its program had closed it before we came: with the FIN alone under way we know when. */
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
	incidents__note(c, told, (struct entry){ .kind = ENTRY_SEEN, .at_ns = e->mono_ns });
	if (e->state == TCP_FIN_WAIT1 || e->state == TCP_LAST_ACK || e->state == TCP_CLOSING)
		adopt_close(c, e);
	adopt_silence(c, e, hz);
}

/* The first probe of a silence, its answer, a report after an idle gap: what happens to every
 * socket and needs no incident to be kept. */
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
	if (e->kind != HO_HEARD || heartbeat__is(e) || is_of_another(c, e))
		return false;
	sign = sign__of(e);
	return sign.life && !sign.own_probe && !(e->pending == HO_PENDING_PROBE0 && e->probes_out) &&
	       (!s->asks ||
		(s->asks == 1 && (s->kinds == ASK_PROBE || s->kinds == ASK_ZERO_WINDOW) &&
		 sign__answers(&sign, s->kinds)));
}

bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told)
{
	bool first = !c->identified;

	told->count = told->untold_probes = 0;
	if (connection__ended_ns(c) && e->kind != HO_RESET_SENT && e->kind != HO_ERROR)
		return true;
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
		on_probe_sent(c, e, rules, told);
		break;
	case HO_PROBE_FAILED:
		on_probe_failed(c, e, rules, told);
		break;
	case HO_ZERO_WINDOW_PROBE:
		on_zero_window_probe(c, e, rules, told);
		break;
	case HO_HEARD:
		on_heard(c, e, rules, told);
		break;
	case HO_RETRANSMIT:
		on_retransmit(c, e, rules, told);
		break;
	case HO_RESET_SENT:
		c->incidents->reset_sent = true;
		c->incidents->reset_reason = e->reason;
		incidents__note(c, told,
				(struct entry){ .kind = ENTRY_RESET_SENT,
						.at_ns = e->mono_ns,
						.n = e->reason });
		break;
	case HO_RESET_RECEIVED:
		on_reset_received(c, e, rules->hz, told);
		break;
	case HO_ERROR:
		c->incidents->error = e->error;
		incidents__note(c, told, (struct entry){ .kind = ENTRY_ERROR, .at_ns = e->mono_ns,
							 .n = e->error });
		break;
	case HO_GONE:
		on_gone(c, e);
		break;
	case HO_SEND_FAILED:
		on_send_failed(c, e, rules, told);
		break;
	case HO_ANSWER_DROPPED:
		on_answer_dropped(c, e, told);
		break;
	case HO_KIND_MAX:
		break;
	}
	return true;
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
