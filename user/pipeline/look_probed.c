// SPDX-License-Identifier: GPL-2.0
#include "pipeline/look_probed.h"
#include "pipeline/look_value.h"
#include "tcp/stamps.h"

/* An old file has the wall clock's time alone. */
static uint64_t end_ns(const struct probed *p, const struct look *l)
{
	if (p->mono_ns)
		return p->mono_ns;
	return p->at > l->wall_ns ? p->at - l->wall_ns : 0;
}

int64_t look_probed__at(const struct look_probed *p, const struct look *l)
{
	return p->probed->mono_ns ? (int64_t)p->probed->mono_ns + l->wall_ns : p->probed->at;
}

/* Did it pass the probe's FILTER? Whom that names is not known of an old file. */
static bool might_have_been_drawn(const struct look_probed *p, const struct look *l,
				  const struct look_socket *s)
{
	struct filter_subject subject;

	if (!p->probed->drawn_mono_ns)
		return false;
	if (!p->filter)
		return true;
	subject = look__subject(l, s);
	return filter__matches(p->filter, &subject) == TRUTH_YES;
}

/* A peer that was heard since it left the ask unanswered is alive. */
static void count_drawn(struct probed_counts *c, const struct probed_socket *found, bool quiet,
			bool heard_since)
{
	bool alive = !quiet || heard_since || found->result == PROBE_ANSWERED;

	c->drawn++;
	c->drawn_quiet += quiet;
	c->dead += !alive && found->result == PROBE_UNANSWERED;
	c->unclear += !alive && found->result == PROBE_UNKNOWN;
}

void look_probed__count(const struct look_probed *p, const struct look *l,
			const struct look_socket *s, const struct exposure *x,
			struct probed_counts *c)
{
	uint64_t heard_ns = stamps__arrived_ns(&s->row.event, l->rules.hz);
	uint64_t ended_ns = end_ns(p->probed, l);
	const struct probed_socket *found = probed__find(p->probed, s->row.event.cookie);
	bool quiet = heard_ns <= ended_ns && !x->said_goodbye;

	c->in_part |= p->probed->interrupted;
	if (found) {
		count_drawn(c, found, quiet, heard_ns > (found->mono_ns ?: ended_ns));
	} else if (might_have_been_drawn(p, l, s)) {
		c->others++;
		c->others_quiet += quiet;
		c->others_heard += quiet && heard_ns > p->probed->drawn_mono_ns;
	} else {
		c->outside++;
	}
}
