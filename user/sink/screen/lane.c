// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "screen/lane.h"
#include "tcp/tcp_states.h"
#include "text/clock_words.h"
#include "text/event_words.h"
#include "timeline/names.h"
#include "value/address.h"
#include "value/plain_text.h"
#include "value/program_name.h"
#include "value/text_style.h"

#define SAY(w, text) words__append(w, text, strlen(text))
#define LABEL "silence "
#define LABEL_COLUMNS 8
/* Unanswered asks that make a suspect. */
#define SUSPECT_ASKS 2
#define CELLS_MAX 512

/* The time axis. */
struct axis {
	int64_t from, to;
	unsigned int cells;
};

/* ---- cells ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static struct axis axis_of(unsigned int columns, const struct timeline *t,
			   const struct socket_now *s, int64_t now_at)
{
	struct axis a = { .to = t && t->final ? t->ended_at : now_at };

	a.cells = columns > LABEL_COLUMNS + 2 ? columns - LABEL_COLUMNS - 1 : 2;
	if (a.cells > CELLS_MAX)
		a.cells = CELLS_MAX;
	if (t) {
		a.from = earlier(t->first_seen_at, t->partial ? t->last_heard_at : 0);
		if (t->episode_count)
			a.from = earlier(a.from, t->episodes[0].first_unanswered_at);
	}
	if (s && !t)
		a.from = s->last_heard_at;
	if (a.from >= a.to)
		a.from = a.to - 1000000000;
	return a;
}

static unsigned int cell_of(const struct axis *a, int64_t at)
{
	double share = (double)(at - a->from) / (double)(a->to - a->from);

	return share <= 0   ? 0
	       : share >= 1 ? a->cells - 1
			    : (unsigned int)(share * (a->cells - 1) + 0.5);
}

static void fill(char *cells, const struct axis *a, int64_t from, int64_t to, char mark)
{
	unsigned int i, last = cell_of(a, to);

	for (i = cell_of(a, from); i <= last; i++)
		cells[i] = mark;
}

static void mark(char *cells, const struct axis *a, int64_t at, char mark)
{
	cells[cell_of(a, at)] = mark;
}

/* Consecutive marks of a cell: 'n' of them at least. */
static void add_cells(struct words *w, const char *label, const char *cells, unsigned int count)
{
	static const struct {
		const char *marks, *style;
	} styles[] = { { "!X", STYLE_ALARM },
		       { "#?rz", STYLE_WARNING },
		       { "x", STYLE_ALARM },
		       { "=ahp", STYLE_GOOD } };
	const char *style = STYLE_PLAIN;
	unsigned int i, j;

	words__add(w, "%-*s", LABEL_COLUMNS, label);
	for (i = 0; i < count; i++) {
		const char *wanted = STYLE_PLAIN;

		for (j = 0; j < sizeof(styles) / sizeof(styles[0]); j++)
			if (cells[i] && strchr(styles[j].marks, cells[i]))
				wanted = styles[j].style;
		if (wanted != style)
			SAY(w, wanted);
		style = wanted;
		words__append(w, &cells[i], 1);
	}
	SAY(w, STYLE_PLAIN "\n");
}

/* ---- rows of the lane ---- */

static char heard_mark(enum event_kind k)
{
	switch (k) {
	case EVENT_ANSWERED:
	case EVENT_ANSWERED_RUN:
		return 'a';
	case EVENT_HEARTBEAT:
		return 'h';
	case EVENT_PEER_PROBE:
		return 'p';
	case EVENT_RESET_RECEIVED:
		return 'X';
	default:
		return 0;
	}
}

static char ask_mark(enum event_kind k)
{
	switch (k) {
	case EVENT_PROBE_SENT:
		return '?';
	case EVENT_RETRANSMIT:
		return 'r';
	case EVENT_ZERO_WINDOW_PROBE:
		return 'z';
	case EVENT_PROBE_FAILED:
	case EVENT_SEND_FAILED:
		return 'x';
	default:
		return 0;
	}
}

/* Of a run the probes are evenly spread. */
static void mark_run(char *cells, const struct axis *a, const struct event *e, char c)
{
	uint32_t i, shown = e->n < CELLS_MAX ? e->n : CELLS_MAX;

	for (i = 0; i < shown; i++)
		mark(cells, a,
		     e->first_at + (e->last_at - e->first_at) / (shown > 1 ? shown - 1 : 1) * i, c);
}

static void add_peer_row(struct words *w, const struct axis *a, const struct timeline *t,
			 const struct socket_now *s)
{
	int64_t heard = t ? t->last_heard_at : 0;
	char cells[CELLS_MAX];
	unsigned int i;

	memset(cells, ' ', sizeof(cells));
	if (s && s->last_heard_at > heard && !(t && t->final))
		heard = s->last_heard_at;
	if (heard)
		fill(cells, a, a->from, heard, '=');
	for (i = 0; t && i < t->event_count; i++) {
		const struct event *e = &t->events[i];
		char c = heard_mark(e->kind);

		if (c && e->kind == EVENT_ANSWERED_RUN)
			mark_run(cells, a, e, c);
		else if (c)
			mark(cells, a, e->at, c);
	}
	add_cells(w, "peer", cells, a->cells);
}

static void add_asks_row(struct words *w, const struct axis *a, const struct timeline *t)
{
	char cells[CELLS_MAX];
	unsigned int i;

	memset(cells, ' ', sizeof(cells));
	for (i = 0; t && i < t->event_count; i++) {
		const struct event *e = &t->events[i];
		char c = ask_mark(e->kind);

		if (e->kind == EVENT_ANSWERED_RUN)
			mark_run(cells, a, e, '?');
		else if (c)
			mark(cells, a, e->at, c);
	}
	add_cells(w, "asks", cells, a->cells);
}

/* From which moment of an episode on the socket was suspect; 0: it was not, or no event tells. */
static int64_t suspect_at(const struct timeline *t, const struct timeline_episode *e, int64_t end)
{
	unsigned int i, asks = 0;

	if (e->asks < SUSPECT_ASKS)
		return 0;
	for (i = 0; i < t->event_count; i++) {
		const struct event *ask = &t->events[i];
		char c = ask_mark(ask->kind);

		if (c && c != 'x' && ask->at >= e->first_unanswered_at && ask->at <= end &&
		    ++asks == SUSPECT_ASKS + 1)
			return ask->at;
	}
	return 0;
}

static void add_silence_row(struct words *w, const struct axis *a, const struct timeline *t,
			    const struct socket_now *s)
{
	char cells[CELLS_MAX];
	unsigned int i;

	memset(cells, ' ', sizeof(cells));
	if (s && !(t && t->final))
		fill(cells, a, s->last_heard_at, a->to, '-');
	else if (t && t->last_heard_at)
		fill(cells, a, t->last_heard_at, a->to, '-');
	for (i = 0; t && i < t->episode_count; i++) {
		const struct timeline_episode *e = &t->episodes[i];
		int64_t end = e->ended_at ? e->ended_at : a->to, suspect = suspect_at(t, e, end);

		fill(cells, a, e->first_unanswered_at, end, '#');
		if (suspect)
			fill(cells, a, suspect, end, '!');
	}
	if (t && t->final)
		cells[a->cells - 1] = 'X';
	add_cells(w, "silence", cells, a->cells);
}

static void add_axis(struct words *w, const struct axis *a, int64_t now_at)
{
	struct words from = { 0 }, to = { 0 }, over = { 0 };
	unsigned int taken;

	clock_words__add_dated(&from, a->from, now_at, false);
	clock_words__add_dated(&to, a->to, now_at, false);
	words__add_duration(&over, floor((double)(a->to - a->from) / 1e9));
	taken = from.length + to.length;
	words__add(w, "%-*s%s", LABEL_COLUMNS, "", from.text ? from.text : "");
	if (taken + over.length + 4 <= a->cells) {
		unsigned int before = (a->cells - taken - over.length) / 2;

		words__add(w, "%*s%s%*s", (int)before, "", over.text ? over.text : "",
			   (int)(a->cells - taken - over.length - before), "");
	} else {
		words__add(w, " ");
	}
	words__add(w, "%s\n", to.text ? to.text : "");
	w->failed |= from.failed || to.failed || over.failed;
	words__free(&from);
	words__free(&to);
	words__free(&over);
}

/* ---- words ---- */

#define NAME_SIZE PLAIN_TEXT_SIZE(PLAIN_TEXT_COLUMNS)

static const char *named(const char *name, char plain[NAME_SIZE])
{
	return plain_text__name(name, PLAIN_TEXT_COLUMNS, plain, NAME_SIZE);
}

static void add_who(struct words *w, const struct timeline_socket *s)
{
	char peer[ADDRESS_TEXT_SIZE], local[ADDRESS_TEXT_SIZE], name[NAME_SIZE];

	words__add(w, STYLE_STRONG "%s" STYLE_PLAIN,
		   address__with_port(s->peer.address, s->peer.port, peer));
	if (*s->device)
		words__add(w, " (%s)", named(s->device, name));
	words__add(w, " at %s", address__with_port(s->local.address, s->local.port, local));
	if (s->owner.known)
		words__add(w, " of %s/%u", named(program_name__shown(s->owner.comm), name),
			   s->owner.pid);
	if (*s->netns.name)
		words__add(w, " in %s", named(s->netns.name, name));
	SAY(w, "\n");
}

static void add_detection(struct words *w, const struct timeline_keepalive *k)
{
	if (!k->known)
		return;
	if (k->enabled)
		words__add(w, "keepalive %g s idle (%s), %g s interval (%s), %u probes (%s)",
			   k->idle_s, option_source__name(k->idle_from), k->interval_s,
			   option_source__name(k->interval_from), k->probes,
			   option_source__name(k->probes_from));
	else
		SAY(w, "keepalive off");
	if (k->user_timeout_ms > 0)
		words__add(w, ", user timeout %g s", k->user_timeout_ms / 1e3);
	if (k->enabled) {
		SAY(w, ": ");
		words__add_duration(w, k->detects_within_s);
	}
	SAY(w, "\n");
}

static void add_due(struct words *w, const char *what, double s, const char *otherwise)
{
	if (isinf(s)) {
		SAY(w, otherwise);
		return;
	}
	words__add(w, "%s", what);
	words__add_duration(w, (uint64_t)s);
}

static void add_state(struct words *w, const struct socket_now *s)
{
	if (s->suspect)
		SAY(w, STYLE_ALARM "suspect: " STYLE_PLAIN);
	words__add(w, "%s, silent for ", tcp_state__name(s->state));
	words__add_duration(w, (uint64_t)s->silent_s);
	words__add(w, ", %u unanswered; ", s->unanswered);
	add_due(w, "asks next in ", s->next_probe_in_s, "asks nothing");
	add_due(w, ", gives up in ", s->dies_in_s, ", never gives up");
	SAY(w, "\n");
}

static void add_outcome(struct words *w, const struct timeline *t)
{
	const struct timeline_half_open *h = &t->half_open;

	if (!t->final)
		return;
	words__add(w, STYLE_ALARM "%s" STYLE_PLAIN, outcome__name(t->outcome));
	if (*t->outcome_detail)
		words__add(w, " (%s)", t->outcome_detail);
	if (h->is) {
		words__add(w, ", found by %s, unnoticed for ", found_by__name(h->found_by));
		if (h->latency_ms.lower_bounds_known) {
			words__add_duration(w, h->latency_ms.likely_min / 1e3);
			SAY(w, " to ");
		}
		words__add_duration(w, h->latency_ms.max / 1e3);
	}
	SAY(w, "\n");
}

static void add_counts(struct words *w, const struct timeline *t)
{
	const struct timeline_counts *c = &t->counts;

	words__add(w, "probes %u sent, %u answered", c->probes_sent, c->probes_answered);
	if (c->probes_failed)
		words__add(w, ", %u not sent", c->probes_failed);
	words__add(w, "; retransmissions %u", c->retransmits);
	if (c->zero_window_probes)
		words__add(w, "; zero-window probes %u", c->zero_window_probes);
	if (t->rtt.count)
		words__add(w, "; RTT %.1f/%.1f/%.1f ms", t->rtt.min_us / 1e3, t->rtt.avg_us / 1e3,
			   t->rtt.max_us / 1e3);
	if (t->heartbeat.bytes && t->heartbeat.period_s > 0) {
		SAY(w, "; heartbeat every ");
		words__add_duration(w, t->heartbeat.period_s);
	}
	if (c->events_lost)
		words__add(w, STYLE_ALARM "; %u events lost", c->events_lost);
	SAY(w, "\n");
}

/* ---- episodes and events ---- */

static void add_episodes(struct words *w, const struct timeline *t, int64_t now_at)
{
	unsigned int i;

	for (i = 0; i < t->episode_count; i++) {
		const struct timeline_episode *e = &t->episodes[i];

		if (!i)
			SAY(w, STYLE_STRONG "Silences\n");
		SAY(w, "  ");
		clock_words__add_dated(w, e->first_unanswered_at, now_at, false);
		words__add(w, "  %u unanswered (%s), %s after ", e->asks,
			   episode_kind__name(e->kind), episode_end__name(e->end));
		words__add_duration(
			w, ((e->ended_at ? e->ended_at : now_at) - e->first_unanswered_at) / 1e9);
		SAY(w, "\n");
	}
	if (t->episodes_omitted)
		words__add(w, "  %u more in between\n", t->episodes_omitted);
}

static int64_t time_of(const struct event *e)
{
	return e->kind == EVENT_ANSWERED_RUN ? e->first_at : e->at;
}

/* A first probe is told only once it is not answered: behind what happened meanwhile. */
static void sort(const struct event **events, const struct timeline *t)
{
	unsigned int i, place;

	for (i = 0; i < t->event_count; i++) {
		for (place = i; place && time_of(events[place - 1]) > time_of(&t->events[i]);
		     place--)
			events[place] = events[place - 1];
		events[place] = &t->events[i];
	}
}

static void add_event(struct words *w, const struct event *e, int64_t before, int64_t now_at)
{
	SAY(w, "  ");
	clock_words__add_dated(w, time_of(e), now_at, true);
	if (before)
		words__add(w, " %+9.3fs  ", (time_of(e) - before) / 1e9);
	else
		words__add(w, "%13s", "");
	event_words__add(w, e);
	SAY(w, "\n");
}

static void add_events(struct words *w, const struct timeline *t, int64_t now_at)
{
	const struct event **events = calloc(t->event_count + 1, sizeof(const struct event *));
	unsigned int i;

	w->failed |= !events;
	if (!events)
		return;
	sort(events, t);
	SAY(w, STYLE_STRONG "Events\n");
	for (i = 0; i < t->event_count; i++)
		add_event(w, events[i], i ? time_of(events[i - 1]) : 0, now_at);
	free(events);
	if (t->events_omitted)
		words__add(w, "  %u events between the first and the last ones were left out\n",
			   t->events_omitted);
}

/* ---- the whole ---- */

void lane__add(struct words *w, unsigned int columns, const struct timeline *t,
	       const struct socket_now *s, int64_t now_at)
{
	struct axis a = axis_of(columns, t, s, now_at);

	if (!t && !s) {
		SAY(w, "This socket is not open any more. Its peer was not found dead.\n");
		return;
	}
	add_who(w, t ? &t->socket : &s->socket);
	add_axis(w, &a, now_at);
	add_peer_row(w, &a, t, s);
	add_asks_row(w, &a, t);
	add_silence_row(w, &a, t, s);
	SAY(w, "= heard  a answered  h heartbeat  p peer's probe  ? probe  r retransmission\n"
	       "z zero-window probe  x not sent  - silence  # unanswered  ! suspect  X end\n");
	if (t)
		add_outcome(w, t);
	if (s && !(t && t->final))
		add_state(w, s);
	if (t && t->keepalive.known)
		add_detection(w, &t->keepalive);
	else if (s)
		add_detection(w, &s->keepalive);
	if (!t) {
		SAY(w,
		    "No event since the watch began: what came before is known by the kernel's own "
		    "clocks alone.\n");
		return;
	}
	add_counts(w, t);
	add_episodes(w, t, now_at);
	add_events(w, t, now_at);
}
