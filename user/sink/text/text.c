// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tcp/tcp_states.h"
#include "text/event_words.h"
#include "text/text.h"
#include "timeline/names.h"
#include "value/address.h"
#include "value/plain_text.h"
#include "value/words.h"

#define STATUS_NS 10000000000ULL
/* Programs that are named for their sockets without keepalive. */
#define PROGRAMS_NAMED 3

enum colour { PLAIN, RED, YELLOW, GREEN, DIM };

/* An output whose reader stands still at the end still gets the rest, which is counted. */
static int state_of(const struct text *t)
{
	return t->output->error == ETIMEDOUT ? 0 : -t->output->error;
}

/* ---- pieces ---- */

static void begin_colour(struct text *t, struct words *w, enum colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "", [RED] = "\033[31m", [YELLOW] = "\033[33m", [GREEN] = "\033[32m",
		[DIM] = "\033[2m",
	};

	if (t->colours)
		words__append(w, codes[colour], strlen(codes[colour]));
}

static void end_colour(struct text *t, struct words *w, enum colour colour)
{
	if (t->colours && colour != PLAIN)
		words__add(w, "\033[0m");
}

static void erase_status(struct text *t)
{
	if (t->status_shown)
		output__write(t->output, "\r\033[K", 4);
	t->status_shown = false;
}

/* Replaces the status line, if one is shown. */
static void show(struct text *t, struct words *w)
{
	erase_status(t);
	if (!w->failed)
		output__write(t->output, w->text, w->length);
	words__free(w);
}

static void end_line(struct text *t, struct words *w)
{
	words__add(w, "\n");
	show(t, w);
}

/* ---- lines in order of time ---- */

/* Beyond that many, lines no longer wait for earlier ones. */
#define LINES_MAX (1U << 16)

struct text_line {
	uint64_t at_ns;
	struct words words;
};

static void show_until(struct text *t, uint64_t until_ns)
{
	size_t surplus = t->line_count > LINES_MAX ? LINES_MAX / 2 : 0, shown = 0;

	while (shown < t->line_count &&
	       (shown < surplus || t->lines[shown].at_ns <= until_ns))
		show(t, &t->lines[shown++].words);
	t->line_count -= shown;
	if (shown)
		memmove(t->lines, t->lines + shown, t->line_count * sizeof(*t->lines));
}

static bool make_room(struct text *t)
{
	size_t size = t->line_size ? t->line_size * 2 : 64;
	struct text_line *more;

	if (t->line_count < t->line_size)
		return true;
	more = realloc(t->lines, size * sizeof(*more));
	if (!more)
		return false;
	t->lines = more;
	t->line_size = size;
	return true;
}

/* Endings are reported a moment after they happen, when what follows them is known: a line waits
 * for those before it, and for nothing else. */
static void end_line_of(struct text *t, struct words *w, uint64_t at_ns, uint64_t complete_ns)
{
	size_t place = t->line_count;

	if (!make_room(t)) {
		end_line(t, w);
		return;
	}
	words__add(w, "\n");
	while (place && t->lines[place - 1].at_ns > at_ns)
		place--;
	memmove(t->lines + place + 1, t->lines + place,
		(t->line_count++ - place) * sizeof(*t->lines));
	t->lines[place] = (struct text_line){ at_ns, *w };
	show_until(t, complete_ns);
}

/* 14:03:22.125+02:00 */
static void add_time(struct text *t, struct words *w, int64_t wall_ns)
{
	time_t seconds = wall_ns / 1000000000;
	char clock[16], zone[16];
	struct tm tm;

	if (t->utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	words__add(w, "%s.%03d%.3s:%s  ", clock, (int)(wall_ns / 1000000 % 1000), zone, zone + 3);
}

/* Names chosen by others take no more columns than this, so that none widens all lines. */
#define NAME_COLUMNS 64

/* Columns are as wide as the widest so far, so that lines stay aligned. */
static void add_column(struct text *t, struct words *w, unsigned int column, const char *text)
{
	static const int at_least[] = { 18, 20, 20 };
	int width = plain_text__columns(text);

	if (t->widths[column] < at_least[column])
		t->widths[column] = at_least[column];
	if (width > t->widths[column])
		t->widths[column] = width;
	words__add(w, "%-*s  ", t->widths[column], text);
}

/* comm/pid@NAME, and a host name in words, which is no part of an address. */
static void add_owner(struct words *w, const struct timeline_socket *s)
{
	char part[PLAIN_TEXT_SIZE(NAME_COLUMNS)], host[4 * 65];

	words__add(w, "%s", plain_text__within(s->owner.known ? s->owner.comm : "-", NAME_COLUMNS,
					       part, sizeof(part)));
	if (s->owner.known)
		words__add(w, "/%u", s->owner.pid);
	if (*s->netns.name)
		words__add(w, "@%s",
			   plain_text__within(s->netns.name, NAME_COLUMNS, part, sizeof(part)));
	if (*s->netns.host_name)
		words__add(w, " (host %s)",
			   plain_text__within(plain_text__of_host(s->netns.host_name, host,
								  sizeof(host)),
					      NAME_COLUMNS, part, sizeof(part)));
}

static void add_socket(struct text *t, struct words *w, const struct timeline_socket *s)
{
	char device[PLAIN_TEXT_SIZE(NAME_COLUMNS)], end[ADDRESS_TEXT_SIZE];
	struct words owner = { 0 }, peer = { 0 };

	add_owner(&owner, s);
	add_column(t, w, 0, owner.text ? owner.text : "");
	add_column(t, w, 1, address__with_port(s->local.address, s->local.port, end));
	words__add(&peer, "%s", address__with_port(s->peer.address, s->peer.port, end));
	if (*s->device)
		words__add(&peer, " (%s)", plain_text__within(s->device, NAME_COLUMNS, device,
							      sizeof(device)));
	add_column(t, w, 2, peer.text ? peer.text : "");
	w->failed |= owner.failed || peer.failed;
	words__free(&owner);
	words__free(&peer);
}

/* ---- open sockets ---- */

static void add_half_open(struct words *w, const struct summary *n)
{
	const char *before = " (";
	int by;

	words__add_count(w, n->half_open);
	words__add(w, " half-open");
	for (by = 0; by < FOUND_BY_COUNT; by++) {
		if (!n->half_open_by[by])
			continue;
		words__add(w, "%s%s ", before, found_by__name(by));
		words__add_count(w, n->half_open_by[by]);
		before = ", ";
	}
	words__add(w, n->half_open ? ")" : "");
}

static void add_fates(struct words *w, const struct summary *n, const char *since)
{
	words__add(w, " open, ");
	words__add_count(w, n->suspect);
	words__add(w, " suspect; %s", since);
	words__add_count(w, n->endings);
	words__add(w, " ended, ");
	add_half_open(w, n);
}

static void show_what_is_there(struct text *t, const struct summary *n)
{
	struct words w = { 0 };
	unsigned int i;

	words__add_counted(&w, n->open, "socket");
	words__add(&w, " in ");
	words__add_counted(&w, n->namespaces, "namespace");
	words__add(&w, "; ");
	words__add_count(&w, n->open_without_keepalive);
	words__add(&w, " would never notice a dead peer");
	for (i = 0; i < n->without_keepalive_count && i < PROGRAMS_NAMED; i++) {
		words__add(&w, "%s%s ", i ? ", " : " (", n->without_keepalive[i].comm);
		words__add_count(&w, n->without_keepalive[i].sockets);
	}
	words__add(&w, i ? ")" : "");
	if (n->waiting_for_data) {
		words__add(&w, "; ");
		words__add_count(&w, n->waiting_for_data);
		words__add(&w, " wait%s for %s first data (TCP_DEFER_ACCEPT)",
			   n->waiting_for_data == 1 ? "s" : "",
			   n->waiting_for_data == 1 ? "its" : "their");
	}
	end_line(t, &w);
}

static void show_status(struct text *t, const struct summary *n)
{
	struct words w = { 0 };

	begin_colour(t, &w, DIM);
	add_time(t, &w, n->progress.now_at);
	words__add_count(&w, n->open);
	add_fates(&w, n, "so far ");
	if (n->events_lost) {
		words__add(&w, "; ");
		words__add_counted(&w, n->events_lost, "event");
		words__add(&w, " lost");
	}
	end_colour(t, &w, DIM);
	show(t, &w);
	t->status_shown = true;
}

static void show_all_in_all(struct text *t, const struct summary *n)
{
	struct words w = { 0 };

	words__add(&w, "watched for ");
	words__add_duration(&w, n->watched_s);
	words__add(&w, ": ");
	words__add_counted(&w, n->open, "socket");
	add_fates(&w, n, "");
	if (n->half_open) {
		words__add(&w, ", unnoticed for up to ");
		words__add_duration(&w, n->longest_latency_s);
	}
	words__add(&w, "; ");
	words__add_counted(&w, n->events, "event");
	words__add(&w, ", ");
	words__add_count(&w, n->events_lost);
	words__add(&w, " lost");
	if (n->names_forgotten) {
		words__add(&w, "; ");
		words__add_counted(&w, n->names_forgotten, "name");
		words__add(&w, " of peers forgotten");
	}
	end_line(t, &w);
}

static int on_summary(void *context, const struct summary *n)
{
	struct text *t = context;

	switch (n->kind) {
	case SUMMARY_FIRST:
		show_what_is_there(t, n);
		break;
	case SUMMARY_INTERIM:
		if (t->status)
			show_status(t, n);
		break;
	case SUMMARY_LAST:
		text__flush(t);
		if (!t->brief)
			show_all_in_all(t, n);
		break;
	}
	return state_of(t);
}

static int on_tick(void *context, const struct timeline_progress *p)
{
	struct text *t = context;

	show_until(t, p->complete_ns);
	return state_of(t);
}

void text__flush(struct text *t)
{
	show_until(t, UINT64_MAX);
	free(t->lines);
	t->lines = NULL;
	t->line_size = 0;
}

/* ---- events ---- */

/* A peer that came back is reported as a change. */
static int on_event(void *context, const struct socket_event *e)
{
	struct words w = { 0 };
	struct text *t = context;

	if (e->event.kind == EVENT_SUPERSEDED)
		return 0;
	add_time(t, &w, e->event.at);
	add_socket(t, &w, e->socket);
	event_words__add(&w, &e->event);
	end_line_of(t, &w, e->event.mono_ns, e->progress.complete_ns);
	return state_of(t);
}

static void add_change(struct words *w, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_SUSPECT:
		words__add(w, "suspect: %u unanswered, silent for ", c->asks);
		words__add_duration(w, c->silent_s);
		break;
	case CHANGE_RECOVERED:
		words__add(w, "recovered after ");
		words__add_duration(w, c->silent_s);
		words__add(w, " of silence");
		break;
	case CHANGE_HEARTBEAT:
		words__add(w, "has a heartbeat of its own: %u byte%s every ", c->heartbeat.bytes,
			   c->heartbeat.bytes == 1 ? "" : "s");
		words__add_duration(w, c->heartbeat.period_s);
		break;
	case CHANGE_SUPERSEDED:
		words__add(w, "superseded? the peer came back on another connection (confidence "
			   "%.0f %%)", floor(c->confidence * 100 + 1e-6));
		break;
	}
}

static int on_change(void *context, const struct change *change)
{
	bool warns = change->kind == CHANGE_SUSPECT || change->kind == CHANGE_SUPERSEDED;
	enum colour colour = warns ? YELLOW : GREEN;
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, change->at);
	add_socket(t, &w, change->socket);
	begin_colour(t, &w, colour);
	add_change(&w, change);
	end_colour(t, &w, colour);
	end_line_of(t, &w, change->mono_ns, change->progress.complete_ns);
	return state_of(t);
}

/* Which side was gone, as far as that is known: a reset that answers an ask comes from a peer that
 * forgot the connection, or from a middlebox that did; a subflow's death leaves the connection as
 * it is. */
static const char *who_was_gone(const struct timeline *tl)
{
	bool reset = tl->half_open.found_by == FOUND_BY_RESET ||
		     tl->half_open.found_by == FOUND_BY_PROBE;

	if (tl->socket.mptcp)
		return "subflow dead (its MPTCP connection may live on),";
	if (tl->half_closed)
		return reset ? "the peer had closed and reset what we sent,"
			     : "peer gone after it had closed,";
	return reset ? "forgotten by the peer or the path," : "peer gone";
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

/* Circumstances of the outcome that show where the fault is. */
static void add_circumstances(struct words *w, const struct timeline *tl)
{
	if (tl->detail == DETAIL_UNASKED)
		words__add(w, ": nothing left this host; check its address, route, filter");
	else if (tl->detail == DETAIL_MOVED)
		words__add(w, ": moved elsewhere (TCP_REPAIR)");
	else if (tl->detail == DETAIL_LINGER_0)
		words__add(w, " (linger 0)");
	if (tl->counts.answers_dropped)
		words__add(w, "; answers were dropped by this host (filter, conntrack)");
	if (tl->other_sender.answers)
		words__add(w, "; answers came from another host (TTL %u, data %u)",
			   tl->other_sender.ttl, tl->other_sender.data_ttl);
	if (tl->in_close_wait && tl->half_closed && !tl->half_open.is &&
	    tl->detail == DETAIL_NONE)
		words__add(w, ": the peer had closed, the program had not (CLOSE_WAIT)");
}

static int on_timeline(void *context, const struct timeline *tl)
{
	enum colour colour = tl->half_open.is ? RED
			     : tl->outcome == OUTCOME_SUSPECT ? YELLOW : PLAIN;
	struct words w = { 0 };
	struct text *t = context;

	if (tl->outcome == OUTCOME_OPEN && !tl->half_open.is && !t->all)
		return 0;
	add_time(t, &w, tl->final ? tl->ended_at : tl->progress.now_at);
	add_socket(t, &w, &tl->socket);
	begin_colour(t, &w, colour);
	words__add(&w, "%s", outcome__name(tl->outcome));
	if (tl->half_open.is)
		add_unnoticed(&w, tl);
	add_circumstances(&w, tl);
	end_colour(t, &w, colour);
	end_line_of(t, &w, tl->final ? tl->ended_ns : tl->progress.now_ns,
		    tl->progress.complete_ns);
	return state_of(t);
}

static int on_loss(void *context, const struct loss *loss)
{
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, loss->to_at);
	begin_colour(t, &w, RED);
	words__add_counted(&w, loss->count, "event");
	words__add(&w, " lost (%s): what they would have told is read again where it can be",
		   loss_reason__words(loss->reason));
	end_colour(t, &w, RED);
	end_line_of(t, &w, loss->to_ns, loss->progress.complete_ns);
	return state_of(t);
}

static int on_clock_step(void *context, const struct clock_step *s)
{
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, s->at);
	words__add(&w, "the wall clock was stepped by %+.3f s", s->step_ns / 1e9);
	end_line_of(t, &w, s->mono_ns, s->progress.complete_ns);
	return state_of(t);
}

struct sink text__sink(struct text *t)
{
	return (struct sink){ .size = sizeof(struct sink), .context = t,
			      .summary_every_ns = t->status ? STATUS_NS : 0, .event = on_event,
			      .change = on_change, .timeline = on_timeline, .loss = on_loss,
			      .clock_step = on_clock_step, .summary = on_summary,
			      .tick = on_tick };
}
