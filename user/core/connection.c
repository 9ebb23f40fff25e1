// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "jiffies.h"
#include "outcome.h"
#include "tcp_states.h"
#include "untold.h"

/* ---- the kernel's clocks ---- */

/* A stamp in jiffies is known to one jiffy; these are its earliest and latest instants. */
static uint64_t earliest(const struct ho_event *e, uint32_t stamp, uint32_t hz)
{
	uint64_t ago = jiffies__to_ns(e->jiffies - stamp + 1, hz);

	return e->mono_ns > ago ? e->mono_ns - ago : 0;
}

static uint64_t latest(const struct ho_event *e, uint32_t stamp, uint32_t hz)
{
	uint32_t jiffies = e->jiffies - stamp;
	uint64_t ago = jiffies ? jiffies__to_ns(jiffies - 1, hz) : 0;

	return e->mono_ns > ago ? e->mono_ns - ago : 0;
}

/* When the kernel last heard the peer: data or an acceptable ACK. It does not see the peer's
 * own empty probes. */
static uint32_t heard_jiffies(const struct ho_event *e)
{
	return jiffies__is_before(e->rcv_tstamp_jiffies, e->lrcvtime_jiffies) ? e->lrcvtime_jiffies
								     : e->rcv_tstamp_jiffies;
}

/* ---- incidents ---- */

const struct incidents *connection__incidents(const struct connection *c)
{
	static const struct incidents none;

	return c->incidents ? c->incidents : &none;
}

static bool make_incidents(struct connection *c)
{
	if (!c->incidents)
		c->incidents = calloc(1, sizeof(*c->incidents));
	return c->incidents;
}

bool connection__set_found_by(struct connection *c, enum found_by found_by)
{
	if (!make_incidents(c))
		return false;
	c->incidents->found_by = found_by;
	return true;
}

uint32_t connection__revise(struct connection *c)
{
	return make_incidents(c) ? ++c->incidents->revision : 0;
}

uint8_t connection__family(const struct connection *c)
{
	return c->is_ipv6 ? AF_INET6 : AF_INET;
}

struct rtt connection__rtt(const struct connection *c)
{
	return rtt__sum(connection__incidents(c)->rtt, c->run.rtt);
}

/* ---- journal ---- */

void connection__flush_run(struct connection *c)
{
	const struct answered_run *run = &c->run;

	if (!run->rtt.count || !make_incidents(c))
		return;
	journal__add(&c->incidents->journal, &(struct entry){
		.kind = ENTRY_ANSWERED_RUN, .at_ns = run->first_ns, .last_ns = run->last_ns,
		.n = run->rtt.count, .rtt = run->rtt, .episode = run->episode });
	c->incidents->rtt = rtt__sum(c->incidents->rtt, run->rtt);
	c->run = (struct answered_run){ 0 };
}

static void tell(struct told *told, struct entry entry)
{
	if (told->count < sizeof(told->entries) / sizeof(told->entries[0]))
		told->entries[told->count++] = entry;
}

/* Of a connection that has incidents. */
static void note(struct connection *c, struct told *told, struct entry entry)
{
	connection__flush_run(c);
	entry.episode = c->silences;
	journal__add(&c->incidents->journal, &entry);
	tell(told, entry);
}

void connection__note_loss(struct connection *c, uint64_t at_ns, uint32_t events,
			   struct told *told)
{
	if (!make_incidents(c))
		return;
	c->incidents->events_lost += events;
	note(c, told, (struct entry){ .kind = ENTRY_LOST, .at_ns = at_ns, .n = events });
}

void connection__suspect_successor(struct connection *c, const struct successor *by,
				   struct told *told)
{
	const struct successor *before = connection__successor(c);

	told->count = told->untold_probes = 0;
	if ((before && before->confidence >= by->confidence) || !make_incidents(c))
		return;
	if (!c->incidents->successor)
		c->incidents->successor = malloc(sizeof(*by));
	if (!c->incidents->successor)
		return;
	*c->incidents->successor = *by;
	c->told = true;
	note(c, told, (struct entry){ .kind = ENTRY_SUPERSEDED, .at_ns = by->at_ns,
				      .n = by->confidence * 1000, .by_cookie = by->cookie });
}

const struct successor *connection__successor(const struct connection *c)
{
	const struct successor *by = connection__incidents(c)->successor;

	return by && c->last_heard_ns <= by->at_ns ? by : NULL;
}

/* ---- silences ---- */

uint32_t connection__unanswered(const struct connection *c)
{
	return c->silence.asks ? c->silence.asks - 1 : 0;
}

void connection__ask(struct connection *c, uint64_t at_ns, uint32_t at_jiffies, enum ask kind)
{
	struct silence *s = &c->silence;

	if (!s->asks) {
		s->first_ask_ns = at_ns;
		c->silences++;
	}
	s->asks += s->asks < UINT16_MAX;
	s->kinds |= kind;
	if (at_ns > s->last_ask_ns)
		s->last_ask_ns = at_ns;
	s->last_ask_jiffies = at_jiffies;
	if (s->asks >= 2)
		c->told = true;
}

void connection__end_episode(struct connection *c, uint64_t at_ns, enum episode_end end)
{
	const struct silence *s = &c->silence;
	struct incidents *i = c->incidents;
	struct episode *bigger;

	if (s->asks < (end == EPISODE_DIED ? 1 : 2))
		return;
	if (i->episodes_used == EPISODES_KEPT) {
		memmove(&i->episodes[EPISODES_KEPT / 2], &i->episodes[EPISODES_KEPT / 2 + 1],
			(EPISODES_KEPT / 2 - 1) * sizeof(*i->episodes));
		i->episodes_used--;
		i->episodes_omitted++;
	}
	bigger = realloc(i->episodes, (i->episodes_used + 1) * sizeof(*bigger));
	if (!bigger) {
		i->episodes_omitted++;
		return;
	}
	i->episodes = bigger;
	i->episodes[i->episodes_used++] = (struct episode){
		.first_unanswered_ns = s->first_ask_ns, .ended_ns = at_ns,
		.asks = s->asks, .kinds = s->kinds, .end = end };
}

/* The first probe was not noted while it might have been answered. */
static void note_held_probe(struct connection *c, struct told *told)
{
	struct silence *s = &c->silence;

	if (s->held)
		note(c, told, (struct entry){ .kind = s->held, .n = 1,
					      .at_ns = s->first_ask_ns });
	s->held = 0;
}

static void break_silence(struct connection *c, uint64_t at_ns)
{
	connection__end_episode(c, at_ns, EPISODE_RECOVERED);
	c->silence = (struct silence){ 0 };
}

static void extend_run(struct connection *c, uint64_t sent_ns, uint64_t answered_ns, uint32_t us)
{
	struct answered_run *run = &c->run;

	if (!run->rtt.count)
		*run = (struct answered_run){ .first_ns = sent_ns, .episode = c->silences };
	run->last_ns = answered_ns;
	rtt__add(&run->rtt, us);
}

/* A segment that ends a silence. After several asks nobody can tell which one it answers, so
 * its RTT is not known; it is taken for late rather than for quick. */
static void answered(struct connection *c, uint64_t at_ns, bool fold, struct told *told)
{
	struct silence s = c->silence;
	struct entry entry = { .kind = ENTRY_ANSWERED, .at_ns = at_ns, .n = s.asks };
	uint64_t late_us = (at_ns - s.first_ask_ns + 999) / 1000;

	if (s.kinds & ASK_PROBE)
		c->probes_answered++;
	if (late_us > c->slowest_answer_us)
		c->slowest_answer_us = late_us < UINT32_MAX ? late_us : UINT32_MAX;
	if (s.asks == 1 && (s.kinds == ASK_PROBE || s.kinds == ASK_ZERO_WINDOW)) {
		uint32_t us = (at_ns - s.last_ask_ns) / 1000;

		if (fold) {
			extend_run(c, s.last_ask_ns, at_ns, us);
			break_silence(c, at_ns);
			return;
		}
		rtt__add(&entry.rtt, us);
		rtt__add(&c->incidents->rtt, us);
	}
	note(c, told, entry);
	break_silence(c, at_ns);
}

/* The kernel heard the peer after our last ask, but no event told us: the receive path is not
 * watched in CLOSE_WAIT and FIN_WAIT, and an event may be lost. */
static void answered_unseen(struct connection *c, uint64_t at_ns)
{
	if (c->silence.kinds & ASK_PROBE)
		c->probes_answered++;
	break_silence(c, at_ns);
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
	if (c->partial && e->total_retrans)	/* what it did before we saw it is not ours to count */
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
	note(c, told, (struct entry){ .kind = ENTRY_OPTION_CHANGE, .at_ns = e->mono_ns });
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
	if (!now.enabled || !make_incidents(c))	/* it concerns nobody yet */
		return;
	c->told = true;
	note(c, told, (struct entry){ .kind = ENTRY_OPTION_CHANGE, .at_ns = at_ns });
}

static void notice_life(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	uint64_t heard = earliest(e, heard_jiffies(e), hz);
	unsigned int state = e->kind == HO_STATE && e->state == TCP_CLOSE ? e->old_state : e->state;

	if (c->silence.asks && !jiffies__is_before(heard_jiffies(e), c->silence.last_ask_jiffies))
		answered_unseen(c, heard);
	if (heard > c->last_heard_ns)
		c->last_heard_ns = heard;
	/* In these states tcp_rcv_established() does not run: the peer's empty probes pass
	 * unseen, by us and by the kernel's own clocks. */
	if (state != TCP_CLOSE)
		c->heard_is_lower_bound = state != TCP_ESTABLISHED;
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
	note_held_probe(c, told);
	note(c, told, (struct entry){ .kind = kind, .at_ns = at_ns, .n = s->asks });
}

static void on_probe_sent(struct connection *c, const struct ho_event *e,
			  const struct connection_rules *rules, struct told *told)
{
	struct silence *s = &c->silence;

	untold__find_first_probes(c, e, rules->hz, told);
	if (e->probes_out)
		untold__count_probes(c, e->probes_out - 1, e->mono_ns, told);
	c->probes_sent++;
	connection__ask(c, e->mono_ns, e->jiffies, ASK_PROBE);
	s->probes_out = e->probes_out;
	note_probe(c, ENTRY_PROBE_SENT, e->mono_ns, rules, told);
}

/* It left the kernel's hands, but not this host: no ask, though the kernel may count it. */
static void on_probe_failed(struct connection *c, const struct ho_event *e,
			    const struct connection_rules *rules, struct told *told)
{
	untold__find_first_probes(c, e, rules->hz, told);
	if (e->reason == HO_FAILED_DROPPED && e->probes_out) {
		untold__count_probes(c, e->probes_out - 1, e->mono_ns, told);
		c->silence.probes_out = e->probes_out;
	}
	c->incidents->probes_failed++;
	c->told = true;
	note(c, told, (struct entry){ .kind = ENTRY_PROBE_FAILED, .at_ns = e->mono_ns,
				      .n = e->reason });
}

/* The peer's window is closed and data waits: tcp_send_probe0() asks for the window, at growing
 * intervals, and a peer that is there answers each time. */
static void on_zero_window_probe(struct connection *c, const struct ho_event *e,
				 const struct connection_rules *rules, struct told *told)
{
	c->incidents->zero_window_probes++;
	connection__ask(c, e->mono_ns, e->jiffies, ASK_ZERO_WINDOW);
	note_probe(c, ENTRY_ZERO_WINDOW_PROBE, e->mono_ns, rules, told);
}

/* Since when is this data (or FIN) under way? The write queue's clock tells where it was empty
 * when the peer was last heard; else the timer that just fired was armed an RTO ago. Both may
 * be too late by a little, which only widens the interval. */
static uint64_t first_transmission_ns(const struct ho_event *e, uint32_t hz)
{
	uint64_t rto_ns = jiffies__to_ns(e->rto_jiffies, hz);

	if (e->chrono_type && !jiffies__is_before(e->chrono_start_jiffies, heard_jiffies(e)))
		return latest(e, e->chrono_start_jiffies, hz);
	return e->mono_ns > rto_ns ? e->mono_ns - rto_ns : 0;
}

static void note_local_close(struct connection *c, uint64_t at_ns, uint32_t suspect_after)
{
	if (c->incidents->closed_ns)
		return;
	c->incidents->closed_ns = at_ns;
	c->incidents->suspect_at_close = connection__unanswered(c) >= suspect_after;
}

static void on_retransmit(struct connection *c, const struct ho_event *e,
			  const struct connection_rules *rules, struct told *told)
{
	bool fin = e->flags & HO_F_FIN_QUEUED;
	bool closed = (e->flags & HO_F_ZERO_WINDOW) && !e->retransmits;
	enum ask kind = fin ? ASK_FIN : closed ? ASK_ZERO_WINDOW : ASK_DATA;
	struct silence *s = &c->silence;

	if (!(s->kinds & (ASK_DATA | ASK_FIN | ASK_ZERO_WINDOW))) {
		uint64_t first = first_transmission_ns(e, rules->hz);

		if (fin)
			note_local_close(c, first, rules->suspect_after);
		if (first > c->last_heard_ns)	/* else the peer spoke after it */
			connection__ask(c, first, e->jiffies, kind);
	}
	connection__ask(c, e->mono_ns, e->jiffies, kind);
	note_held_probe(c, told);
	/* The timer has counted this one already; it does not count a loss probe. */
	note(c, told, (struct entry){ .kind = ENTRY_RETRANSMIT, .at_ns = e->mono_ns,
				      .n = e->retransmits ? e->retransmits : 1 });
}

/* Who still has the connection resets it with an ACK; who has lost it answers our segment with
 * a bare RST, whose sequence number is our acknowledgement (RFC 9293, 3.10.7.1). */
static void on_reset_heard(struct connection *c, const struct ho_event *e,
			   const struct connection_rules *rules)
{
	bool asked = e->probes_out || e->packets_out, of_an_ask = asked && !(e->tcp_flags & HO_TCP_ACK);

	c->incidents->reset_heard_ns = e->mono_ns;
	c->incidents->reset_of_an_ask = of_an_ask;
	if (of_an_ask && e->packets_out && !(c->silence.kinds & (ASK_DATA | ASK_FIN))) {
		uint64_t first = first_transmission_ns(e, rules->hz);

		connection__ask(c, first > c->last_heard_ns ? first : c->last_heard_ns, e->jiffies, ASK_DATA);
	}
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

/* Who ended the gap that this segment tells to be over: we, who asked or wrote after it, or the
 * peer. Data that were under way before do not say when the gap began. */
static void notice_gap(struct connection *c, const struct ho_event *e, bool own_probe, uint32_t hz)
{
	const struct silence *s = &c->silence;

	if (s->asks)
		survive_gap(c, s->first_ask_ns, s->first_ask_ns, true, hz);
	else if (own_probe || (e->payload && !e->chrono_type))
		survive_gap(c, e->mono_ns, e->mono_ns, false, hz);
	else if (e->chrono_type && !jiffies__is_before(e->chrono_start_jiffies, heard_jiffies(e)))
		survive_gap(c, earliest(e, e->chrono_start_jiffies, hz),
			    latest(e, e->chrono_start_jiffies, hz), true, hz);
}

static void on_heartbeat(struct connection *c, const struct ho_event *e, uint32_t hz,
			 struct told *told)
{
	uint32_t data_jiffies = jiffies__is_before(e->lrcvtime_jiffies, e->lsndtime_jiffies)
					? e->lsndtime_jiffies : e->lrcvtime_jiffies;
	uint64_t since = latest(e, data_jiffies, hz);

	c->incidents->heartbeats++;
	c->told = true;
	heartbeat__take(&c->incidents->heartbeat, e, e->mono_ns - since);
	note(c, told, (struct entry){ .kind = ENTRY_HEARTBEAT, .at_ns = e->mono_ns,
				      .last_ns = since, .n = e->payload });
}

/* One below the next sequence number, with no data or a byte of garbage. A byte of it from a peer
 * that acknowledges nothing of what we have under way is its last heartbeat once more: it did not
 * get our acknowledgement, either. */
static bool is_probe_of_peer(const struct ho_event *e)
{
	return e->seq_offset == -1 &&
	       (!e->payload || (e->payload == 1 && !e->packets_out));
}

static void on_heard(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	bool own_probe = is_probe_of_peer(e);

	if (rules->probes_unseen)
		untold__find_answered_probe(c, e, rules->hz);
	if (e->tcp_flags & HO_TCP_RST) {
		on_reset_heard(c, e, rules);
		return;
	}
	notice_gap(c, e, own_probe, rules->hz);
	if (own_probe) {
		c->incidents->peer_probes++;
		c->told = true;
		break_silence(c, e->mono_ns);
		note(c, told, (struct entry){ .kind = ENTRY_PEER_PROBE, .at_ns = e->mono_ns,
					      .n = e->payload });
	} else if (c->silence.asks) {
		answered(c, e->mono_ns, rules->fold, told);
	}
	/* Its own probe leaves the kernel's count alone; data on the fast path may. */
	c->silence.probes_out = own_probe ? e->probes_out : 0;
	c->silence.count_before = e->payload ? e->probes_out : 0;
	c->last_heard_ns = e->mono_ns;
	if (heartbeat__is(e))
		on_heartbeat(c, e, rules->hz, told);
}

/* The tracepoint of an accepted reset; the segment itself came just before it, where the
 * receive path is watched. */
static void on_reset_received(struct connection *c, const struct ho_event *e, struct told *told)
{
	struct incidents *i = c->incidents;

	if (!i->reset_heard_ns || e->mono_ns - i->reset_heard_ns > 10000000)
		i->reset_of_an_ask = e->probes_out > 0;
	i->reset_ns = e->mono_ns;
	note(c, told, (struct entry){ .kind = ENTRY_RESET_RECEIVED, .at_ns = e->mono_ns });
}

static void on_state(struct connection *c, const struct ho_event *e,
		     const struct connection_rules *rules, struct told *told)
{
	if (e->state == TCP_ESTABLISHED) {
		c->last_heard_ns = e->mono_ns;
		note(c, told, (struct entry){ .kind = ENTRY_ESTABLISHED, .at_ns = e->mono_ns });
		return;
	}
	note(c, told, (struct entry){ .kind = ENTRY_STATE, .at_ns = e->mono_ns,
				      .from = e->old_state, .to = e->state });
	if (e->state == TCP_FIN_WAIT1 || e->state == TCP_LAST_ACK) {
		note_local_close(c, e->mono_ns, rules->suspect_after);
		if (c->silence.asks)
			connection__ask(c, e->mono_ns, e->jiffies, ASK_FIN);
		return;
	}
	if (e->state != TCP_CLOSE)
		return;
	if (e->error && e->error != c->incidents->error) {
		c->incidents->error = e->error;
		note(c, told, (struct entry){ .kind = ENTRY_ERROR, .at_ns = e->mono_ns,
					      .n = e->error });
	}
	if (outcome__is_of_keepalive(c, e))
		untold__find_probes_at_death(c, e, rules, told);
	c->incidents->ended_ns = e->mono_ns;
	c->incidents->ended_from = e->old_state;
	outcome__decide(c, e, rules->suspect_after);
}

bool connection__lose_ending(struct connection *c, uint64_t at_ns)
{
	if (!make_incidents(c))
		return false;
	c->incidents->ended_ns = at_ns;
	c->incidents->ending_lost = true;
	c->incidents->outcome = OUTCOME_UNKNOWN;
	c->told |= connection__unanswered(c) > 0;
	connection__end_episode(c, at_ns, EPISODE_CLOSED);
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
		s->first_ask_ns = s->last_ask_ns = e->last_tx_ns;
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
	if (!jiffies__is_before(heard_jiffies(e), s->last_ask_jiffies))
		*s = (struct silence){ 0 };
	c->told |= s->asks >= 2;
}

static void on_seen(struct connection *c, const struct ho_event *e, uint32_t hz, bool first,
		    struct told *told)
{
	if (!first)
		return;
	note(c, told, (struct entry){ .kind = ENTRY_SEEN, .at_ns = e->mono_ns });
	adopt_silence(c, e, hz);
}

/* The first probe of a silence, its answer, a report after an idle gap: what happens to every
 * socket and needs no incident to be kept. */
static bool is_routine(const struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules)
{
	struct keepalive now = keepalive__of(e);
	const struct silence *s = &c->silence;

	if (!rules->fold || rules->probes_unseen || e->bound_if ||
	    (!c->identified && c->partial && e->total_retrans) ||
	    (c->identified && c->options_settled && !keepalive__equal(&now, &c->keepalive)))
		return false;
	if (e->kind == HO_PROBE_SENT)
		return !s->asks && !s->probes_out && e->probes_out < 2;
	return e->kind == HO_HEARD && !(e->tcp_flags & HO_TCP_RST) && !is_probe_of_peer(e) &&
	       !heartbeat__is(e) &&
	       (!s->asks || (s->asks == 1 && (s->kinds == ASK_PROBE || s->kinds == ASK_ZERO_WINDOW)));
}

bool connection__apply(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told)
{
	bool first = !c->identified;

	told->count = told->untold_probes = 0;
	if (connection__ended_ns(c) && e->kind != HO_RESET_SENT && e->kind != HO_ERROR)
		return true;
	if (!is_routine(c, e, rules) && !make_incidents(c))
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
		note(c, told, (struct entry){ .kind = ENTRY_RESET_SENT, .at_ns = e->mono_ns,
					      .n = e->reason });
		break;
	case HO_RESET_RECEIVED:
		on_reset_received(c, e, told);
		break;
	case HO_ERROR:
		c->incidents->error = e->error;
		note(c, told, (struct entry){ .kind = ENTRY_ERROR, .at_ns = e->mono_ns,
					      .n = e->error });
		break;
	case HO_GONE:
		on_gone(c, e);
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
	}
	return e;
}

void connection__release(struct connection *c)
{
	gaps__free(&c->gaps);
	if (!c->incidents)
		return;
	journal__free(&c->incidents->journal);
	free(c->incidents->episodes);
	free(c->incidents->successor);
	free(c->incidents);
}
