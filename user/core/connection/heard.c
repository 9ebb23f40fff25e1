// SPDX-License-Identifier: GPL-2.0
#include "connection/asks.h"
#include "connection/heard.h"
#include "connection/lost_probes.h"
#include "connection/sign.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

/* A sign of life that seems one wrap of the clocks younger than the last known one is that one,
 * within this tolerance: segments heard soon after it were not emitted. */
#define ECHO_NS 450000000000ULL

/* ---- the kernel's clocks ---- */

/* The kernel's clocks show the peer after our last ask. */
static bool was_heard_since_ask(const struct connection *c, const struct ho_event *e,
				uint64_t heard_ns, uint32_t hz)
{
	const uint64_t far_ns = 3600000000000ULL;
	const struct silence *s = &c->silence;

	/* Within the same jiffy their order counts; far apart, 32 bits do not show it. */
	if (heard_ns > s->last_ask_ns + far_ns || heard_ns + far_ns < s->last_ask_ns)
		return heard_ns > s->last_ask_ns;
	return !jiffies__is_before(stamps__heard(e, hz), s->last_ask_jiffies);
}

/* Of repeated bytes one segment is emitted in half a second. Were all segments since then with
 * data, and without a new byte? */
static bool brought_nothing_new(const struct connection *c, const struct ho_event *e)
{
	const struct deafness *d = &incidents__of(c)->deafness;
	uint32_t empty = e->kind == HO_HEARD && !e->payload;
	uint32_t with_data = e->data_segs_in - d->data_segs_in;

	/* the smallest events have no counts */
	return e->segs_in && with_data && e->segs_in - d->segs_in - empty == with_data &&
	       e->bytes_received == d->bytes_received;
}

/* Are those clocks explained by a segment that was emitted, and answered nothing? If it moved them
 * itself, just when an answer was due, the answer may have come within the same jiffy, hidden by
 * the gate: one segment more. (A third party may send any number at other times.) */
static bool is_explained(const struct connection *c, const struct ho_event *e, uint32_t hz)
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

/* Data or a FIN is answered once some of it is acknowledged; the smallest events are emitted only
 * where no answer is outstanding. */
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
	incidents__silence_ended(c, at_ns);
}

void heard__by_clocks(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t heard = stamps__heard_ns(e, hz), known = c->last_heard_ns;
	unsigned int state = e->kind == HO_STATE && e->state == TCP_CLOSE ? e->old_state : e->state;

	/* for a peer not heard yet, the handshake is the last known sign of life */
	if (!known && !c->partial)
		known = c->first_seen_ns;
	if (stamps__is_echo(heard, known, ECHO_NS, hz))
		heard = known;
	if (c->silence.asks && was_heard_since_ask(c, e, heard, hz) && !is_explained(c, e, hz)) {
		if (has_acknowledged(c, e))
			silence__answered_unseen(c, heard);
		else
			silence__heard_unanswering(c, e, heard, stamps__heard(e, hz));
	}
	/* Data on the fast path had left the count of probes, which an ACK since then has reset. */
	if (c->silence.count_before && stamps__received_ns(e, e->rcv_tstamp_jiffies, hz) >
					       c->last_heard_ns + jiffies__to_ns(1, hz))
		c->silence.count_before = 0;
	notice_heard(c, heard);
	/* In these states tcp_rcv_established() does not run: the peer's empty probes are seen
	 * neither by us nor by the kernel's own clocks. */
	if (state != TCP_CLOSE)
		c->heard_is_lower_bound = state != TCP_ESTABLISHED;
}

void heard__acknowledgement(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t acked = stamps__latest(e, e->rcv_tstamp_jiffies, hz), at_ns = e->acknowledged_ns;

	/* RACK's two numbers may be of two segments: no later than the last acceptable ACK. */
	if (at_ns > acked)
		at_ns = acked;
	if (at_ns > c->incidents->acknowledged_ns)
		c->incidents->acknowledged_ns = at_ns;
	/* It is exact, while the clocks of received segments are in jiffies. */
	notice_heard(c, c->incidents->acknowledged_ns);
}

/* ---- segments ---- */

void heard__dropped(struct connection *c, const struct ho_event *e, struct told *told)
{
	c->incidents->answers_dropped++;
	c->told = true;
	incidents__note(c, told,
			(struct entry){ .kind = EVENT_ANSWER_DROPPED, .at_ns = e->mono_ns });
}

static bool is_lately(uint64_t then_ns, uint64_t now_ns, uint64_t within_ns)
{
	return then_ns && then_ns <= now_ns && now_ns - then_ns <= within_ns;
}

/* Did we answer a SYN, or anything else that the kernel does not take, a moment ago? A peer that
 * has lost the connection resets such an answer (RFC 9293, 3.10.7.1; RFC 5961, 4). */
static bool was_challenged(const struct connection *c, const struct ho_event *e, uint32_t hz)
{
	const uint64_t lately_ns = 3000000000ULL;
	uint64_t answered_ns = stamps__latest(e, e->oow_ack_jiffies, hz);

	return is_lately(c->incidents->syn_heard_ns, e->mono_ns, lately_ns) ||
	       (e->oow_ack_jiffies && answered_ns > c->first_seen_ns &&
		is_lately(answered_ns, e->mono_ns, lately_ns));
}

/* Data under way that a reset answers was an ask, though not retransmitted yet. */
static void ask_by_reset_data(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t first = asks__first_transmission_ns(e, hz);

	if (e->packets_out && !(c->silence.kinds & ASK_CARRYING))
		asks__carry(c, e, first > c->last_heard_ns ? first : c->last_heard_ns, ASK_DATA);
}

/* Asked by `halfopen probe` since it was heard, and by nothing else: this shows only in that the
 * socket left TCP_REPAIR. A byte that its peer sent last leaves the same mark, but is younger
 * than what we sent last only if a timer ran since. */
static bool was_probed(const struct connection *c, const struct ho_event *e, uint32_t hz)
{
	return e->window_probed && !e->probes_out && !e->packets_out && !e->unsent &&
	       !c->silence.asks && e->last_tx_ns > c->last_heard_ns + jiffies__to_ns(2, hz) &&
	       e->last_tx_ns <= e->mono_ns;
}

static void ask_by_probe(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint32_t ago_jiffies = (e->mono_ns - e->last_tx_ns) / jiffies__to_ns(1, hz);

	c->incidents->reset_of_probe = true;
	silence__ask(c, e->last_tx_ns, e->jiffies - ago_jiffies, ASK_ZERO_WINDOW);
}

/* A peer that still has the connection resets it with an ACK; one that has lost it answers our
 * segment with a bare RST, whose sequence number is our acknowledgement (RFC 9293, 3.10.7.1). */
static void on_reset_heard(struct connection *c, const struct ho_event *e,
			   const struct connection_rules *rules)
{
	bool bare = !(e->tcp_flags & HO_TCP_ACK), asked = e->probes_out || e->packets_out;
	bool challenged;

	c->incidents->reset_heard_ns = e->mono_ns;
	challenged = was_challenged(c, e, rules->hz);
	/* lwIP sets ACK all the same, and acknowledges what it answers: the probe's number, which a
	 * peer that has the connection is past. */
	bare |= e->probes_out && e->segs_in && e->ack_offset == -1;
	c->incidents->reset_of_an_ask = bare && (asked || challenged);
	if (bare && !challenged && was_probed(c, e, rules->hz))
		ask_by_probe(c, e, rules->hz);
	if (bare)
		ask_by_reset_data(c, e, rules->hz);
}

/* The path was idle from `since` until `low` at the earliest, `high` at the latest, and then passed
 * a segment. `since` by the kernel's clock is exact to a jiffy. */
static void survive_gap(struct connection *c, uint64_t low, uint64_t high, bool ended_by_us,
			uint32_t hz)
{
	uint64_t since = c->last_heard_ns, jiffy = jiffies__to_ns(1, hz);

	if (!since || high < since + GAP_MIN_NS || low < since + jiffy)
		return;
	c->failed |= !gaps__add(&c->gaps, low - since - jiffy, high - since, ended_by_us);
}

/* Which side ended the gap that this segment ends: ours, if it probed or wrote after it and was
 * answered, or the peer. Data that was under way before does not show when the gap began. */
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
	uint64_t theirs = stamps__received_ns(e, e->lrcvtime_jiffies, hz);
	uint64_t ours = stamps__latest(e, e->lsndtime_jiffies, hz);
	uint64_t since = ours > theirs ? ours : theirs + jiffies__to_ns(2, hz);

	c->incidents->heartbeats++;
	c->told = true;
	heartbeat__take(&c->incidents->heartbeat, e, e->mono_ns - since);
	incidents__note(c, told, (struct entry){ .kind = EVENT_HEARTBEAT, .at_ns = e->mono_ns,
						 .last_ns = since, .n = e->payload });
}

/* Data and answers of one peer come from the same distance, and both with timestamps or both
 * without. */
bool heard__is_of_another(const struct connection *c, const struct ho_event *e)
{
	return c->data_ttl && e->ttl && !e->payload && c->data_segs == (uint8_t)e->data_segs_in &&
	       (e->ttl != c->data_ttl || !!(e->flags & HO_F_TIMESTAMP) != c->data_timestamps);
}

static void notice_sender(struct connection *c, const struct ho_event *e)
{
	if (e->payload && e->ttl && e->segment == HO_SEGMENT_TAKEN) {
		c->data_ttl = e->ttl;
		c->data_segs = e->data_segs_in;
		c->data_timestamps = e->flags & HO_F_TIMESTAMP;
	} else if (c->silence.asks && heard__is_of_another(c, e)) {
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
	incidents__note(c, told, (struct entry){ .kind = EVENT_PEER_PROBE, .at_ns = e->mono_ns,
						 .n = e->payload });
}

/* Does the kernel take it, and record when? A repetition is dropped. */
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

/* The kernel's count of probes once it has taken the segment. A repetition that it drops leaves the
 * count alone; data on the fast path may. */
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

void heard__segment(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	struct sign sign = sign__of(e);

	if (rules->probes_unseen)
		lost_probes__find_answered_probe(c, e, rules->hz);
	if (e->pending == HO_PENDING_PROBE0)
		lost_probes__find_window_probes(c, e, rules->hz);
	if (e->tcp_flags & HO_TCP_RST) {
		on_reset_heard(c, e, rules);
		return;
	}
	/* Its checksum was not verified yet: the kernel's clocks will show whether it counts. */
	if (!sign.life || e->unverified) {
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
	follow_count(c, e);
	notice_heard(c, e->mono_ns);
	if (heartbeat__is(e))
		on_heartbeat(c, e, rules->hz, told);
	if (sign.acknowledges && c->incidents && e->segment)
		c->incidents->acknowledged_ns = e->mono_ns;
}

/* The tracepoint of an accepted reset; the segment itself came just before it, where the
 * receive path is watched. */
void heard__reset(struct connection *c, const struct ho_event *e, uint32_t hz,
			      struct told *told)
{
	struct incidents *i = c->incidents;

	if (!is_lately(i->reset_heard_ns, e->mono_ns, 10000000)) {
		i->reset_of_an_ask = e->probes_out ||
				     (e->packets_out && e->state == TCP_CLOSE_WAIT);
		if (e->state == TCP_CLOSE_WAIT)
			ask_by_reset_data(c, e, hz);
	}
	i->reset_ns = e->mono_ns;
	incidents__note(c, told,
			(struct entry){ .kind = EVENT_RESET_RECEIVED, .at_ns = e->mono_ns });
}
