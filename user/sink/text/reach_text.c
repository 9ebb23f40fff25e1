// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "text/fit.h"
#include "text/reach_text.h"
#include "value/address.h"
#include "value/plain_text.h"
#include "value/program_name.h"

/* Of the first word. */
#define ANSWER_COLUMNS 11

static void add_end(struct words *w, const struct timeline_end *e)
{
	char text[ADDRESS_TEXT_SIZE + 8];

	words__add(w, "%s", address__with_port(e->address, e->port, text));
}

/* "on :1883 (mosquitto)" */
static void add_our_end(struct words *w, const struct timeline_socket *s)
{
	words__add(w, "on :%u", s->local.port);
	if (s->owner.known)
		words__add(w, " (%s)", program_name__shown(s->owner.comm));
	if (*s->netns.name)
		words__add(w, " in %s", s->netns.name);
}

/* "203.0.113.7:46786 scooter-17 on :1883 (mosquitto)" */
static void add_connection(struct words *w, const struct timeline_socket *s)
{
	add_end(w, &s->peer);
	if (*s->device)
		words__add(w, " %s", s->device);
	words__add(w, " ");
	add_our_end(w, s);
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
	words__add_set_duration(w, r->within_s);
	if (r->answer_dropped)
		words__add(w, ", but this host dropped what came from it (a filter on input)");
}

static void add_heard(struct words *w, const struct reach_result *r, const char *before)
{
	words__add(w, r->answer == REACH_REACHABLE ? "%sheard " : "%slast heard ", before);
	words__add_duration(w, r->heard_s);
	words__add(w, r->answer == REACH_REACHABLE ? " ago, not asked" : " ago");
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

/* Once it has answered, only how likely that was is news. */
static void add_chance(struct words *w, const struct reach_result *r)
{
	bool answered = r->was_asked && r->answer == REACH_REACHABLE;

	if (isnan(r->probability_before))
		return;
	words__add(w, answered ? ", which was " : "; ");
	add_percent(w, answered ? r->probability_before : r->probability);
	words__add(w, answered ? " likely" : " likely to be there");
	if (r->answer == REACH_SILENT) {
		words__add(w, " (");
		add_percent(w, r->probability_before);
		words__add(w, " before it was asked)");
	}
}

/* It hears, and a command waits all the same. */
static void add_window(struct words *w, const struct reach_result *r)
{
	if (!r->window_closed)
		return;
	words__add(w, r->answer == REACH_REACHABLE ? "; but its window is closed"
						   : "; its window was closed");
	if (r->unsent_bytes) {
		words__add(w, ": ");
		words__add_counted(w, r->unsent_bytes, "byte");
		words__add(w, " of ours wait%s", r->unsent_bytes == 1 ? "s" : "");
	}
}

/* What was found, but for whose connection it is. */
static void add_findings(struct words *w, const struct reach_result *r)
{
	if (r->answer == REACH_UNKNOWN)
		words__add(w, ": %s", r->why);
	else if (r->was_asked)
		add_ask(w, r);
	if (!r->was_asked || r->answer != REACH_REACHABLE)
		add_heard(w, r, r->answer == REACH_REACHABLE ? ": " : "; ");
	add_chance(w, r);
	add_window(w, r);
}

static void add_whole(struct words *w, const struct reach_result *r)
{
	if (!r->has_socket) {
		words__add(w, "%s: %s", r->target, r->why);
		return;
	}
	add_connection(w, &r->socket);
	add_findings(w, r);
}

/* Addresses are long: where a name says whose it is, they come last. */
static void add_brief(struct words *w, const struct reach_result *r)
{
	if (!r->has_socket) {
		add_whole(w, r);
		return;
	}
	if (*r->socket.device)
		words__add(w, "%s", r->socket.device);
	else
		add_end(w, &r->socket.peer);
	if (r->answer != REACH_REACHABLE)
		add_heard(w, r, ", ");
	if (r->answer == REACH_UNKNOWN)
		words__add(w, ": %s", r->why);
	else if (r->was_asked)
		add_ask(w, r);
	else
		add_heard(w, r, ": ");
	add_chance(w, r);
	add_window(w, r);
	words__add(w, "; ");
	if (*r->socket.device) {
		add_end(w, &r->socket.peer);
		words__add(w, " ");
	}
	add_our_end(w, &r->socket);
}

void reach_text__write(struct words *w, const struct reach_result *r, int width)
{
	struct words line = { 0 };

	add_whole(&line, r);
	if (width && line.text && ANSWER_COLUMNS + (int)plain_text__columns(line.text) > width) {
		words__free(&line);
		add_brief(&line, r);
	}
	words__add(w, "%-*s", ANSWER_COLUMNS, reach_answer__name(r->answer));
	if (line.text)
		fit__add_broken(w, line.text, ANSWER_COLUMNS, width, ANSWER_COLUMNS);
	words__add(w, "\n");
	w->failed |= line.failed;
	words__free(&line);
}
