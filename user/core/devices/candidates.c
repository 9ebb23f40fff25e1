// SPDX-License-Identifier: GPL-2.0
#include "devices/candidates.h"

/* A program that wants two connections opens both within this time. */
#define BREATH_NS 100000000ULL
/* Heard so lately before another connection came, the old one is fresh, or recent. */
#define FRESH_NS 2000000000ULL
#define RECENT_NS 10000000000ULL
/* A peer that is there answers an ask within this time. */
#define ANSWERS_NS 1000000000ULL

uint64_t candidates__heard_ns(const struct slot *s, const struct connection *c)
{
	if (c && c->eventful)
		return c->last_heard_ns;
	return s->partial ? 0 : (uint64_t)s->first_seen_us * 1000;
}

/* Was it silent for longer than ever before, or than its own heartbeat allows? */
static bool is_overdue(const struct connection *c, uint64_t silent_ns)
{
	uint64_t usual_ms = heartbeat__period_ms(&incidents__of(c)->heartbeat);

	if (!usual_ms)
		usual_ms = gaps__longest_ms(&c->gaps);
	return usual_ms && silent_ns / 1000000 > usual_ms + usual_ms / 4;
}

/* Asks that a living peer would have answered by now. */
static enum link_state asked_state(const struct connection *c, uint64_t now_ns)
{
	if (silence__unanswered(c))
		return LINK_ASKED;
	return c->silence.asks && c->silence.last_ask_ns + ANSWERS_NS < now_ns ? LINK_ASKED_ONCE
									       : LINK_UNKNOWN;
}

enum link_state candidates__state(const struct slot *s, const struct connection *c, uint64_t at_ns,
				  uint64_t now_ns)
{
	uint64_t heard = candidates__heard_ns(s, c), silent_ns = at_ns > heard ? at_ns - heard : 0;
	enum link_state asked = c && c->eventful ? asked_state(c, now_ns) : LINK_UNKNOWN;

	if (asked != LINK_UNKNOWN)
		return asked;
	if (!s->partial && at_ns - (uint64_t)s->first_seen_us * 1000 < BREATH_NS)
		return LINK_TWIN;
	if (heard && silent_ns < FRESH_NS)
		return LINK_FRESH;
	if (c && c->eventful && heard && is_overdue(c, silent_ns))
		return LINK_OVERDUE;
	if (heard && silent_ns < RECENT_NS)
		return LINK_RECENT;
	return c && c->eventful ? LINK_IDLE : LINK_UNKNOWN;
}

bool candidates__was_there(const struct slot *old, const struct arrival *by)
{
	return old->cookie != by->cookie && !old->ignored &&
	       (uint64_t)old->first_seen_us * 1000 < by->at_ns;
}

bool candidates__may_be_of_peer(const struct connection *old, const struct arrival *by)
{
	return !old || !old->addressed ||
	       arrivals__are_alike(by, old->netns, connection__family(old), &old->local,
				   &old->peer);
}
