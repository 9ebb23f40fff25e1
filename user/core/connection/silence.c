// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "connection/incidents.h"
#include "connection/silence.h"

uint32_t silence__unanswered(const struct connection *c)
{
	return c->silence.asks ? c->silence.asks - 1 : 0;
}

/* A FIN or data so soon after another ask was sent for its own sake, not because that stayed
 * unanswered. */
static bool is_in_time(const struct connection *c, uint64_t at_ns)
{
	const struct silence *s = &c->silence;

	return (s->kinds & ASK_CARRYING) && (s->kinds & ~ASK_CARRYING) &&
	       at_ns < s->first_ask_ns + 1000ULL * (c->srtt_us + c->mdev_us);
}

void silence__ask(struct connection *c, uint64_t at_ns, uint32_t at_jiffies, enum ask kind)
{
	struct silence *s = &c->silence;

	if (!s->asks) {
		s->first_ask_ns = at_ns;
		c->silences++;
	}
	s->asks += s->asks < UINT16_MAX;
	s->kinds |= kind;
	if (c->incidents && c->incidents->deafness.asks &&
	    !c->incidents->deafness.first_ask_after_ns)
		c->incidents->deafness.first_ask_after_ns = at_ns;
	if (at_ns > s->last_ask_ns)
		s->last_ask_ns = at_ns;
	s->last_ask_jiffies = at_jiffies;
	if (s->asks >= 2 && !is_in_time(c, at_ns))
		c->told = true;
}

void silence__end_episode(struct connection *c, uint64_t at_ns, enum episode_end end)
{
	const struct silence *s = &c->silence;
	struct incidents *i = c->incidents;
	struct episode *bigger;

	if (s->asks < (end == EPISODE_DIED ? 1 : 2) ||
	    (end == EPISODE_RECOVERED && is_in_time(c, s->last_ask_ns)))
		return;
	if (i->episodes_used == EPISODES_KEPT) {
		memmove(&i->episodes[EPISODES_KEPT / 2], &i->episodes[EPISODES_KEPT / 2 + 1],
			(EPISODES_KEPT / 2 - 1) * sizeof(*i->episodes));
		i->episodes_used--;
		i->episodes_omitted++;
	}
	bigger = realloc(i->episodes, (i->episodes_used + 1) * sizeof(*bigger));
	if (!bigger) {
		c->failed = true;
		return;
	}
	i->episodes = bigger;
	i->episodes[i->episodes_used++] = (struct episode){
		.first_unanswered_ns = s->first_ask_ns, .ended_ns = at_ns,
		.asks = s->asks, .kinds = s->kinds, .end = end };
}

void silence__note_held_probe(struct connection *c, struct told *told)
{
	struct silence *s = &c->silence;

	if (s->held)
		incidents__note(c, told, (struct entry){ .kind = s->held, .n = 1,
							 .at_ns = s->first_ask_ns });
	s->held = 0;
}

void silence__end(struct connection *c, uint64_t at_ns)
{
	silence__end_episode(c, at_ns, EPISODE_RECOVERED);
	c->silence = (struct silence){ 0 };
	if (c->incidents)
		c->incidents->deafness = (struct deafness){ 0 };
}

void silence__answer_probes(struct connection *c, uint64_t at_ns)
{
	struct silence *s = &c->silence, rest = *s;
	struct deafness *d = &c->incidents->deafness;

	if (!(s->kinds & ~ASK_CARRYING) || !(s->kinds & ASK_CARRYING) || !d->asks_before)
		return;
	rest.asks = s->asks > d->asks_before ? s->asks - d->asks_before : 1;
	rest.kinds = s->kinds & ASK_CARRYING;
	rest.first_ask_ns = d->carrying_ns;
	if (s->kinds & ASK_PROBE)
		c->probes_answered++;
	s->asks = d->asks_before;
	s->kinds &= ~ASK_CARRYING;
	silence__end_episode(c, at_ns, EPISODE_RECOVERED);
	*s = rest;
	d->asks_before = 0;
	c->silences++;
}

void silence__heard_unanswering(struct connection *c, const struct ho_event *e, uint64_t at_ns,
				uint32_t clock_jiffies)
{
	int64_t end = (int64_t)e->seq_offset + e->payload;	/* of its new bytes */
	struct deafness *d = &c->incidents->deafness;

	if (!c->silence.asks)
		return;
	d->asks = c->silence.asks;
	d->first_ask_after_ns = at_ns < c->silence.last_ask_ns ? c->silence.last_ask_ns : 0;
	d->heard_jiffies = clock_jiffies;
	d->segs_in = e->segs_in;
	d->data_segs_in = e->data_segs_in;
	d->bytes_received = e->bytes_received + (e->kind == HO_HEARD && end > 0 ? end : 0);
	c->told = true;
}

static void extend_run(struct connection *c, uint64_t sent_ns, uint64_t answered_ns, uint32_t us)
{
	struct answered_run *run = &c->run;

	if (!run->rtt.count)
		*run = (struct answered_run){ .first_ns = sent_ns, .episode = c->silences };
	run->last_ns = answered_ns;
	rtt__add(&run->rtt, us);
}

/* A segment that ends a silence. After several asks it is not known which one it answers, so its
 * RTT is not known; it is taken for late rather than for quick. */
void silence__answered(struct connection *c, uint64_t at_ns, bool fold, struct told *told)
{
	struct silence s = c->silence;
	struct entry entry = { .kind = EVENT_ANSWERED, .at_ns = at_ns, .n = s.asks };
	uint64_t late_us = (at_ns - s.first_ask_ns + 999) / 1000;

	if (s.kinds & ASK_PROBE)
		c->probes_answered++;
	if (late_us > c->slowest_answer_us)
		c->slowest_answer_us = late_us < UINT32_MAX ? late_us : UINT32_MAX;
	if (s.asks == 1 && (s.kinds == ASK_PROBE || s.kinds == ASK_ZERO_WINDOW)) {
		uint32_t us = (at_ns - s.last_ask_ns) / 1000;

		if (fold) {
			extend_run(c, s.last_ask_ns, at_ns, us);
			silence__end(c, at_ns);
			return;
		}
		rtt__add(&entry.rtt, us);
		rtt__add(&c->incidents->rtt, us);
	}
	incidents__note(c, told, entry);
	silence__end(c, at_ns);
}

void silence__answered_unseen(struct connection *c, uint64_t at_ns)
{
	if (c->silence.kinds & ASK_PROBE)
		c->probes_answered++;
	silence__end(c, at_ns);
}
