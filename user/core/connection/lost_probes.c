// SPDX-License-Identifier: GPL-2.0
#include "connection/lost_probes.h"
#include "tcp/jiffies.h"
#include "tcp/timer_wheel.h"

/* ---- probes whose events were lost ---- */

/* All emitted probes of this silence failed to leave this host: a lost event between them may be of
 * another one that failed, so it proves no ask. */
static bool none_left(const struct connection *c)
{
	return !c->silence.asks && c->incidents && c->incidents->failed_in_silence;
}

static void count_lost(struct connection *c, uint32_t lost, uint64_t at_ns, struct told *told)
{
	told->untold_probes += lost;
	incidents__note_loss(c, at_ns, lost, told);
}

/* Within a silence the kernel's count rises by one for each probe. Where it is higher than the
 * number of emitted probes, the events of some were lost; or, in a silence that began before the
 * watch, they were sent between the snapshot and the attaching of the timer's programs. */
void lost_probes__count_probes(struct connection *c, uint8_t probes_out, uint64_t at_ns,
			  struct told *told)
{
	struct silence *s = &c->silence;
	uint32_t lost = probes_out - s->probes_out;

	if (!s->probes_out || probes_out <= s->probes_out)
		return;
	if (none_left(c)) {
		count_lost(c, lost, at_ns, told);
		return;
	}
	if (!s->asks) {
		s->first_ask_ns = s->last_ask_ns = at_ns;
		s->kinds |= ASK_PROBE;
		c->silences++;
	}
	s->asks = s->asks + lost < UINT16_MAX ? s->asks + lost : UINT16_MAX;
	s->probes_out = probes_out;
	c->probes_sent += lost;
	c->told |= s->asks >= 2;
	if (!s->adopted)
		count_lost(c, lost, at_ns, told);
}

bool lost_probes__was_taken_for_lost(struct connection *c, const struct ho_event *e)
{
	struct silence *s = &c->silence;

	if (!c->incidents || !c->incidents->events_lost || !s->asks ||
	    e->mono_ns >= s->last_ask_ns || e->probes_out > s->probes_out)
		return false;
	c->incidents->events_lost--;
	if (e->mono_ns < s->first_ask_ns)
		s->first_ask_ns = e->mono_ns;
	return true;
}

/* A silence without any emitted probe begins with one that was sent an interval ago: the latest
 * time that is possible. */
static void assume_lost_probe(struct connection *c, const struct ho_event *e,
			      uint64_t interval_ns, uint8_t probes_out, struct told *told)
{
	if (!none_left(c)) {
		silence__ask(c, e->mono_ns - interval_ns, e->jiffies, ASK_PROBE);
		c->probes_sent++;
	}
	c->silence.probes_out = probes_out;
	count_lost(c, 1, e->mono_ns, told);
}

/* The first emitted probe of a silence, and the kernel's count is above one: either it was stale
 * (data on the fast path does not reset it), and then only the idle time has passed; or earlier
 * probes were sent, and then their intervals have passed, too. */
void lost_probes__find_first_probes(struct connection *c, const struct ho_event *e, uint32_t hz,
			       struct told *told)
{
	const struct keepalive *k = &c->keepalive;
	uint64_t idle = k->idle_jiffies > k->interval_jiffies ? k->idle_jiffies
							      : k->interval_jiffies;
	uint64_t interval_ns = jiffies__to_ns(k->interval_jiffies, hz);
	uint64_t idle_at_most_ns =
		jiffies__to_ns(idle + timer_wheel__lateness_jiffies(idle) + 2, hz);

	/* Since the peer was last heard, its own probes included: those do not reset the count. */
	if (c->silence.asks || c->silence.probes_out || e->probes_out < 2 || !c->last_heard_ns ||
	    e->mono_ns < interval_ns || e->mono_ns - c->last_heard_ns <= idle_at_most_ns)
		return;
	assume_lost_probe(c, e, interval_ns, 1, told);
}

/* ---- kernels that show no probe: what other events show of them ---- */

/* How many of the probes that the kernel counts can have been sent since the peer was last heard,
 * if the last was sent at `last_ns`: the count may be stale, the first waits for the idle time, and
 * the others for the interval. */
static uint32_t unseen_probes(const struct connection *c, const struct ho_event *e,
			      uint64_t last_ns, uint32_t hz)
{
	const struct keepalive *k = &c->keepalive;
	uint64_t silent_ns = last_ns > c->last_heard_ns ? last_ns - c->last_heard_ns : 0;
	uint64_t interval_ns = jiffies__to_ns(k->interval_jiffies, hz);
	uint64_t idle_ns = jiffies__to_ns(k->idle_jiffies, hz);
	uint64_t fit = 1;

	if (silent_ns > idle_ns && interval_ns)
		fit += (silent_ns - idle_ns) / interval_ns;
	return fit < e->probes_out ? fit : e->probes_out;
}

/* Probes of a silence without any event, each as late as possible if the last was sent at
 * `last_ns`. */
static void assume_unseen_probes(struct connection *c, const struct ho_event *e, uint64_t last_ns,
				 uint32_t hz)
{
	uint64_t interval_ns = jiffies__to_ns(c->keepalive.interval_jiffies, hz);
	uint32_t n = unseen_probes(c, e, last_ns, hz), left;

	for (left = n; left; left--)
		silence__ask(c, last_ns - (left - 1) * interval_ns, e->jiffies, ASK_PROBE);
	c->probes_sent += n;
}

/* When an answer arrives, the kernel's clock of its last transmission shows the probe that it
 * answers (tcp_mstamp, while nothing else is under way). */
void lost_probes__find_answered_probe(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	if (!c->silence.asks && e->probes_out && !e->packets_out && !e->unsent &&
	    e->last_tx_ns > c->last_heard_ns && e->last_tx_ns < e->mono_ns)
		assume_unseen_probes(c, e, e->last_tx_ns, hz);
}

/* ---- zero-window probes in process context ---- */

void lost_probes__find_window_probes(struct connection *c, const struct ho_event *e, uint32_t hz)
{
	struct silence *s = &c->silence;
	uint32_t this = e->kind == HO_ZERO_WINDOW_PROBE, known, lost;

	if (!c->incidents || !e->unsent || !(e->flags & HO_F_ZERO_WINDOW) || !e->probes_out)
		return;
	known = s->asks || s->probes_out ? s->probes_out : s->count_before;
	if (known + this >= e->probes_out)
		return;
	lost = e->probes_out - known - this;
	c->incidents->zero_window_probes += lost;
	while (lost--)	/* all but the last were earlier */
		silence__ask(c, e->last_tx_ns < e->mono_ns ? e->last_tx_ns : e->mono_ns,
			     e->jiffies - (e->mono_ns - e->last_tx_ns) / jiffies__to_ns(1, hz),
			     ASK_ZERO_WINDOW);
	s->probes_out = e->probes_out - this;
}

/* ---- the end ---- */

/* The keepalive timer gave up: its last probe was sent an interval ago or, if that was not emitted,
 * at this time at the latest. */
void lost_probes__find_probes_at_death(struct connection *c, const struct ho_event *e,
				  const struct connection_rules *rules, struct told *told)
{
	uint64_t interval_ns = jiffies__to_ns(c->keepalive.interval_jiffies, rules->hz);
	struct silence *s = &c->silence;
	uint32_t asks = s->asks;

	if (!e->probes_out || e->unsent || (s->kinds & ~ASK_PROBE) || e->mono_ns < interval_ns)
		return;
	if (rules->probes_unseen) {
		if (c->incidents->failed_in_silence)	/* those are known */
			return;
		assume_unseen_probes(c, e, e->mono_ns - interval_ns, rules->hz);
		return;
	}
	if (!asks && (e->probes_out <= s->count_before || e->probes_out <= s->probes_out))
		return;	/* none was sent since the peer was heard: the count is from before */
	if (!asks) {
		/* without any emitted: the count may be stale, except for the last of them */
		assume_lost_probe(c, e, interval_ns, e->probes_out, told);
		return;
	}
	lost_probes__count_probes(c, e->probes_out, e->mono_ns, told);
	if (s->asks > asks && e->mono_ns - interval_ns > s->last_ask_ns)
		s->last_ask_ns = e->mono_ns - interval_ns;
}
