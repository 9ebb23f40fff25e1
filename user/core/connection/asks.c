// SPDX-License-Identifier: GPL-2.0
#include "connection/asks.h"
#include "connection/lost_probes.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"

static void note_probe(struct connection *c, enum event_kind kind, uint64_t at_ns,
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

void asks__probe_sent(struct connection *c, const struct ho_event *e,
		      const struct connection_rules *rules, struct told *told)
{
	struct silence *s = &c->silence;

	if (lost_probes__was_taken_for_lost(c, e))
		return;
	lost_probes__find_first_probes(c, e, rules->hz, told);
	if (e->probes_out)
		lost_probes__count_probes(c, e->probes_out - 1, e->mono_ns, told);
	c->probes_sent++;
	silence__ask(c, e->mono_ns, e->jiffies, ASK_PROBE);
	s->probes_out = e->probes_out;
	note_probe(c, EVENT_PROBE_SENT, e->mono_ns, rules, told);
}

void asks__probe_failed(struct connection *c, const struct ho_event *e,
			const struct connection_rules *rules, struct told *told)
{
	c->incidents->probes_failed++;
	c->incidents->failed_in_silence++;
	if (e->reason == HO_FAILED_DROPPED && e->probes_out) {
		lost_probes__find_first_probes(c, e, rules->hz, told);
		lost_probes__count_probes(c, e->probes_out - 1, e->mono_ns, told);
		c->silence.probes_out = e->probes_out;
	}
	c->incidents->failed_ns = e->mono_ns;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = EVENT_PROBE_FAILED, .at_ns = e->mono_ns,
						 .n = e->reason });
}

/* The peer's window is closed and data waits: tcp_send_probe0() asks for the window, at growing
 * intervals, and a peer that is there answers each time. */
void asks__zero_window_probe(struct connection *c, const struct ho_event *e,
			     const struct connection_rules *rules, struct told *told)
{
	lost_probes__find_window_probes(c, e, rules->hz);
	c->incidents->zero_window_probes++;
	silence__ask(c, e->mono_ns, e->jiffies, ASK_ZERO_WINDOW);
	c->silence.probes_out = e->probes_out;
	note_probe(c, EVENT_ZERO_WINDOW_PROBE, e->mono_ns, rules, told);
}

/* Since when is this data (or FIN) under way? The kernel records when all of a flight is
 * unacknowledged. Otherwise the write queue's clock shows it, if the queue was empty when the peer
 * was last heard; otherwise the timer that just fired was armed an RTO ago or, during
 * retransmissions, the time of the first one is known. These may be too late by a little, which
 * only widens the interval. */
uint64_t asks__first_transmission_ns(const struct ho_event *e, uint32_t hz)
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

/* An ask with a sequence number of its own: data acknowledged by now was no part of it. */
void asks__carry(struct connection *c, const struct ho_event *e, uint64_t at_ns,
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

void asks__note_close(struct connection *c, uint64_t at_ns, uint32_t suspect_after)
{
	if (c->incidents->closed_ns)
		return;
	c->incidents->closed_ns = at_ns;
	c->incidents->suspect_at_close = silence__unanswered(c) >= suspect_after;
}

/* Did this very transmission fail? A drop by this host is emitted within moments of it. */
static bool is_at(uint64_t at_ns, uint64_t failed_ns, uint32_t hz)
{
	/* a time from the write queue's clock is exact to a jiffy or two */
	const uint64_t breath_ns = 3000000 + jiffies__to_ns(2, hz);

	return failed_ns && at_ns + breath_ns > failed_ns && failed_ns + breath_ns > at_ns;
}

/* The first transmission of what is under way was an ask, too, unless it never left, or (where the
 * kernel does not say that nothing was acknowledged since) the peer sent something after it. */
void asks__by_first_transmission(struct connection *c, const struct ho_event *e,
				 enum ask kind, const struct connection_rules *rules)
{
	uint64_t first = asks__first_transmission_ns(e, rules->hz);

	if (e->flags & HO_F_FIN_QUEUED)
		asks__note_close(c, e->packets_out > 1 ? e->mono_ns - jiffies__to_ns(e->rto_jiffies,
										     rules->hz)
						       : first,
				 rules->suspect_after);
	if (is_at(first, c->incidents->first_failed_ns, rules->hz) ||
	    (first <= c->last_heard_ns && !(e->flags & HO_F_UNDELIVERED)))
		return;
	asks__carry(c, e, first, kind);
	if (first + 1000ULL * (c->srtt_us + c->mdev_us) < c->last_heard_ns)
		silence__heard_unanswering(c, e, c->last_heard_ns, stamps__heard(e, rules->hz));
}

/* Not every retransmission is emitted: none within the gate's time of a sign of life is. The kernel
 * counts those of its timer, until something is acknowledged. */
static void ask_by_unemitted_retransmissions(struct connection *c, const struct ho_event *e,
					     enum ask kind)
{
	struct deafness *d = &c->incidents->deafness;
	uint8_t missing = e->retransmits > d->retransmits + 1 ? e->retransmits - d->retransmits - 1
							      : 0;

	while ((c->silence.kinds & ASK_CARRYING) && !c->incidents->sends_failed && missing--)
		silence__ask(c, c->silence.last_ask_ns, c->silence.last_ask_jiffies, kind);
	if (e->retransmits)
		d->retransmits = e->retransmits;
}

void asks__retransmitted(struct connection *c, const struct ho_event *e,
			 const struct connection_rules *rules, struct told *told)
{
	/* of data and a FIN the data go first */
	bool fin = (e->flags & HO_F_FIN_QUEUED) && e->packets_out <= 1;
	bool closed = (e->flags & HO_F_ZERO_WINDOW) && !e->retransmits;
	enum ask kind = closed ? ASK_ZERO_WINDOW : fin ? ASK_FIN : ASK_DATA;
	struct silence *s = &c->silence;

	if (!(s->kinds & (ASK_CARRYING | ASK_ZERO_WINDOW)))
		asks__by_first_transmission(c, e, kind, rules);
	ask_by_unemitted_retransmissions(c, e, kind);
	if (!is_at(e->mono_ns, c->incidents->failed_ns, rules->hz))
		asks__carry(c, e, e->mono_ns, kind);
	silence__note_held_probe(c, told);
	/* The timer has counted this one already; it does not count a loss probe. */
	incidents__note(c, told, (struct entry){ .kind = EVENT_RETRANSMIT, .at_ns = e->mono_ns,
						 .n = e->retransmits ? e->retransmits : 1 });
}

void asks__send_failed(struct connection *c, const struct ho_event *e,
		       const struct connection_rules *rules, struct told *told)
{
	struct incidents *i = c->incidents;
	bool fin = (e->flags & HO_F_FIN_QUEUED) && !e->unsent;

	if (e->unsent && !e->packets_out && (e->flags & HO_F_ZERO_WINDOW))
		c->silence.probes_out = e->probes_out + 1;	/* the kernel counts it */
	if (!e->packets_out)
		i->first_failed_ns = e->mono_ns;
	else if (!(c->silence.kinds & ASK_CARRYING))	/* which is under way since it left */
		asks__by_first_transmission(c, e, fin ? ASK_FIN : ASK_DATA, rules);
	i->failed_ns = e->mono_ns;
	i->sends_failed++;
	i->failed_in_silence++;
	c->told = true;
	incidents__note(c, told, (struct entry){ .kind = EVENT_SEND_FAILED, .at_ns = e->mono_ns,
						 .n = e->reason });
}
