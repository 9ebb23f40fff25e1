// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "text/happenings.h"
#include "timeline/names.h"
#include "value/hash.h"

/* ---- changes ---- */

/* A confidence is never shown as more than it is. */
static double percent(double confidence)
{
	return floor(confidence * 100 + 1e-6);
}

static void add_heartbeat(struct words *w, const struct change *c, bool brief)
{
	words__add(w, brief ? "heartbeat: %u byte%s every "
			    : "has a heartbeat of its own: %u byte%s every ", c->heartbeat.bytes,
		   c->heartbeat.bytes == 1 ? "" : "s");
	words__add_duration(w, c->heartbeat.period_s);
}

void happenings__add_change(struct words *w, const struct change *c, bool brief)
{
	switch (c->kind) {
	case CHANGE_SUSPECT:
		words__add(w, brief ? "suspect: %u unanswered, silent "
				    : "suspect: %u unanswered, silent for ", c->asks);
		words__add_duration(w, c->silent_s);
		break;
	case CHANGE_RECOVERED:
		words__add(w, "recovered after ");
		words__add_duration(w, c->silent_s);
		words__add(w, brief ? "" : " of silence");
		break;
	case CHANGE_HEARTBEAT:
		add_heartbeat(w, c, brief);
		break;
	case CHANGE_SUPERSEDED:
		words__add(w, brief ? "superseded? (%.0f %%)"
				    : "superseded? the peer came back on another connection "
				      "(confidence %.0f %%)", percent(c->confidence));
		break;
	}
}

void happenings__classify_change(const struct change *c, struct story_key *key,
				 struct story_range *range)
{
	static const enum story_kind kinds[] = {
		[CHANGE_SUSPECT] = STORY_SUSPECT, [CHANGE_RECOVERED] = STORY_RECOVERED,
		[CHANGE_HEARTBEAT] = STORY_HEARTBEAT, [CHANGE_SUPERSEDED] = STORY_SUPERSEDED,
	};
	double s = c->kind == CHANGE_HEARTBEAT ? c->heartbeat.period_s : c->silent_s;

	key->kind = kinds[c->kind];
	*range = (struct story_range){ c->kind != CHANGE_SUPERSEDED, true, s, s };
}

/* ---- endings ---- */

/* Which side was gone, as far as that is known: a reset that answers an ask comes from a peer that
 * forgot the connection, or from a middlebox that did; a subflow's death leaves the connection as
 * it is. */
static bool is_forgotten(const struct timeline *tl)
{
	return tl->half_open.found_by == FOUND_BY_RESET || tl->half_open.found_by == FOUND_BY_PROBE;
}

static const char *who_was_gone(const struct timeline *tl)
{
	bool reset = is_forgotten(tl);

	if (tl->socket.mptcp)
		return "subflow dead (its MPTCP connection may live on),";
	if (tl->half_closed)
		return reset ? "the peer had closed and reset what we sent,"
			     : "peer gone after it had closed,";
	return reset ? "forgotten by the peer or the path," : "peer gone";
}

static const char *who_was_gone_briefly(const struct timeline *tl)
{
	if (tl->socket.mptcp)
		return "subflow dead";
	return is_forgotten(tl) ? "forgotten" : "gone";
}

/* "1m1s to 2m2s", or "up to 2m2s". */
static void add_range(struct words *w, const struct story_range *r)
{
	if (r->least_known && r->most - r->least >= 0.05) {
		words__add_duration(w, r->least);
		words__add(w, " to ");
	} else if (!r->least_known) {
		words__add(w, "up to ");
	}
	words__add_duration(w, r->most);
}

static struct story_range unnoticed(const struct timeline *tl)
{
	const struct timeline_half_open *h = &tl->half_open;

	if (tl->deaf_s)
		return (struct story_range){ true, true, tl->deaf_s, tl->deaf_s };
	return (struct story_range){ h->is, h->latency_ms.lower_bounds_known,
				     h->latency_ms.likely_min / 1e3, h->latency_ms.max / 1e3 };
}

static void add_unnoticed(struct words *w, const struct timeline *tl)
{
	const struct timeline_half_open *h = &tl->half_open;

	if (tl->deaf_s) {
		words__add(w, ", nothing acknowledged for ");
		words__add_duration(w, tl->deaf_s);
		words__add(w, ", though heard until the end");
	} else {
		words__add(w, ", %s unnoticed for ", who_was_gone(tl));
		if (h->latency_ms.lower_bounds_known) {
			words__add_duration(w, h->latency_ms.likely_min / 1e3);
			words__add(w, " to ");
		} else {
			words__add(w, "up to ");
		}
		words__add_duration(w, h->latency_ms.max / 1e3);
	}
	words__add(w, " (%s)", found_by__name(h->found_by));
}

/* How it was found, where the outcome's name does not say so. */
static const char *found_otherwise(enum found_by by)
{
	return by == FOUND_BY_SUPERSEDED ? " (superseded)"
	       : by == FOUND_BY_PROBE ? " (probe)"
	       : by == FOUND_BY_LOCAL_CLOSE ? " (suspect)" : "";
}

static void add_unnoticed_briefly(struct words *w, const struct timeline *tl)
{
	struct story_range range = unnoticed(tl);

	words__add(w, "%s, %s ", found_otherwise(tl->half_open.found_by),
		   tl->deaf_s ? "unacknowledged" : who_was_gone_briefly(tl));
	add_range(w, &range);
}

static bool waited_in_close_wait(const struct timeline *tl)
{
	return tl->in_close_wait && tl->half_closed && !tl->half_open.is &&
	       tl->detail == DETAIL_NONE;
}

/* Circumstances of the outcome that show where the fault is. */
static void add_circumstances(struct words *w, const struct timeline *tl)
{
	if (tl->detail == DETAIL_UNASKED)
		words__add(w, ": nothing left this host; check its address, route, filter");
	else if (tl->detail == DETAIL_MOVED)
		words__add(w, ": moved elsewhere (TCP_REPAIR)");
	else if (tl->detail == DETAIL_LINGER_0)
		words__add(w, " (linger 0)");
	else if (tl->outcome == OUTCOME_UNKNOWN && *tl->outcome_detail)
		words__add(w, ": %s", tl->outcome_detail);
	if (tl->counts.answers_dropped)
		words__add(w, "; answers were dropped by this host (filter, conntrack)");
	if (tl->other_sender.answers)
		words__add(w, "; answers came from another host (TTL %u, data %u)",
			   tl->other_sender.ttl, tl->other_sender.data_ttl);
	if (waited_in_close_wait(tl))
		words__add(w, ": the peer had closed, the program had not (CLOSE_WAIT)");
}

void happenings__add_timeline(struct words *w, const struct timeline *tl, bool brief)
{
	words__add(w, "%s", outcome__name(tl->outcome));
	if (tl->half_open.is && brief)
		add_unnoticed_briefly(w, tl);
	else if (tl->half_open.is)
		add_unnoticed(w, tl);
	add_circumstances(w, tl);
}

/* Bits of story_key's `circumstances`. */
enum { HALF_OPEN = 1, FORGOTTEN = 2, SUBFLOW = 4, DEAF = 8, DROPPED = 16, OTHER_SENDER = 32,
       CLOSE_WAITED = 64, AFTER_CLOSE = 128 };

static uint8_t circumstances(const struct timeline *tl)
{
	bool gone = tl->half_open.is;

	return (gone ? HALF_OPEN : 0) |
	       (gone && is_forgotten(tl) ? FORGOTTEN : 0) |
	       (gone && tl->socket.mptcp ? SUBFLOW : 0) | (tl->deaf_s ? DEAF : 0) |
	       (tl->counts.answers_dropped ? DROPPED : 0) |
	       (tl->other_sender.answers ? OTHER_SENDER : 0) |
	       (waited_in_close_wait(tl) ? CLOSE_WAITED : 0) |
	       (gone && tl->half_closed ? AFTER_CLOSE : 0);
}

static uint32_t hash_of(const char *text)
{
	uint64_t hash = 0;

	while (*text)
		hash = hash__number(hash, (unsigned char)*text++);
	return hash;
}

void happenings__classify_timeline(const struct timeline *tl, struct story_key *key,
				   struct story_range *range, struct words *how)
{
	key->kind = STORY_ENDED;
	key->outcome = tl->outcome;
	key->found_by = tl->half_open.is ? tl->half_open.found_by : FOUND_BY_NOTHING;
	key->detail = tl->detail;
	key->circumstances = circumstances(tl);
	key->reason = tl->outcome == OUTCOME_UNKNOWN ? hash_of(tl->outcome_detail) : 0;
	*range = unnoticed(tl);
	add_circumstances(how, tl);
}

/* ---- stories ---- */

/* " in 1s": from the first to the last. */
static void add_span(struct words *w, const struct story *s)
{
	double span_s = (s->last_ns - s->first_ns) / 1e9;

	words__add(w, " in ");
	words__add_duration(w, span_s < 0.1 ? 0.1 : span_s);
}

static void add_story_of_endings(struct words *w, const struct story *s)
{
	uint8_t c = s->key.circumstances;

	words__add(w, " %s%s", outcome__name(s->key.outcome), found_otherwise(s->key.found_by));
	if (s->key.outcome != OUTCOME_OPEN && s->key.outcome != OUTCOME_SUSPECT)
		add_span(w, s);
	if (c & HALF_OPEN) {
		words__add(w, ", %s ", c & DEAF ? "unacknowledged" : c & SUBFLOW ? "subflow dead"
				       : c & FORGOTTEN ? "forgotten" : "gone");
		add_range(w, &s->range);
	}
	if (s->how.text)
		words__append(w, s->how.text, s->how.length);
}

void happenings__add_story(struct words *w, const struct story *s)
{
	words__add_count(w, s->count);
	words__add(w, s->goes_on ? " more" : "");
	switch ((enum story_kind)s->key.kind) {
	case STORY_ENDED:
		add_story_of_endings(w, s);
		return;
	case STORY_SUSPECT:
		words__add(w, " suspect");
		add_span(w, s);
		words__add(w, ", silent ");
		break;
	case STORY_RECOVERED:
		words__add(w, " recovered");
		add_span(w, s);
		words__add(w, " after a silence of ");
		break;
	case STORY_HEARTBEAT:
		words__add(w, " have heartbeats of their own, every ");
		break;
	case STORY_SUPERSEDED:
	case STORY_NONE:
		words__add(w, " superseded?");
		add_span(w, s);
		words__add(w, ": their peers came back");
		return;
	}
	add_range(w, &s->range);
}
