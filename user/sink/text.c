// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "outcome.h"
#include "plain_text.h"
#include "tcp_states.h"
#include "text.h"
#include "words.h"

#define STATUS_NS 10000000000ULL
/* Programs named as those that would never notice. */
#define PROGRAMS_NAMED 3

enum colour { PLAIN, RED, YELLOW, GREEN, DIM };

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

/* In place of the status, if one is shown. */
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

/* Beyond that many, lines no longer wait for others that belong before them. */
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

/* Endings are told a moment later than they happen, when what follows them is known: a line waits
 * for those before it, and for nothing else. */
static void end_line_of(struct text *t, struct words *w, uint64_t at_ns)
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
	show_until(t, core__told_until_ns(t->core));
}

/* 48,112 */
static void add_count(struct words *w, uint64_t n)
{
	if (n >= 1000) {
		add_count(w, n / 1000);
		words__add(w, ",%03" PRIu64, n % 1000);
	} else {
		words__add(w, "%" PRIu64, n);
	}
}

static void add_counted(struct words *w, uint64_t n, const char *thing)
{
	add_count(w, n);
	words__add(w, " %s%s", thing, n == 1 ? "" : "s");
}

/* 14:03:22.125+02:00 */
static void add_time(struct text *t, struct words *w, uint64_t mono_ns)
{
	int64_t wall_ns = wallclock__at(t->run->clock, mono_ns);
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

/* Names that others chose take no more columns than this, so that nobody widens all lines. */
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

/* comm/pid@NAME, and a host name in words, which are no part of an address. */
static void add_owner(struct words *w, const struct subject *s)
{
	char part[PLAIN_TEXT_SIZE(NAME_COLUMNS)], host[4 * 65];

	words__add(w, "%s", plain_text__within(s->owner ? s->owner->comm : "-", NAME_COLUMNS, part,
					       sizeof(part)));
	if (s->owner)
		words__add(w, "/%u", s->owner->pid);
	if (*s->netns_name)
		words__add(w, "@%s",
			   plain_text__within(s->netns_name, NAME_COLUMNS, part, sizeof(part)));
	if (s->netns && *s->netns->host_name)
		words__add(w, " (host %s)",
			   plain_text__within(plain_text__of_host(s->netns->host_name, host,
								  sizeof(host)),
					      NAME_COLUMNS, part, sizeof(part)));
}

static void add_socket(struct text *t, struct words *w, const struct subject *s)
{
	const struct connection *c = s->connection;
	char device[PLAIN_TEXT_SIZE(NAME_COLUMNS)];
	char address[ADDRESS_TEXT_SIZE], end[ADDRESS_TEXT_SIZE];
	struct words owner = { 0 }, peer = { 0 };

	add_owner(&owner, s);
	add_column(t, w, 0, owner.text ? owner.text : "");
	address__format(connection__family(c), incidents__of(c)->bound_if, c->local.address,
			address);
	add_column(t, w, 1, address__with_port(address, c->local.port, end));
	address__format_peer(t->disguise, connection__family(c), incidents__of(c)->bound_if,
			     c->peer.address, address);
	words__add(&peer, "%s", address__with_port(address, c->peer.port, end));
	if (s->device)
		words__add(&peer, " (%s)", plain_text__within(s->device, NAME_COLUMNS, device,
							      sizeof(device)));
	add_column(t, w, 2, peer.text ? peer.text : "");
	w->failed |= owner.failed || peer.failed;
	words__free(&owner);
	words__free(&peer);
}

/* ---- what there is ---- */

static void add_half_open(struct words *w, const struct core_totals *n)
{
	const char *before = " (";
	int by;

	add_count(w, n->half_open);
	words__add(w, " half-open");
	for (by = 0; by < FOUND_BY_COUNT; by++) {
		if (!n->half_open_by[by])
			continue;
		words__add(w, "%s%s ", before, found_by__name(by));
		add_count(w, n->half_open_by[by]);
		before = ", ";
	}
	words__add(w, n->half_open ? ")" : "");
}

static void add_fates(struct words *w, const struct core_totals *n, const char *since)
{
	words__add(w, " open, ");
	add_count(w, n->suspect);
	words__add(w, " suspect; %s", since);
	add_count(w, n->endings);
	words__add(w, " ended, ");
	add_half_open(w, n);
}

static void on_start(void *context, const struct run *run)
{
	struct program_count programs[PROGRAMS_NAMED];
	struct text *t = context;
	struct core_totals n = core__totals(t->core);
	struct words w = { 0 };
	unsigned int named, i;

	t->run = run;
	t->next_status_ns = run->started_ns + STATUS_NS;
	add_counted(&w, n.open, "socket");
	words__add(&w, " in ");
	add_counted(&w, n.namespaces, "namespace");
	words__add(&w, "; ");
	add_count(&w, n.open_without_keepalive);
	words__add(&w, " would never notice a dead peer");
	named = core__blind_programs(t->core, programs, PROGRAMS_NAMED);
	for (i = 0; i < named; i++) {
		words__add(&w, "%s%s ", i ? ", " : " (", programs[i].comm);
		add_count(&w, programs[i].sockets);
	}
	words__add(&w, named ? ")" : "");
	if (run->waiting) {
		words__add(&w, "; ");
		add_count(&w, run->waiting);
		words__add(&w, " wait%s for %s first data (TCP_DEFER_ACCEPT)",
			   run->waiting == 1 ? "s" : "", run->waiting == 1 ? "its" : "their");
	}
	end_line(t, &w);
}

static void show_status(struct text *t, uint64_t now_ns)
{
	struct core_totals n = core__totals(t->core);
	struct words w = { 0 };

	begin_colour(t, &w, DIM);
	add_time(t, &w, now_ns);
	add_count(&w, n.open);
	add_fates(&w, &n, "so far ");
	if (n.events_lost) {
		words__add(&w, "; ");
		add_counted(&w, n.events_lost, "event");
		words__add(&w, " lost");
	}
	end_colour(t, &w, DIM);
	show(t, &w);
	t->status_shown = true;
}

static void on_tick(void *context, uint64_t mono_ns)
{
	struct text *t = context;

	show_until(t, core__told_until_ns(t->core));
	if (!t->status || mono_ns < t->next_status_ns)
		return;
	t->next_status_ns = mono_ns + STATUS_NS;
	show_status(t, mono_ns);
}

void text__flush(struct text *t)
{
	show_until(t, UINT64_MAX);
	free(t->lines);
	t->lines = NULL;
	t->line_size = 0;
}

void text__summary(struct text *t, uint64_t now_ns)
{
	struct core_totals n = core__totals(t->core);
	struct words w = { 0 };

	if (!t->run || t->brief)
		return;
	words__add(&w, "watched for ");
	words__add_duration(&w,
			    now_ns > t->run->started_ns ? (now_ns - t->run->started_ns) / 1e9 : 0);
	words__add(&w, ": ");
	add_counted(&w, n.open, "socket");
	add_fates(&w, &n, "");
	if (n.half_open) {
		words__add(&w, ", unnoticed for up to ");
		words__add_duration(&w, n.longest_blind_ns / 1e9);
	}
	words__add(&w, "; ");
	add_counted(&w, n.events, "event");
	words__add(&w, ", ");
	add_count(&w, n.events_lost);
	words__add(&w, " lost");
	if (n.names_forgotten) {
		words__add(&w, "; ");
		add_counted(&w, n.names_forgotten, "name");
		words__add(&w, " of peers forgotten");
	}
	end_line(t, &w);
}

/* ---- what happens ---- */

static void add_event(struct words *w, const struct entry *e)
{
	static const char *const names[] = {
		[ENTRY_SEEN] = "seen", [ENTRY_ESTABLISHED] = "established",
		[ENTRY_PROBE_SENT] = "probe sent", [ENTRY_PROBE_FAILED] = "probe failed",
		[ENTRY_ANSWERED] = "answered", [ENTRY_ANSWERED_RUN] = "answered",
		[ENTRY_PEER_PROBE] = "peer's probe", [ENTRY_RETRANSMIT] = "retransmission",
		[ENTRY_OPTION_CHANGE] = "options changed", [ENTRY_RESET_SENT] = "reset sent",
		[ENTRY_RESET_RECEIVED] = "reset received", [ENTRY_ERROR] = "error",
		[ENTRY_STATE] = "state", [ENTRY_LOST] = "lost",
		[ENTRY_ZERO_WINDOW_PROBE] = "zero-window probe",
		[ENTRY_HEARTBEAT] = "heartbeat", [ENTRY_SEND_FAILED] = "send failed",
		[ENTRY_ANSWER_DROPPED] = "answer dropped by this host",
	};

	if (e->kind == ENTRY_SUPERSEDED) {
		words__add(w, "superseded? the peer came back on another connection (confidence "
			   "%.0f %%)", e->n / 10.0);
		return;
	}
	words__add(w, "%s", names[e->kind]);
	if (e->kind == ENTRY_STATE)
		words__add(w, " %s -> %s", tcp_state__name(e->from), tcp_state__name(e->to));
	else if (e->kind == ENTRY_ANSWERED && e->rtt.count)
		words__add(w, " after %.3f ms", e->rtt.min_us / 1000.0);
	else if (e->kind == ENTRY_ERROR)
		words__add(w, " %s", strerror(e->n));
	else if (e->kind == ENTRY_PROBE_FAILED || e->kind == ENTRY_SEND_FAILED)
		words__add(w, ": %s", e->n == HO_FAILED_DROPPED ? "this host dropped it"
							 : "local congestion");
	else if (e->kind == ENTRY_PROBE_SENT || e->kind == ENTRY_RETRANSMIT ||
		 e->kind == ENTRY_ZERO_WINDOW_PROBE)
		words__add(w, " #%u", e->n);
	else if (e->kind == ENTRY_HEARTBEAT)
		words__add(w, " of %u byte%s", e->n, e->n == 1 ? "" : "s");
}

static void on_event(void *context, const struct subject *s, const struct entry *e)
{
	enum colour colour = e->kind == ENTRY_SUPERSEDED ? YELLOW : PLAIN;
	struct words w = { 0 };
	struct text *t = context;
	/* somebody came then; that he superseded this one is thought now */
	uint64_t at_ns = e->kind == ENTRY_SUPERSEDED ? core__now_ns(t->core) : e->at_ns;

	add_time(t, &w, at_ns);
	add_socket(t, &w, s);
	begin_colour(t, &w, colour);
	add_event(&w, e);
	end_colour(t, &w, colour);
	end_line_of(t, &w, at_ns);
}

static void on_change(void *context, const struct subject *s, const struct change *change)
{
	enum colour colour = change->kind == CHANGE_SUSPECT ? YELLOW : GREEN;
	const struct heartbeat *h = &incidents__of(s->connection)->heartbeat;
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, change->at_ns);
	add_socket(t, &w, s);
	begin_colour(t, &w, colour);
	switch (change->kind) {
	case CHANGE_SUSPECT:
		words__add(&w, "suspect: %u unanswered, silent for ", change->asks);
		words__add_duration(&w, change->silent_ns / 1e9);
		break;
	case CHANGE_RECOVERED:
		words__add(&w, "recovered after ");
		words__add_duration(&w, change->silent_ns / 1e9);
		words__add(&w, " of silence");
		break;
	case CHANGE_HEARTBEAT:
		words__add(&w, "has a heartbeat of its own: %u byte%s every ", h->bytes,
		    h->bytes == 1 ? "" : "s");
		words__add_duration(&w, heartbeat__period_ms(h) / 1e3);
		break;
	}
	end_colour(t, &w, colour);
	end_line_of(t, &w, change->at_ns);
}

/* Who was gone, as far as that is known: a reset that answers an ask comes from a peer that forgot
 * the connection, or from a middlebox that did; a subflow's death leaves the connection as it is. */
static const char *who_was_gone(const struct timeline *tl)
{
	const struct incidents *i = incidents__of(tl->subject.connection);

	if (tl->subject.connection->mptcp)
		return "subflow dead (its MPTCP connection may live on),";
	if (i->half_closed_ns)
		return i->found_by == FOUND_BY_RESET
			       ? "the peer had closed and reset what we sent,"
			       : "peer gone after it had closed,";
	return i->found_by == FOUND_BY_RESET ? "forgotten by the peer or the path," : "peer gone";
}

/* For how long nothing was acknowledged, though the peer was heard until the end; 0: it was not. */
static uint64_t deaf_ns(const struct timeline *tl)
{
	const struct incidents *i = incidents__of(tl->subject.connection);

	return i->acknowledged_ns && tl->evidence.deaf_asks > 1 &&
			       tl->evidence.last_heard_ns > i->acknowledged_ns
		       ? tl->evidence.last_heard_ns - i->acknowledged_ns
		       : 0;
}

static void add_blindness(struct words *w, const struct timeline *tl)
{
	if (deaf_ns(tl)) {
		words__add(w, ", nothing acknowledged for ");
		words__add_duration(w, deaf_ns(tl) / 1e9);
		words__add(w, ", though heard until the end");
	} else {
		words__add(w, ", %s unnoticed for ", who_was_gone(tl));
		if (tl->latency.lower_bounds_known) {
			words__add_duration(w, tl->latency.likely_min_ns / 1e9);
			words__add(w, " to ");
		} else {
			words__add(w, "up to ");
		}
		words__add_duration(w, tl->latency.max_ns / 1e9);
	}
	words__add(w, " (%s)", found_by__name(incidents__of(tl->subject.connection)->found_by));
}

/* What happened beside the outcome, if it says where the fault is. */
static void add_circumstances(struct words *w, const struct timeline *tl)
{
	const struct incidents *i = incidents__of(tl->subject.connection);

	if (i->detail == DETAIL_UNASKED)
		words__add(w, ": nothing left this host; check its address, route, filter");
	else if (i->detail == DETAIL_MOVED)
		words__add(w, ": moved elsewhere (TCP_REPAIR)");
	else if (i->detail == DETAIL_LINGER_0)
		words__add(w, " (linger 0)");
	if (i->answers_dropped)
		words__add(w, "; answers were dropped by this host (filter, conntrack)");
	if (i->other.answers)
		words__add(w, "; answers came from another host (TTL %u, data %u)", i->other.ttl,
			   tl->subject.connection->data_ttl);
	if (tl->final && i->half_closed_ns && !tl->half_open && i->ended_from == TCP_CLOSE_WAIT &&
	    i->detail == DETAIL_NONE)
		words__add(w, ": the peer had closed, the program had not (CLOSE_WAIT)");
}

static void on_timeline(void *context, const struct timeline *tl)
{
	const struct connection *c = tl->subject.connection;
	enum colour colour = tl->half_open ? RED : tl->outcome == OUTCOME_SUSPECT ? YELLOW : PLAIN;
	struct words w = { 0 };
	struct text *t = context;
	uint64_t at_ns = tl->final ? connection__ended_ns(c) : core__now_ns(t->core);

	if (tl->outcome == OUTCOME_OPEN && !tl->half_open && !t->all)
		return;
	add_time(t, &w, at_ns);
	add_socket(t, &w, &tl->subject);
	begin_colour(t, &w, colour);
	words__add(&w, "%s", outcome__name(tl->outcome));
	if (tl->half_open)
		add_blindness(&w, tl);
	add_circumstances(&w, tl);
	end_colour(t, &w, colour);
	end_line_of(t, &w, at_ns);
}

static void on_loss(void *context, const struct loss *loss)
{
	static const char *const reasons[] = {
		[LOSS_RING_FULL] = "ring buffer full", [LOSS_RECURSION] = "recursion",
		[LOSS_UNSEEN] = "the kernel ran no program",
		[LOSS_SENSELESS] = "records that make no sense",
	};
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, loss->to_ns);
	begin_colour(t, &w, RED);
	add_counted(&w, loss->count, "event");
	words__add(&w, " lost (%s): what they would have told is read again where it can be",
		   reasons[loss->reason]);
	end_colour(t, &w, RED);
	end_line_of(t, &w, loss->to_ns);
}

static void on_clock_step(void *context, uint64_t mono_ns, int64_t step_ns)
{
	struct words w = { 0 };
	struct text *t = context;

	add_time(t, &w, mono_ns);
	words__add(&w, "the wall clock was stepped by %+.3f s", step_ns / 1e9);
	end_line_of(t, &w, mono_ns);
}

struct core_sink text__sink(struct text *t)
{
	return (struct core_sink){ .context = t, .start = on_start, .event = on_event,
				   .change = on_change, .timeline = on_timeline, .loss = on_loss,
				   .clock_step = on_clock_step, .tick = on_tick };
}
