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

__attribute__((format(printf, 2, 3)))
static void line(struct text *t, const char *format, ...)
{
	char text[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	output__write(t->output, text, length);
}

/* 14:03:22.125+02:00 */
static const char *time_of_day(const struct text *t, uint64_t mono_ns, char text[40])
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
	snprintf(text, 40, "%s.%03d%.3s:%s", clock, (int)(wall_ns / 1000000 % 1000), zone,
		 zone + 3);
	return text;
}

static const char *socket_name(const struct text *t, const struct subject *s, char text[200])
{
	char local[ADDRESS_TEXT_SIZE], peer[ADDRESS_TEXT_SIZE], owner[40] = "-";
	char local_end[ADDRESS_TEXT_SIZE], peer_end[ADDRESS_TEXT_SIZE];
	const struct connection *c = s->connection;

	address__format(c->family, c->bound_if, c->local.address, local);
	address__format_peer(t->disguise, c->family, c->bound_if, c->peer.address, peer);
	if (s->owner)
		snprintf(owner, sizeof(owner), "%s/%u", s->owner->comm, s->owner->pid);
	snprintf(text, 200, "%-20s %-22s %-22s", owner,
		 address__with_port(local, c->local.port, local_end),
		 address__with_port(peer, c->peer.port, peer_end));
	return text;
}

static void on_start(void *context, const struct run *run)
{
	struct text *t = context;
	struct core_totals totals = core__totals(t->core);

	t->run = run;
	line(t, "%" PRIu64 " sockets in %u namespaces; %" PRIu64
	     " would never notice a dead peer (keepalive is off)", totals.open,
	     run->namespace_count, totals.open_without_keepalive);
}

static void on_event(void *context, const struct subject *s, const struct entry *e)
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
		[ENTRY_HEARTBEAT] = "heartbeat", [ENTRY_SUPERSEDED] = "superseded",
	};
	struct text *t = context;
	char time[40], name[200], detail[64] = "";

	if (e->kind == ENTRY_STATE)
		snprintf(detail, sizeof(detail), " %s -> %s", tcp_state__name(e->from),
			 tcp_state__name(e->to));
	else if (e->kind == ENTRY_ANSWERED && e->rtt.count)
		snprintf(detail, sizeof(detail), " after %.3f ms", e->rtt.min_us / 1000.0);
	else if (e->kind == ENTRY_ERROR)
		snprintf(detail, sizeof(detail), " %s", strerror(e->n));
	else if (e->kind == ENTRY_PROBE_FAILED)
		snprintf(detail, sizeof(detail), ": %s",
			 e->n == HO_FAILED_DROPPED ? "this host dropped it" : "local congestion");
	else if (e->kind == ENTRY_PROBE_SENT || e->kind == ENTRY_RETRANSMIT ||
		 e->kind == ENTRY_ZERO_WINDOW_PROBE)
		snprintf(detail, sizeof(detail), " #%u", e->n);
	line(t, "%s  %s  %s%s", time_of_day(t, e->at_ns, time), socket_name(t, s, name),
	     names[e->kind], detail);
}

static void on_timeline(void *context, const struct timeline *tl)
{
	const struct connection *c = tl->subject.connection;
	char time[40], name[200], blind[96] = "";
	struct text *t = context;

	if (tl->half_open && tl->latency.lower_bounds_known)
		snprintf(blind, sizeof(blind), ", peer gone unnoticed for %.3f to %.3f s (%s)",
			 tl->latency.likely_min_ns / 1e9, tl->latency.max_ns / 1e9,
			 found_by__name(c->found_by));
	else if (tl->half_open)
		snprintf(blind, sizeof(blind), ", peer gone unnoticed for up to %.3f s (%s)",
			 tl->latency.max_ns / 1e9, found_by__name(c->found_by));
	line(t, "%s  %s  %s%s",
	     time_of_day(t, tl->final ? c->ended_ns : c->silence.last_ask_ns ?
			 c->silence.last_ask_ns : c->first_seen_ns, time),
	     socket_name(t, &tl->subject, name), outcome__name(tl->outcome), blind);
}

static void on_loss(void *context, const struct loss *l)
{
	struct text *t = context;
	char time[40];

	line(t, "%s  %" PRIu64 " events lost (%s): what they would have told is read again "
	     "where it can be", time_of_day(t, l->to_ns, time), l->count,
	     l->reason == LOSS_RING_FULL ? "ring buffer full"
	     : l->reason == LOSS_RECURSION ? "recursion" : "the kernel ran no program");
}

static void on_clock_step(void *context, uint64_t mono_ns, int64_t step_ns)
{
	struct text *t = context;
	char time[40];

	line(t, "%s  the wall clock was stepped by %+.3f s", time_of_day(t, mono_ns, time),
	     step_ns / 1e9);
}

struct core_sink text__sink(struct text *t)
{
	return (struct core_sink){ .context = t, .start = on_start, .event = on_event,
				   .timeline = on_timeline, .loss = on_loss,
				   .clock_step = on_clock_step };
}

void text__summary(struct text *t, const struct core_totals *n)
{
	line(t, "%" PRIu64 " sockets open, %" PRIu64 " of them suspect; %" PRIu64 " ended, %" PRIu64
	     " of them half-open; %" PRIu64 " events, %" PRIu64 " lost", n->open, n->suspect,
	     n->endings, n->half_open, n->events, n->events_lost);
}
