// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "text/reach_text.h"
#include "value/address.h"
#include "value/program_name.h"

static void add_end(struct words *w, const struct timeline_end *e)
{
	char text[ADDRESS_TEXT_SIZE + 8];

	words__add(w, "%s", address__with_port(e->address, e->port, text));
}

/* "203.0.113.7:46786 scooter-17 on :1883 (mosquitto)" */
static void add_connection(struct words *w, const struct timeline_socket *s)
{
	add_end(w, &s->peer);
	if (*s->device)
		words__add(w, " %s", s->device);
	words__add(w, " on :%u", s->local.port);
	if (s->owner.known)
		words__add(w, " (%s)", program_name__shown(s->owner.comm));
	if (*s->netns.name)
		words__add(w, " in %s", s->netns.name);
}

static void add_ask(struct words *w, const struct reach_result *r)
{
	if (r->answer == REACH_REACHABLE) {
		double ms = r->rtt_us / 1e3;

		words__add(w, ": answered");
		if (r->rtt_us)
			words__add(w, " in %.*fms", ms < 1 ? 2 : ms < 10 ? 1 : 0, ms);
		words__add(w, ", after ");
		words__add_duration(w, r->heard_s);
		words__add(w, " of silence");
		return;
	}
	if (r->reset) {
		words__add(w, ": its peer had forgotten the connection, and reset it");
		return;
	}
	if (r->asks)
		words__add(w, ": asked %s", r->asks == 1 ? "once" : r->asks == 2 ? "twice" : "");
	if (r->asks > 2)
		words__add(w, "%u times", r->asks);
	words__add(w, r->asks ? ", no answer within " : ": its data are not acknowledged within ");
	words__add_duration(w, r->within_s);
}

static void add_heard(struct words *w, const struct reach_result *r)
{
	words__add(w, r->answer == REACH_REACHABLE ? ": heard " : "; last heard ");
	words__add_duration(w, r->heard_s);
	words__add(w, " ago");
}

/* Whole percents but near the ends, where they matter most. */
static void add_percent(struct words *w, double chance)
{
	double percent = chance * 100;

	if (percent < 0.1 || percent > 99.9)
		words__add(w, percent < 50 ? "less than 0.1 %%" : "more than 99.9 %%");
	else
		words__add(w, "%.*f %%", percent < 1 || percent > 99 ? 1 : 0, percent);
}

static void add_chance(struct words *w, const struct reach_result *r)
{
	if (isnan(r->probability_before))
		return;
	words__add(w, r->answer == REACH_REACHABLE ? ", which was " : "; ");
	add_percent(w, r->answer == REACH_REACHABLE ? r->probability_before : r->probability);
	words__add(w, r->answer == REACH_REACHABLE ? " likely" : " likely to be there");
	if (r->answer == REACH_SILENT) {
		words__add(w, " (");
		add_percent(w, r->probability_before);
		words__add(w, " before it was asked)");
	}
}

void reach_text__write(struct words *w, const struct reach_result *r)
{
	words__add(w, "%-9s  ", reach_answer__name(r->answer));
	if (!r->has_socket) {
		words__add(w, "%s: %s\n", r->target, r->why);
		return;
	}
	add_connection(w, &r->socket);
	if (r->answer == REACH_UNKNOWN)
		words__add(w, ": %s", r->why);
	else if (r->was_asked)
		add_ask(w, r);
	if (!r->was_asked || r->answer != REACH_REACHABLE)
		add_heard(w, r);
	add_chance(w, r);
	words__add(w, "\n");
}
