// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "outcome.h"
#include "tcp_states.h"
#include "text.h"

#define STATUS_NS 10000000000ULL
#define LINE_SIZE 1024
/* Programs named as those that would never notice. */
#define PROGRAMS_NAMED 3

enum colour { PLAIN, RED, YELLOW, GREEN, DIM };

/* ---- pieces ---- */

/* A line under construction; what does not fit is cut. */
struct line {
	char text[LINE_SIZE];
	size_t used;
};

__attribute__((format(printf, 2, 3)))
static void add(struct line *l, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(l->text + l->used, sizeof(l->text) - l->used, format, args);
	va_end(args);
	l->used += length;
	if (l->used > sizeof(l->text) - 1)
		l->used = sizeof(l->text) - 1;
}

static void begin_colour(struct text *t, struct line *l, enum colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "", [RED] = "\033[31m", [YELLOW] = "\033[33m", [GREEN] = "\033[32m",
		[DIM] = "\033[2m",
	};

	if (t->colours)
		add(l, "%s", codes[colour]);
}

static void end_colour(struct text *t, struct line *l, enum colour colour)
{
	if (t->colours && colour != PLAIN)
		add(l, "\033[0m");
}

static void erase_status(struct text *t)
{
	if (t->status_shown)
		output__write(t->output, "\r\033[K", 4);
	t->status_shown = false;
}

static void end_line(struct text *t, struct line *l)
{
	if (l->used == sizeof(l->text) - 1)
		l->used--;
	l->text[l->used++] = '\n';
	erase_status(t);
	output__write(t->output, l->text, l->used);
}

/* 48,112 */
static void add_count(struct line *l, uint64_t n)
{
	if (n >= 1000) {
		add_count(l, n / 1000);
		add(l, ",%03" PRIu64, n % 1000);
	} else {
		add(l, "%" PRIu64, n);
	}
}

static void add_counted(struct line *l, uint64_t n, const char *thing)
{
	add_count(l, n);
	add(l, " %s%s", thing, n == 1 ? "" : "s");
}

/* 0.4 s, 6.1 s, 14 min 20 s, 2 h 4 min */
static void add_duration(struct line *l, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	if (s < 120)
		add(l, "%.1f s", ns / 1e9);
	else if (s < 7200)
		add(l, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		add(l, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
}

/* 14:03:22.125+02:00 */
static void add_time(struct text *t, struct line *l, uint64_t mono_ns)
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
	add(l, "%s.%03d%.3s:%s  ", clock, (int)(wall_ns / 1000000 % 1000), zone, zone + 3);
}

/* Columns are as wide as the widest so far, so that lines stay aligned. */
static void add_column(struct text *t, struct line *l, unsigned int column, const char *text)
{
	static const int at_least[] = { 18, 20, 20 };
	int width = strlen(text);

	if (t->widths[column] < at_least[column])
		t->widths[column] = at_least[column];
	if (width > t->widths[column])
		t->widths[column] = width;
	add(l, "%-*s  ", t->widths[column], text);
}

static void add_socket(struct text *t, struct line *l, const struct subject *s)
{
	const struct connection *c = s->connection;
	char address[ADDRESS_TEXT_SIZE], end[ADDRESS_TEXT_SIZE], name[340];

	snprintf(name, sizeof(name), "%s", s->owner ? s->owner->comm : "-");
	if (s->owner)
		snprintf(name + strlen(name), 16, "/%u", s->owner->pid);
	if (*s->netns_name)
		snprintf(name + strlen(name), 80, "@%s", s->netns_name);
	add_column(t, l, 0, name);
	address__format(connection__family(c), connection__incidents(c)->bound_if, c->local.address, address);
	add_column(t, l, 1, address__with_port(address, c->local.port, end));
	address__format_peer(t->disguise, connection__family(c), connection__incidents(c)->bound_if, c->peer.address, address);
	address__with_port(address, c->peer.port, end);
	if (s->device)
		snprintf(name, sizeof(name), "%s (%s)", end, s->device);
	add_column(t, l, 2, s->device ? name : end);
}

/* ---- what there is ---- */

static void add_half_open(struct line *l, const struct core_totals *n)
{
	const char *before = " (";
	int by;

	add_count(l, n->half_open);
	add(l, " half-open");
	for (by = 0; by < FOUND_BY_COUNT; by++) {
		if (!n->half_open_by[by])
			continue;
		add(l, "%s%s ", before, found_by__name(by));
		add_count(l, n->half_open_by[by]);
		before = ", ";
	}
	add(l, n->half_open ? ")" : "");
}

static void on_start(void *context, const struct run *run)
{
	struct program_count programs[PROGRAMS_NAMED];
	struct text *t = context;
	struct core_totals n = core__totals(t->core);
	struct line l = { .used = 0 };
	unsigned int named, i;

	t->run = run;
	t->next_status_ns = run->started_ns + STATUS_NS;
	add_counted(&l, n.open, "socket");
	add(&l, " in ");
	add_counted(&l, n.namespaces, "namespace");
	add(&l, "; ");
	add_count(&l, n.open_without_keepalive);
	add(&l, " would never notice a dead peer");
	named = core__blind_programs(t->core, programs, PROGRAMS_NAMED);
	for (i = 0; i < named; i++) {
		add(&l, "%s%s ", i ? ", " : " (", programs[i].comm);
		add_count(&l, programs[i].sockets);
	}
	add(&l, named ? ")" : "");
	end_line(t, &l);
}

static void show_status(struct text *t, uint64_t now_ns)
{
	struct core_totals n = core__totals(t->core);
	struct line l = { .used = 0 };

	begin_colour(t, &l, DIM);
	add_time(t, &l, now_ns);
	add_count(&l, n.open);
	add(&l, " open, ");
	add_count(&l, n.suspect);
	add(&l, " suspect; so far ");
	add_count(&l, n.endings);
	add(&l, " ended, ");
	add_half_open(&l, &n);
	if (n.events_lost) {
		add(&l, "; ");
		add_counted(&l, n.events_lost, "event");
		add(&l, " lost");
	}
	end_colour(t, &l, DIM);
	erase_status(t);
	output__write(t->output, l.text, l.used);
	t->status_shown = true;
}

static void on_tick(void *context, uint64_t mono_ns)
{
	struct text *t = context;

	if (!t->status || mono_ns < t->next_status_ns)
		return;
	t->next_status_ns = mono_ns + STATUS_NS;
	show_status(t, mono_ns);
}

void text__summary(struct text *t, uint64_t now_ns)
{
	struct core_totals n = core__totals(t->core);
	struct line l = { .used = 0 };

	if (!t->run || t->brief)
		return;
	add(&l, "watched for ");
	add_duration(&l, now_ns > t->run->started_ns ? now_ns - t->run->started_ns : 0);
	add(&l, ": ");
	add_counted(&l, n.open, "socket");
	add(&l, " open, ");
	add_count(&l, n.suspect);
	add(&l, " suspect; ");
	add_count(&l, n.endings);
	add(&l, " ended, ");
	add_half_open(&l, &n);
	if (n.half_open) {
		add(&l, ", unnoticed for up to ");
		add_duration(&l, n.longest_blind_ns);
	}
	add(&l, "; ");
	add_counted(&l, n.events, "event");
	add(&l, ", ");
	add_count(&l, n.events_lost);
	add(&l, " lost");
	end_line(t, &l);
}

/* ---- what happens ---- */

static void add_event(struct line *l, const struct entry *e)
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
		[ENTRY_HEARTBEAT] = "heartbeat",
	};

	if (e->kind == ENTRY_SUPERSEDED) {
		add(l, "superseded? the peer came back on another connection (confidence %.0f %%)",
		    e->n / 10.0);
		return;
	}
	add(l, "%s", names[e->kind]);
	if (e->kind == ENTRY_STATE)
		add(l, " %s -> %s", tcp_state__name(e->from), tcp_state__name(e->to));
	else if (e->kind == ENTRY_ANSWERED && e->rtt.count)
		add(l, " after %.3f ms", e->rtt.min_us / 1000.0);
	else if (e->kind == ENTRY_ERROR)
		add(l, " %s", strerror(e->n));
	else if (e->kind == ENTRY_PROBE_FAILED)
		add(l, ": %s", e->n == HO_FAILED_DROPPED ? "this host dropped it"
							 : "local congestion");
	else if (e->kind == ENTRY_PROBE_SENT || e->kind == ENTRY_RETRANSMIT ||
		 e->kind == ENTRY_ZERO_WINDOW_PROBE)
		add(l, " #%u", e->n);
	else if (e->kind == ENTRY_HEARTBEAT)
		add(l, " of %u byte%s", e->n, e->n == 1 ? "" : "s");
}

static void on_event(void *context, const struct subject *s, const struct entry *e)
{
	enum colour colour = e->kind == ENTRY_SUPERSEDED ? YELLOW : PLAIN;
	struct line l = { .used = 0 };
	struct text *t = context;

	add_time(t, &l, e->at_ns);
	add_socket(t, &l, s);
	begin_colour(t, &l, colour);
	add_event(&l, e);
	end_colour(t, &l, colour);
	end_line(t, &l);
}

static void on_change(void *context, const struct subject *s, const struct change *change)
{
	enum colour colour = change->kind == CHANGE_SUSPECT ? YELLOW : GREEN;
	const struct heartbeat *h = &connection__incidents(s->connection)->heartbeat;
	struct line l = { .used = 0 };
	struct text *t = context;

	add_time(t, &l, change->at_ns);
	add_socket(t, &l, s);
	begin_colour(t, &l, colour);
	switch (change->kind) {
	case CHANGE_SUSPECT:
		add(&l, "suspect: %u unanswered, silent for ", change->asks);
		add_duration(&l, change->silent_ns);
		break;
	case CHANGE_RECOVERED:
		add(&l, "back after ");
		add_duration(&l, change->silent_ns);
		add(&l, ": it slept, or the path did");
		break;
	case CHANGE_HEARTBEAT:
		add(&l, "has a heartbeat of its own: %u byte%s every ", h->bytes,
		    h->bytes == 1 ? "" : "s");
		add_duration(&l, heartbeat__period_ms(h) * 1000000);
		break;
	}
	end_colour(t, &l, colour);
	end_line(t, &l);
}

static void add_blindness(struct line *l, const struct timeline *tl)
{
	add(l, ", peer gone unnoticed for ");
	if (tl->latency.lower_bounds_known) {
		add_duration(l, tl->latency.likely_min_ns);
		add(l, " to ");
	} else {
		add(l, "up to ");
	}
	add_duration(l, tl->latency.max_ns);
	add(l, " (%s)", found_by__name(connection__incidents(tl->subject.connection)->found_by));
}

static void on_timeline(void *context, const struct timeline *tl)
{
	const struct connection *c = tl->subject.connection;
	enum colour colour = tl->half_open ? RED : tl->outcome == OUTCOME_SUSPECT ? YELLOW : PLAIN;
	uint64_t at_ns = tl->final ? connection__ended_ns(c) : c->silence.last_ask_ns ?: c->first_seen_ns;
	struct line l = { .used = 0 };
	struct text *t = context;

	if (tl->outcome == OUTCOME_OPEN && !tl->half_open && !t->all)
		return;
	add_time(t, &l, at_ns);
	add_socket(t, &l, &tl->subject);
	begin_colour(t, &l, colour);
	add(&l, "%s", outcome__name(tl->outcome));
	if (tl->half_open)
		add_blindness(&l, tl);
	end_colour(t, &l, colour);
	end_line(t, &l);
}

static void on_loss(void *context, const struct loss *loss)
{
	struct line l = { .used = 0 };
	struct text *t = context;

	add_time(t, &l, loss->to_ns);
	begin_colour(t, &l, RED);
	add_counted(&l, loss->count, "event");
	add(&l, " lost (%s): what they would have told is read again where it can be",
	    loss->reason == LOSS_RING_FULL ? "ring buffer full"
	    : loss->reason == LOSS_RECURSION ? "recursion" : "the kernel ran no program");
	end_colour(t, &l, RED);
	end_line(t, &l);
}

static void on_clock_step(void *context, uint64_t mono_ns, int64_t step_ns)
{
	struct line l = { .used = 0 };
	struct text *t = context;

	add_time(t, &l, mono_ns);
	add(&l, "the wall clock was stepped by %+.3f s", step_ns / 1e9);
	end_line(t, &l);
}

struct core_sink text__sink(struct text *t)
{
	return (struct core_sink){ .context = t, .start = on_start, .event = on_event,
				   .change = on_change, .timeline = on_timeline, .loss = on_loss,
				   .clock_step = on_clock_step, .tick = on_tick };
}
